"""Locks that keep runs of one dataset, rebuilds of all, and the makers of one edition, apart."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.statements import SELECT_LOCKS_HELD
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.recipes import Recipe
from tasks.core.postgres.database import Database
from tasks.core.postgres.migrations import TURN

# Anybody who may connect may take any advisory lock. So the second half of ours is the dataset, the
# first a number that nobody can take before us, and whose lock it is decides. Who looks and takes
# is alone by TURN, the lock of a table that only its owner may lock.
ALL = ""  # the whole database
PARTS = "parts of a rebuild"  # shared by all that make an edition again as a run of their own
LOOKED_AT_EVERY = 2.0  # seconds between two looks at locks that others hold


class Taken(ConfigurationError):
    """Somebody else has the lock; it is free when their run ends."""


@dataclass(frozen=True)
class Claim:
    """What a lock keeps for one run, or for all that share it; others: who else may have it."""

    name: str
    others: str
    is_shared: bool = False


class Lock:
    """The lock of a dataset, or of the whole database, held by a connection of its own."""

    def __init__(self, database: Database, claims: Sequence[Claim]) -> None:
        self._database, self._claims = database, claims
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
                for claim in self._claims:
                    _hold(cursor, claim)
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


_held: ContextVar[Lock | None] = ContextVar("lock", default=None)


@contextmanager
def alone(database: Database, dataset: Dataset | None = None) -> Iterator[None]:
    """Hold the lock of a dataset, or of the whole database; raise ConfigurationError if taken.

    PostgreSQL lets go of it when this process dies, however it dies.
    """
    with holding(Lock(database, claims(database, dataset))):
        yield


def claims(database: Database, dataset: Dataset | None) -> tuple[Claim, ...]:
    """Return what a run of a dataset claims, or with None one that works on the whole database."""
    if dataset is None:
        return (Claim(ALL, f"A rebuild, or the run of a dataset, is under way in {database}"),)
    return (
        Claim(ALL, f"A rebuild is under way in {database}", is_shared=True),
        Claim(dataset.slug, f"Another run of {dataset.slug} is under way in {database}"),
    )


def lock_of_part(database: Database, recipe: Recipe) -> Lock:
    """Take what keeps others from an edition that a part of a rebuild makes; raise Taken if taken.

    Runs of its dataset stay away, and a second maker of the same edition; other editions of the
    dataset may be made at the same time. A rebuild that begins waits for the end (await_parts).
    """
    others = f"{recipe} is being made again in {database}"
    run = f"A run of {recipe.dataset} is under way in {database}"
    return Lock(
        database,
        [
            Claim(PARTS, others, is_shared=True),
            Claim(recipe.dataset, run, is_shared=True),
            Claim(f"{recipe.dataset} {recipe.number} again", others),
        ],
    )


@contextmanager
def holding(lock: Lock) -> Iterator[None]:
    """Hold a lock meanwhile, and let go of it in the end."""
    try:
        with proving(lock):
            yield
    finally:
        lock.release()


@contextmanager
def proving(lock: Lock | None) -> Iterator[None]:
    """Let prove_lock() prove a lock that this run holds, meanwhile; None for none."""
    token = _held.set(lock)
    try:
        yield
    finally:
        _held.reset(token)


def lock_held() -> Lock | None:
    """Return the lock that this run holds."""
    return _held.get()


def prove_lock() -> None:
    """Prove the lock that this run holds, where it holds any; raises as Lock.prove."""
    if lock := lock_held():
        lock.prove()


def await_parts(database: Database) -> None:
    """Wait until nobody makes an edition again in a database as a part of an earlier rebuild."""
    while _holders(database, PARTS):
        time.sleep(LOOKED_AT_EVERY)


def is_being_rebuilt(database: Database) -> bool:
    """Tell whether a rebuild has the lock of the whole database."""
    return "ExclusiveLock" in _holders(database, ALL)


def _holders(database: Database, name: str) -> list[str]:
    """Return the modes in which other sessions hold what a name stands for."""
    return [mode for _, _, mode in database.rows(SELECT_LOCKS_HELD, name)]


def _hold(cursor: Cursor, claim: Claim) -> None:
    cursor.execute("BEGIN")
    cursor.execute(TURN)
    cursor.execute(SELECT_LOCKS_HELD, (claim.name,))
    for pid, user, mode in cursor.fetchall():
        if mode == "ExclusiveLock" or not claim.is_shared:
            raise Taken(
                f"{claim.others} (session {pid} of {user}): wait for its end or cancel it, then"
                " run again."
            )
    take = f"SELECT pg_try_advisory_lock{'_shared' if claim.is_shared else ''}(%s, hashtext(%s))"
    is_held = False
    while not is_held:
        cursor.execute(take, (secrets.randbelow(1 << 31), claim.name))
        is_held = cursor.fetchall() == [(True,)]
    cursor.execute("COMMIT")  # what a session holds stays
