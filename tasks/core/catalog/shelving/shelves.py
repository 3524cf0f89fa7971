"""Shelves: partitioned tables on which the editions of a layer stand, each under its number.

A view reads a shelf and shows the edition that a row of the catalog names (views.py), so a switch
changes rows, takes no lock that a reader needs, and leaves each snapshot the edition it had.
"""

from __future__ import annotations

import hashlib
import time
from datetime import datetime

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.shelving.readers import (
    HELD,
    InTheWay,
    deadline,
    giving_way,
    holders,
    refusal,
    take_turn,
    wait_for,
)
from tasks.core.catalog.shelving.statements import (
    SELECT_IS_KNOWN,
    SELECT_LEAVING,
    SELECT_SHAPE,
    SELECT_SHELF_OF,
    SELECT_SHELVED,
    SELECT_SHOWINGS_OF,
)
from tasks.core.postgres.columns import EDITION
from tasks.core.postgres.database import Database, records

ENDING = 1.0  # seconds that a removal waits for transactions that have read a shelf
KNOWN_BY = 2  # editions on a shelf by which its planner knows those that come after them
OWN_WAIT = "5s"  # for the tables of an edition that is not shown: no reader stands behind


def place(
    database: Database,
    dataset: str,
    number: int,
    until: float | None = None,
    *,
    kept: bool = True,
) -> None:
    """Put an edition on its shelves; when this returns it can be shown, and none was held up.

    A transaction that has read a shelf plans with the editions it found there. It is shown what was
    shown when it began, by the clock, so only one that the clock or its rights hide is waited for.
    Raises ConfigurationError that names those that last. kept: as in giving_way().
    """
    until, subject = until or deadline(), f"Edition {number} of {dataset}"
    edition = {"dataset": dataset, "number": number}
    layers, shelves = database.records(SELECT_SHELVED, **edition), []
    for each in layers:  # alone, so that whoever locks all tables, as pg_dump does, goes on
        for attempt in giving_way(database, subject, until, kept=kept):
            with attempt, database.session() as cursor:
                take_turn(cursor, dataset, OWN_WAIT)
                shelf = put(cursor, dataset, number, each.schema_name, each.layer)
        shelves.append(shelf)
    if not all(each.known for each in layers):
        known_at = _be_known(database, subject, shelves, until, kept=kept)
        with database.session() as cursor:
            rows.insert_new(cursor, "shelved_edition", edition | {"known_at": known_at})


def _be_known(
    database: Database, subject: str, shelves: list[str], until: float, *, kept: bool
) -> datetime:
    """Return a moment from which all who begin know what stands on shelves now.

    Waits for those from before who seem to begin later, since the clock was set back, and for those
    of whom this role may not know when they began.
    """
    reading = [each for each in holders(database, shelves) if each.reads]
    moment: datetime = database.value("SELECT clock_timestamp()")
    hidden = {each.transaction for each in reading if not each.began or each.began >= moment}
    if left := wait_for(database, shelves, hidden, until):
        raise refusal(database, subject, shelves, left, kept=kept)
    return moment


def put(cursor: Cursor, dataset: str, number: int, schema: str, layer: str) -> str:
    """Put a table of an edition on its shelf, unless it stands there; return the shelf's name."""
    table = sql.Identifier(schema, layer)
    found = records(cursor, SELECT_SHELF_OF, table=table.as_string(cursor))
    if found and not found[0].leaving:
        return str(found[0].shelf)
    if found:
        ended = sql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE")
        cursor.execute(ended.format(sql.SQL(found[0].shelf), table))
    mark = sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} integer NOT NULL DEFAULT {}")
    attached = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})")
    locked = [table]
    try:
        cursor.execute(mark.format(table, sql.Identifier(EDITION), sql.Literal(number)))
        locked.append(shelf := _shelf(cursor, dataset, number, layer, table))
        known = _is_known(cursor, shelf)
        cursor.execute(attached.format(shelf, table, sql.Literal(number)))
        looked_at = sql.SQL("ANALYZE {} ({})").format(table, sql.Identifier(EDITION))
        cursor.execute(looked_at if known else sql.SQL("ANALYZE {}").format(shelf))
    except HELD:
        raise InTheWay([each.as_string(cursor) for each in locked]) from None
    return shelf.as_string(cursor)


def _is_known(cursor: Cursor, shelf: sql.Identifier) -> bool:
    """Tell whether the planner knows what stands on a shelf by editions that stood there before.

    To look again means to look at every edition there. Those of a vintage are like each other, and
    their tables are known from their sealing, but for the column added here.
    """
    found = records(cursor, SELECT_IS_KNOWN, shelf=shelf.as_string(cursor), by=KNOWN_BY)
    return bool(found)


def take_off(database: Database, schema: str, layer: str, number: int) -> bool:
    """Take a table of an edition off its shelf, if it stands on one and no reader may want it.

    Return false when one may: the edition is shown to a transaction under way, or one that has read
    the shelf goes on.
    """
    table = sql.Identifier(schema, layer)
    with database.session() as cursor:
        found = records(cursor, SELECT_SHELF_OF, table=table.as_string(cursor))
        if not found:
            return True
        shelf = found[0].shelf
        if records(cursor, SELECT_SHOWINGS_OF, shelf=shelf, number=number)[0].number:
            return False
        leaving = [each.table_name for each in records(cursor, SELECT_LEAVING, shelf=shelf)]
    reading = {each.transaction for each in holders(database, [shelf])}
    if wait_for(database, [shelf], reading, time.monotonic() + ENDING):
        return False
    detach = sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}")
    detached = [
        detach.format(sql.SQL(shelf), sql.SQL(each), sql.SQL("FINALIZE")) for each in leaving
    ]
    if not found[0].leaving:
        detached.append(detach.format(sql.SQL(shelf), table, sql.SQL("CONCURRENTLY")))
    try:
        database.outside_transaction(f"SET statement_timeout = '{OWN_WAIT}'", *detached)
    except (errors.QueryCanceled, *HELD):
        return False
    return True


def _shelf(
    cursor: Cursor, dataset: str, number: int, layer: str, table: sql.Identifier
) -> sql.Identifier:
    """Return the shelf of a layer, a vintage and these columns, made where there is none."""
    shape = records(cursor, SELECT_SHAPE, table=table.as_string(cursor))[0]
    cursor.execute(
        "SELECT vintage FROM catalog.edition WHERE dataset = %s AND number = %s", (dataset, number)
    )
    vintage = cursor.fetchall()[0][0]
    digest = hashlib.sha256(f"{layer} {shape.shape}".encode()).hexdigest()[:8]
    schema = f"{dataset}_shelves"
    shelf = sql.Identifier(schema, f"{layer[:40]}_{vintage}_{digest}")
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (shelf.as_string(cursor),))
    if not cursor.fetchall()[0][0]:
        made = sql.SQL("CREATE TABLE {} (LIKE {}) PARTITION BY LIST ({})")
        cursor.execute(made.format(shelf, table, sql.Identifier(EDITION)))
        for column in shape.filled or ():  # in this edition, and not in every one
            loosened = sql.SQL("ALTER TABLE {} ALTER {} DROP NOT NULL")
            cursor.execute(loosened.format(shelf, sql.Identifier(column)))
    return shelf
