"""Checks: numbers the publisher states, compared with the data; a failure stops the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg2 import sql

from tasks.core.catalog.provenance import record_check
from tasks.core.model.declarations import Rows
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import File, Input, Staging
from tasks.core.upstream.portals import Statement, read_statement
from tasks.running.policies import verb
from tasks.running.site import site
from tasks.running.steps import say


@dataclass(frozen=True)
class _Of:
    """The name of a check's runs: of the input's own table, or of the one that is meant."""

    check: str

    def __call__(self, parameters: dict[str, Any]) -> str:
        return f"{self.check} of {parameters['table'] or parameters['held'].table}"


@verb(_Of("check rows"))
def check_rows(staging: Staging, held: Input, table: str = "") -> None:
    """Compare the number of rows, of each kind and of different values with what is declared.

    table: another one that the input's numbers are of, such as the table that a join makes.
    """
    source, table = held.source, table or held.table
    expected, rows_of = source.rows, sql.Identifier(table)
    found = int(_value(staging, sql.SQL("SELECT count(*) FROM {}").format(rows_of)))
    if expected is None:
        _verdict(staging, f"rows of {table}", "at least one row", f"{found:,}", found > 0)
    else:
        _within(staging, f"rows of {table}", expected, found)
    for column, kinds in source.counts.items():
        counted = sql.SQL("SELECT count(*) FROM {} WHERE {}::text LIKE {}")
        for kind, rows in kinds.items():
            query = counted.format(rows_of, sql.Identifier(column), sql.Literal(kind))
            found = int(_value(staging, query))
            _within(staging, f"rows of {table} with {column} {kind}", rows, found)
    for column, count in source.distinct.items():
        counted = sql.SQL("SELECT count(DISTINCT {}) FROM {}")
        found = int(_value(staging, counted.format(sql.Identifier(column), rows_of)))
        title = f"different {column} in {table}"
        _verdict(staging, title, f"{count:,}", f"{found:,}", found == count)


@verb("check keys of {table}")
def check_keys(
    staging: Staging, table: str, key: Sequence[str], pattern: str | None = None
) -> None:
    """Check that a key is present and unique, and its first column matches a regular expression."""
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
    first, target = sql.Identifier(key[0]), sql.Identifier(table)
    named = sql.SQL("SELECT string_agg(code, ', ') FROM ({} LIMIT 5) AS bad")
    repeated = sql.SQL(
        "SELECT concat_ws(' ', {0}) AS code FROM {1} GROUP BY {0} HAVING count(*) > 1"
    ).format(columns, target)
    missing = sql.SQL("SELECT 'a missing key' AS code FROM {} WHERE num_nulls({}) > 0").format(
        target, columns
    )
    _none(staging, f"key of {table} unique", _value(staging, named.format(repeated)))
    _none(staging, f"key of {table} present", _value(staging, named.format(missing)))
    if pattern:
        unlike = sql.SQL("SELECT {0} AS code FROM {1} WHERE {0} !~ {2}").format(
            first, target, sql.Literal(pattern)
        )
        _none(staging, f"key of {table} matches {pattern}", _value(staging, named.format(unlike)))


@verb(_Of("check totals"))
def check_totals(staging: Staging, held: Input, table: str = "") -> None:
    """Compare sums of columns with official totals, within each total's declared tolerance.

    table: another one that the input's totals are of, such as the table that a join makes.
    """
    table = table or held.table
    for column, total in held.source.totals.items():
        summed = sql.SQL("SELECT coalesce(sum({}), 0) FROM {}").format(
            sql.Identifier(column), sql.Identifier(table)
        )
        found, stated = Decimal(_value(staging, summed)), Decimal(str(total.expected))
        if stated == stated.to_integral_value():
            stated = stated.quantize(Decimal(1))
        title = f"total {column} of {table}"
        expected = f"{stated:,} (± {total.tolerance:.2%}, {total.stated_by})"
        passed = abs(found - stated) <= abs(stated) * Decimal(str(total.tolerance))
        _verdict(staging, title, expected, f"{found:,}", passed)


@verb("check {column} conserved from {table} to {into}")
def check_conserved(
    staging: Staging, column: str, table: str, into: str, tolerance: float = 0.0
) -> None:
    """Check that a column has the same sum in two tables, within a relative tolerance."""
    summed = sql.SQL("SELECT coalesce(sum({}), 0)::numeric FROM {}")
    before, after = (
        Decimal(_value(staging, summed.format(sql.Identifier(column), sql.Identifier(name))))
        for name in (table, into)
    )
    passed = abs(before - after) <= abs(before) * Decimal(str(tolerance))
    title = f"{column} conserved from {table} to {into}"
    _verdict(staging, title, f"{before:,}", f"{after:,}", passed)


@verb("check topology of {table}")
def check_topology(staging: Staging, table: str) -> None:
    """Check that every geometry of a layer is present, valid, not empty and has an area."""
    wrong = sql.SQL(
        "SELECT count(*) FROM {} WHERE geom IS NULL OR ST_IsEmpty(geom) OR NOT ST_IsValid(geom) OR"
        " ST_Area(geom) <= 0"
    )
    found = int(_value(staging, wrong.format(sql.Identifier(table))))
    expected = "0 missing, empty or invalid geometries"
    _verdict(staging, f"topology of {table}", expected, f"{found:,}", found == 0)


@verb("check licence in {statement.original.source.slug}")
def check_licence(staging: Staging, statement: File) -> None:
    """Compare the licence and attribution a portal states with those declared; keep its date.

    statement: the portal's document about the data, declared as a `Document`. Raises CheckFailed
    when the terms of reuse have changed.
    """
    stated, source = read_statement(statement), statement.original.source
    declared = Statement(source.licence.title, source.licence.attribution, stated.modified)
    _verdict(staging, f"licence in {source.slug}", str(declared), str(stated), stated == declared)


def _value(staging: Staging, query: sql.Composable) -> str:
    with site().database.session(staging.schema) as cursor:
        cursor.execute(query)
        found = cursor.fetchall()[0][0]
    return "" if found is None else str(found)


def _within(staging: Staging, title: str, rows: Rows, found: int) -> None:
    span = f"{rows.low:,}" if rows.low == rows.high else f"{rows.low:,} to {rows.high:,}"
    _verdict(staging, title, span, f"{found:,}", rows.low <= found <= rows.high)


def _none(staging: Staging, title: str, found: str) -> None:
    _verdict(staging, title, "no exception", found or "none", not found)


def _verdict(staging: Staging, title: str, expected: str, found: str, passed: bool) -> None:
    record_check(site().database, staging, title, expected, found, passed, required=True)
    if not passed:
        raise CheckFailed(
            f"The check '{title}' of {staging.dataset.slug} {staging.vintage} failed: expected"
            f" {expected}, found {found}, in {staging.schema}: look at the table there and correct"
            " the declaration or wait for the publisher; nothing was published."
        )
    say(f"Checked {title}: {found}, as expected ({expected}).")
