"""Asking publishers: addresses, HTTP, the judgement of what they send, mirrors in their place."""
