"""Showings: the rows that say which edition a view shows, to transactions that began when.

PostgreSQL plans for a transaction that has read a shelf with the editions that stood there then. So
a transaction is shown, to its end, what was shown when it began, and no switch waits for it. When
the last one from before a switch has ended, the row before goes: a clock that is set back can then
lead nobody back.
"""

from __future__ import annotations

import time

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.shelving.readers import PAUSE
from tasks.core.catalog.shelving.statements import (
    DELETE_SHOWINGS,
    SELECT_SHOWN_AT,
    SELECT_SUPERSEDED,
)
from tasks.core.postgres.database import Database

SHORTLY = 0.5  # seconds: the readings of most transactions have ended by then


def add(cursor: Cursor, edition: rows.Row, view: rows.Row, shelf: str) -> None:
    """Show an edition on a shelf by a view, to transactions that begin from now on.

    edition: its dataset and number. view: its view_schema and view_name.
    """
    moment = sql.SQL(SELECT_SHOWN_AT).format(
        dataset=sql.Literal(edition["dataset"]),
        number=sql.Literal(edition["number"]),
        schema=sql.Literal(view["view_schema"]),
    )
    switched = {"at": moment, "since": sql.SQL("pg_current_xact_id()")}
    rows.insert(cursor, "showing", {**view, "shelf": shelf, "number": edition["number"]} | switched)


def remove(cursor: Cursor, view: rows.Row) -> None:
    """Forget all that a view shows and showed: it is no more, or made anew."""
    rows.delete(cursor, "showing", view)


def forget(database: Database, seconds: float = SHORTLY) -> None:
    """Forget what views showed before, as soon as no transaction that is under way may ask for it.

    What is needed longer than so many seconds stays until the next time.
    """
    until = time.monotonic() + seconds
    needed = _needed(database)
    while needed:
        if ended := [number for number, by in needed.items() if not by]:
            with database.session() as cursor:
                cursor.execute(DELETE_SHOWINGS, (ended,))
        if time.monotonic() > until:
            return
        time.sleep(PAUSE)
        now = _needed(database)
        needed = {number: by & now.get(number, set()) for number, by in needed.items() if by}


def _needed(database: Database) -> dict[int, set[str]]:
    """Return the transactions under way that may ask for each showing that has a later one."""
    return {each.id: {*each.transactions} for each in database.records(SELECT_SUPERSEDED)}
