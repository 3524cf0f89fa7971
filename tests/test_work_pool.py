"""A rebuild, a drill and a backfill over a work pool: each edition a job, each job mortal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import process_pool
import processes
import pytest
from conftest import database_of_its_own
from deployed import ended, start, wait
from fault_land import MINUTES
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from process_pool import jobs, kill, runs_of
from synthetic import austria, belgium, france
from test_rebuild import dump, of_two_years, publish
from test_sirene import World

from tasks.core.postgres.database import Database

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not MINUTES, reason="starts dozens of programs: `make test-faults`"),
]
BUILDING = "SELECT 1 FROM catalog.edition WHERE state = 'building' AND run IS NULL"
PUBLISHED = "SELECT dataset, number FROM catalog.edition WHERE state = 'published' ORDER BY 1, 2"
VERDICTS = (
    "SELECT dataset, number, verdict FROM catalog.rebuilt_edition WHERE rebuild ="
    " (SELECT max(id) FROM catalog.rebuild) ORDER BY 1, 2"
)

EDITIONS = {(name, 1) for name in ("austria_lists", "belgium", "france", "sirene")}
EDITIONS |= {("belgium", 2)}
IDENTICAL = f"{len(EDITIONS)} identical to their manifests, 0 differing, 0 missing"


@dataclass
class Pool:
    """A Prefect server with our deployments on a pool of processes; folder: for its workers."""

    client: SyncPrefectClient
    address: str
    folder: Path

    def working(self) -> AbstractContextManager[processes.Program]:
        """A worker whose jobs work at the database and the archive of the test."""
        environment = os.environ | {"PREFECT_API_URL": self.address}
        return process_pool.working(self.folder, environment)

    def run(self, deployment: str, **parameters: Any) -> str:
        """Start a run of a deployment as a person does, and give its id."""
        return start(self.client, deployment, parameters, {})

    def end(self, run: str, worker: processes.Program) -> str:
        """Wait for the end of a run, which must be a good one, and give what all runs said."""
        state = wait(lambda: ended(self.client, run), "the end of the run")
        assert state.is_completed(), f"{state}\n{worker.said()}"
        return worker.said()


@pytest.fixture(scope="module")
def pool(background_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    folder = tmp_path_factory.mktemp("pool")
    environment = os.environ | {
        "PREFECT_API_URL": background_server,
        "GEODATA_IMAGE": "registry.example/geodata-flows:1",
        "GEODATA_REVISION": "1",
    }
    with (
        temporary_settings({PREFECT_API_URL: background_server}),
        get_client(sync_client=True) as client,
    ):
        process_pool.make_pool(client, slots=2)
        process_pool.deploy(
            folder, environment, "rebuild", "drill", "backfill", "rebuild-edition", "belgium"
        )
        yield Pool(client, background_server, folder)


@dataclass
class Burnt:
    """An archive of some datasets, one of which stands on another, and what was published."""

    archive: Path
    before: dict[str, Any]


@pytest.fixture(scope="module")
def burnt(
    pool: Pool, cluster_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Burnt]:
    folder = tmp_path_factory.mktemp("world")
    belgium.write(folder / "belgium", municipalities=12, sectors=120, vintages=(2024, 2025))
    austria.write(folder / "austria", municipalities=45, vintages=(2023,))
    france.write(folder / "france", iris=400, vintages=(2024, 2025))
    World(folder, 2026, 2000).mirror("parquet")
    with database_of_its_own(cluster_database, folder / "archive") as database:
        with publish(
            *of_two_years("belgium", f"{folder}/belgium", 2024, 2025),
            ("austria_lists", {"mirror": f"{folder}/austria"}),
            *of_two_years("france", f"{folder}/france", 2025),
            *of_two_years("sirene", f"{folder}/sirene-2026", 2026),
        ) as publishing:
            publishing.finish()
        yield Burnt(folder / "archive", dump(database))


@pytest.fixture
def ashes(cluster_database: Database, burnt: Burnt, tmp_path: Path) -> Iterator[Database]:
    """An empty database, and a copy of the archive."""
    shutil.copytree(burnt.archive, tmp_path / "archive")
    with database_of_its_own(cluster_database, tmp_path / "archive") as database:
        yield database


def test_a_rebuild_as_jobs_is_identical_although_one_is_killed(
    pool: Pool, burnt: Burnt, ashes: Database
) -> None:
    with pool.working() as worker:
        run = pool.run("rebuild")
        wait(lambda: ashes.rows(BUILDING), "an edition that is made", 0.02)
        assert kill(str(runs_of(pool.client, "rebuild-edition", "RUNNING")[0].id))
        told = pool.end(run, worker)
    assert IDENTICAL in told
    assert "ended as Crashed" in told
    assert dump(ashes) == burnt.before
    assert len(runs_of(pool.client, "rebuild-edition")) == len(EDITIONS) + 1


def test_a_backfill_runs_the_deployment_of_a_dataset_once_a_vintage(
    pool: Pool, other_database: Database, tmp_path: Path
) -> None:
    belgium.write(tmp_path / "mirror", municipalities=6, sectors=40, vintages=(2024, 2025))
    before = len(runs_of(pool.client, "belgium"))
    with pool.working() as worker:
        parameters = {"datasets": ["belgium"], "since": 2023, "mirror": str(tmp_path / "mirror")}
        told = pool.end(pool.run("backfill", **parameters), worker)
    for year, outcome in ((2023, "not there"), (2024, "published"), (2025, "published")):
        assert f"belgium {year} is {outcome}" in told
    shown = "SELECT vintage, number FROM catalog.current_edition ORDER BY number"
    assert other_database.rows(shown) == [(2024, 1), (2025, 2)]
    compared = "SELECT compared_with FROM catalog.edition ORDER BY number"
    assert other_database.rows(compared) == [(None,), (1,)]
    assert len(runs_of(pool.client, "belgium")) == before + 3


def test_a_rebuild_whose_supervisor_is_killed_goes_on_where_it_was(
    pool: Pool, burnt: Burnt, ashes: Database
) -> None:
    process_pool.set_slots(pool.client, 1)
    with pool.working() as worker:
        killed = pool.run("rebuild")
        wait(lambda: ashes.rows(BUILDING), "an edition that is made", 0.02)
        (part,) = runs_of(pool.client, "rebuild-edition", "RUNNING")
        for process in jobs(str(part.id)):
            process.suspend()
        assert kill(killed)
        # until then the deployment's limit of one run would cancel the next
        assert wait(lambda: ended(pool.client, killed), "the end of the supervisor").is_crashed()
        run = pool.run("rebuild")
        waited_for = f"The run {part.name}, which an earlier rebuild had started, is waited for."
        wait(lambda: waited_for in worker.said(), "the word that the part is waited for")
        process_pool.set_slots(pool.client, 2)
        for process in jobs(str(part.id)):
            process.resume()
        told = pool.end(run, worker)
        assert IDENTICAL in told
        assert "Cancelled the run rebuild" in told
        assert ended(pool.client, str(part.id)).is_completed()
    after = dump(ashes)
    assert after["views"] == burnt.before["views"]
    assert after["tables"] == burnt.before["tables"]
    assert set(ashes.rows(VERDICTS)) == {(*edition, "identical") for edition in EDITIONS}
    found_there = "SELECT count(*) FROM catalog.rebuilt_edition WHERE message LIKE 'its tables%'"
    assert ashes.value(found_there) >= 1


def test_a_rebuild_goes_on_when_its_worker_was_killed_and_is_back(
    pool: Pool, burnt: Burnt, ashes: Database
) -> None:
    with pool.working() as worker:
        run = pool.run("rebuild")
        wait(lambda: ashes.rows(BUILDING), "an edition that is made", 0.02)
        worker.kill()
        worker.wait()
        with pool.working() as other:
            pool.end(run, other)  # what the rebuild said went with the first worker
    assert {verdict for *_, verdict in ashes.rows(VERDICTS)} == {"identical"}
    assert dump(ashes)["tables"] == burnt.before["tables"]


def test_a_drill_as_jobs_is_identical_and_leaves_no_database(
    pool: Pool, burnt: Burnt, ashes: Database
) -> None:
    with pool.working() as worker:
        told = pool.end(pool.run("drill", datasets=["belgium", "austria_lists"]), worker)
    assert "3 identical to their manifests, 0 differing, 0 missing" in told
    assert ashes.rows(PUBLISHED) == []
    assert ashes.rows("SELECT drill, verdict FROM catalog.rebuild") == [(True, "identical")]
    assert ashes.rows("SELECT datname FROM pg_database WHERE datname LIKE 'geodata_drill_%%'") == []


def test_a_vintage_waits_for_the_scheduled_run_of_its_dataset(
    pool: Pool, other_database: Database, tmp_path: Path
) -> None:
    belgium.write(tmp_path / "mirror", municipalities=6, sectors=40, vintages=(2025,))
    given = {"mirror": str(tmp_path / "mirror")}
    with pool.working() as worker:
        scheduled = pool.run("belgium", vintage=2025, **given)
        wait(lambda: runs_of(pool.client, "belgium", "RUNNING"), "the scheduled run")
        (job,) = (each for each in jobs(scheduled) if "engine" in " ".join(each.cmdline()))
        job.suspend()
        run = pool.run("backfill", datasets=["belgium"], since=2025, **given)
        wait(lambda: "waits for another run of belgium/belgium" in worker.said(), "the wait")
        job.resume()
        told = pool.end(run, worker)
        assert ended(pool.client, scheduled).is_completed()
    assert "belgium 2025 is unchanged" in told
