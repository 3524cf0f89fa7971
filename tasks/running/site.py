"""Where a run works: the database, the archive and the folder for files that can be made again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from psycopg2 import errors, sql
from pydantic import ValidationError

from tasks.core.archive.archive import Archive
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import archive_locations, scratch_folder, settings
from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database, engine, parse, require_postgis
from tasks.core.postgres.migrations import migrate

PREFIX = "geodata_drill_"  # names of throw-away databases


@dataclass(frozen=True)
class Site:
    """The place that the settings name, or the same with another database.

    throwaway: name of the throw-away database of a drill that takes the place of the real one;
    empty for none. Another process needs no more than that name to work at the same site: server
    and password are in its own settings, and in no parameter that Prefect keeps.
    """

    throwaway: str = ""

    def __post_init__(self) -> None:
        """Refuse any other database: it would get the tables of the catalog."""
        if self.throwaway and not self.throwaway.startswith(PREFIX):
            raise ConfigurationError(
                f"The throw-away database of a drill was expected, {PREFIX}…, found"
                f" {self.throwaway!r}: leave it empty; a drill gives the name to its parts itself."
            )

    @property
    def database(self) -> Database:
        """Its database, checked and with the tables of the catalog in place."""
        chosen = settings()
        url = (self.throwaway and chosen.drill_database_url) or chosen.database_url
        return _opened(url.get_secret_value() if url else "", chosen.database_block, self.throwaway)

    @property
    def archive(self) -> Archive:
        """Its archive."""
        return Archive(archive_locations())

    @property
    def scratch(self) -> Path:
        """Its folder for files that can be made again."""
        return scratch_folder()


_current: ContextVar[Site] = ContextVar("site", default=Site())  # noqa: B039 (it is frozen)


def site() -> Site:
    """Return the site at which this thread works."""
    return _current.get()


@contextmanager
def at(other: Site) -> Iterator[Site]:
    """Work at another site meanwhile, also in the tasks that are submitted to threads."""
    token = _current.set(other)
    try:
        yield other
    finally:
        _current.reset(token)


@contextmanager
def throwaway() -> Iterator[Site]:
    """Work at a site with an empty database meanwhile, which is dropped at the end.

    It is on the server of GEODATA_DRILL_DATABASE_URL, or beside the database of the settings. What
    killed runs left is dropped first, where nobody is connected. Raises ConfigurationError where
    the role may not make a database.
    """
    url = settings().drill_database_url
    server = parse(url.get_secret_value()) if url else Site().database
    _drop_unused(server)
    name = f"{PREFIX}{uuid.uuid4().hex[:12]}"
    try:
        server.outside_transaction(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except errors.InsufficientPrivilege:
        raise ConfigurationError(
            f"A drill needs a throw-away database on the server of {server}, and its role may not"
            " make one: grant it CREATEDB, or set GEODATA_DRILL_DATABASE_URL to a server and a"
            " role that may."
        ) from None
    try:
        with at(Site(name)) as made:
            yield made
    finally:
        engine(Database(server.url.set(database=name))).dispose()
        dropped = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        server.outside_transaction(dropped)


def _drop_unused(server: Database) -> None:
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
    for (name,) in server.rows(query, PREFIX):
        with suppress(errors.ObjectInUse):
            server.outside_transaction(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@lru_cache(maxsize=4)
def _opened(url: str, block: str, throwaway: str) -> Database:
    """Return the settings' database, or another of its server, set up and checked once only."""
    found = parse(url) if url else _of_block(block) if block else cluster.database()
    require_postgis(found)
    if throwaway:
        found = _throwaway_of(found, throwaway)
    migrate(found)
    return found


def _throwaway_of(server: Database, name: str) -> Database:
    there = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)"
    if not server.value(there, name):
        raise ConfigurationError(
            f"The throw-away database {name} of a drill was expected on the server of {server},"
            " found none: that drill has ended; start a new one."
        )
    return Database(server.url.set(database=name))


def _of_block(name: str) -> Database:
    from prefect_sqlalchemy import SqlAlchemyConnector

    try:
        block = SqlAlchemyConnector.load(name, _sync=True)
    except (ValueError, RuntimeError) as error:  # with ValidationError, whose words hold the block
        is_unfit = isinstance(error.__cause__ or error, ValidationError)
        reason = "its fields do not fit that type: fill it in anew" if is_unfit else error
        raise ConfigurationError(
            f"The Prefect block {name!r} named in GEODATA_DATABASE_BLOCK cannot be loaded: {reason}"
        ) from None
    return parse(block._rendered_url.render_as_string(hide_password=False))
