"""Recoding: a table under the codes of another day; areas are dissolved, figures keep rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import provenance
from tasks.core.making.codes.ledger import Route, WholeOrParts
from tasks.core.making.codes.merging import (
    CHANGE,
    PUBLISHED,
    add_columns,
    codes,
    column_types,
    merge,
    named,
)
from tasks.core.making.codes.statements import SELECT_GROUND, UPDATE_CODES
from tasks.core.making.topology.polygons import GEOMETRY
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

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
        add_columns(cursor, table)  # also where nothing changes: a join can always read them
        before = provenance.code_changes(cursor, staging, table)
        here = codes(cursor, table, key)
        met = [route for route in routes if not here.isdisjoint(route.before)]
        wanted = [route for route in met if str(route) not in before]
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
        add_columns(cursor, table)
        before, here = provenance.code_changes(cursor, staging, table), codes(cursor, table, key)
        met = [route for route in routes if not here.isdisjoint(route.before)]
        changes = {
            change: _judged(route, here)
            for route in met
            if (change := f"{route.before[0]}: {route}") not in before
        }
        for change, outcome in changes.items():
            _record(cursor, staging, table, change, outcome)
        carried = [outcome.route for outcome in changes.values() if outcome.verdict == "carried"]
        said = [(route.before[0], route.target, str(route)) for route in carried]
        lists = [[row[place] for row in said] for place in range(3)]
        cursor.execute(named(UPDATE_CODES, table, key, PUBLISHED, CHANGE), lists)
        done.outcomes, done.rows = [*changes.values()], cursor.rowcount
    return done


def settle(database: Database, schema: str, table: str, key: str, place: WholeOrParts) -> str:
    """Leave a place whole or in its parts, as declared; return what was done, in a sentence."""
    with database.session(schema) as cursor:
        here = codes(cursor, table, key)
        has_whole, missing = place.whole in here, [part for part in place.parts if part not in here]
        has_parts = len(missing) < len(place.parts)
        if has_whole and has_parts and not missing:
            _require_same_ground(cursor, table, key, place)
        count = len(place.parts)
        if place.keep == "parts" and not missing:
            if has_whole:
                return _dropped(cursor, table, key, (place.whole,))
            return f"Found the {count} parts of {place.whole}"
        if place.keep == "whole" and has_whole:
            if has_parts:
                return _dropped(cursor, table, key, place.parts)
            return f"Found {place.whole} whole"
        if place.keep == "whole" and not missing:
            add_columns(cursor, table)
            change = f"{place.whole} is published in {count} parts"
            merge(cursor, table, key, place.parts, place.whole, change)
            return f"Merged the {count} parts into {place.whole}"
    found = f"{place.whole} whole" if has_whole else f"{count - len(missing)} of its {count} parts"
    raise CheckFailed(
        f"The place {place.whole} is declared to be published as {place.keep}, and {schema}.{table}"
        f" has {found}: declare it otherwise, or use a file that gives it so."
    )


def _record(
    cursor: Cursor, staging: Staging, table: str, change: str, outcome: RouteOutcome
) -> None:
    before, after = outcome.route.before, outcome.route.after
    told = before, after, outcome.verdict, outcome.reason
    provenance.record_code_change(cursor, staging, table, change, *told)


def _judged(route: Route, here: set[str]) -> RouteOutcome:
    if route.target is None:
        became = f"{' + '.join(route.before)} became {' + '.join(route.after)}"
        return RouteOutcome(route, "named", f"{became}, and nothing tells what part went where")
    if missing := [code for code in route.before if code not in here]:
        why = f"{', '.join(missing)} is missing, and {route.target} would not be whole"
        return RouteOutcome(route, "named", why)
    return RouteOutcome(route, "carried")


def _in_order(routes: list[Route]) -> list[Route]:
    """Order routes so that none gives a code a later one takes away; CheckFailed at a circle."""
    ordered, waiting = [], list(routes)
    while waiting:
        free = [
            route
            for route in waiting
            if all({*route.after}.isdisjoint(each.before) for each in waiting if each is not route)
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
    kept = here - {code for route in routes for code in route.before}
    if both := [(code, route) for route in routes for code in route.after if code in kept]:
        code, route = both[0]
        raise CheckFailed(
            f"The table {schema}.{table} was expected to have the codes of one day, and it has"
            f" {code} beside {', '.join(old for old in route.before if old in here)} ({route}):"
            " correct the day declared with codes_of."
        )


def _require_same_ground(cursor: Cursor, table: str, key: str, place: WholeOrParts) -> None:
    if GEOMETRY not in column_types(cursor, table):
        return
    cursor.execute(named(SELECT_GROUND, table, key), (place.whole, list(place.parts)))
    whole, parts = (float(area or 0) for area in cursor.fetchall()[0])
    if abs(whole - parts) > SAME_AREA * whole:
        raise CheckFailed(
            f"The parts of {place.whole} were expected to cover the same ground as the whole in"
            f" {table}, and they cover {parts / whole if whole else 0:.1%} of it: look at the file,"
            " one of both is of another day."
        )


def _dropped(cursor: Cursor, table: str, key: str, codes: Collection[str]) -> str:
    cursor.execute(named("DELETE FROM {} WHERE {} = ANY (%s)", table, key), (list(codes),))
    left_out = ", ".join(list(codes)[:3]) + (", …" if len(codes) > 3 else "")
    return f"Left out {cursor.rowcount:,} rows of {left_out}, which are in the table twice"
