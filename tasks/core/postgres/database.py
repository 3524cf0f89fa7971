"""The PostgreSQL database with PostGIS that data are loaded into and published from."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.secrets import hide
from tasks.core.postgres import database_urls

POSTGRESQL_OLDEST = 15
POSTGIS_OLDEST = (3, 3)
# a server that may be written to, for which a standby that takes over is not taken yet; seconds to
# wait for it, and after which one that answers no more is given up
CONNECTING: dict[str, Any] = {
    "target_session_attrs": "read-write",
    "connect_timeout": 10,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
# the same for the server: a node that is lost says nothing, and would keep its locks for two hours
NOTICE_LOSS = """
SELECT set_config('tcp_keepalives_idle', '60', false),
       set_config('tcp_keepalives_interval', '10', false),
       set_config('tcp_keepalives_count', '3', false)
"""


@dataclass(frozen=True)
class Database:
    """A database by its URL; neither its password nor an option unknown here is in its text."""

    url: URL

    def __str__(self) -> str:
        return database_urls.shown(self.url)

    __repr__ = __str__

    @property
    def libpq_uri(self) -> str:
        """The URL as libpq clients (psql, ADBC, GDAL) read it; holds the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @contextmanager
    def session(self, *search_path: str) -> Iterator[Cursor]:
        """Open one transaction: a cursor that commits at the end and rolls back on any error.

        Raises OperationalError when the connection is lost, whatever was under way.
        """
        connection = engine(self).raw_connection()
        driver: Connection = connection.driver_connection  # type: ignore[assignment]
        try:
            with _transaction(driver), driver.cursor() as cursor:
                if search_path:
                    schemas = map(sql.Identifier, (*search_path, "geodata", "public"))
                    names = sql.SQL(", ").join(schemas)
                    cursor.execute(sql.SQL("SET LOCAL search_path = {}").format(names))
                yield cursor
        finally:
            if driver.closed:
                connection.invalidate()
            connection.close()

    def connect(self) -> Connection:
        """Open a connection beside the pool, without transactions; whoever opens it closes it."""
        connection: Connection = psycopg2.connect(self.libpq_uri, **CONNECTING)
        connection.autocommit = True
        _let_server_notice_loss(connection)
        return connection

    def outside_transaction(self, *statements: str | sql.Composable) -> None:
        """Run statements, one of which PostgreSQL does not let into a transaction."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def rows(self, query: str | sql.Composable, *parameters: Any) -> list[tuple[Any, ...]]:
        """Give all rows of a small query."""
        with self.session() as cursor:
            cursor.execute(query, parameters or None)
            return cursor.fetchall()

    def records(self, query: str | sql.Composable, **parameters: Any) -> list[Any]:
        """Give all rows of a small query, as records() does."""
        with self.session() as cursor:
            return records(cursor, query, **parameters)

    def value(self, query: str | sql.Composable, *parameters: Any) -> Any:
        """Give the first value of the first row."""
        return self.rows(query, *parameters)[0][0]


def records(cursor: Cursor, query: str | sql.Composable, **parameters: Any) -> list[Any]:
    """Give all rows of a query with parameters %(name)s, each a tuple with its columns' names."""
    cursor.execute(query, parameters or None)
    names = [column.name for column in cursor.description or ()]
    record = namedtuple("record", names)  # type: ignore[misc]
    return [record._make(row) for row in cursor.fetchall()]


@contextmanager
def _transaction(driver: Connection) -> Iterator[None]:
    """Commit at the end; on an error roll back, and raise that error.

    psycopg2 does the same, but where the connection was lost raises what the rollback says of it,
    and gives the loss itself, by the moment it came, one of three classes.
    """
    try:
        yield
        driver.commit()
    except psycopg2.Error as error:
        # the bare class is of no statement
        was_lost = driver.closed or type(error) is psycopg2.DatabaseError
        if was_lost and not isinstance(error, psycopg2.OperationalError):
            raise psycopg2.OperationalError(f"The connection was lost: {error}") from error
        raise
    finally:
        if not driver.closed:
            with suppress(psycopg2.Error):
                driver.rollback()  # of nothing, where it was committed


@lru_cache(maxsize=4)
def engine(database: Database) -> Engine:
    """Give the connection pool of a database, shared by the threads of this process."""
    made = create_engine(
        database.url, pool_size=4, max_overflow=8, pool_pre_ping=True, connect_args=CONNECTING
    )
    event.listen(made, "connect", _let_server_notice_loss)
    return made


def _let_server_notice_loss(connection: Connection, *_: Any) -> None:
    """Let the server end a session within two minutes when its client is gone without a word."""
    with connection.cursor() as cursor:
        cursor.execute(NOTICE_LOSS)
    connection.commit()


def parse(url: str) -> Database:
    """Read the URL of a database; raises ConfigurationError, which shows nothing of it."""
    return Database(database_urls.read(url))


def require_postgis(database: Database) -> None:
    """Raise ConfigurationError when the server is unreachable, too old or without PostGIS."""
    try:
        version = int(database.value("SELECT current_setting('server_version_num')")) // 10000
        offered = database.rows(
            "SELECT default_version FROM pg_available_extensions WHERE name = 'postgis'"
        )
    except (
        *(psycopg2.OperationalError, OperationalError),
        *(psycopg2.ProgrammingError, ProgrammingError),  # an option that libpq does not know
    ) as error:
        said = str(getattr(error, "orig", error)).strip().splitlines()[0]
        reason = hide(said, database_urls.private_values(database.url))
        raise ConfigurationError(
            f"The database {database} cannot be reached ({reason}): start it or correct"
            " GEODATA_DATABASE_URL."
        ) from None
    if version < POSTGRESQL_OLDEST:
        raise ConfigurationError(
            f"The database {database} runs PostgreSQL {version}; version {POSTGRESQL_OLDEST} or"
            " newer is needed."
        )
    found = re.match(r"(\d+)\.(\d+)", offered[0][0]) if offered else None
    if found is None:
        raise ConfigurationError(
            f"The server of {database} has no PostGIS: install its package"
            f" (postgresql-{version}-postgis-3 on Debian and Ubuntu)."
        )
    if (int(found[1]), int(found[2])) < POSTGIS_OLDEST:
        raise ConfigurationError(
            f"The server of {database} offers PostGIS {offered[0][0]}; version 3.3 or newer is"
            " needed."
        )
