"""Recoding: a table under the codes of another day; areas are dissolved, figures keep rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import provenance
from tasks.core.making.codes.ledger import Route, WholeOrParts
from tasks.core.making.topology.polygons import GEOMETRY
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

PUBLISHED, CHANGE = "published_code", "code_change"
# a place and its parts are the same ground within one percent, however each is generalised
SAME_AREA = 0.01


@dataclass(frozen=True)
class RouteOutcome:
    """How one route ended in a table: carried to one code, or named because no sum can tell."""

    route: Route
    verdict: Literal["carried", "named"]
    reason: str = ""


@dataclass
class Recoding:
    """The routes that met a table, and the rows they moved."""

    outcomes: list[RouteOutcome] = field(default_factory=list)
    rows: int = 0

    def named(self) -> list[RouteOutcome]:
        """Return the outcomes that could not be carried."""
        return [outcome for outcome in self.outcomes if outcome.verdict == "named"]


def recode(
    database: Database, staging: Staging, table: str, key: str, routes: list[Route]
) -> Recoding:
    """Carry a staging table along the routes and record each outcome, in one transaction.

    Routes that the catalog already has for this table are passed over, so that a run repeated
    after an outage changes nothing twice.
    """
    done = Recoding()
    with database.session(staging.schema) as cursor:
        _add_columns(
            cursor, table
        )  # also where nothing changes, so that a join can always read them
        before = provenance.code_changes(cursor, staging, table)
        here = _codes(cursor, table, key)
        wanted = [
            route
            for route in routes
            if not here.isdisjoint(route.before) and str(route) not in before
        ]
        _require_one_day(staging.schema, table, wanted, here)
        for route in _in_order(wanted):
            outcome = _judged(route, here)
            if outcome.verdict == "carried":
                done.rows += merge(cursor, table, key, route.before, str(route.target), str(route))
            _record(cursor, staging, table, str(route), outcome)
            done.outcomes.append(outcome)
    return done


def follow(
    database: Database, staging: Staging, table: str, key: str, routes: list[Route]
) -> Recoding:
    """Carry each code of a table of many days along its own route, in one pass and transaction."""
    done = Recoding()
    with database.session(staging.schema) as cursor:
        _add_columns(cursor, table)
        before, here = provenance.code_changes(cursor, staging, table), _codes(cursor, table, key)
        changes = {
            f"{route.before[0]}: {route}": _judged(route, here)
            for route in routes
            if not here.isdisjoint(route.before)
        }
        changes = {change: outcome for change, outcome in changes.items() if change not in before}
        for change, outcome in changes.items():
            _record(cursor, staging, table, change, outcome)
        carried = [outcome.route for outcome in changes.values() if outcome.verdict == "carried"]
        statement = (
            "UPDATE {0} AS t SET {1} = m.target, {2} = t.{1}, {3} = m.change FROM"
            " unnest(%s::text[], %s::text[], %s::text[]) AS m (code, target, change) WHERE t.{1} ="
            " m.code"
        )
        rows = (
            [route.before[0] for route in carried],
            [route.target for route in carried],
            [str(route) for route in carried],
        )
        cursor.execute(
            sql.SQL(statement).format(*map(sql.Identifier, (table, key, PUBLISHED, CHANGE))), rows
        )
        done.outcomes, done.rows = [*changes.values()], cursor.rowcount
    return done


def settle(database: Database, schema: str, table: str, key: str, place: WholeOrParts) -> str:
    """Leave a place whole or in its parts, as declared; return what was done, in a sentence."""
    with database.session(schema) as cursor:
        here = _codes(cursor, table, key)
        has_whole, missing = place.whole in here, [part for part in place.parts if part not in here]
        has_parts = len(missing) < len(place.parts)
        if has_whole and has_parts and not missing:
            _require_same_ground(cursor, table, key, place)
        if place.keep == "parts" and not missing:
            return (
                _dropped(cursor, table, key, (place.whole,))
                if has_whole
                else f"Found the {len(place.parts)} parts of {place.whole}"
            )
        if place.keep == "whole" and has_whole:
            return (
                _dropped(cursor, table, key, place.parts)
                if has_parts
                else f"Found {place.whole} whole"
            )
        if place.keep == "whole" and not missing:
            _add_columns(cursor, table)
            merge(
                cursor,
                table,
                key,
                place.parts,
                place.whole,
                f"{place.whole} is published in {len(place.parts)} parts",
            )
            return f"Merged the {len(place.parts)} parts into {place.whole}"
    found = (
        f"{place.whole} whole"
        if has_whole
        else f"{len(place.parts) - len(missing)} of its {len(place.parts)} parts"
    )
    raise CheckFailed(
        f"The place {place.whole} is declared to be published as {place.keep}, and {schema}.{table}"
        f" has {found}: declare it otherwise, or use a file that gives it so."
    )


def merge(
    cursor: Cursor, table: str, key: str, before: Collection[str], target: str, change: str
) -> int:
    """Give the rows of these codes another code; areas become one row, figures stay as they are."""
    columns = _columns(cursor, table)
    if GEOMETRY in columns and len(before) > 1:
        return _dissolve(cursor, table, key, list(before), target, change, columns)
    _drop_unique_indexes(cursor, table, key) if len(before) > 1 else None
    statement = "UPDATE {0} SET {2} = coalesce({2}, {1}), {1} = %s, {3} = %s WHERE {1} = ANY (%s)"
    cursor.execute(
        sql.SQL(statement).format(*map(sql.Identifier, (table, key, PUBLISHED, CHANGE))),
        (target, change, list(before)),
    )
    return cursor.rowcount


def _record(
    cursor: Cursor, staging: Staging, table: str, change: str, outcome: RouteOutcome
) -> None:
    before, after = outcome.route.before, outcome.route.after
    told = before, after, outcome.verdict, outcome.reason
    provenance.record_code_change(cursor, staging, table, change, *told)


def _judged(route: Route, here: set[str]) -> RouteOutcome:
    if route.target is None:
        return RouteOutcome(
            route,
            "named",
            f"{' + '.join(route.before)} became {' + '.join(route.after)}, and nothing tells what"
            " part went where",
        )
    if missing := [code for code in route.before if code not in here]:
        return RouteOutcome(
            route,
            "named",
            f"{', '.join(missing)} is missing, and {route.target} would not be whole",
        )
    return RouteOutcome(route, "carried")


def _in_order(routes: list[Route]) -> list[Route]:
    """Order routes so that none gives a code a later one takes away; CheckFailed at a circle."""
    ordered, waiting = [], list(routes)
    while waiting:
        free = [
            route
            for route in waiting
            if not any(
                set(route.after) & set(other.before) for other in waiting if other is not route
            )
        ]
        if not free:
            raise CheckFailed(
                "Codes cannot be carried where areas exchanged them:"
                f" {'; '.join(map(str, waiting))}. Carry them in the join."
            )
        ordered += free
        waiting = [route for route in waiting if route not in free]
    return ordered


def _require_one_day(schema: str, table: str, routes: list[Route], here: set[str]) -> None:
    """Raise CheckFailed when a table holds codes from both sides of an event."""
    given_up = {code for route in routes for code in route.before}
    both = [
        (code, route)
        for route in routes
        for code in route.after
        if code in here and code not in given_up
    ]
    if both:
        code, route = both[0]
        raise CheckFailed(
            f"The table {schema}.{table} was expected to have the codes of one day, and it has"
            f" {code} beside {', '.join(old for old in route.before if old in here)} ({route}):"
            " correct the day declared with codes_of."
        )


def _require_same_ground(cursor: Cursor, table: str, key: str, place: WholeOrParts) -> None:
    if GEOMETRY not in _columns(cursor, table):
        return
    query = (
        "SELECT sum(ST_Area(geom)) FILTER (WHERE {0} = %s), sum(ST_Area(geom)) FILTER (WHERE {0} ="
        " ANY (%s)) FROM {1}"
    )
    cursor.execute(
        sql.SQL(query).format(sql.Identifier(key), sql.Identifier(table)),
        (place.whole, list(place.parts)),
    )
    whole, parts = (float(area or 0) for area in cursor.fetchall()[0])
    if abs(whole - parts) > SAME_AREA * whole:
        raise CheckFailed(
            f"The parts of {place.whole} were expected to cover the same ground as the whole in"
            f" {table}, and they cover {parts / whole if whole else 0:.1%} of it: look at the file,"
            " one of both is of another day."
        )


def _dropped(cursor: Cursor, table: str, key: str, codes: Collection[str]) -> str:
    cursor.execute(
        sql.SQL("DELETE FROM {} WHERE {} = ANY (%s)").format(
            sql.Identifier(table), sql.Identifier(key)
        ),
        (list(codes),),
    )
    named = ", ".join(list(codes)[:3]) + (", …" if len(codes) > 3 else "")
    return f"Left out {cursor.rowcount:,} rows of {named}, which stand in the table twice"


def _dissolve(
    cursor: Cursor,
    table: str,
    key: str,
    before: list[str],
    target: str,
    change: str,
    columns: dict[str, str],
) -> int:
    """Make one row of several areas: their union, shared values, texts joined by a plus sign."""
    cursor.execute(
        sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY (%s)").format(
            sql.Identifier(table), sql.Identifier(key)
        ),
        (before,),
    )
    if (rows := cursor.fetchall()[0][0]) != len(before):
        raise CheckFailed(
            f"One row for each of {', '.join(before)} was expected in {table} to be dissolved into"
            f" {target}, and it has {rows:,}: recode a table of areas by their own key, not by"
            f" {key}."
        )
    values = [
        _merged(name, kind, key)
        for name, kind in columns.items()
        if name not in (key, PUBLISHED, CHANGE)
    ]
    names = [name for name in columns if name not in (key, PUBLISHED, CHANGE)]
    comma = sql.SQL(", ")
    statement = sql.SQL(
        "WITH gone AS (DELETE FROM {table} WHERE {key} = ANY (%s) RETURNING *) "
        "INSERT INTO {table} ({key}, {published}, {change}, {names}) "
        "SELECT %s, string_agg({key}, ' + ' ORDER BY {key}), %s, {values} FROM gone"
    ).format(
        table=sql.Identifier(table),
        key=sql.Identifier(key),
        published=sql.Identifier(PUBLISHED),
        change=sql.Identifier(CHANGE),
        names=comma.join(map(sql.Identifier, names)),
        values=comma.join(values),
    )
    cursor.execute(statement, (before, target, change))
    return len(before)


def _merged(name: str, kind: str, key: str) -> sql.Composable:
    column, order = sql.Identifier(name), sql.Identifier(key)
    if name == GEOMETRY:
        return sql.SQL("ST_Multi(ST_Union({}))").format(column)
    joined = (
        sql.SQL("string_agg({0}, ' + ' ORDER BY {1})").format(column, order)
        if kind == "text"
        else sql.SQL("NULL")
    )
    return sql.SQL(
        "CASE WHEN count(DISTINCT {0}) = 1 AND count({0}) = count(*) THEN (array_agg({0}))[1] ELSE"
        " {1} END"
    ).format(column, joined)


def _add_columns(cursor: Cursor, table: str) -> None:
    statement = (
        "ALTER TABLE {0} ADD COLUMN IF NOT EXISTS {1} text, ADD COLUMN IF NOT EXISTS {2} text"
    )
    cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, (table, PUBLISHED, CHANGE))))


def _drop_unique_indexes(cursor: Cursor, table: str, key: str) -> None:
    """Drop the unique indexes on the key: until the join, several figures share a code."""
    cursor.execute(
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_attribute a ON a.attrelid ="
        " i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = to_regclass(%s) AND"
        " i.indisunique AND NOT i.indisprimary AND a.attname = %s",
        (f'"{table}"', key),
    )
    for (index,) in cursor.fetchall():
        cursor.execute(f"DROP INDEX {index}")


def _columns(cursor: Cursor, table: str) -> dict[str, str]:
    cursor.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid ="
        " to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated"
        " = '' ORDER BY attnum",
        (f'"{table}"',),
    )
    return dict(cursor.fetchall())


def _codes(cursor: Cursor, table: str, key: str) -> set[str]:
    if key not in (columns := _columns(cursor, table)):
        raise CheckFailed(
            f"The table {table} has no column {key} of codes: its columns are"
            f" {', '.join(columns) or 'none, it was not loaded'}."
        )
    cursor.execute(
        sql.SQL("SELECT DISTINCT {} FROM {}").format(sql.Identifier(key), sql.Identifier(table))
    )
    return {code for (code,) in cursor.fetchall()}
