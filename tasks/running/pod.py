"""A run in a pod: what `prefect flow-run execute` does, with the code that is in the image.

Prefect prepares for code that has to be fetched and for libraries that have to be installed: two
more programs, one after the other, that import Prefect, and a copy of the folder. Here the engine
is started at once. States, cancellation and the answer to SIGTERM stay Prefect's own.
"""

from __future__ import annotations

from pathlib import Path

from prefect.cli import app
from prefect.cli import flow_run as command
from prefect.client.schemas.objects import FlowRun, State
from prefect.runner._control_channel import ControlChannel
from prefect.runner._starter_engine import EngineCommandStarter


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


def use_image() -> None:
    """Let Prefect's command execute runs by the code of the image."""
    vars(command)["WorkspaceResolvingEngineCommandStarter"] = EngineStarter


if __name__ == "__main__":  # python -m tasks.running.pod flow-run execute
    use_image()
    app()
