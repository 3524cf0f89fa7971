"""The rhythm of a deployment's schedules."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.server.schemas.schedules import CronSchedule

FROM = datetime(2026, 1, 1, tzinfo=UTC)  # any year: two of them hold every length of month
RUNS = 800


def longest_wait(schedules: Sequence[dict[str, Any]]) -> timedelta:
    """The longest time between two runs that the schedules of one deployment, taken together, ever
    leave.
    """
    dates = sorted(itertools.chain.from_iterable(map(_dates, schedules)))
    return max(later - earlier for earlier, later in itertools.pairwise(dates))


def _dates(schedule: dict[str, Any]) -> list[datetime]:
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    until = FROM + timedelta(days=2 * 365)
    return [
        datetime.fromisoformat(date.isoformat())
        for date in asyncio.run(cron.get_dates(n=RUNS, start=FROM, end=until))
    ]
