"""A run in a pod: what `prefect flow-run execute` does, with the code that is in the image.

Prefect prepares for code that has to be fetched and for libraries that have to be installed: two
more programs, one after the other, that import Prefect, and a copy of the folder. Here the engine
is started at once. States, cancellation and the answer to SIGTERM stay Prefect's own; only does a
pod that is evicted see to it that its run is started again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect.cli import app
from prefect.cli import flow_run as command
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort
from prefect.runner._control_channel import ControlChannel
from prefect.runner._starter_engine import EngineCommandStarter
from prefect.states import AwaitingRetry
from prefect.utilities.engine import propose_state, propose_state_sync

STANDS_BY = 10.0  # seconds, of the 30 that Kubernetes gives a pod


class NoHooks:
    """Runs no hooks of a run that was cancelled or has crashed: no flow has any."""

    async def run_cancellation_hooks(self, flow_run: FlowRun, state: State) -> None:
        """Run nothing."""

    async def run_crashed_hooks(self, flow_run: FlowRun, state: State) -> None:
        """Run nothing."""


class EngineStarter(EngineCommandStarter):
    """Starts the engine where the code is, in place of a workspace for it."""

    hook_runner = NoHooks()

    def __init__(self, *, workspace_root: Path, control_channel: ControlChannel) -> None:
        super().__init__(control_channel=control_channel, isolate_process_group=True)

    def close(self) -> None:
        """Clear nothing: nothing was prepared."""


async def propose_retry(
    client: PrefectClient, state: State[Any], flow_run_id: UUID
) -> State[Any] | None:
    """Propose that the run is started again, and stand by it, at the end of this process too."""
    told = await propose_state(client, state, flow_run_id=flow_run_id)
    if told.is_scheduled():
        Thread(target=stand_by_retry, args=(flow_run_id,), name="retry").start()
    return told


def stand_by_retry(run: UUID) -> None:
    """Ask again where the worker takes the end of the pod for a crash, until the run is started.

    Pod and worker learn of an eviction at the same time. Where the worker spoke last, the run would
    have crashed and nothing would start it again.
    """
    until = time.monotonic() + STANDS_BY
    with get_client(sync_client=True) as client:
        while time.monotonic() < until:
            with suppress(HTTPError, Abort):  # the next look tells what came between
                state = client.read_flow_run(run).state
                if state and state.is_crashed():
                    propose_state_sync(client, AwaitingRetry(), flow_run_id=run)
                elif not (state and state.is_scheduled()):
                    return
            time.sleep(0.2)


def use_image() -> None:
    """Let Prefect's command execute runs by the code of the image."""
    vars(command)["WorkspaceResolvingEngineCommandStarter"] = EngineStarter
    vars(command)["propose_state"] = propose_retry


if __name__ == "__main__":  # python -m tasks.running.pod flow-run execute
    use_image()
    app()
