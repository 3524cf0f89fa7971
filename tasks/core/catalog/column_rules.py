"""Column rules: what a published column means and how it may be aggregated.

The rule is written in the comment of the column itself, such as "Residents on 1 January [unit:
persons; aggregate: sum; from: OPENDATA_SECTOREN.TOTAL]", so that a person in psql, the catalog and
`aggregate` all read the same sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database

NOT_IN = "not in "  # begins the origin of a column that its file does not have
Aggregation = Literal["key", "same", "sum", "root", "ratio", "mean", "none"]
COMMENT = re.compile(
    r"(?P<description>.*\S)\s*\[unit: *(?P<unit>[^;\]]+); *aggregate: *(?P<aggregate>[^;\]]+);"
    r" *from: *(?P<origin>.+)\]",
    re.DOTALL,
)
AGGREGATE = re.compile(
    r"key|same|sum|root of squares|none|ratio (?P<above>\w+) / (?P<below>\w+)(?: \*"
    r" (?P<factor>\d+(?:\.\d+)?))?|mean by (?P<weight>\w+)"
)
FORMS = (
    "'description [unit: …; aggregate: …; from: …]' where aggregate is key, same, sum, root of"
    " squares, none, 'ratio A / B', 'ratio A / B * 1000' or 'mean by W', and A, B and W are columns"
)


@dataclass(frozen=True)
class ColumnRule:
    """What a column holds, its unit, how it is aggregated, and the publisher's column."""

    description: str
    unit: str
    aggregate: str
    origin: str

    def __str__(self) -> str:
        facts = f"unit: {self.unit}; aggregate: {self.aggregate}; from: {self.origin}"
        return f"{self.description} [{facts}]"

    @property
    def kind(self) -> Aggregation:
        """The first word of the aggregate."""
        return cast(Aggregation, self.aggregate.split(" ", 1)[0])

    @property
    def operands(self) -> tuple[str, ...]:
        """The columns it is computed from: (A, B) of a ratio, (W,) of a mean, none otherwise."""
        return tuple(name for name in self._parts("above", "below", "weight") if name)

    @property
    def factor(self) -> str:
        """The number a ratio is multiplied by, as written; "1" when there is none."""
        return self._parts("factor")[0] or "1"

    def _parts(self, *names: str) -> tuple[str | None, ...]:
        found = AGGREGATE.fullmatch(self.aggregate)
        return tuple(found[name] if found else None for name in names)


def parse(comment: str | None) -> ColumnRule | None:
    """Return the rule in a column's comment, or None when it is missing or malformed."""
    found = COMMENT.fullmatch((comment or "").strip())
    if found is None:
        return None
    aggregate = " ".join(found["aggregate"].split())
    if AGGREGATE.fullmatch(aggregate) is None:
        return None
    return ColumnRule(
        found["description"].strip(), found["unit"].strip(), aggregate, found["origin"].strip()
    )


def column_comments(database: Database, schema: str, table: str) -> dict[str, str | None]:
    """Return the comments of a table's columns, in order; raise CheckFailed without a table."""
    with database.session() as cursor:
        found = columns(cursor, schema, table)
    if not found:
        raise CheckFailed(
            f"The table {schema}.{table} was expected and does not exist: make it before its"
            " columns are read."
        )
    return {column.name: column.comment for column in found}


def column_rules(database: Database, schema: str, table: str) -> dict[str, ColumnRule]:
    """Return the rule of every column of a table (geometry included), in the table's order.

    Raises CheckFailed naming the columns whose comment is missing or malformed, and the forms
    allowed.
    """
    return parse_rules(f"{schema}.{table}", column_comments(database, schema, table))


def parse_rules(table: str, comments: Mapping[str, str | None]) -> dict[str, ColumnRule]:
    """Return the rule in each column's comment; raise CheckFailed naming the faulty columns."""
    rules = {column: parse(comment) for column, comment in comments.items()}
    missing = [column for column, rule in rules.items() if rule is None]
    if faulty := [f"{column} ({comments[column] or 'no comment'})" for column in missing]:
        raise CheckFailed(
            f"Every column of {table} must say in its comment how it is aggregated, and"
            f" {len(faulty)} do not: {'; '.join(faulty)}; write {FORMS} with COMMENT ON COLUMN."
        )
    return {column: rule for column, rule in rules.items() if rule}


def write_comments(cursor: Cursor, table: sql.Identifier, comments: Mapping[str, str]) -> None:
    """Give columns of a table these comments, by the columns' names."""
    for column, comment in comments.items():
        said = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
        cursor.execute(said.format(table, sql.Identifier(column), sql.Literal(comment)))
