"""Which database a run works in: an environment variable, a Prefect block, or the private local cluster."""

from __future__ import annotations

import os
from functools import lru_cache

from prefect_sqlalchemy import SqlAlchemyConnector

from tasks.core import cluster
from tasks.core.catalogue.migrations import migrate
from tasks.core.database import Database, parse, require_postgis
from tasks.core.errors import ConfigurationError


@lru_cache(maxsize=1)
def connect() -> Database:
    """The database of this process, checked and with the catalogue's tables in place."""
    found = _configured()
    require_postgis(found)
    migrate(found)
    return found


def _configured() -> Database:
    if url := os.environ.get("GEODATA_DATABASE_URL"):
        return parse(url)
    if name := os.environ.get("GEODATA_DATABASE_BLOCK"):
        try:
            block = SqlAlchemyConnector.load(name, _sync=True)
        except ValueError as error:
            raise ConfigurationError(f"The Prefect block {name!r} named in GEODATA_DATABASE_BLOCK cannot be loaded: {error}") from None
        return parse(block._rendered_url.render_as_string(hide_password=False))
    return cluster.database()
