"""Locks that keep runs of one dataset, and rebuilds of all, apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database

LOCKS = 7_246_022  # first half of our advisory locks; the second half is the dataset


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
    cursor.execute(f"SELECT {lock}(%s, hashtext(%s))", (LOCKS, name))
    if cursor.fetchall() != [(True,)]:
        raise ConfigurationError(f"{others}: wait for its end or cancel it, then run again.")
