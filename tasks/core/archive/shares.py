"""Shares: the copies one audit looks at, so that a period covers all and no run reads everything.

A share is measured in bytes, because reading is what an audit costs: by count, one day would fall
on the great files and the next on none. Each copy weighs REQUEST_BYTES more than its size, so that
thousands of small documents are not free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

REQUEST_BYTES = 1 << 20  # what a location reads in about the time one more request takes
UNTIL_THE_NEXT_RUN = timedelta(days=1, hours=6)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One object in one location.

    size: bytes, 0 where it is unknown. audited_at: None when it never was. urgent: known to be
    missing or broken, so that every audit looks at it. failed: the location could not give it the
    last time; it is tried after all others, so that it holds up none.
    """

    name: str
    location: str
    size: int
    audited_at: datetime | None = None
    urgent: bool = False
    failed: bool = False


def share(copies: Iterable[Copy], period_days: int, at: datetime) -> list[Copy]:
    """Give the copies due in one location: urgent ones, a daily share, then those that failed.

    The daily share takes the oldest copies, and goes on until none would be overdue. A copy that a
    clock which was ahead says is audited on a day to come counts as never audited.
    """
    to_come = at + timedelta(days=1)
    everything = sorted(
        (copy if _last(copy) < to_come else replace(copy, audited_at=None) for copy in copies),
        key=lambda copy: (_last(copy), copy.name),
    )
    urgent = [copy for copy in everything if copy.urgent and not copy.failed]
    queue = [copy for copy in everything if not copy.urgent and not copy.failed]
    budget = sum(map(_weight, everything)) / period_days
    overdue = at - timedelta(days=period_days) + UNTIL_THE_NEXT_RUN
    taken: list[Copy] = []
    for copy in queue:
        if budget <= 0 and (copy.audited_at is None or copy.audited_at > overdue):
            break
        budget -= _weight(copy)
        taken.append(copy)
    return [*urgent, *taken, *(copy for copy in everything if copy.failed)]


def _last(copy: Copy) -> datetime:
    return copy.audited_at or NEVER


def _weight(copy: Copy) -> int:
    return copy.size + REQUEST_BYTES
