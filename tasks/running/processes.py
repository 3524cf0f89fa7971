"""Processes: flows that other flows run, several at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from prefect.context import FlowRunContext
from prefect.exceptions import MissingFlowError
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.task_runners import TaskRunner

from tasks.core.model.errors import ConfigurationError
from tasks.running.endings import Processes

# One a core, each in a process of its own; it needs up to a gigabyte of memory, so there
# are never many.
PROCESS_COUNT = max(2, min(4, os.cpu_count() or 2))
PROCESSES: TaskRunner[Any] = Processes(max_workers=PROCESS_COUNT)


def flow_of(dataset: str) -> Flow[..., Any]:
    """Return the flow that makes a dataset; raises ConfigurationError where this code has none."""
    try:
        found: Flow[..., Any] = load_flow_from_entrypoint(
            f"flows.{dataset}.{dataset}", use_placeholder_flow=False
        )
    except (ImportError, MissingFlowError) as error:
        raise ConfigurationError(f"this code has no flow of {dataset} ({error})") from None
    return found


@cache
def end_with_parent() -> None:
    """Let this process end with the one that started it: nobody else would, were that killed."""
    if parent := multiprocessing.parent_process():

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


@contextmanager
def server_for_all() -> Iterator[None]:
    """Let other processes report to this one's server, throw-away or not, patiently."""
    context = FlowRunContext.get()
    url = {PREFECT_API_URL: str(context.client.api_url)} if context else {}
    with temporary_settings({**url, PREFECT_CLIENT_MAX_RETRIES: 20}):
        yield
