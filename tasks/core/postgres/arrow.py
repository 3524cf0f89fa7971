"""Connections over which the database gives its rows as Arrow batches."""

from __future__ import annotations

from functools import lru_cache

from adbc_driver_manager import AdbcConnection, AdbcDatabase
from adbc_driver_postgresql import connect, dbapi

from tasks.core.postgres.database import CONNECTING, NOTICE_LOSS, Database


class _Kept:
    """Stands for a database that outlives its connections."""

    def close(self) -> None:
        """Leave it open."""


def arrow_connection(database: Database) -> dbapi.Connection:
    """Open a connection of ADBC, to be closed by the caller; both ends notice the other's loss."""
    settings = {name: str(value) for name, value in CONNECTING.items()}
    uri = Database(database.url.update_query_dict(settings)).libpq_uri
    connection = dbapi.Connection(_Kept(), AdbcConnection(_known(uri)))
    with connection.cursor() as cursor:
        cursor.execute(NOTICE_LOSS)
        cursor.fetchall()
    connection.commit()
    return connection


@lru_cache(maxsize=4)
def _known(uri: str) -> AdbcDatabase:
    """Ask a database for its types once: it takes longer than all else of a connection."""
    database: AdbcDatabase = connect(uri)
    return database
