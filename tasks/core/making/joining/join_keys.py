"""Join keys: the columns by which tables meet, there on both sides and of one type."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import NOT_IN, parse
from tasks.core.making.joining.summed_tables import NUMBER
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.columns import columns

SAME = {"integer": "bigint", "smallint": "bigint", "character varying": "text"}


def require_comparable(
    cursor: Cursor, areas: str, figures: str, key: str, population: str | None
) -> None:
    """Raise ConfigurationError unless both tables have the key, of one type, and persons to sum."""
    kinds = [_kind(cursor, table, key) for table in (areas, figures)]
    if kinds[0] != kinds[1]:
        raise ConfigurationError(
            f"The key {key} was expected to be of one type in {areas} and {figures}, and it is"
            f" {kinds[0]} in {areas} and {kinds[1]} in {figures}: declare it as text in both, so"
            " that codes are compared letter for letter."
        )
    if population and not NUMBER.fullmatch(kind := _kind(cursor, figures, population)):
        raise ConfigurationError(
            f"The population {population} of {figures} was expected to be a number and is {kind}:"
            " declare it as an integer, or name another column."
        )


def is_in_file(cursor: Cursor, table: str, column: str) -> bool:
    """Tell whether a loaded column is in its file, and not an optional one that is absent there."""
    comments = {each.name: each.comment or "" for each in columns(cursor, table)}
    rule = parse(comments[column])
    return not (rule.origin if rule else comments[column]).startswith(NOT_IN)


def _kind(cursor: Cursor, table: str, column: str) -> str:
    """Return the type of a column, without its length."""
    kinds = {each.name: each.data_type for each in columns(cursor, table)}
    if column not in kinds:
        raise ConfigurationError(
            f"The table {table} was expected to have the column {column}, and its columns are"
            f" {', '.join(kinds) or 'none, it was not loaded'}: correct the name it was given."
        )
    kind = str(kinds[column])
    return SAME.get(kind.partition("(")[0], kind)
