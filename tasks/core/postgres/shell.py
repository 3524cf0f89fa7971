"""The database by hand: `python -m tasks.core.postgres.shell open|migrate|stop`."""

from __future__ import annotations

import os
import shutil
import sys

from tasks.core.model.errors import ConfigurationError, GeodataError
from tasks.core.model.settings import settings
from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database, parse, require_postgis
from tasks.core.postgres.database_urls import SHOWN
from tasks.core.postgres.migrations import migrate

PUBLIC = (*SHOWN, "service")
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
    uri, environment = without_secrets(database)
    os.execve(program, ["psql", uri, *options], environment)


def without_secrets(database: Database) -> tuple[str, dict[str, str]]:
    """Give a libpq URI for a command line, which others can read, and an environment for the rest.

    That has the password, and a service file in memory with the options that may hold a secret.
    """
    url, environment = database.url, dict(os.environ)
    hidden = {name: str(value) for name, value in url.query.items() if name not in PUBLIC}
    public = url.difference_update_query(hidden)._replace(password=None)
    if url.password:
        environment["PGPASSWORD"] = url.password
    if hidden and "service" in url.query:
        raise ConfigurationError(
            f"The database URL names the service {url.query['service']!r} and has further options"
            " that no command line may show: move those into the file of that service."
        )
    if hidden:
        lines = "".join(f"{name}={value}\n" for name, value in hidden.items())
        place = os.memfd_create("service", flags=0)  # open in the program that takes our place
        os.write(place, f"[geodata]\n{lines}".encode())
        environment |= {"PGSERVICE": "geodata", "PGSERVICEFILE": f"/proc/self/fd/{place}"}
    return Database(public).libpq_uri, environment


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
