"""Locks that keep runs of one dataset, and rebuilds of all, apart."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database

# Anybody who may connect may take any advisory lock. So the second half of ours is the dataset, the
# first a number that nobody can take before us, and whose lock it is decides. Who looks and takes
# is alone by the lock of a table, which only its owner may lock.
TURN = "LOCK TABLE geodata.applied IN SHARE ROW EXCLUSIVE MODE"
SELECT_HOLDERS = """
SELECT lock.pid, session.usename, lock.mode
  FROM pg_locks lock JOIN pg_stat_activity session USING (pid)
 WHERE lock.locktype = 'advisory' AND lock.objsubid = 2 AND lock.granted
   AND lock.objid::bigint = hashtext(%s)::bigint & 4294967295 AND lock.pid <> pg_backend_pid()
   AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND pg_has_role(session.usesysid, (SELECT relowner FROM pg_class
                                       WHERE oid = 'geodata.applied'::regclass), 'MEMBER')
"""


@contextmanager
def alone(database: Database, dataset: Dataset | None = None) -> Iterator[None]:
    """Hold the lock of a dataset, or of the whole database; raise ConfigurationError if taken.

    PostgreSQL lets go of it when this process dies, however it dies.
    """
    connection = psycopg2.connect(database.libpq_uri)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            if dataset:
                others = f"A rebuild is under way in {database}"
                _hold(cursor, "pg_try_advisory_lock_shared", "", others)
                others = f"Another run of {dataset.slug} is under way in {database}"
                _hold(cursor, "pg_try_advisory_lock", dataset.slug, others)
            else:
                others = f"A rebuild, or the run of a dataset, is under way in {database}"
                _hold(cursor, "pg_try_advisory_lock", "", others)
        yield
    finally:
        connection.close()


def _hold(cursor: Cursor, lock: str, name: str, others: str) -> None:
    cursor.execute("BEGIN")
    cursor.execute(TURN)
    cursor.execute(SELECT_HOLDERS, (name,))
    for pid, user, mode in cursor.fetchall():
        if mode == "ExclusiveLock" or not lock.endswith("_shared"):
            raise ConfigurationError(
                f"{others} (session {pid} of {user}): wait for its end or cancel it, then run"
                " again."
            )
    is_held = False
    while not is_held:
        cursor.execute(f"SELECT {lock}(%s, hashtext(%s))", (secrets.randbelow(1 << 31), name))
        is_held = cursor.fetchall() == [(True,)]
    cursor.execute("COMMIT")  # what a session holds stays
