"""The progress of a long download, in the run's log and as an artefact in the Prefect UI."""

from __future__ import annotations

import re
import time
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext

from tasks.core.model.declarations import Source
from tasks.running.announcements import telling
from tasks.running.steps import say

LONG_SECONDS = 5.0
ARTEFACT_SECONDS = 2.0
LOG_SECONDS = 15.0


class Progress:
    """Shows bytes received and expected; silent on downloads that are short or have no length."""

    def __init__(self, source: Source) -> None:
        self.name = f"{source.slug} {source.vintage}"
        self.key = re.sub(r"[^a-z0-9]+", "-", f"download-{self.name}".lower())
        self.artefact: UUID | None = None
        self.started = time.monotonic()
        self.shown = self.logged = self.started + LONG_SECONDS - LOG_SECONDS

    def __call__(self, received: int, expected: int | None) -> None:
        """Show the progress, at most every few seconds."""
        now = time.monotonic()
        if not expected or now - self.started < LONG_SECONDS:
            return
        if now - self.logged >= LOG_SECONDS:
            self.logged = now
            say(f"Received {size(received)} of {size(expected)} of {self.name}.")
        if now - self.shown >= ARTEFACT_SECONDS or received == expected:
            self.shown = float("inf")  # for good, where the server does not take it
            with telling(f"the progress of {self.name}"):
                self._show(100.0 * received / expected)
                self.shown = now

    def _show(self, percent: float) -> None:
        if TaskRunContext.get() is None:  # called as a plain function
            return
        if self.artefact is None:
            about = f"Download of {self.name}"
            made = create_progress_artifact(percent, key=self.key, description=about)
            self.artefact = cast(UUID, made)
        else:
            update_progress_artifact(self.artefact, percent)


def size(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
