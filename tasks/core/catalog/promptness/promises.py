"""Three promises held against the catalog: files are asked for often enough, what is out is shown
within fifteen days, and a vintage that does not come out as usual is noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tasks.core.catalog.promptness.statements import (
    SELECT_FRESHNESS,
    SELECT_RHYTHMS,
    SELECT_UNSHOWN,
)
from tasks.core.postgres.database import Database


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


@dataclass(frozen=True)
class Unshown:
    """A vintage that is out and not shown yet, and whether its fifteen days are gone by.

    as_of: the month, where each is an edition. number: the edition kept for review. counts_from:
    when the days begin, by the publisher's dates or else when the last file was first seen.
    """

    dataset: str
    vintage: int
    as_of: date | None
    state: str
    number: int | None
    released_at: datetime | None
    seen_at: datetime | None
    released_by: str | None
    counts_from: datetime | None
    overdue: bool

    def __str__(self) -> str:
        month = f" of {self.as_of:%B %Y}" if self.as_of else ""
        said = "released" if self.released_by == "publisher" else "first seen"
        out = f"{said} on {self.counts_from:%Y-%m-%d}" if self.counts_from else "out"
        is_made = self.state == "review"
        kept = f"edition {self.number} is kept for review" if is_made else "no edition is made"
        return f"{self.dataset} {self.vintage}{month} ({out}, {kept})"


@dataclass(frozen=True)
class Rhythm:
    """The vintage of a dataset that is expected next, and whether it is overdue.

    usually_by, expected_by: the latest day of the last releases, without and with days of grace.
    sentence: what is overdue and what to do.
    """

    dataset: str
    vintage: int
    releases: int
    usually_by: date
    expected_by: date
    sentence: str | None
    overdue: bool

    def __str__(self) -> str:
        return self.sentence or f"{self.dataset} {self.vintage} is expected by {self.expected_by}."


def read_freshness(database: Database, grace_days: int = 0) -> list[Freshness]:
    """Return each source behind the newest official edition of each dataset, overdue first."""
    found = database.records(SELECT_FRESHNESS, grace=grace_days)
    return [Freshness(**each._asdict()) for each in found]


def read_unshown(database: Database, grace_days: int = 0) -> list[Unshown]:
    """Return each official vintage, or month, that is out and not shown yet, overdue first.

    Those older than a vintage of the dataset that was shown are left to a backfill.
    """
    found = database.records(SELECT_UNSHOWN, grace=grace_days)
    return [Unshown(**each._asdict()) for each in found]


def read_rhythms(database: Database, grace_days: int = 0) -> list[Rhythm]:
    """Return the vintage expected next of each official dataset with a rhythm, overdue first."""
    found = database.records(SELECT_RHYTHMS, grace=grace_days)
    return [Rhythm(**each._asdict()) for each in found]
