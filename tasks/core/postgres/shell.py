"""The database by hand: `python -m tasks.core.postgres.shell open|migrate|stop`."""

from __future__ import annotations

import os
import shutil
import sys

from tasks.core.model.errors import ConfigurationError, GeodataError
from tasks.core.model.settings import settings
from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database, parse, require_postgis
from tasks.core.postgres.migrations import migrate

USAGE = "python -m tasks.core.postgres.shell open [psql options] | migrate | stop"


def main(arguments: list[str]) -> int:
    """Become psql, migrate the catalog or stop the local cluster; 1 and one sentence on failure."""
    try:
        match arguments:
            case ["open", *options]:
                open_psql(options)
            case ["migrate"]:
                database = chosen()
                require_postgis(database)
                migrate(database)
                print(f"The catalog of {database} is up to date.")
            case ["stop"]:
                # without a cluster PostgreSQL need not be installed here
                exists = (cluster.folders()[0] / "PG_VERSION").exists()
                became = "has stopped" if exists and cluster.stop() else "was not running"
                print(f"The local database {became}.")
            case _:
                raise ConfigurationError(
                    f"The arguments {' '.join(arguments)!r} are not understood; expected {USAGE}."
                )
    except GeodataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def chosen() -> Database:
    """Give the database of GEODATA_DATABASE_URL, or the local cluster's, started when needed."""
    url = settings().database_url
    return parse(url.get_secret_value()) if url else cluster.database()


def open_psql(options: list[str]) -> None:
    """Become psql on the chosen database."""
    database = chosen()
    program = shutil.which("psql") or (
        None if settings().database_url else str(cluster.binaries() / "psql")
    )
    if program is None:
        raise ConfigurationError(
            "The program psql was not found on this machine: install the package postgresql-client."
        )
    uri, environment = without_password(database)
    os.execve(program, ["psql", uri, *options], environment)


def without_password(database: Database) -> tuple[str, dict[str, str]]:
    """Give the libpq URI, its password in an environment: others can read a command line."""
    password = database.url.password
    public = Database(database.url._replace(password=None))
    return public.libpq_uri, dict(os.environ) | ({"PGPASSWORD": password} if password else {})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
