"""The heartbeat of a run, by which the Prefect server tells that its process lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import wraps
from threading import Event, Thread
from typing import Any

from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.flows import Flow
from prefect.settings import get_current_settings

from tasks.running import prefect_settings


@contextmanager
def prompt_heartbeat(flow: Flow[..., Any]) -> Iterator[None]:
    """Send the heartbeats of a flow's run meanwhile, as often as set, in place of Prefect.

    Prefect sleeps a whole second between looks at whether a run has ended, and the run waits for
    that; this one is woken. It is for a flow without flows of its own, whose heartbeats would be
    lost.
    """
    every, function = get_current_settings().flows.heartbeat_frequency, flow.fn
    if every is None:
        yield
        return

    @wraps(function)
    def alive(*arguments: Any, **named: Any) -> Any:
        with _beating(every):
            return function(*arguments, **named)

    flow.fn = alive
    try:
        with prefect_settings.using("flows", heartbeat_frequency=None):
            yield
    finally:
        flow.fn = function


@contextmanager
def _beating(every: float) -> Iterator[None]:
    ended = Event()
    thread = Thread(target=copy_context().run, args=(_beat, ended, every), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=2.0)


def _beat(ended: Event, every: float) -> None:
    """Send a heartbeat at once, then every so many seconds until the run has ended."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow is None:
        return
    run, flow = context.flow_run, context.flow
    resource = {
        "prefect.resource.id": f"prefect.flow-run.{run.id}",
        "prefect.resource.name": run.name,
    }
    of_flow = {
        "prefect.resource.id": f"prefect.flow.{run.flow_id}",
        "prefect.resource.role": "flow",
        "prefect.resource.name": flow.name,
    }
    while not ended.is_set():
        emit_event("prefect.flow-run.heartbeat", resource=resource, related=[of_flow])
        ended.wait(every)
