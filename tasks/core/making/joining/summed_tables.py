"""Tables whose figures are added up: their columns' types and rules, and each aggregated column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql

from tasks.core.catalog.column_rules import ColumnRule, column_comments, column_rules, parse_rules
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database

NUMBER = re.compile(r"smallint|integer|bigint|real|double precision|numeric(\(.*\))?")
# decimals of a computed figure whose column is empty, so that its publisher's rounding is not known
SCALE_UNKNOWN = 6


@dataclass(frozen=True)
class SummedTable:
    """A table: its columns' types as PostgreSQL writes them, and the rules some of them have."""

    schema: str
    table: str
    types: Mapping[str, str]
    rules: Mapping[str, ColumnRule]

    @property
    def name(self) -> sql.Identifier:
        """The table's quoted name."""
        return sql.Identifier(self.schema, self.table)


@dataclass(frozen=True)
class Figure:
    """An aggregated column: its expression within a group, and on the groups after the addition.

    last: its final expression is of the totals of other columns. kept: it is published.
    """

    name: str
    rule: ColumnRule
    grouped: sql.Composable | None
    final: sql.Composable
    last: bool = False
    kept: bool = True


def read_summed(database: Database, schema: str, table: str) -> SummedTable:
    """Read a table all of whose columns have rules; raise CheckFailed otherwise."""
    rules = column_rules(database, schema, table)
    return SummedTable(schema, table, _types(database, schema, table), rules)


def read_addition(database: Database, source: SummedTable, table: str, by: str) -> SummedTable:
    """Read a table of figures to add; columns that the other table sums need no rule."""
    comments = column_comments(database, source.schema, table)
    if by not in comments:
        raise CheckFailed(
            f"The table {table} must have the column {by} to be added by it, and has only"
            f" {', '.join(comments)}: add the column."
        )
    further = {
        name: comment
        for name, comment in comments.items()
        if name != by and not (name in source.rules and source.rules[name].kind == "sum")
    }
    rules = parse_rules(f"{source.schema}.{table}", further)
    return SummedTable(source.schema, table, _types(database, source.schema, table), rules)


def typed(source: SummedTable, name: str, expression: sql.Composable) -> sql.Composable:
    """Cast a figure to its column's type; an unscaled numeric gets the decimals its column has."""
    if source.types[name] != "numeric":
        return sql.SQL("({})::{}").format(expression, sql.SQL(source.types[name]))
    decimals = sql.SQL("(SELECT coalesce(max(scale({})), {}) FROM {})").format(
        sql.Identifier(name), sql.Literal(SCALE_UNKNOWN), source.name
    )
    return sql.SQL("round(({})::numeric, {})").format(expression, decimals)


def _types(database: Database, schema: str, table: str) -> dict[str, str]:
    with database.session() as cursor:
        return {column.name: column.data_type for column in columns(cursor, schema, table)}


def is_float(kind: str) -> bool:
    """Tell whether a type of PostgreSQL adds up inexactly, as real and double precision do."""
    return kind in ("real", "double precision")
