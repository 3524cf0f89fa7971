"""The rhythm of a deployment's schedules."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from prefect.server.schemas.schedules import CronSchedule

FROM = datetime(2026, 1, 1, tzinfo=UTC)  # any year: two of them hold every length of month
RUNS = 800


def longest_wait(schedules: Sequence[dict[str, Any]]) -> timedelta:
    """The longest time between two runs that the schedules of one deployment, taken together, ever
    leave.
    """
    dates = sorted(
        itertools.chain.from_iterable(_dates(each["cron"], each["timezone"]) for each in schedules)
    )
    return max(later - earlier for earlier, later in itertools.pairwise(dates))


@cache
def _dates(cron: str, timezone: str) -> tuple[datetime, ...]:
    until = FROM + timedelta(days=2 * 365)
    dates = CronSchedule(cron=cron, timezone=timezone).get_dates(n=RUNS, start=FROM, end=until)
    return tuple(datetime.fromisoformat(date.isoformat()) for date in asyncio.run(dates))
