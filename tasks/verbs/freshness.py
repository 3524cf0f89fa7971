"""Freshness: the promises to ask often, to show soon and to notice what does not come, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from prefect import runtime
from prefect.artifacts import create_table_artifact

from tasks.core.catalog.promptness.promises import (
    Freshness,
    Rhythm,
    Unshown,
    read_freshness,
    read_rhythms,
    read_unshown,
)
from tasks.core.model.errors import CheckFailed
from tasks.running.announcements import telling
from tasks.running.policies import WATCH, verb
from tasks.running.site import site
from tasks.running.steps import say, warn


@verb("check freshness with {grace_days} days of grace", WATCH)
def check_freshness(grace_days: int = 0) -> None:
    """Check that data are asked for, shown and released as promised.

    Each source behind the newest data was asked for, and answered, as often as promised; what is
    out is shown within fifteen days; no vintage is overdue by the rhythm of its publisher. Keeps a
    table of each as an artefact in the Prefect UI. Raises CheckFailed when a promise is broken by
    more than grace_days.
    """
    database = site().database
    sources = read_freshness(database, grace_days)
    unshown = read_unshown(database, grace_days)
    rhythms = read_rhythms(database, grace_days)
    _keep(sources, "freshness", "Sources behind the newest data shown, the stalest first")
    _keep(unshown, "promptness", "Vintages that are out and not shown yet, the longest first")
    _keep(rhythms, "rhythm", "Vintages expected next, the most overdue first")
    if broken := [*_stale(sources), *_late(unshown), *_missed(rhythms)]:
        raise CheckFailed(" ".join(broken))
    if not sources:
        warn(
            "No edition of publishers' own files is shown, so the freshness of nothing was checked."
        )
        return
    say(
        f"Checked the freshness of {len(sources)} sources, {len(unshown)} vintages that are out and"
        f" not shown yet, and {len(rhythms)} that are expected: none is overdue."
    )


def _keep(rows: Sequence[Freshness | Unshown | Rhythm], key: str, description: str) -> None:
    if runtime.flow_run.id:
        table = [{name: str(value) for name, value in asdict(row).items()} for row in rows]
        with telling(f"the table of {key}"):
            create_table_artifact(table, key=key, description=description)


def _stale(sources: Sequence[Freshness]) -> list[str]:
    overdue = [source for source in sources if source.overdue]
    if not overdue:
        return []
    return [
        f"Data are stale: {len(overdue)} of {len(sources)} sources were expected to be asked for"
        f" more recently, found {'; '.join(map(str, overdue))} in catalog.freshness. Look at the"
        " last runs of these flows and run them again."
    ]


def _late(unshown: Sequence[Unshown]) -> list[str]:
    overdue = [vintage for vintage in unshown if vintage.overdue]
    if not overdue:
        return []
    return [
        "New data are not shown: what is out was expected to be shown within fifteen days, found"
        f" {'; '.join(map(str, overdue))} in catalog.promptness. Read in catalog.change how an"
        " edition kept for review differs and accept it, or look at the last runs of these flows"
        " and run them again."
    ]


def _missed(rhythms: Sequence[Rhythm]) -> list[str]:
    return [str(rhythm) for rhythm in rhythms if rhythm.overdue]
