"""A run that is asked to end while its publisher never answers ends all the same, its record says
so, and the next one completes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from uuid import UUID

import faulty_server
import processes
import pytest
import runland
from deployed import wait
from faulty_server import FaultyServer, Handler, Step, whole
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL
from prefect.states import Crashed, Pending

from tasks.core.postgres.database import Database

pytestmark = pytest.mark.faults
TESTS = Path(__file__).parent
# A run that waits for an answer longer than any test, and hears Ctrl-C also in the background.
RUN = """
import signal, sys
import runland
from tasks.core.upstream import http
from tasks.vocabulary import run
http.READ_SECONDS = 86400
signal.signal(signal.SIGINT, signal.default_int_handler)
run(runland.runland) if sys.argv[1] == "--mirror" else runland.runland(sys.argv[1])
"""
# What every Python process of a pod does first: it leaves a file when it ends, unless it is killed.
LEAVE_WORD = """
import atexit, os, pathlib, sys
folder = pathlib.Path(os.environ["TEST_ENDED"])
atexit.register(lambda: (folder / pathlib.Path(sys.argv[0]).stem).touch())
"""
COMMAND = ("--mirror",)
RUNS = "SELECT outcome, message FROM catalog.run ORDER BY started_at"
ENDINGS = [  # how it is started, the signal, and the code with which it ends
    (COMMAND, signal.SIGTERM, 128 + signal.SIGTERM),
    (COMMAND, signal.SIGINT, 128 + signal.SIGINT),
    ((), signal.SIGTERM, -signal.SIGTERM),  # called from Python
]


@dataclass(frozen=True)
class Office:
    """A publisher that never answers for its file; asked: set once it was."""

    server: FaultyServer
    asked: Event
    healthy: list[Step]

    def wait_until_asked(self, program: processes.Program) -> None:
        """Wait until it is asked for the file, by a program that has not ended."""
        wait(lambda: self.asked.is_set() or program.poll() is not None, "the question", 0.05)

    def run(self, client: SyncPrefectClient) -> UUID:
        """A run of a deployment of Runland, as a worker finds it."""
        place = {"directory": str(TESTS)}
        deployment = client.create_deployment(
            client.create_flow_from_name("runland"),
            name="ended",
            entrypoint="runland.py:runland",
            pull_steps=[{"prefect.deployments.steps.set_working_directory": place}],
        )
        parameters = {"mirror": f"{self.server.base}/"}
        return client.create_flow_run_from_deployment(deployment, parameters=parameters).id


@pytest.fixture
def office(
    prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(TESTS), str(TESTS.parent))))
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    runland.write(tmp_path / "mirror")
    asked, over = Event(), Event()

    def silent(handler: Handler) -> int:
        asked.set()
        over.wait()
        handler.close_connection = True
        return 0

    with faulty_server.running() as server:
        for name in ("mirror.json", "places.csv"):
            body = (tmp_path / "mirror" / name).read_bytes()
            server.script(f"/{name}", whole(body, kind="text/plain"))
        healthy = server.scripts["/places.csv"]
        server.scripts["/places.csv"] = [silent]
        yield Office(server, asked, healthy)
        over.set()


def test_a_run_that_waits_for_its_publisher_ends_when_it_is_asked_to(
    office: Office, other_database: Database, tmp_path: Path
) -> None:
    for started, number, code in ENDINGS:
        office.asked.clear()
        command = (sys.executable, "-c", RUN, *started, f"{office.server.base}/")
        with processes.started(*command) as program:
            office.wait_until_asked(program)
            program.send_signal(number)
            said = program.finish(code)
        *_, (outcome, message) = other_database.rows(RUNS)
        assert outcome == "failed", said
        assert f"asked to end ({number.name})" in message
    office.server.scripts["/places.csv"] = office.healthy
    processes.run(*command)
    assert [outcome for outcome, _ in other_database.rows(RUNS)] == [*["failed"] * 3, "published"]
    assert other_database.value("SELECT count(*) FROM runland.places") == 3
    assert list((tmp_path / "data" / "scratch" / "work").iterdir()) == []


@pytest.mark.parametrize("crashes", [0, 2])
def test_an_evicted_run_is_started_again_although_its_worker_takes_it_for_crashed(
    crashes: int,
    office: Office,
    other_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "ended").mkdir()
    (tmp_path / "sitecustomize.py").write_text(LEAVE_WORD)
    monkeypatch.setenv("TEST_ENDED", str(tmp_path / "ended"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR", "reschedule")
    with get_client(sync_client=True) as client:
        run = office.run(client)

        def is_in(name: str) -> bool:
            state = client.read_flow_run(run).state
            return state is not None and state.name == name

        command = ("-m", "tasks.running.pod", "flow-run", "execute", str(run))
        with processes.started(sys.executable, *command, cwd=TESTS.parent) as pod:
            office.wait_until_asked(pod)
            pod.send_signal(signal.SIGTERM)
            wait(lambda: is_in("AwaitingRetry"), "the retry", 0.05)
            for _ in range(crashes):
                client.set_flow_run_state(run, Crashed(message="No active pods found for any job"))
                wait(lambda: is_in("AwaitingRetry"), "the retry, once more", 0.05)
            client.set_flow_run_state(run, Pending())  # the worker starts it
            assert "rescheduled" in pod.finish(0)
        assert is_in("Pending")
    assert (tmp_path / "ended" / "engine").exists(), "it was killed while it waited for a task"
