"""All countries at once, twice: programs of many datasets, two of each, with one database, one
archive, one scratch and one Prefect server. Each dataset is published once and whole; the others of
it end in one sentence, and nothing is left over.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import processes
import pytest
from fault_land import LEFT_IN_DATABASE, MINUTES, audited
from prefect.settings import PREFECT_API_URL
from synthetic import austria, belgium, united_states
from test_sirene import World

from tasks.core.postgres.database import Database

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[1]
PUBLISHED, NOTHING, REFUSED = "published", "nothing new", "refused"
# How a run may end: its last sentence, and the code of its program.
ENDINGS = {
    (r"Published {dataset} \d{{4}}, edition \d+ \(", 0): PUBLISHED,
    (r"Nothing new for {dataset} \d{{4}}: edition \d+ was made from these files by this code", 0): (
        NOTHING
    ),
    (r"^[a-z-]+: Another run of {dataset} is under way in .*: wait for its end", 1): REFUSED,
}
# Each layer that is shown, and what the catalog says of it.
SELECT_SHOWN = """
SELECT d.published_schema, l.layer, l.row_count, e.manifest
  FROM catalog.current_edition c
  JOIN catalog.edition e USING (dataset, number)
  JOIN catalog.dataset d ON d.slug = c.dataset
  JOIN catalog.layer l USING (dataset, number)
"""


@dataclass(frozen=True)
class Countries:
    """Flows to start, with their options, on one database, archive, scratch and Prefect server."""

    options: dict[str, tuple[str, ...]]
    environment: dict[str, str]

    def run_at_once(self, *datasets: str, **more: str) -> dict[str, list[str]]:
        """Start the flows of datasets, all at once; return how those of each ended.

        more: an option for the runs of a dataset.
        """
        with ExitStack() as programs:
            begun = [
                (each, programs.enter_context(self._started(each, *more.get(each, "").split())))
                for each in datasets
            ]
            ended = dict[str, list[str]]()
            for dataset, program in begun:
                code = program.wait(2 * processes.PATIENCE)
                ended.setdefault(dataset, []).append(ending(dataset, code, program.said()))
        return ended

    @contextmanager
    def _started(self, dataset: str, *more: str) -> Iterator[processes.Program]:
        file = str(ROOT / "flows" / f"{dataset}.py")
        command = (sys.executable, file, *self.options[dataset], *more)
        with processes.started(*command, env=self.environment, cwd=ROOT) as program:
            yield program


def ending(dataset: str, code: int, said: str) -> str:
    """Return how a program ended, which must be in one of the ways that it may."""
    assert "Traceback" not in said, said
    assert "locked" not in said, said
    for (sentence, its_code), name in ENDINGS.items():
        if its_code == code and re.search(sentence.format(dataset=dataset), said, re.MULTILINE):
            return name
    raise AssertionError(f"{dataset} ended with {code}:\n{said[-5000:]}")


@pytest.fixture
def countries(
    tmp_path: Path, prefect_server: None, other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> Countries:
    """Belgium and Austria; where there are minutes, the United States, France and SIRENE too.

    Nobody has made a catalog in the database yet.
    """
    with other_database.session() as cursor:
        cursor.execute("DROP SCHEMA catalog, geodata CASCADE; DROP EXTENSION postgis CASCADE")
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(tmp_path / "replica"))
    belgium.write(tmp_path / "belgium", municipalities=12, sectors=120, vintages=(2024,))
    austria.write(tmp_path / "austria", municipalities=45, vintages=(2025,))
    years = {"belgium": 2024, "austria": 2025}
    mirrors = {dataset: tmp_path / dataset for dataset in years}
    if MINUTES:
        united_states.write(tmp_path / "united_states", vintages=(2023,))
        world = World(tmp_path)
        years |= {"united_states": 2023, "france": 2024, "sirene": world.year}
        mirrors |= {dataset: tmp_path / dataset for dataset in years}
        mirrors["sirene"] = world.register
    options = {
        dataset: ("--vintage", str(year), "--mirror", str(mirrors[dataset]))
        for dataset, year in years.items()
    }
    more = {"GEODATA_DATA": str(tmp_path / "data"), "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    (tmp_path / "data").mkdir()
    return Countries(options, os.environ | more)


def test_all_countries_at_once_twice(
    countries: Countries, other_database: Database, tmp_path: Path
) -> None:
    every, rebuilt = [*countries.options], {}
    if "sirene" in every:  # it stands on areas that are switched meanwhile
        assert countries.run_at_once("france") == {"france": [PUBLISHED]}
        rebuilt = {"france": "--rebuild"}
    first = countries.run_at_once(*every, *every, **rebuilt)
    for dataset, ended in first.items():  # the second rebuild is refused, or comes after the first
        assert 1 <= ended.count(PUBLISHED) <= 1 + (dataset in rebuilt), first
    assert_whole(other_database, countries, tmp_path)
    again = countries.run_at_once(*(2 * every if MINUTES else every[:1]))
    assert all({*ended} <= {NOTHING, REFUSED} for ended in again.values()), again
    assert all(NOTHING in ended for ended in again.values()), again
    assert_whole(other_database, countries, tmp_path)
    assert audited() == []


def assert_whole(database: Database, countries: Countries, folder: Path) -> None:
    """Hold what is shown to what the catalog says of it, and see that nothing else is left."""
    shown = database.rows(SELECT_SHOWN)
    assert {schema for schema, *_ in shown} == {*countries.options}
    for schema, layer, rows, manifest in shown:
        assert database.value(f'SELECT count(*) FROM "{schema}"."{layer}"') == rows > 0
        assert (folder / "archive" / manifest).exists()
    assert database.rows(LEFT_IN_DATABASE) == []
    assert [*folder.rglob("*.part"), *(folder / "data/scratch/work").glob("[0-9]*")] == []
    kept, copied = (
        {path.relative_to(folder / place) for path in (folder / place).rglob("*") if path.is_file()}
        for place in ("archive", "replica")
    )
    assert kept == copied
