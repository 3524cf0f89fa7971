"""Freshness: the promise that each source is asked for often enough, held against the catalog."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from prefect import runtime
from prefect.artifacts import create_table_artifact

from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.database import Database
from tasks.running.policies import ARCHIVE, verb
from tasks.running.site import site
from tasks.running.steps import say

# The newest vintage is the one on a schedule: files of a backfill were asked for once, mirrors
# promise nothing, and what is withdrawn is not held.
SOURCES_SHOWN = """
WITH newest AS (
    SELECT c.dataset, c.number FROM catalog.current_edition c
     WHERE c.mirror = '' AND c.vintage = (SELECT max(e.vintage) FROM catalog.edition e JOIN catalog.publication p USING (dataset, number)
                                           WHERE e.dataset = c.dataset AND e.mirror = '')
)
SELECT f.source, f.vintage, string_agg(DISTINCT n.dataset, ', ') AS datasets, f.asked_every_days, f.last_checked,
       f.last_changed_upstream, f.last_state,
       coalesce(f.last_checked < now() - make_interval(days => f.asked_every_days + %s), true) AS overdue
  FROM newest n
  JOIN catalog.edition_input i USING (dataset, number)
  JOIN catalog.freshness f ON f.source = i.source AND f.vintage = i.source_vintage AND f.mirror = ''
 GROUP BY f.source, f.vintage, f.asked_every_days, f.last_checked, f.last_changed_upstream, f.last_state
 ORDER BY overdue DESC, f.last_checked NULLS FIRST, f.source, f.vintage
"""


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
    return [Freshness(*row) for row in database.rows(SOURCES_SHOWN, grace_days)]
