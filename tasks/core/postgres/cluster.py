"""A private PostgreSQL cluster with PostGIS for a machine where no database is configured.

It lives in the data folder, listens on a Unix socket only (no port, so it never meets another
cluster), starts when it is needed and stays up until `make db-stop`. PostgreSQL refuses to run as
root: then it runs as another user.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import data_folder
from tasks.core.postgres.database import POSTGRESQL_OLDEST, Database

NAME = "geodata"
SERVER_SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "work_mem": "64MB",
    "max_wal_size": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}


def folders() -> tuple[Path, Path]:
    """Give the folders of the cluster's data and of its socket, for this data folder."""
    data = data_folder() / "postgres"
    if os.geteuid() == 0 and not _reachable(data.parent):
        data = Path("/var/tmp") / f"geodata-flows-{_digest()}" / "postgres"
    return data, Path(tempfile.gettempdir()) / f"geodata-flows-{_digest()}"


def database() -> Database:
    """Give the local database, its cluster created and started when needed."""
    data, socket = folders()
    with open(data_folder() / "postgres.lock", "w") as lock:  # one process creates or starts it
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (data / "PG_VERSION").exists():
            _create(data)
        if not _running(data):
            _start(data, socket)
        query = {"host": str(socket)}
        found = Database(URL.create("postgresql+psycopg2", NAME, database=NAME, query=query))
        _create_database(found)
    return found


def stop() -> bool:
    """Stop the cluster; false when it was not running."""
    data, _ = folders()
    if not _running(data):
        return False
    _run("pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w")
    return True


def binaries() -> Path:
    """Give the folder of the newest PostgreSQL server programs that have PostGIS."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    candidates = sorted(versions, key=lambda path: float(path.parent.name), reverse=True)
    if pg_config := shutil.which("pg_config"):
        asked = [pg_config, "--bindir"]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        candidates.append(Path(said.strip()))
    for folder in candidates:
        if (folder / "initdb").exists() and _has_postgis(folder):
            return folder
    raise ConfigurationError(
        f"No PostgreSQL server (version {POSTGRESQL_OLDEST} or newer) with PostGIS was found on"
        " this machine: run 'make setup', install the packages postgresql and"
        " postgresql-NN-postgis-3, or set GEODATA_DATABASE_URL to a database elsewhere."
    )


def _has_postgis(folder: Path) -> bool:
    version = folder.parent.name
    places = (
        Path(f"/usr/share/postgresql/{version}/extension"),
        folder.parent / "share/extension",
        folder.parent / "share/postgresql/extension",
    )
    return any((place / "postgis.control").exists() for place in places)


def _digest() -> str:
    return hashlib.sha256(str(data_folder()).encode()).hexdigest()[:10]


def _owner() -> pwd.struct_passwd:
    """Give the account the server runs as: this one, or for root the package's own account."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigurationError(
        "PostgreSQL does not run as root and this machine has neither an account postgres nor"
        " nobody: create one."
    )


def _reachable(folder: Path) -> bool:
    """Tell whether the server's account can walk down to a folder made by root."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents) if part.exists())


def _as_owner() -> dict[str, Any]:
    """Give the arguments that let subprocess run a program as the server's account."""
    account = _owner()
    ids = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return ids if os.geteuid() == 0 else {}


def _give_to_owner(folder: Path) -> None:
    account = _owner()
    if os.geteuid() == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)


def _run(program: str, *arguments: str) -> None:
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [str(binaries() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            timeout=180,
            start_new_session=True,
            **_as_owner(),
        )
        output.seek(0)
        if done.returncode:
            said = output.read().strip()[-300:]
            log = folders()[0] / "server.log"
            last = log.read_text(errors="replace").strip()[-300:] if log.exists() else "no log"
            raise ConfigurationError(
                f"The local database failed at {program} ({said}; server.log ends with: {last}):"
                " correct that and run again."
            )


def _running(data: Path) -> bool:
    asked = [str(binaries() / "pg_ctl"), "status", "-D", str(data)]
    return subprocess.run(asked, capture_output=True, cwd="/", **_as_owner()).returncode == 0


def _create(data: Path) -> None:
    """Make the cluster in a folder of its own, kept only when whole."""
    data.parent.mkdir(parents=True, exist_ok=True)
    unfinished = data.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give_to_owner(unfinished)
    options = "--auth=trust --encoding=UTF8 --locale=C.UTF-8 --data-checksums".split()
    _run("initdb", "-D", str(unfinished), "-U", NAME, *options)
    with open(unfinished / "postgresql.conf", "a") as configuration:
        configuration.writelines(f"{name} = {value}\n" for name, value in SERVER_SETTINGS.items())
    unfinished.rename(data)


def _start(data: Path, socket: Path) -> None:
    with suppress(FileExistsError):
        socket.mkdir(mode=0o700)
    _require_closed(socket)
    _give_to_owner(socket)
    log, options = str(data / "server.log"), f"-k {socket}"
    _run("pg_ctl", "start", "-D", str(data), "-w", "-t", "120", "-l", log, "-o", options)


def _require_closed(socket: Path) -> None:
    """Raise ConfigurationError unless only our accounts reach the socket: it asks for no password.

    Somebody else may have made the folder before us, or a link to another one in its place.
    """
    facts = socket.lstat()
    is_ours = facts.st_uid in (os.geteuid(), _owner().pw_uid)
    if not (is_ours and stat.S_ISDIR(facts.st_mode) and not facts.st_mode & 0o077):
        raise ConfigurationError(
            f"The socket folder {socket} was expected to be a folder of {_owner().pw_name} that is"
            f" closed to others, found {stat.filemode(facts.st_mode)} of account {facts.st_uid}:"
            " remove it, or set GEODATA_DATA to another folder."
        )


def _create_database(database: Database) -> None:
    maintenance = Database(database.url.set(database="postgres"))
    if not maintenance.rows("SELECT 1 FROM pg_database WHERE datname = %s", NAME):
        maintenance.outside_transaction(f'CREATE DATABASE "{NAME}"')
