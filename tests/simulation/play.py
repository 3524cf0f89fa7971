"""The schedules of prefect.yaml played over the simulated years, with no change of code.

python tests/simulation/play.py [DATASET ...]       # the table of what came of each event
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

# run as a script, the folder of the tests is not on the path
sys.path.append(str(Path(__file__).resolve().parents[1]))

from simulation import END, EVENTS, START, Event, Publisher, World, runs

PROMISED = 15  # days from a release until it is shown


@dataclass(frozen=True)
class Came:
    """What came of an event: when it was found, how it was judged, and what was said."""

    event: Event
    run: date
    verdict: str
    said: str

    @property
    def days(self) -> int:
        """Days from the release until the run."""
        return (self.run - self.event.day).days

    def __str__(self) -> str:
        found = f"{self.event.day} {self.event.dataset} {self.event.vintage}"
        said = " ".join(self.said.split())[:900]
        return (
            f"{found} | {self.event.what} | {self.run}, {self.days} days | {self.verdict} | {said}"
        )


@dataclass
class Play:
    """Flows run on their schedule's days, each after something happened at its publishers."""

    publisher: Publisher
    inbox: Path
    datasets: Sequence[str]
    came: list[Came] = field(default_factory=list)

    def play(self, until: date = END) -> Iterator[Came]:
        """Run what the schedules run until a day, as far as anything is new; give what came."""
        waiting: dict[str, list[Event]] = {dataset: [] for dataset in self.datasets}
        ahead = [event for event in EVENTS if event.dataset in waiting and event.day <= until]
        for dataset in sorted(self.datasets, key=lambda name: name != "france"):
            yield from self._run(dataset, START, [])  # as the team does when it installs all
        for run in runs(START, until):
            dataset = run.entrypoint.split(".")[1]
            if dataset not in waiting:
                continue
            while ahead and ahead[0].day <= run.day:
                event = ahead.pop(0)
                waiting[event.dataset].append(event)
            if waiting[dataset]:
                events, waiting[dataset] = waiting[dataset], []
                yield from self._run(dataset, run.day, events)

    def _run(self, dataset: str, day: date, events: Sequence[Event]) -> Iterator[Came]:
        from tasks.core.upstream.listings import offers
        from tasks.running.processes import flow_of

        self.publisher.today = day
        self.publisher.world.lay(self.inbox, day)
        offers.forget()
        state = flow_of(dataset)(mirror=self.publisher.url, return_state=True)
        for event in events or [Event(day, dataset, 0, "nothing seen", "pattern", "first run")]:
            came = Came(event, day, verdict_of(event, state), said(state))
            self.came.append(came)
            yield came


def said(state: Any) -> str:
    """What a run said at its end."""
    error = None if state.is_completed() else state.result(raise_on_failure=False)
    return str(error or state.message)


def verdict_of(event: Event, state: Any) -> str:
    """How the vintage of an event stands after a run."""
    from tasks.core.model.errors import SourceError
    from tasks.running.comparing import KeptForReview
    from tasks.running.site import site

    if not state.is_completed():
        error = state.result(raise_on_failure=False)
        names = {KeptForReview: "review", SourceError: "refused"}
        return next((name for kind, name in names.items() if isinstance(error, kind)), repr(error))
    if f"ublished {event.dataset} {event.vintage}" in said(state):
        return "published"
    shown = site().database.rows(
        "SELECT FROM catalog.current_edition WHERE (dataset, vintage) = (%s, %s)",
        event.dataset,
        event.vintage,
    )
    if shown:
        return "published before"
    seen = site().database.rows(
        "SELECT FROM catalog.prospect WHERE (dataset, vintage, state) = (%s, %s, 'out')",
        event.dataset,
        event.vintage,
    )
    return "awaited" if seen else "nothing seen"


def main() -> None:
    """Play the years on a database and an archive of their own, and print what came."""
    from prefect.testing.utilities import prefect_test_harness

    chosen = sys.argv[1:] or sorted({event.dataset for event in EVENTS})
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GEODATA_DATA"] = folder
        os.environ["GEODATA_INBOX"] = f"{folder}/inbox"
        with (
            prefect_test_harness(server_startup_timeout=180),
            Publisher(World(Path(folder) / "world")) as publisher,
        ):
            for came in Play(publisher, Path(folder) / "inbox", chosen).play():
                mark = "as expected" if came.verdict == came.event.verdict else "OTHERWISE"
                print(f"{mark} ({came.event.verdict}) | {came}", flush=True)
        from tasks.core.postgres import cluster

        cluster.stop()


if __name__ == "__main__":
    main()
