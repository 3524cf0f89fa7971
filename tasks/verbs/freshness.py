"""Freshness: the promise that each source is asked for often enough, held against the catalog."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from prefect import runtime
from prefect.artifacts import create_table_artifact

from tasks.core.catalog.statements import SELECT_FRESHNESS
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.database import Database
from tasks.running.policies import ARCHIVE, verb
from tasks.running.site import site
from tasks.running.steps import say


@dataclass(frozen=True)
class Freshness:
    """A source behind data that are shown: when its publisher last answered, and whether that is
    too long ago.
    """

    source: str
    vintage: int
    datasets: str
    asked_every_days: int
    last_checked: datetime | None
    last_changed_upstream: datetime | None
    last_state: str
    overdue: bool

    def __str__(self) -> str:
        asked = (
            f"last answered on {self.last_checked:%Y-%m-%d}"
            if self.last_checked
            else "never answered"
        )
        return (
            f"{self.source} {self.vintage} of {self.datasets} ({asked}, promised every"
            f" {self.asked_every_days} days, {self.last_state})"
        )


@verb("check freshness with {grace_days} days of grace", ARCHIVE)
def check_freshness(grace_days: int = 0) -> None:
    """Hold every source behind the newest data shown to its promise: asked for, and answered, every
    so many days.

    Keeps the table as an artefact in the Prefect UI. Raises CheckFailed when a source is overdue by
    more than grace_days.
    """
    sources = read_freshness(site().database, grace_days)
    if runtime.flow_run.id:
        rows = [{name: str(value) for name, value in asdict(source).items()} for source in sources]
        create_table_artifact(
            rows,
            key="freshness",
            description="Sources behind the newest data shown, the stalest first",
        )
    overdue = [source for source in sources if source.overdue]
    if overdue:
        raise CheckFailed(
            f"Data are stale: {len(overdue)} of {len(sources)} sources were expected to be asked"
            f" for more recently, found {'; '.join(map(str, overdue))} in catalog.freshness. Look"
            " at the last runs of these flows and run them again."
        )
    say(f"Checked the freshness of {len(sources)} sources: none is overdue.")


def read_freshness(database: Database, grace_days: int = 0) -> list[Freshness]:
    """One row for each source behind the newest official edition of each dataset, the overdue ones
    first.
    """
    found = database.records(SELECT_FRESHNESS, grace=grace_days)
    return [Freshness(**each._asdict()) for each in found]
