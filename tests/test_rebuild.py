"""After the fire: the database and an archive location destroyed, the network shut, and everything made again from what is left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import file_server
import pytest
from conftest import database_of_its_own
from prefect.settings import PREFECT_API_URL
from synthetic import austria, belgium, france, united_states
from test_sirene import World

from tasks.core.database import Database

pytestmark = pytest.mark.prefect
ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 600
PUBLISH = """
import json, sys
from prefect.flows import load_flow_from_entrypoint
for slug, parameters in json.loads(sys.argv[1]):
    load_flow_from_entrypoint(f"flows.{slug}.{slug}", use_placeholder_flow=False)(**parameters)
"""
# What every Python process of a run does first: every address but the Prefect server's is refused, and written down.
SHUT = """
import os, socket
def refuse(call):
    def connect(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and str(address[1]) != os.environ["TEST_OPEN_PORT"]:
            with open(os.environ["TEST_ASKED"], "a") as asked:
                asked.write(f"{address}\\n")
            raise OSError("the network is shut")
        return call(self, address, *rest)
    return connect
socket.socket.connect, socket.socket.connect_ex = refuse(socket.socket.connect), refuse(socket.socket.connect_ex)
"""
CATALOGUE = (
    "publisher", "licence", "dataset", "source", "artifact", "retrieval", "run", "edition", "edition_input", "edition_dependency", "layer",
    "layer_column", "step", "check_result", "join_report", "topology_report", "code_change", "code_label", "publication", "tombstone",
)  # fmt: skip
VIEWS = """
SELECT n.nspname, c.relname, pg_get_viewdef(c.oid), obj_description(c.oid), c.relacl::text,
       (SELECT jsonb_object_agg(attname, col_description(attrelid, attnum)) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind = 'v' AND nspname IN (SELECT published_schema FROM catalog.dataset) ORDER BY 1, 2
"""
TABLES = """
SELECT n.nspname || '.' || c.relname, geodata.content_hash(c.oid), obj_description(c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind IN ('r', 'p') AND nspname ~ '_(edition|staging)_' ORDER BY 1
"""


@dataclass
class Burning:
    """A database with all countries in it, an archive in two places, and what a person could see before the fire."""

    database: Database
    primary: Path
    replica: Path
    asked: list[str]
    before: dict[str, Any]


def dump(database: Database) -> dict[str, Any]:
    """All that a reader and the catalogue's own reader see, and the content of every table."""
    rows = {table: database.rows(f"SELECT to_jsonb(t) - 'id' FROM catalog.{table} t ORDER BY (to_jsonb(t) - 'id')::text") for table in CATALOGUE}
    return {**rows, "views": database.rows(VIEWS), "tables": database.rows(TABLES)}


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())} | more


def start(*command: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command], env=environment(**more), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


def finish(run: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == code, output
    return output


def publish(*flows: tuple[str, dict[str, Any]]) -> subprocess.Popen[str]:
    return start("-c", PUBLISH, json.dumps(flows))


def write_world(folder: Path) -> None:
    """Two vintages of every country."""
    belgium.write(folder / "belgium", municipalities=12, sectors=120, vintages=(2024, 2025))
    austria.write(folder / "austria", municipalities=45, vintages=(2023, 2025))
    united_states.write(folder / "united_states", tracts=120, block_groups=300, vintages=(2022, 2023))
    france.write(folder / "france", iris=400, vintages=(2024, 2025))
    for year in (2025, 2026):
        World(folder, year, 2000).mirror("parquet")


def of_two_years(slug: str, mirror: str, *years: int, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(slug, {"vintage": year, "mirror": mirror, **more}) for year in years]


@pytest.fixture(scope="module")
def burning(prefect_server: None, cluster_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Burning]:
    """All countries published from a server, some at the same time; then one rolled back and one withdrawn."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    asked: list[str] = []

    class Listening(file_server.FolderHandler):
        def _answer(self, *, with_body: bool) -> None:
            asked.append(self.path)
            super()._answer(with_body=with_body)

    with pytest.MonkeyPatch.context() as patch, database_of_its_own(cluster_database, folder / "archive") as database:
        patch.setenv("GEODATA_ARCHIVE_REPLICAS", str(folder / "replica"))
        patch.setattr(file_server, "FolderHandler", Listening)
        with file_server.serve(folder) as url:
            states = publish(
                *of_two_years("united_states", f"{url}united_states", 2022, 2023),
                *of_two_years("united_states_estimates", f"{url}united_states", 2022, 2023),
                *of_two_years("united_states_income", f"{url}united_states", 2022, 2023),
            )
            others = publish(
                *of_two_years("belgium", f"{url}belgium", 2024, 2025), *of_two_years("belgium", f"{url}belgium", 2025, rebuild=True),
                ("rollback", {"dataset": "belgium"}), ("belgium_income", {"mirror": f"{url}belgium"}),
                *of_two_years("austria", f"{url}austria", 2023, 2025), ("withdraw", {"dataset": "austria", "vintage": 2023}),
                ("austria_lists", {"mirror": f"{url}austria"}), *of_two_years("france", f"{url}france", 2024, 2025),
                *of_two_years("sirene", f"{url}sirene-2025", 2025), *of_two_years("sirene", f"{url}sirene-2026", 2026),
            )  # fmt: skip
            finish(others)
            finish(states)
            yield Burning(database, folder / "archive", folder / "replica", asked, dump(database))


@pytest.fixture
def ashes(cluster_database: Database, burning: Burning) -> Iterator[Database]:
    """An empty database, and a copy of the archive that may be damaged."""
    folder = burning.primary.parent / "ashes"
    for place in (burning.primary, burning.replica):
        shutil.copytree(place, folder / place.name)
    with pytest.MonkeyPatch.context() as patch, database_of_its_own(cluster_database, folder / "archive") as database:
        patch.setenv("GEODATA_ARCHIVE_REPLICAS", str(folder / "replica"))
        yield database
    shutil.rmtree(folder)


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    """A network that is shut to every process started now; the file names what was asked for all the same."""
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut" / "sitecustomize.py").write_text(SHUT)
    port = str(PREFECT_API_URL.value()).rpartition(":")[2].partition("/")[0]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"PYTHONPATH": str(tmp_path / "shut"), "TEST_OPEN_PORT": port, "TEST_ASKED": str(tmp_path / "asked")}.items():
            patch.setenv(name, value)
        yield tmp_path / "asked"


def rebuild(*options: str) -> subprocess.Popen[str]:
    return start(str(ROOT / "flows" / "rebuild.py"), *options)


def archived(name: str) -> list[Path]:
    """The two places of the archive in use, and an object in each."""
    return [Path(place) / name for place in (os.environ["GEODATA_ARCHIVE"], os.environ["GEODATA_ARCHIVE_REPLICAS"])]


def test_all_comes_back_from_one_replica_with_the_network_shut(burning: Burning, ashes: Database, shut: Path) -> None:
    asked = len(burning.asked)
    shutil.rmtree(archived("")[0])
    told = finish(rebuild("--scope", "kept"))
    assert "17 identical to their manifests, 0 differing, 0 missing" in told
    after = dump(ashes)
    for part, rows in burning.before.items():
        assert after[part] == rows, part
    assert len(burning.asked) == asked
    assert not shut.exists(), shut.read_text()
    assert ashes.rows("SELECT DISTINCT verdict, same_code FROM catalog.rebuilt_edition") == [("identical", True)]
    assert ashes.rows("SELECT verdict, drill, scope, ended_at > started_at FROM catalog.rebuild") == [("identical", False, "kept", True)]
