"""Shelves: partitioned tables on which the editions of a layer stand, each under its number.

A view reads a shelf and shows the edition that a row of the catalog names (views.py), so a switch
changes rows, takes no lock that a reader needs, and leaves each snapshot the edition it had.
"""

from __future__ import annotations

import hashlib

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.readers import giving_way, take_turn, wait_for_readers
from tasks.core.postgres.database import Database, records

COLUMN = "_edition"  # of each row on a shelf; no part of what is published
OWN_WAIT = "5s"  # for the tables of an edition that is not shown: no reader stands behind

# Columns in their order, which must be those of a shelf for its views to read an edition there.
SELECT_SHAPE = """
SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod),
                            attcollation::regcollation), ', ' ORDER BY attnum) AS shape,
       array_agg(attname::text) FILTER (WHERE attnotnull) AS filled
  FROM pg_attribute
 WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
   AND attname <> '_edition'
"""
SELECT_SHELF_OF = """
SELECT format('"%%s"."%%s"', n.nspname, c.relname) AS shelf, i.inhdetachpending AS leaving
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhparent AND c.relkind = 'p'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.inhrelid = to_regclass(%(table)s)
"""
SELECT_LEAVING = """
SELECT inhrelid::regclass::text AS table_name
  FROM pg_inherits WHERE inhparent = to_regclass(%(shelf)s) AND inhdetachpending
"""
SELECT_SHELVED = """
SELECT e.schema_name, l.layer,
       EXISTS (SELECT FROM catalog.shelved_edition s
                WHERE s.dataset = e.dataset AND s.number = e.number) AS known
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
 WHERE e.dataset = %(dataset)s AND e.number = %(number)s
 ORDER BY l.layer
"""
SELECT_OLDER_SNAPSHOTS = """
SELECT count(*) AS number
  FROM pg_stat_activity a, catalog.shown_view s
 WHERE s.shelf = %(shelf)s AND a.datname = current_database() AND a.pid <> pg_backend_pid()
   AND a.backend_type = 'client backend' AND age(a.backend_xmin) >= age(s.since::xid)
"""


def place(database: Database, dataset: str, number: int) -> None:
    """Put an edition on its shelves; when this returns every transaction knows that it is there.

    A transaction that has read a shelf plans with the editions it found there, so those under way
    are waited for, once; none is held up. Raises ConfigurationError that names those that last.
    """
    edition = {"dataset": dataset, "number": number}
    subject = f"Edition {number} of {dataset}"
    for attempt in giving_way(database, subject):
        with attempt, database.session() as cursor:
            take_turn(cursor, dataset, OWN_WAIT)
            layers = records(cursor, SELECT_SHELVED, **edition)
            shelves = [
                put(cursor, dataset, number, each.schema_name, each.layer) for each in layers
            ]
            known = all(each.known for each in layers)
    if not known:
        wait_for_readers(database, subject, shelves)
        with database.session() as cursor:
            rows.insert_new(cursor, "shelved_edition", edition)


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
    cursor.execute(mark.format(table, sql.Identifier(COLUMN), sql.Literal(number)))
    shelf = _shelf(cursor, dataset, number, layer, table)
    attached = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})")
    cursor.execute(attached.format(shelf, table, sql.Literal(number)))
    cursor.execute(sql.SQL("ANALYZE {}").format(shelf))
    return shelf.as_string(cursor)


def take_off(database: Database, schema: str, layer: str) -> bool:
    """Take a table of an edition off its shelf, if it stands on one and no reader may want it.

    Return false when one may: by a snapshot of before the last switch, or in a transaction that
    has read the shelf and goes on.
    """
    table = sql.Identifier(schema, layer)
    with database.session() as cursor:
        found = records(cursor, SELECT_SHELF_OF, table=table.as_string(cursor))
        if not found:
            return True
        shelf = found[0].shelf
        if records(cursor, SELECT_OLDER_SNAPSHOTS, shelf=shelf)[0].number:
            return False
        leaving = [each.table_name for each in records(cursor, SELECT_LEAVING, shelf=shelf)]
    detach = sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}")
    detached = [
        detach.format(sql.SQL(shelf), sql.SQL(each), sql.SQL("FINALIZE")) for each in leaving
    ]
    if not found[0].leaving:
        detached.append(detach.format(sql.SQL(shelf), table, sql.SQL("CONCURRENTLY")))
    try:
        database.outside_transaction(f"SET statement_timeout = '{OWN_WAIT}'", *detached)
    except (errors.QueryCanceled, errors.LockNotAvailable):
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
        cursor.execute(made.format(shelf, table, sql.Identifier(COLUMN)))
        for column in shape.filled or ():  # in this edition, and not in every one
            loosened = sql.SQL("ALTER TABLE {} ALTER {} DROP NOT NULL")
            cursor.execute(loosened.format(shelf, sql.Identifier(column)))
    return shelf
