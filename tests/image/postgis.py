"""A PostGIS server on a port of 127.0.0.1 with a password, as a database elsewhere looks to a
container.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from tasks.core.postgres.cluster import binaries

SETTINGS = (
    "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\npassword_encryption"
    " = 'scram-sha-256'\n"
)
ACCOUNT = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root


@contextmanager
def serve(*databases: str) -> Iterator[str]:
    """Start a cluster with empty databases; gives the URL up to the name of the database."""
    with tempfile.TemporaryDirectory(prefix="geodata-postgis-") as name:
        folder, port = Path(name), _free_port()
        if ACCOUNT:
            os.chown(folder, pwd.getpwnam(ACCOUNT).pw_uid, -1)
        (folder / "password").write_text("secret")
        (folder / "password").chmod(0o644)
        data = str(folder / "data")
        _run(
            "initdb",
            "-D",
            data,
            "-U",
            "geodata",
            "--auth=scram-sha-256",
            f"--pwfile={folder / 'password'}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        )
        with (folder / "data/postgresql.conf").open("a") as configuration:
            configuration.write(SETTINGS + f"port = {port}\n")
        _run("pg_ctl", "start", "-D", data, "-w", "-l", str(folder / "data/log"))
        try:
            base = f"postgresql://geodata:secret@127.0.0.1:{port}/"
            _create(base, databases)
            yield base
        finally:
            _run("pg_ctl", "stop", "-D", data, "-m", "immediate")


def _create(base: str, databases: tuple[str, ...]) -> None:
    connection = psycopg2.connect(base + "postgres")
    connection.autocommit = True
    for database in databases:
        connection.cursor().execute(f'CREATE DATABASE "{database}"')
    connection.close()


def _run(program: str, *arguments: str) -> None:
    subprocess.run(
        [str(binaries() / program), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        user=ACCOUNT,
        timeout=120,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
