"""Programs killed before any effect while they put an edition away for review, or accept it: it is
shown whole or not at all, the next run completes, and nothing is left over.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yearland as office
from fault_land import MINUTES, Land
from test_killed_runs import moments

pytestmark = pytest.mark.faults

SHOWN = "SELECT vintage, number FROM catalog.current_edition ORDER BY vintage"
IN_REVIEW = "SELECT number FROM catalog.edition WHERE state = 'review' ORDER BY number DESC LIMIT 1"


@pytest.fixture
def yearland(land: Land) -> Land:
    """Yearland, with edition 1 of 2025 shown and edition 2 of 2026 kept for review."""
    land.slug = "yearland"
    office.write_declared(Path(land.mirror))
    land.do("yearland", mirror=land.mirror)
    review(land, 0.5)
    return land


def publish_year(land: Land, factor: float) -> None:
    """Let the office publish a year with other residents than the year before explains."""
    office.write_year(Path(land.mirror), 2026)
    office.write_residents(Path(land.mirror), 2026, factor=factor)


def review(land: Land, factor: float) -> int:
    """Let a run keep such a year for review; return the number of its edition."""
    publish_year(land, factor)
    wait_for_person(land)
    return int(land.database.value(IN_REVIEW))


def wait_for_person(land: Land) -> None:
    """Run the flow, whose edition waits for a person."""
    land.do("yearland", mirror=land.mirror, refused=True)
    kind, sentence = json.loads((land.folder / "effects.ended").read_text())
    assert kind == "KeptForReview", f"{sentence}\n{land.killed_at}"


def settled(land: Land) -> None:
    """Hold the land to what must be so after a run: all whole, and nothing left over."""
    assert land.audit() == [], land.killed_at
    left = [each for each in land.left() if not each.startswith("in scratch: unpacked/")]
    assert left == [], land.killed_at


@pytest.mark.skipif(not MINUTES, reason="a long part, of `make test-faults`")
def test_a_run_killed_while_it_keeps_an_edition_for_review(yearland: Land) -> None:
    count = len((yearland.folder / "effects").read_text().splitlines())
    for number, moment in enumerate(moments(count, quick=1, share=0.3), 1):
        publish_year(yearland, 0.5 + 0.001 * number)
        yearland.do("yearland", kill=moment, mirror=yearland.mirror, refused=True)
        assert yearland.database.rows(SHOWN) == [(2025, 1)], yearland.killed_at
        wait_for_person(yearland)
        settled(yearland)


def test_an_acceptance_killed_before_any_effect(yearland: Land) -> None:
    """Every second time the run of the next day comes before the person does it again."""
    who = {"dataset": "yearland", "person": "Ada"}
    yearland.do("accept", edition=2, **who)
    for number, moment in enumerate(moments(yearland.seen["accept"], quick=1, share=0.3), 1):
        edition = review(yearland, (0.25 if number % 2 else 0.5) + 0.0005 * number)
        before, after = yearland.database.rows(SHOWN), [(2025, 1), (2026, edition)]
        yearland.do("accept", kill=moment, edition=edition, **who)
        assert yearland.database.rows(SHOWN) in (before, after), yearland.killed_at
        if number % 2:
            yearland.do("yearland", mirror=yearland.mirror, refused=True)
        yearland.do("accept", edition=edition, **who)
        assert yearland.database.rows(SHOWN) == after, yearland.killed_at
        yearland.do("yearland", mirror=yearland.mirror)
        settled(yearland)
