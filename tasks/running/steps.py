"""The record of what a verb did: one sentence in the log, one row in `catalog.step`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from tasks.core.catalog import provenance
from tasks.core.model.handles import Staging
from tasks.running.gauges import MemoryGauge
from tasks.running.site import site


class Step:
    """What a verb reports: a past-tense sentence without its full stop, and its figures."""

    def __init__(self) -> None:
        self.sentence = ""
        self.rows: int | None = None
        self.figures: dict[str, Any] = {}

    def done(self, sentence: str, rows: int | None = None, **figures: Any) -> None:
        """Keep what was done ("Loaded 19,795 features"), how many rows, and further figures."""
        self.sentence, self.rows, self.figures = sentence, rows, figures


@contextmanager
def recording(staging: Staging, verb: str, subject: str) -> Iterator[Step]:
    """Time a verb and keep its record, whether it succeeds or fails."""
    step, started, memory = Step(), time.perf_counter(), MemoryGauge()
    try:
        with memory:
            yield step
    except BaseException as error:  # a step that is cancelled or interrupted has failed too
        step.done(f"failed: {error}", rows=None, error=type(error).__name__)
        raise
    finally:
        seconds = time.perf_counter() - started
        provenance.record_step(
            site().database,
            staging,
            verb,
            subject,
            step.sentence,
            step.rows,
            seconds,
            memory.mib,
            step.figures,
        )
        if "error" not in step.figures:
            say(f"{step.sentence} in {seconds:.1f} s.")


def say(sentence: str) -> None:
    """Log one sentence to the run, or do nothing outside of a run."""
    log(logging.INFO, sentence)


def warn(sentence: str) -> None:
    """Log one sentence as a warning to the run, or do nothing outside of a run."""
    log(logging.WARNING, sentence)


def log(level: int, sentence: str) -> None:
    """Write one sentence to the log of the run, where there is one."""
    with suppress(MissingContextError):
        get_run_logger().log(level, sentence)
