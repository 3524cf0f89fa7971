"""Names of declared columns that a table of PostgreSQL can have beside the loader's own."""

from __future__ import annotations

from collections import Counter

from tasks.core.making.markers import require_other_names, schema_fields
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError

GEOMETRY = "geom"
FEATURE = "feature"  # the key of a file that has none: the position of the row in the file, from 1
OWN_OF_SERVER = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
MOST_COLUMNS, LONGEST_NAME = 1600, 63  # of PostgreSQL; it cuts a longer name without an error


def require_columns(reads: Features) -> None:
    """Raise ConfigurationError where the declared columns cannot be those of one table."""
    require_other_names(reads.columns, reads.missing)
    own = {GEOMETRY: "holds the geometry"} | {name: "is PostgreSQL's own" for name in OWN_OF_SERVER}
    if not reads.key:
        own[FEATURE] = "numbers the features where no key is declared"
    for name in reads.columns:
        if name in own:
            raise ConfigurationError(
                f"A column was declared with the name {name}, which {own[name]}: give it another"
                " name."
            )
    names = [each.name for each in schema_fields(reads.columns, reasons=reads.missing)]
    if len(names) + 2 > MOST_COLUMNS:
        raise ConfigurationError(
            f"A table holds at most {MOST_COLUMNS:,} columns and {len(names):,} were declared,"
            " those of reasons counted: declare the ones that are needed."
        )
    _require_short(names)


def _require_short(names: list[str]) -> None:
    if "" in names:
        raise ConfigurationError("A column was declared without a name: give it one.")
    if long := [name for name in names if len(name.encode()) > LONGEST_NAME]:
        raise ConfigurationError(
            f"A column's name has at most {LONGEST_NAME} bytes, with _reason where markers are"
            f" declared, and {long[0]} has {len(long[0].encode())}: shorten it."
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ConfigurationError(f"The column {twice[0]} was declared twice: rename one of them.")
