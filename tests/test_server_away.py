"""The Prefect server goes away in the middle of a run: the run ends, in bounded time, and says so.

The server is reached through a door of the test's own, which shuts for good.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import processes
import pytest
import runland
from deployed import wait
from prefect.settings import PREFECT_API_URL

from tasks.core.postgres.database import Database

pytestmark = pytest.mark.faults
TESTS = Path(__file__).parent
# A run that stops at a verb until the test lets it go on.
RUN = """
import sys, time
from pathlib import Path
import runland
from tasks.vocabulary import run
place, verb, *sys.argv[1:] = sys.argv[1:]
act = getattr(runland, verb)
def waiting(*arguments, **named):
    Path(place, "moment").touch()
    while Path(place, "moment").exists():
        time.sleep(0.05)
    return act(*arguments, **named)
setattr(runland, verb, waiting)
run(runland.runland)
"""


class Door:
    """A port that leads to the Prefect server until it is shut."""

    def __init__(self, port: int) -> None:
        self.server, self.open = port, list[socket.socket]()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def shut(self) -> None:
        """End all connections, and take no more."""
        for each in (self.listener, *self.open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.server))
                self.open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=pair, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def door(prefect_server: None) -> Iterator[Door]:
    """The only way from a run to the server of the session."""
    made = Door(int(urlsplit(str(PREFECT_API_URL.value())).port or 0))
    yield made
    made.shut()


@contextmanager
def started(door: Door, folder: Path, verb: str, *options: str) -> Iterator[processes.Program]:
    runland.write(folder / "mirror")
    environment = os.environ | {
        "PREFECT_API_URL": f"http://127.0.0.1:{door.port}/api",
        "PREFECT_CLIENT_MAX_RETRIES": "0",
        "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent))),
        "GEODATA_DATA": str(folder / "data"),
    }
    arguments = (str(folder), verb, "--mirror", str(folder / "mirror"), *options)
    with processes.started(sys.executable, "-c", RUN, *arguments, env=environment) as program:
        moment = folder / "moment"
        wait(lambda: moment.exists() or program.poll() is not None, "the moment", 0.05)
        assert program.poll() is None, program.said()
        door.shut()
        moment.unlink()
        yield program


def test_a_run_that_has_published_ends_well_and_says_that_the_server_does_not_know(
    door: Door, tmp_path: Path, other_database: Database
) -> None:
    with started(door, tmp_path, "publish_catalog") as program:
        said = program.finish(0)
    last = said.strip().splitlines()[-1]
    assert "went away and does not know how this run ended: it did its work" in last
    assert "was not told the report of this run" in said
    assert other_database.rows("SELECT outcome, message FROM catalog.run") == [
        ("published", "Published runland 2026, edition 1 (places 3).")
    ]
    assert other_database.value("SELECT manifest IS NOT NULL FROM catalog.edition")
    assert list((tmp_path / "data" / "scratch" / "work").iterdir()) == []


def test_a_run_that_fails_says_why_though_the_server_does_not_hear_it(
    door: Door, tmp_path: Path, other_database: Database
) -> None:
    with started(door, tmp_path, "publish", "--ending", "refused") as program:
        said = program.finish(1)
    *_, reason, last = said.strip().splitlines()
    assert reason.startswith("runland: The file ")
    assert last.startswith("runland: the Prefect server http://127.0.0.1:")
    assert "it failed, as said above" in last
    assert other_database.value("SELECT outcome FROM catalog.run") == "failed"
