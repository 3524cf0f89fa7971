"""After the fire: the database and an archive location destroyed, the network shut, and everything
made again from what is left.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import file_server
import processes
import pytest
from conftest import database_of_its_own
from deployed import wait
from prefect.settings import PREFECT_API_URL
from synthetic import austria, belgium, france, united_states
from test_sirene import World

from tasks.core.archive.hashed_files import original_name
from tasks.core.postgres.database import Database

ROOT = Path(__file__).resolve().parents[1]
PUBLISH = """
import json, sys
from prefect.flows import load_flow_from_entrypoint
for slug, parameters in json.loads(sys.argv[1]):
    load_flow_from_entrypoint(f"flows.{slug}.{slug}", use_placeholder_flow=False)(**parameters)
"""
# What every Python process of a run does first: every address but the Prefect server's is refused,
# and written down.
SHUT = """
import os, socket
def refuse(call):
    def connect(self, address, *rest):
        internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if internet and str(address[1]) != os.environ["TEST_OPEN_PORT"]:
            with open(os.environ["TEST_ASKED"], "a") as asked:
                asked.write(f"{address}\\n")
            raise OSError("the network is shut")
        return call(self, address, *rest)
    return connect
socket.socket.connect = refuse(socket.socket.connect)
socket.socket.connect_ex = refuse(socket.socket.connect_ex)
"""
CATALOGUE = (
    "publisher",
    "licence",
    "dataset",
    "source",
    "artifact",
    "retrieval",
    "run",
    "edition",
    "edition_input",
    "edition_dependency",
    "layer",
    "layer_column",
    "step",
    "check_result",
    "join_report",
    "topology_report",
    "code_change",
    "code_label",
    "publication",
    "tombstone",
)
VIEWS = """
SELECT n.nspname, c.relname, pg_get_viewdef(c.oid), obj_description(c.oid), c.relacl::text,
       (SELECT jsonb_object_agg(attname, col_description(attrelid, attnum))
          FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)
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
    """A database with all countries in it, an archive in two places, and what a person could see
    before the fire.
    """

    database: Database
    primary: Path
    replica: Path
    asked: list[str]
    before: dict[str, Any]


def dump(database: Database) -> dict[str, Any]:
    """All that a reader and the catalog's own reader see, and the content of every table."""
    rows = {
        table: database.rows(
            f"SELECT to_jsonb(t) - 'id' FROM catalog.{table} t ORDER BY (to_jsonb(t) - 'id')::text"
        )
        for table in CATALOGUE
    }
    return {**rows, "views": database.rows(VIEWS), "tables": database.rows(TABLES)}


def environment() -> dict[str, str]:
    return os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}


def start(*command: str) -> AbstractContextManager[processes.Program]:
    return processes.started(sys.executable, *command, env=environment(), cwd=ROOT)


def publish(*flows: tuple[str, dict[str, Any]]) -> AbstractContextManager[processes.Program]:
    return start("-c", PUBLISH, json.dumps(flows))


def write_world(folder: Path) -> None:
    """Two vintages of every country."""
    belgium.write(folder / "belgium", municipalities=12, sectors=120, vintages=(2024, 2025))
    austria.write(folder / "austria", municipalities=45, vintages=(2023, 2025))
    united_states.write(
        folder / "united_states", tracts=120, block_groups=300, vintages=(2022, 2023)
    )
    france.write(folder / "france", iris=400, vintages=(2024, 2025))
    for year in (2025, 2026):
        World(folder, year, 2000).mirror("parquet")


def of_two_years(
    slug: str, mirror: str, *years: int, **more: Any
) -> list[tuple[str, dict[str, Any]]]:
    return [(slug, {"vintage": year, "mirror": mirror, **more}) for year in years]


@pytest.fixture(scope="module")
def burning(
    prefect_server: None, cluster_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Burning]:
    """All countries published from a server, some at the same time; then one rolled back and one
    withdrawn. The United States have one vintage of their many states, and two of the rest.
    """
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    asked: list[str] = []

    class Listening(file_server.FolderHandler):
        def _answer(self, *, with_body: bool) -> None:
            asked.append(self.path)
            super()._answer(with_body=with_body)

    with (
        pytest.MonkeyPatch.context() as patch,
        database_of_its_own(cluster_database, folder / "archive") as database,
    ):
        patch.setenv("GEODATA_ARCHIVE_REPLICAS", str(folder / "replica"))
        patch.setattr(file_server, "FolderHandler", Listening)
        with (
            file_server.serve(folder) as url,
            publish(
                ("united_states", {"vintage": 2023, "mirror": f"{url}united_states"}),
                *of_two_years("united_states_estimates", f"{url}united_states", 2022, 2023),
                *of_two_years("united_states_income", f"{url}united_states", 2022, 2023),
            ) as states,
            publish(
                *of_two_years("belgium", f"{url}belgium", 2024, 2025),
                *of_two_years("belgium", f"{url}belgium", 2025, rebuild=True),
                ("rollback", {"dataset": "belgium"}),
                ("belgium_income", {"mirror": f"{url}belgium"}),
                *of_two_years("austria", f"{url}austria", 2023, 2025),
                ("withdraw", {"dataset": "austria", "vintage": 2023}),
                ("austria_lists", {"mirror": f"{url}austria"}),
                *of_two_years("france", f"{url}france", 2024, 2025),
                *of_two_years("sirene", f"{url}sirene-2025", 2025),
                *of_two_years("sirene", f"{url}sirene-2026", 2026),
            ) as others,
        ):
            others.finish()
            states.finish()
            yield Burning(database, folder / "archive", folder / "replica", asked, dump(database))


@pytest.fixture
def ashes(cluster_database: Database, burning: Burning) -> Iterator[Database]:
    """An empty database, and a copy of the archive that may be damaged."""
    folder = burning.primary.parent / "ashes"
    for place in (burning.primary, burning.replica):
        shutil.copytree(place, folder / place.name)
    with (
        pytest.MonkeyPatch.context() as patch,
        database_of_its_own(cluster_database, folder / "archive") as database,
    ):
        patch.setenv("GEODATA_ARCHIVE_REPLICAS", str(folder / "replica"))
        yield database
    shutil.rmtree(folder)


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    """A network that is shut to every process started now; the file names what was asked for all
    the same.
    """
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut" / "sitecustomize.py").write_text(SHUT)
    port = str(PREFECT_API_URL.value()).rpartition(":")[2].partition("/")[0]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "PYTHONPATH": str(tmp_path / "shut"),
            "TEST_OPEN_PORT": port,
            "TEST_ASKED": str(tmp_path / "asked"),
        }.items():
            patch.setenv(name, value)
        yield tmp_path / "asked"


def run(flow: str, *options: str, root: Path = ROOT, code: int = 0) -> str:
    """Run a flow of a checkout as a person does, and give what it said."""
    with start(str(root / "flows" / f"{flow}.py"), *options) as program:
        return program.finish(code)


def archived(name: str) -> list[Path]:
    """The two places of the archive in use, and an object in each."""
    return [
        Path(place) / name
        for place in (os.environ["GEODATA_ARCHIVE"], os.environ["GEODATA_ARCHIVE_REPLICAS"])
    ]


def test_all_comes_back_from_one_replica_with_the_network_shut(
    burning: Burning, ashes: Database, shut: Path
) -> None:
    asked = len(burning.asked)
    shutil.rmtree(archived("")[0])
    told = run("rebuild", "--scope", "kept")
    assert "16 identical to their manifests, 0 differing, 0 missing" in told
    after = dump(ashes)
    for part, rows in burning.before.items():
        assert after[part] == rows, part
    assert len(burning.asked) == asked
    assert not shut.exists(), shut.read_text()
    assert ashes.rows("SELECT DISTINCT verdict, same_code FROM catalog.rebuilt_edition") == [
        ("identical", True)
    ]
    assert ashes.rows(
        "SELECT verdict, drill, scope, ended_at > started_at FROM catalog.rebuild"
    ) == [("identical", False, "kept", True)]


CHANGE = """
DELETE FROM municipality_types
 WHERE municipality_code = (SELECT min(municipality_code) FROM municipality_types);
UPDATE municipality_types SET typology_code = 'changed'
 WHERE municipality_code = (SELECT min(municipality_code) FROM municipality_types);
"""
LISTS = ("postal_codes", "municipality_types")
CHEAP = ("--datasets", "belgium", "belgium_income", "austria_lists")
VERDICTS = (
    "SELECT dataset, number, verdict, message FROM catalog.rebuilt_edition WHERE rebuild = (SELECT"
    " max(id) FROM catalog.rebuild)"
)
PUBLISHED = "SELECT dataset, number FROM catalog.edition WHERE state = 'published' ORDER BY 1, 2"


def test_damage_is_repaired_or_named_and_a_killed_rebuild_goes_on_where_it_was(
    burning: Burning, ashes: Database, shut: Path
) -> None:
    inputs = (
        "SELECT source, sha256 FROM catalog.edition_input WHERE (dataset, number) IN (('belgium',"
        " 1), ('austria_lists', 1))"
    )
    used = dict(burning.database.rows(inputs))
    corrupt, lost = (
        archived(original_name(used["be-sectors"]))[0],
        archived(original_name(used["at-postal-codes"])),
    )
    whole, backed_up = corrupt.read_bytes(), lost[0].read_bytes()
    corrupt.chmod(0o644)
    corrupt.write_bytes(whole[:-1] + b"!")
    for copy in lost:
        copy.unlink()

    with start(str(ROOT / "flows" / "rebuild.py"), *CHEAP) as killed:
        wait(lambda: ashes.rows(PUBLISHED), "the first edition", 0.02)
        os.killpg(killed.pid, signal.SIGKILL)
        told = killed.finish(-signal.SIGKILL)
    there = ashes.rows(PUBLISHED)
    assert len(there) < 3, "some was still to be made"

    told += run("rebuild", *CHEAP, code=1)
    assert "Repaired the original of be-sectors 2024" in told
    assert corrupt.read_bytes() == whole
    assert (
        "edition 1 of austria_lists 2023 is missing: edition 1 of austria_lists 2023 was made from"
        " at-postal-codes 2023" in told
    )
    verdicts = {(dataset, number): facts for dataset, number, *facts in ashes.rows(VERDICTS)}
    assert {place: verdict for place, (verdict, _) in verdicts.items()} == {
        ("austria_lists", 1): "missing",
        ("belgium", 1): "identical",
        ("belgium", 2): "identical",
        ("belgium_income", 1): "identical",
    }, verdicts
    assert {place: verdicts[place][1] for place in there} == dict.fromkeys(
        there, "its tables were there already"
    )
    assert ashes.rows("SELECT verdict FROM catalog.rebuild ORDER BY id") == [
        ("failed",),
        ("incomplete",),
    ]

    lost[1].write_bytes(backed_up)  # from a backup, in one place
    assert "4 identical to their manifests, 0 differing, 0 missing" in run("rebuild", *CHEAP)
    assert lost[0].read_bytes() == backed_up
    seen, again = dump(ashes), ("belgium", "belgium_income", "austria_lists")
    assert seen["tables"] == [
        row
        for row in burning.before["tables"]
        if row[0].startswith(tuple(f"{name}_edition_" for name in again))
        and not row[0].startswith("belgium_edition_3.")
    ]  # kept for a rollback, and not asked for
    assert seen["views"] == [
        row
        for row in burning.before["views"]
        if row[0] == "belgium" or (row[0] == "austria" and row[1].startswith(LISTS))
    ]
    assert not shut.exists(), shut.read_text()


def test_what_newer_code_makes_otherwise_is_published_apart_and_told_by_key(
    burning: Burning, ashes: Database, shut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("flows", "tasks", "sql"):
        shutil.copytree(ROOT / folder, tmp_path / "newer" / folder)
    script = tmp_path / "newer" / "sql" / "austria_lists.sql"
    script.write_text(script.read_text() + CHANGE)
    lists = ("--datasets", "austria_lists")
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{tmp_path / 'newer'}:{os.environ['PYTHONPATH']}")
        told = run("rebuild", *lists, root=tmp_path / "newer")
    assert "edition 1 of austria_lists 2023 is differing" in told
    (row,) = ashes.rows(
        "SELECT verdict, same_code, published_as, differences, message FROM catalog.rebuilt_edition"
    )
    assert row[:3] == ("differing", False, 2)
    assert list(row[3]) == ["municipality_types"]
    difference = row[3]["municipality_types"]
    assert (difference["added"], difference["removed"], difference["changed"]) == (0, 1, 1)
    first, second = burning.database.rows(
        "SELECT municipality_code FROM austria.municipality_types ORDER BY 1 LIMIT 2"
    )
    assert difference["examples"] == {"removed": [list(first)], "changed": [list(second)]}
    assert "By municipality_code, keys differ: 1 removed" in row[4]
    assert ashes.rows(
        "SELECT number, state FROM catalog.edition WHERE dataset = 'austria_lists' ORDER BY 1"
    ) == [(1, "removed"), (2, "published")]
    count = "SELECT count(*) FROM austria.municipality_types"
    assert ashes.value(count) == burning.database.value(count) - 1

    kept = sorted(path for place in archived("") for path in place.rglob("*"))
    run("drill", *lists)  # by the code of before: the edition of the newer code is the one shown
    assert sorted(path for place in archived("") for path in place.rglob("*")) == kept, (
        "a drill writes nothing into the archive"
    )
    drills = (
        "SELECT drill, verdict, ended_at - started_at > interval '1 second' FROM catalog.rebuild"
        " ORDER BY id"
    )
    assert ashes.rows(drills) == [(False, "differing", True), (True, "differing", True)]
    drilled = (
        "SELECT number, verdict, same_code, published_as, jsonb_array_length(steps) > 5 FROM"
        " catalog.rebuilt_edition WHERE rebuild = 2"
    )
    assert ashes.rows(drilled) == [(2, "differing", False, 3, True)]
    assert ashes.rows(
        "SELECT number FROM catalog.current_edition WHERE dataset = 'austria_lists'"
    ) == [(2,)]
    assert ashes.rows("SELECT datname FROM pg_database WHERE datname LIKE 'geodata_drill_%%'") == []
    assert not shut.exists(), shut.read_text()
