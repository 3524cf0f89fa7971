"""Names of declared columns that a table of PostgreSQL can have beside the loader's own."""

from __future__ import annotations

from tasks.core.making.column_names import require_names
from tasks.core.making.markers import require_other_names, schema_fields
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError

GEOMETRY = "geom"
FEATURE = "feature"  # the key of a file that has none: the position of the row in the file, from 1
MOST_COLUMNS = 1600  # of PostgreSQL


def require_columns(reads: Features) -> None:
    """Raise ConfigurationError where the declared columns cannot be those of one table."""
    require_other_names(reads.columns, reads.missing)
    own = {GEOMETRY: "holds the geometry"}
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
    require_names(names)
