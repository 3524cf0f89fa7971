"""Crashes of the tests' own database server: those that empty its unlogged tables, and those that
only end connections.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import psutil
from psycopg2 import OperationalError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database


def restart(mode: str) -> None:
    """Stop the server, "fast" or "immediate", and start it again."""
    cluster._run("pg_ctl", "restart", "-D", str(cluster.folders()[0]), "-m", mode, "-w")


def server_killed(database: Database) -> None:
    restart("immediate")


def backend_killed(database: Database) -> None:
    """Kill a process of the server as a machine without memory does: all others start anew."""
    connection = database.connect()
    backend = psutil.Process(connection.info.backend_pid)
    os.kill(backend.pid, signal.SIGKILL)
    backend.wait(60)
    connection.close()
    answer(database)


def failed_over(database: Database) -> None:
    """Stop the server at once and go on, as a standby does, in another timeline of its log."""
    folder = cluster.folders()[0]
    cluster._run("pg_ctl", "stop", "-D", str(folder), "-m", "immediate", "-w")
    (folder / "recovery.signal").touch()
    cluster._give_to_owner(folder / "recovery.signal")
    cluster._start(*cluster.folders())
    answer(database)


def restarted(database: Database) -> None:
    restart("fast")


def backends_ended(database: Database) -> None:
    """End every connection to the database, as an operator or a proxy does."""
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname ="
            " current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()


@retry(
    retry=retry_if_exception_type(OperationalError),
    wait=wait_fixed(0.05),
    stop=stop_after_delay(300),
)
def answer(database: Database) -> None:
    """Wait until the server answers and can be written to."""
    database.connect().close()


Crash = Callable[[Database], None]
EMPTYING: tuple[Crash, ...] = (server_killed, backend_killed, failed_over)
HARMLESS: tuple[Crash, ...] = (restarted, backends_ended)
