"""Which database a run works in: an environment variable, a Prefect block, or the private local
cluster.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache

from prefect_sqlalchemy import SqlAlchemyConnector
from psycopg2 import errors, sql

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database, engine, parse, require_postgis
from tasks.core.postgres.migrations import migrate

PREFIX = "geodata_drill_"  # names of throw-away databases


@lru_cache(maxsize=1)
def connect() -> Database:
    """The database of this process, checked and with the catalog's tables in place."""
    found = _configured()
    require_postgis(found)
    migrate(found)
    return found


@contextmanager
def throwaway() -> Iterator[Database]:
    """An empty database that this program, and those it starts, work in meanwhile: on the server of
    GEODATA_DRILL_DATABASE_URL, or beside the database of this process. It is dropped at the end;
    what killed runs left of them is dropped first, where nobody is connected.

    Raises ConfigurationError where the role may not make one.
    """
    server = parse(url) if (url := os.environ.get("GEODATA_DRILL_DATABASE_URL")) else connect()
    _drop_unused(server)
    name = f"{PREFIX}{uuid.uuid4().hex[:12]}"
    made = Database(server.url.set(database=name))
    before = os.environ.get("GEODATA_DATABASE_URL")
    try:
        server.outside_transaction(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except errors.InsufficientPrivilege:
        raise ConfigurationError(
            f"A drill needs a throw-away database on the server of {server}, and its role may not"
            " make one: grant it CREATEDB, or set GEODATA_DRILL_DATABASE_URL to a server and a"
            " role that may."
        ) from None
    try:
        _use(made.url.render_as_string(hide_password=False))
        yield connect()
    finally:
        _use(before)
        engine(made).dispose()
        server.outside_transaction(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _drop_unused(server: Database) -> None:
    for (name,) in server.rows(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", PREFIX
    ):
        with suppress(errors.ObjectInUse):
            server.outside_transaction(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _use(url: str | None) -> None:
    connect.cache_clear()
    if url is None:
        os.environ.pop("GEODATA_DATABASE_URL")
    else:
        os.environ["GEODATA_DATABASE_URL"] = url


def _configured() -> Database:
    if url := os.environ.get("GEODATA_DATABASE_URL"):
        return parse(url)
    if name := os.environ.get("GEODATA_DATABASE_BLOCK"):
        try:
            block = SqlAlchemyConnector.load(name, _sync=True)
        except ValueError as error:
            raise ConfigurationError(
                f"The Prefect block {name!r} named in GEODATA_DATABASE_BLOCK cannot be loaded:"
                f" {error}"
            ) from None
        return parse(block._rendered_url.render_as_string(hide_password=False))
    return cluster.database()
