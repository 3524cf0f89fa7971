"""Archives of any kind opened by their first bytes, safely and within limits."""
