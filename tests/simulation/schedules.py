"""When the flows run: on the days of prefect.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "prefect.yaml"


@dataclass(frozen=True, order=True)
class Run:
    """A run that a schedule starts: its day, its time on the clock there, its deployment."""

    day: date
    time: str
    deployment: str
    entrypoint: str


def runs(first: date, last: date, tag: str = "country:") -> Iterator[Run]:
    """Give all runs of the deployments with a tag that begins so, in order, both days included."""
    found = [
        each
        for each in yaml.safe_load(DEPLOYMENTS.read_text(encoding="utf-8"))["deployments"]
        if any(label.startswith(tag) for label in each.get("tags", []))
    ]
    for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        yield from sorted(run for each in found for run in _of_day(each, day))


def _of_day(deployment: dict[str, Any], day: date) -> Iterator[Run]:
    for schedule in deployment.get("schedules", []):
        minute, hour, days, months, weekdays = schedule["cron"].split()
        if months != "*" or weekdays != "*":
            raise ValueError(f"Only days of the month are read here, not {schedule['cron']}.")
        if days == "*" or str(day.day) in days.split(","):
            time = f"{int(hour):02}:{int(minute):02}"
            yield Run(day, time, deployment["name"], deployment["entrypoint"])
