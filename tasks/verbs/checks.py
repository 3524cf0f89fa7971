"""Checks: numbers the publisher states, compared with the data; a failure stops the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg2 import DataError, ProgrammingError, sql

from tasks.core.catalog.provenance import record_check
from tasks.core.making.joining.statements import SELECT_BEYOND
from tasks.core.making.unpacking.fixity import require_unchanged
from tasks.core.model.declarations import Rows
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import File, Input, Staging
from tasks.core.upstream.portals import Statement, read_statement
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import say, warn
from tasks.running.verdicts import hold

LARGEST = 2**63 - 1  # rows, where a source does not say how many


@dataclass(frozen=True)
class _Of:
    """The name of a check's runs: of the input's own table, or of the one that is meant."""

    check: str

    def __call__(self, parameters: dict[str, Any]) -> str:
        return f"{self.check} of {parameters['table'] or parameters['held'].table}"


@dataclass(frozen=True)
class _Sum:
    """The sum of a column (None without a known value), its known values, and the table's rows."""

    total: Decimal | None
    known: int
    rows: int

    def is_near(self, other: Decimal | None, tolerance: float) -> bool:
        """Tell whether the sums are equal within a relative tolerance; NaN is near nothing."""
        if self.total is None or other is None:
            return False
        if not (self.total.is_finite() and other.is_finite()):
            return False
        return abs(self.total - other) <= abs(other) * Decimal(str(tolerance))

    def __str__(self) -> str:
        return f"{self.total or 0:,} in {self.known:,} of {self.rows:,} rows"


@verb(_Of("check rows"), DATABASE)
def check_rows(staging: Staging, held: Input, table: str = "") -> None:
    """Compare the number of rows, of each kind and of different values with what is declared.

    table: another one that the input's numbers are of, such as the table that a join makes.
    """
    source, table = held.source, table or held.table
    expected, rows_of = source.rows or Rows(low=1, high=LARGEST), sql.Identifier(table)
    (found,) = _row(staging, f"rows of {table}", "SELECT count(*) FROM {}", rows_of)
    _within(staging, f"rows of {table}", expected, found, seen=found)
    for column, kinds in source.counts.items():
        for kind, rows in kinds.items():
            title = f"rows of {table} with {column} {kind}"
            counted = "SELECT count(*) FILTER (WHERE {1}::text LIKE {2}), count({1}) FROM {0}"
            names = (rows_of, sql.Identifier(column), sql.Literal(kind))
            _within(staging, title, rows, *_row(staging, title, counted, *names))
    for column, count in source.distinct.items():
        title = f"different {column} in {table}"
        counted = "SELECT count(DISTINCT {1}), count({1}) FROM {0}"
        found, seen = _row(staging, title, counted, rows_of, sql.Identifier(column))
        _verdict(staging, title, f"{count:,}", f"{found:,}", found == count, seen)


@verb("check keys of {table}", DATABASE)
def check_keys(
    staging: Staging, table: str, key: Sequence[str], pattern: str | None = None
) -> None:
    """Check that a key is present and unique, and its first column matches a regular expression."""
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
    names = (sql.Identifier(table), columns, sql.Identifier(key[0]), sql.Literal(pattern))
    bad = {
        "unique": "SELECT concat_ws(' ', {1}) AS code FROM {0} GROUP BY {1} HAVING count(*) > 1",
        "present": "SELECT 'a missing key' AS code FROM {0} WHERE num_nulls({1}) > 0",
    }
    if pattern:
        bad[f"matches {pattern}"] = "SELECT {2}::text AS code FROM {0} WHERE {2}::text !~ {3}"
    for quality, query in bad.items():
        title = f"key of {table} {quality}"
        named = "SELECT string_agg(code, ', '), (SELECT count(*) FROM {{0}}) FROM ({} LIMIT 5) AS b"
        found, seen = _row(staging, title, named.format(query), *names)
        none = f"none in {seen:,} rows"
        _verdict(staging, title, "no exception", found or none, not found, seen)


@verb(_Of("check totals"), DATABASE)
def check_totals(staging: Staging, held: Input, table: str = "") -> None:
    """Compare sums of columns with official totals, within each total's declared tolerance.

    table: another one that the input's totals are of, such as the table that a join makes.
    """
    table = table or held.table
    if not held.source.totals:
        warn(f"The source {held.source.slug} states no total, and none of {table} was checked.")
    for column, total in held.source.totals.items():
        title = f"total {column} of {table}"
        found, stated = _sum(staging, title, column, table), Decimal(str(total.expected))
        if stated == stated.to_integral_value():
            stated = stated.quantize(Decimal(1))
        expected = f"{stated:,} (± {total.tolerance:.2%}, {total.stated_by})"
        passed = found.is_near(stated, total.tolerance)
        _verdict(staging, title, expected, str(found), passed, found.known)


@verb("check {column} conserved from {table} to {into}", DATABASE)
def check_conserved(
    staging: Staging, column: str, table: str, into: str, tolerance: float = 0.0
) -> None:
    """Check that a column has the same sum in two tables, within a relative tolerance."""
    title = f"{column} conserved from {table} to {into}"
    before, after = (_sum(staging, title, column, name) for name in (table, into))
    passed = after.is_near(before.total, tolerance)
    seen = min(before.known, after.known)
    expected = f"{before.total or 0:,}" if before.known == before.rows else str(before)
    _verdict(staging, title, expected, str(after), passed, seen)


@verb("check {column} of {parts} within {wholes}", DATABASE)
def check_within(
    staging: Staging, column: str, parts: str, wholes: str, *, by: str, tolerance: float = 0.0
) -> None:
    """Check that the known figures of an area's parts add up to no more than its own figure.

    by: the column of both tables that tells the area; tolerance is relative. Areas of which no part
    has a figure are not held; where that is so of all, a warning says that nothing was.
    """
    title = f"{column} of {parts} within {wholes}"
    named = [*map(sql.Identifier, (column, parts, wholes, by)), sql.Literal(tolerance)]
    found, seen = _row(staging, title, SELECT_BEYOND, *named)
    expected, none = "no sum beyond its area's own", f"none beyond its own in {seen:,} areas"
    if seen:
        _verdict(staging, title, expected, found or none, not found)
        return
    record_check(site().database, staging, title, expected, none, passed=False, required=False)
    warn(f"No part in {parts} has a figure of {column}: none was held to {wholes}.")


@verb("check topology of {table}", DATABASE)
def check_topology(staging: Staging, table: str) -> None:
    """Check that every geometry of a layer is present, valid, not empty and has an area."""
    title, expected = f"topology of {table}", "0 missing, empty or invalid geometries"
    wrong = (
        "SELECT count(*) FILTER (WHERE geom IS NULL OR ST_IsEmpty(geom) OR NOT ST_IsValid(geom) OR"
        " ST_Area(geom) <= 0), count(*) FROM {}"
    )
    found, seen = _row(staging, title, wrong, sql.Identifier(table))
    _verdict(staging, title, expected, f"{found:,} of {seen:,}", found == 0, seen)


@verb("check licence in {statement.original.source.slug}")
def check_licence(staging: Staging, statement: File) -> None:
    """Compare the licence and attribution a portal states with those declared; keep its date.

    statement: the portal's document about the data, declared as a `Document`. Raises CheckFailed
    when the terms of reuse have changed.
    """
    require_unchanged(statement)
    stated, source = read_statement(statement), statement.original.source
    declared = Statement(source.licence.title, source.licence.attribution, stated.modified)
    _verdict(staging, f"licence in {source.slug}", str(declared), str(stated), stated == declared)


def _sum(staging: Staging, title: str, column: str, table: str) -> _Sum:
    query = "SELECT sum({0})::numeric, count({0}), count(*) FROM {1}"
    return _Sum(*_row(staging, title, query, *map(sql.Identifier, (column, table))))


def _row(staging: Staging, title: str, query: str, *names: sql.Composable) -> tuple[Any, ...]:
    """Return the one row of a query; raise ConfigurationError where it does not fit the tables."""
    try:
        with site().database.session(staging.schema) as cursor:
            cursor.execute(sql.SQL(query).format(*names))
            return cursor.fetchall()[0]
    except (DataError, ProgrammingError) as error:
        raise ConfigurationError(
            f"The check '{title}' of {staging.dataset.slug} {staging.vintage} cannot be made in"
            f" {staging.schema}: {error.diag.message_primary}; correct the table or the column that"
            " it was given."
        ) from None


def _within(staging: Staging, title: str, rows: Rows, found: int, seen: int) -> None:
    span = f"{rows.low:,}" if rows.low == rows.high else f"{rows.low:,} to {rows.high:,}"
    span = "at least one row" if rows.high == LARGEST else span
    _verdict(staging, title, span, f"{found:,}", rows.low <= found <= rows.high, seen)


def _verdict(
    staging: Staging, title: str, expected: str, found: str, passed: bool, seen: int = 1
) -> None:
    """Keep the verdict; what was seen is nothing where a table or a column is empty: no pass."""
    passed, found = passed and seen > 0, found if seen else f"{found}, of no value at all"
    refusal = (
        f"The check '{title}' of {staging.dataset.slug} {staging.vintage} failed: expected"
        f" {expected}, found {found}, in {staging.schema}: look at the table there and correct the"
        " declaration or wait for the publisher; nothing was published."
    )
    hold(staging, title, expected, found, passed=passed, refusal=refusal)
    if passed:
        say(f"Checked {title}: {found}, as expected ({expected}).")
