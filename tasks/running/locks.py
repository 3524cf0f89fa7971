"""Locks that keep runs of one dataset, and rebuilds of all, apart."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import psycopg2
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.statements import SELECT_LOCKS_HELD
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database

# Anybody who may connect may take any advisory lock. So the second half of ours is the dataset, the
# first a number that nobody can take before us, and whose lock it is decides. Who looks and takes
# is alone by the lock of a table, which only its owner may lock.
TURN = "LOCK TABLE geodata.applied IN SHARE ROW EXCLUSIVE MODE"


class Lock:
    """The lock of a dataset, or of the whole database, held by a connection of its own."""

    def __init__(self, database: Database, dataset: Dataset | None) -> None:
        self._database, self._dataset = database, dataset
        self._turn = threading.Lock()
        self._backend: tuple[object, ...] = (None, None)
        self._take()

    def prove(self) -> None:
        """Ask its connection; take the lock again where that was lost and nobody else has it.

        Raises ConfigurationError where another run has it by now, OperationalError in an outage.
        """
        with self._turn:
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute("SELECT")
            except psycopg2.Error:
                self.release()
                self._take()

    def release(self) -> None:
        """Let go of the lock, at once: the server sees the end of a connection a little later."""
        with suppress(psycopg2.Error), self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()

    def _take(self) -> None:
        self._connection = self._database.connect()
        try:
            with self._connection.cursor() as cursor:
                self._end_former(cursor)
                self._hold_all(cursor)
        except BaseException:
            self.release()
            raise

    def _end_former(self, cursor: Cursor) -> None:
        """End the server's side of a connection that was lost, which may hold the lock still."""
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid = %s AND"
            " backend_start = %s",
            self._backend,
        )
        cursor.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        self._backend = cursor.fetchall()[0]

    def _hold_all(self, cursor: Cursor) -> None:
        where, dataset = self._database, self._dataset
        if dataset:
            others = f"A rebuild is under way in {where}"
            _hold(cursor, "pg_try_advisory_lock_shared", "", others)
            others = f"Another run of {dataset.slug} is under way in {where}"
            _hold(cursor, "pg_try_advisory_lock", dataset.slug, others)
        else:
            others = f"A rebuild, or the run of a dataset, is under way in {where}"
            _hold(cursor, "pg_try_advisory_lock", "", others)


_held: ContextVar[Lock | None] = ContextVar("lock", default=None)


@contextmanager
def alone(database: Database, dataset: Dataset | None = None) -> Iterator[None]:
    """Hold the lock of a dataset, or of the whole database; raise ConfigurationError if taken.

    PostgreSQL lets go of it when this process dies, however it dies.
    """
    lock = Lock(database, dataset)
    token = _held.set(lock)
    try:
        yield
    finally:
        _held.reset(token)
        lock.release()


def prove_lock() -> None:
    """Prove the lock that alone() holds for this run, where it holds any; raises as Lock.prove."""
    if lock := _held.get():
        lock.prove()


def _hold(cursor: Cursor, lock: str, name: str, others: str) -> None:
    cursor.execute("BEGIN")
    cursor.execute(TURN)
    cursor.execute(SELECT_LOCKS_HELD, (name,))
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
