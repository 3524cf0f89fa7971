"""Readers: let in, and where a switch must wait for their transactions, waited for and named."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_random,
)

from tasks.core.catalog.shelving.statements import SELECT_HOLDERS, SELECT_IS_OPEN
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database, records
from tasks.core.postgres.migrations import TURN

LOCK_WAIT = "300ms"  # a switch that waits for a lock holds new readers back: give way often instead
TURN_WAIT = "5s"  # for another switch of the dataset: no reader stands behind
PATIENCE = 60  # seconds of trying before the readers are named
HELD = (errors.LockNotAvailable, errors.DeadlockDetected)  # a lock that others have
PAUSE = 0.1  # seconds between two looks at transactions that are waited for


def deadline() -> float:
    """Return the moment of time.monotonic() until which a switch that begins now is tried."""
    return time.monotonic() + PATIENCE


class InTheWay(Exception):
    """Sessions hold these relations: regclass texts."""

    def __init__(self, relations: Sequence[str]) -> None:
        super().__init__(*relations)
        self.relations = list(relations)


def giving_way(
    database: Database, subject: str, until: float | None = None, *, kept: bool = True
) -> Iterator[Any]:
    """Give the attempts of a switch, each of which waits for readers only briefly.

    subject: what is switched, to be named with the readers in the way. kept: whether what was made
    is there for the next run, as a rebuild's is not. Raises ConfigurationError when none succeeded
    until a moment of time.monotonic(), by default PATIENCE seconds from now.
    """

    end = until or deadline()

    def refuse(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        held = error.relations if isinstance(error, InTheWay) else []
        raise refusal(database, subject, held, kept=kept) from None

    yield from Retrying(
        retry=retry_if_exception_type((InTheWay, *HELD)),
        wait=wait_random(0.2, 1.0),
        stop=lambda _: time.monotonic() > end,
        retry_error_callback=refuse,
    )


def take_turn(cursor: Cursor, dataset: str, lock_wait: str = LOCK_WAIT) -> None:
    """Begin a switch, one at a time per dataset, so that views and catalog say the same.

    lock_wait: how long it waits from now on for a lock that readers may hold.
    """
    wait = "SELECT set_config('lock_timeout', %s, true)"
    cursor.execute(wait, (TURN_WAIT,))
    cursor.execute("SELECT 1 FROM catalog.dataset WHERE slug = %s FOR NO KEY UPDATE", (dataset,))
    cursor.execute(wait, (lock_wait,))


def open_schema(cursor: Cursor, schema: str) -> None:
    """Make a schema of views where there is none, and let geodata_reader use it.

    Datasets may share one, and PostgreSQL refuses two who make it, or its rights, at one time.
    Raises InTheWay while another does.
    """
    if records(cursor, SELECT_IS_OPEN, schema=schema)[0].is_open:
        return
    try:
        cursor.execute(TURN)
    except HELD:
        raise InTheWay(["geodata.applied"]) from None
    name = sql.Identifier(schema)
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
    if has_reader(cursor):
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO geodata_reader").format(name))


def has_reader(cursor: Cursor) -> bool:
    """Return whether there is the role of those who read what is published."""
    cursor.execute("SELECT FROM pg_roles WHERE rolname = 'geodata_reader'")
    return cursor.rowcount == 1


def take_views(cursor: Cursor, views: Sequence[str]) -> None:
    """Lock views against readers, all of them within LOCK_WAIT; raise InTheWay when some are held.

    Those that most sessions hold come first, else in an order that no other attempt has.
    """
    if not views:
        return
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", (LOCK_WAIT,))
    try:
        cursor.execute("SELECT geodata.lock_views(%s::text[])", (list(views),))
    except (errors.QueryCanceled, *HELD):
        raise InTheWay(views) from None
    cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


def wait_for(database: Database, tables: Sequence[str], held: set[str], until: float) -> set[str]:
    """Wait until transactions that hold locks on tables have ended; return those that have not.

    New ones are not waited for, and none is held up. until: a moment of time.monotonic().
    """
    while held and time.monotonic() < until:
        time.sleep(PAUSE)
        held &= {each.transaction for each in holders(database, tables)}
    return held


def holders(database: Database, relations: Sequence[str]) -> list[Any]:
    """Return the sessions whose transactions hold locks on relations, the longest first."""
    return database.records(SELECT_HOLDERS, relations=list(relations))


def refusal(
    database: Database,
    subject: str,
    relations: Sequence[str],
    only: set[str] | None = None,
    *,
    kept: bool = True,
) -> ConfigurationError:
    """Return the error that names the sessions in the way of a switch."""
    found = [
        each for each in holders(database, relations) if only is None or each.transaction in only
    ]
    named = (
        "; ".join(map(_named, found)) or "another switch of the dataset, or sessions gone by now"
    )
    left, anew = (", and what is made is kept", "nothing") if kept else ("", "it")
    return ConfigurationError(
        f"{subject} was expected to be shown within {PATIENCE} seconds, and in its way in"
        f" {database} are: {named}. Nothing was switched{left}: end these transactions or wait for"
        f" their end, then run the same again, which makes {anew} anew."
    )


def _named(session: Any) -> str:
    since = f" since {session.since:%Y-%m-%d %H:%M:%S %Z}" if session.since else ""
    return (
        f"process {session.pid} (user {session.usename}, application"
        f" {session.application or 'not named'}, {session.state or 'in a transaction'}{since})"
    )
