"""Three years of four countries' publishers, met by the flows on the days of their schedules with
no change of code: each new vintage is found, judged, and shown within the days promised.

`python tests/simulation/play.py` plays all datasets to the end and prints the table; here are those
years in which something happens that had not happened before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from conftest import database_of_its_own
from simulation import Publisher, World
from simulation.play import PROMISED, Play

from tasks.core.postgres.database import Database

pytestmark = pytest.mark.prefect

PLAYS = {  # datasets, and the day until which they are played
    "belgium": (("belgium",), date(2029, 12, 31)),
    "austria": (("austria",), date(2028, 6, 30)),
    "france": (("france", "sirene"), date(2027, 3, 31)),
    "estimates": (("united_states_estimates", "united_states_income"), date(2028, 12, 31)),
    "united_states": (("united_states",), date(2026, 12, 31)),
}


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    """The publishers, whose files are made when they are asked for."""
    with Publisher(World(tmp_path_factory.mktemp("world"))) as served:
        yield served


@pytest.mark.parametrize("name", PLAYS)
def test_each_new_vintage_is_found_and_judged_on_the_days_of_the_schedules(
    name: str,
    publisher: Publisher,
    cluster_database: Database,
    prefect_server: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    datasets, until = PLAYS[name]
    monkeypatch.setenv("GEODATA_INBOX", str(tmp_path / "inbox"))
    with database_of_its_own(cluster_database, tmp_path / "archive", monkeypatch) as database:
        came = list(Play(publisher, tmp_path / "inbox", datasets).play(until))
        derived = database.rows("SELECT DISTINCT vintage FROM catalog.edition WHERE derived")
    assert [str(each) for each in came if each.verdict != each.event.verdict] == []
    shown = [each for each in came if each.verdict == "published"]
    assert shown
    assert derived
    assert max(each.days for each in shown) <= PROMISED
