"""Freshness: the promise to ask for each source often enough, checked in the catalog."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from prefect import runtime
from prefect.artifacts import create_table_artifact

from tasks.core.catalog.statements import SELECT_FRESHNESS
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.database import Database
from tasks.running.announcements import telling
from tasks.running.policies import WATCH, verb
from tasks.running.site import site
from tasks.running.steps import say


@dataclass(frozen=True)
class Freshness:
    """A source behind data that are shown, and whether its publisher answered too long ago."""

    source: str
    vintage: int
    datasets: str
    asked_every_days: int
    last_checked: datetime | None
    last_changed_upstream: datetime | None
    last_state: str
    overdue: bool

    def __str__(self) -> str:
        checked = self.last_checked
        asked = f"last answered on {checked:%Y-%m-%d}" if checked else "never answered"
        return (
            f"{self.source} {self.vintage} of {self.datasets} ({asked}, promised every"
            f" {self.asked_every_days} days, {self.last_state})"
        )


@verb("check freshness with {grace_days} days of grace", WATCH)
def check_freshness(grace_days: int = 0) -> None:
    """Check that each source behind the newest data was asked for, and answered, as promised.

    Keeps the table as an artefact in the Prefect UI. Raises CheckFailed when a source is overdue by
    more than grace_days.
    """
    sources = read_freshness(site().database, grace_days)
    if runtime.flow_run.id:
        rows = [{name: str(value) for name, value in asdict(source).items()} for source in sources]
        description = "Sources behind the newest data shown, the stalest first"
        with telling("how fresh the sources are"):
            create_table_artifact(rows, key="freshness", description=description)
    overdue = [source for source in sources if source.overdue]
    if overdue:
        raise CheckFailed(
            f"Data are stale: {len(overdue)} of {len(sources)} sources were expected to be asked"
            f" for more recently, found {'; '.join(map(str, overdue))} in catalog.freshness. Look"
            " at the last runs of these flows and run them again."
        )
    say(f"Checked the freshness of {len(sources)} sources: none is overdue.")


def read_freshness(database: Database, grace_days: int = 0) -> list[Freshness]:
    """Return each source behind the newest official edition of each dataset, overdue first."""
    found = database.records(SELECT_FRESHNESS, grace=grace_days)
    return [Freshness(**each._asdict()) for each in found]
