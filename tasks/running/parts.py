"""Parts of a run that are runs of deployments: started in its work pool and followed to their end.

Prefect decides when each starts, and where. A part whose pod was lost is started again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from uuid import UUID

import httpx
from prefect import runtime
from prefect.client.schemas.objects import FlowRun, StateType

from tasks.core.model.addresses import redact
from tasks.running import deployed
from tasks.running.deployed import Order
from tasks.running.steps import say, warn

Key = TypeVar("Key", bound=Hashable)
LOOK_EVERY = 2.0  # seconds
AGAIN_AFTER = (10, 60)  # seconds, for a part that was lost
# One run of a dataset at a time: a part that would be the second is cancelled by the server.
BUSY = "concurrency limit"
BUSY_AFTER, BUSY_TRIES = 30, 720  # seconds, and the six hours within which any run ends


@dataclass(frozen=True)
class _Try(Generic[Key]):
    """A run of a part; lost: how many before it were lost. busy: how many found it taken."""

    part: Key
    order: Order
    lost: int = 0
    busy: int = 0


class Parts(Generic[Key]):
    """The parts of the run under way, by what they are.

    is_done: whether a part needs no other run, by what it is and its run, None for one that the
    server knows no more; asked when that has ended.
    """

    def __init__(self, is_done: Callable[[Key, FlowRun | None], bool]) -> None:
        self._is_done = is_done
        self._under_way: dict[UUID, _Try[Key]] = {}
        self._started: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def start(self, part: Key, order: Order) -> None:
        """Start a part in the work pool, or follow the run that this one had started before."""
        self._start(_Try(part, order))

    def look(self) -> list[tuple[Key, FlowRun | None]]:
        """Look once, in two seconds, and return the parts that have ended for good.

        One that was lost, or cancelled before its start, is started again, twice at most.
        """
        time.sleep(LOOK_EVERY)
        found = deployed.read(list(self._under_way))
        ended: list[tuple[Key, FlowRun | None]] = []
        for number, one in list(self._under_way.items()):
            run = found.get(number)
            if run and not (run.state and run.state.is_final()):
                continue
            del self._under_way[number]
            if self._is_done(one.part, run) or not self._is_started_again(one, run):
                ended.append((one.part, run))
        return ended

    @contextmanager
    def withdrawn_after_failure(self, *, running: bool) -> Iterator[None]:
        """Cancel what has not started when this run fails meanwhile; running: what runs, too."""
        try:
            yield
        except httpx.HTTPError:  # of the server itself, which has been away for long
            raise
        except BaseException:
            withdraw(list(deployed.read(list(self._under_way)).values()), running=running)
            raise

    def _start(self, one: _Try[Key], after: float = 0.0) -> None:
        """Ask for a run under a key of its own; passed over are those that ended in vain before."""
        while True:
            number = self._started.get(one.part, 0) + 1
            self._started[one.part] = number
            key = f"{_own()}{one.order.key} {number}"
            run = deployed.begin(replace(one.order, key=key), after)
            if not (run.state and run.state.is_final()) or run.state.is_completed():
                break
        self._under_way[run.id] = one
        say(f"Asked for the run {one.order.name}.")

    def _is_started_again(self, one: _Try[Key], run: FlowRun | None) -> bool:
        if is_busy(run) and one.busy < BUSY_TRIES:
            if not one.busy:
                say(f"{one.order.name} waits for another run of {one.order.deployment}.")
            self._start(replace(one, busy=one.busy + 1), BUSY_AFTER)
        elif one.lost < len(AGAIN_AFTER):
            after = AGAIN_AFTER[one.lost]
            warn(f"{one.order.name} {told(run)}; it is started again in {after} seconds.")
            self._start(replace(one, lost=one.lost + 1), after)
        else:
            return False
        return True


def is_own(run: FlowRun) -> bool:
    """Tell whether a run was started by the run under way, which may itself have begun again."""
    return str(run.idempotency_key).startswith(_own())


def _own() -> str:
    return f"{runtime.flow_run.id} "


def is_busy(run: FlowRun | None) -> bool:
    """Tell whether a run was cancelled because there was one of its deployment already."""
    return was_cancelled_before_start(run) and BUSY in str(run and run.state and run.state.message)


def was_cancelled_before_start(run: FlowRun | None) -> bool:
    """Tell whether a run never began."""
    # a server gives a start to all that have ended
    return bool(run and run.state_type == StateType.CANCELLED and not run.run_count)


def was_stopped(run: FlowRun | None) -> bool:
    """Tell whether a person, or its deadline, ended a run that had begun."""
    return bool(run and run.state_type == StateType.CANCELLED and run.run_count)


def told(run: FlowRun | None) -> str:
    """Say how a run ended, as the end of a sentence about it."""
    if run is None or run.state is None:
        return "is unknown to the Prefect server by now"
    message = " ".join(redact(run.state.message or "").split())
    return f"ended as {run.state.name}" + (f" ({message.rstrip('.')})" if message else "")


def withdraw(runs: list[FlowRun], *, running: bool) -> None:
    """Cancel runs that wait for their start; running: those too that have begun."""
    for run in runs:
        if run.state_type == StateType.SCHEDULED or (running and run.state_type in deployed.LIVE):
            deployed.cancel(run)
            say(f"Cancelled the run {run.name}: what had started it does so no more.")
