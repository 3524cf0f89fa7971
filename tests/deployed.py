"""What tests do to a Prefect server with our deployments on it, and the two servers they meet: a
publisher's, and one that is told.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, Any

import file_server
import processes
import pytest
from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient

ROOT = Path(__file__).resolve().parents[1]
TAG = "geodata"
PATIENCE = 600.0  # seconds until what must come has come, on a busy machine


def run(*command: str, environment: dict[str, str]) -> str:
    """Run Python with these arguments to its end, and give what it printed."""
    with processes.started(sys.executable, *command, cwd=ROOT, env=environment) as program:
        return program.finish()


def wait(moment: Callable[[], Any], what: str, seconds: float = 0.2) -> Any:
    """Ask again until something is there; fail after ten minutes, saying what never came."""
    until = time.monotonic() + PATIENCE
    while not (found := moment()):
        assert time.monotonic() < until, f"{what} never came"
        time.sleep(seconds)
    return found


def deployed(client: SyncPrefectClient, name: str) -> dict[str, Any]:
    """Give a deployment as the server answers it, also what the client does not know of it."""
    (found,) = (deployment for deployment in client.read_deployments() if deployment.name == name)
    return json.loads(client.request("GET", "/deployments/{id}", path_params={"id": found.id}).text)


def changed(automation: AutomationCore, **facts: Any) -> AutomationCore:
    """Give an automation as a person would send it after a change in the UI."""
    return AutomationCore(
        **{
            field: getattr(automation, field)
            for field in AutomationCore.model_fields
            if field != "owner_resource"
        }
        | facts
    )


def start(
    client: SyncPrefectClient, name: str, parameters: dict[str, Any], environment: dict[str, str]
) -> str:
    """Start a run as the UI's form does."""
    body = {
        "state": {"type": "SCHEDULED"},
        "parameters": parameters,
        "job_variables": {"env": environment},
    }
    # The client asks again when SQLite is locked, as a person would press the button again.
    answer = client.request(
        "POST",
        "/deployments/{id}/create_flow_run",
        path_params={"id": deployed(client, name)["id"]},
        json=body,
    )
    return str(answer.json()["id"])


def ended(client: SyncPrefectClient, run_id: str) -> Any:
    """Give the final state of a run, None while it is under way."""
    state = client.read_flow_run(uuid.UUID(run_id)).state
    return state if state and state.is_final() else None


@contextmanager
def counting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Counter[str]]]:
    """A publisher's server that counts the bytes it sends of each file."""
    sent: Counter[str] = Counter()

    class Counting(file_server.FolderHandler):
        def _send(self, file: IO[bytes], first: int, length: int) -> None:
            sent[Path(str(file.name)).name] += length
            super()._send(file, first, length)

    monkeypatch.setattr(file_server, "FolderHandler", Counting)
    with file_server.serve(folder) as address:
        yield address, sent


def ours(client: SyncPrefectClient, state: dict[str, Any], deployment: str = "freshness") -> str:
    """A run with our tag that no worker starts, in a state it is put in."""
    found = deployed(client, deployment)
    body = {
        "flow_id": found["flow_id"],
        "deployment_id": found["id"],
        "tags": [TAG],
        "state": {"type": "SCHEDULED"},
    }
    run_id = client.request("POST", "/flow_runs/", json=body).json()["id"]
    answer = client.request(
        "POST",
        "/flow_runs/{id}/set_state",
        path_params={"id": run_id},
        json={"state": state, "force": True},
    )
    assert answer.json()["status"] == "ACCEPT", answer.text
    return str(run_id)


class Listener(BaseHTTPRequestHandler):
    """Takes notifications and keeps their bodies in the list `told` of its server.

    missed: where it is a list, bodies are kept there and the connection is cut without an answer.
    """

    missed: list[str] | None = None

    def do_POST(self) -> None:
        """Keep the body of a notification, and answer 204."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.missed is not None:
            self.missed.append(body)
            return
        self.server.told.append(body)  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output quiet."""
