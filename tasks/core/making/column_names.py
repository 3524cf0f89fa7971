"""Names that a column of PostgreSQL can have, in tables and layers alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tasks.core.model.errors import ConfigurationError

OWN_OF_SERVER = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
LONGEST_NAME = 63  # bytes; PostgreSQL cuts a longer name without an error


def require_names(names: Sequence[str]) -> None:
    """Raise ConfigurationError at a name that is empty, too long, twice or the server's own."""
    if not all(names):
        raise ConfigurationError("A column was declared without a name: give it one.")
    if long := [name for name in names if len(name.encode()) > LONGEST_NAME]:
        raise ConfigurationError(
            f"A column's name has at most {LONGEST_NAME} bytes, with _reason where markers are"
            f" declared, and {long[0]} has {len(long[0].encode())}: shorten it."
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ConfigurationError(f"The column {twice[0]} was declared twice: rename one of them.")
    if own := [name for name in names if name in OWN_OF_SERVER]:
        raise ConfigurationError(
            f"A column was declared with the name {own[0]}, which is PostgreSQL's own: give it"
            " another name."
        )
