"""Code events: those of the ledgers that a run used, kept beside its tables to explain codes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes.codes.statements import SELECT_CODES_THERE, SELECT_LEDGER_EVENTS
from tasks.core.catalog.changes.compared_layers import Pair

EVENTS = "ledger_events"  # day, before, after: a table of the staging


class Event(NamedTuple):
    """On a day, areas `before` became areas `after`."""

    day: date
    before: list[str]
    after: list[str]


def events(cursor: Cursor, pair: Pair) -> list[Event]:
    """Return the events between two vintages whose codes the later layer has, also by others.

    Empty where the run kept none.
    """
    table = sql.Identifier(pair.after.edition.schema, EVENTS)
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (table.as_string(cursor),))
    if not cursor.fetchall()[0][0]:
        return []
    since, until = sorted((pair.before.edition.vintage, pair.after.edition.vintage))
    years = {"since": sql.Literal(min(since, until - 1)), "until": sql.Literal(until)}
    cursor.execute(sql.SQL(SELECT_LEDGER_EVENTS).format(events=table, **years))
    found = [Event(*each) for each in cursor.fetchall()]
    taken = _there(cursor, pair, {code for event in found for code in event.after})
    return _ended_well(found, taken)


def _there(cursor: Cursor, pair: Pair, codes: Collection[str]) -> set[str]:
    """Return those of the codes that the later layer has."""
    query = sql.SQL(SELECT_CODES_THERE).format(
        key=sql.Identifier(pair.key[0]),
        table=pair.after.table,
        codes=sql.Literal(sorted(codes)),
    )
    cursor.execute(query)
    return {code for (code,) in cursor.fetchall()}


def _ended_well(found: list[Event], taken: set[str]) -> list[Event]:
    """Leave out events to codes that the layer does not have and that no later event gave up."""
    good: list[Event] = []
    reached = set(taken)
    for event in reversed(found):
        if reached.issuperset(event.after):
            good.append(event)
            reached.update(event.before)
    return good[::-1]
