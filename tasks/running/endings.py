"""Endings before the end: a run that is asked to end (SIGTERM, Ctrl-C) does so within seconds.

Kubernetes gives a pod that is evicted 30 seconds. Prefect's own runners wait for their tasks, and
a task may wait for a publisher for minutes. What tasks leave behind is what a killed run leaves.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from prefect.exceptions import TerminationSignal
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

ASKED_TO_END = (TerminationSignal, KeyboardInterrupt)
LAST_SECONDS = 5.0  # for a run that is asked to end to say so


class Threads(ThreadPoolTaskRunner[Any]):
    """Runs tasks in threads, for which a run that is asked to end does not wait."""

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Wait for the tasks; where the run is asked to end, only let none begin any more."""
        if isinstance(exc_value, ASKED_TO_END):
            _let_go(exc_value, self._executor)
            self._executor = None
        super().__exit__(exc_type, exc_value, traceback)


class Processes(ProcessPoolTaskRunner):
    """Runs tasks in processes, for which a run that is asked to end does not wait.

    They end with it (end_with_parent).
    """

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Wait for the tasks; where the run is asked to end, only let none begin any more."""
        if isinstance(exc_value, ASKED_TO_END):
            _let_go(exc_value, self._executor, self._resolver_executor)
            self._executor = self._resolver_executor = None
        super().__exit__(exc_type, exc_value, traceback)


def why(error: BaseException) -> str:
    """Say why a run ended, in a sentence also where it was asked to."""
    if not isinstance(error, ASKED_TO_END):
        return str(error)
    number = error.signal if isinstance(error, TerminationSignal) else signal.SIGINT
    return (
        f"The run was asked to end ({signal.Signals(number).name}) before it was done, and did:"
        " the next run begins again with what the archive has."
    )


@contextmanager
def ending_at_once(name: str) -> Iterator[None]:
    """End this process where SIGTERM or Ctrl-C ends the flow in it, whatever its tasks wait for."""

    def end(number: int, _: FrameType | None = None) -> NoReturn:
        print(f"{name}: interrupted ({signal.Signals(number).name}).", file=sys.stderr)
        leave(128 + number)

    before = signal.signal(signal.SIGTERM, end)  # Prefect calls it when it has told its server
    try:
        yield
    except KeyboardInterrupt:
        end(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


def end(code: int) -> NoReturn:
    """End this process as Python would, but for the half second in which it takes modules apart.

    What is under way comes to its end: states, logs and events that the Prefect server has yet to
    hear, threads, a throw-away server, temporary files. So ends a process of multiprocessing too.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    leave(code)


def leave(code: int) -> NoReturn:
    """End this process without waiting for threads; what is to be done at its end is done."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _let_go(asked: BaseException, *executors: Executor | None) -> None:
    """Let no more tasks begin, and the process end although Python waits for those that did."""
    for executor in filter(None, executors):
        executor.shutdown(wait=False, cancel_futures=True)
    if isinstance(asked, TerminationSignal):
        last = threading.Timer(LAST_SECONDS, leave, (128 + asked.signal,))
        last.daemon = True
        last.start()
