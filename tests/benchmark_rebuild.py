"""Time to recover: five countries published from synthetic files, then rebuilt from the archive
alone in an empty database.

    python tests/benchmark_rebuild.py [--scale 0.01] [--keep FOLDER] [--slots 1 2 4]

At scale 1 the countries have their national size: 20,000 sectors, 2,092 municipalities of Austria,
49,000 IRIS, 85,000 tracts with 242,000 block groups, and 2,000,000 active establishments; making
them takes a quarter of an hour. It prints what each edition and each kind of step took; steps at
the same time share the processors. The files in FOLDER are used again when they are there. With
--slots it is done over a work pool of processes, a real Prefect server's, once for each number of
editions that its queue admits at the same time; no cluster is needed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

import process_pool  # noqa: E402
from deployed import ended, start  # noqa: E402

from tasks.core.postgres import cluster  # noqa: E402
from tasks.core.postgres.database import Database  # noqa: E402
from tasks.running import local_server  # noqa: E402

FLOWS = (
    ("united_states", 2023, "united_states"),
    ("france", 2024, "france"),
    ("sirene", 2026, "sirene-2026"),
    ("belgium", 2024, "belgium"),
    ("austria", 2025, "austria"),
)
EDITIONS = """
SELECT dataset, number, verdict, row_count, round(seconds::numeric, 1)
  FROM catalog.rebuilt_edition WHERE rebuild = %s ORDER BY seconds DESC
"""
STEPS = """
SELECT r.dataset, s.verb, count(*), round(sum(s.seconds)::numeric, 1)
  FROM catalog.rebuilt_edition r, jsonb_to_recordset(r.steps) AS s (verb text, seconds float8)
 WHERE r.rebuild = %s GROUP BY 1, 2 ORDER BY 1, 4 DESC
"""


def main() -> int:
    """Write the files, publish, rebuild, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--slots", type=int, nargs="+", default=())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geodata-rebuild-") as name:
        os.chmod(
            name, 0o755
        )  # the account of a PostgreSQL server walks through it when this runs as root
        os.environ["GEODATA_DATA"] = str(Path(name) / "data")
        world = options.keep or Path(name) / "world"
        if not world.exists():
            write(world, options.scale)
        try:
            for flow, vintage, mirror in FLOWS:
                run(flow, "--vintage", str(vintage), "--mirror", str(world / mirror))
            if options.slots:
                rebuild_over_pool(Path(name), options.slots)
            else:
                rebuild(empty_database("rebuilt"))
        finally:
            local_server.stop()  # which the first flow started
            cluster.stop()
    return 0


def write(world: Path, scale: float) -> None:
    """The synthetic files of all countries."""
    from test_sirene import World

    write_countries(world, scale)
    World(
        world,
        2026,
        part(2_000_000, 2_000, scale),
        part(49_000, 400, scale),
        closed=0.0,
        formats=("parquet",),
    ).mirror("parquet")


def write_countries(world: Path, scale: float) -> None:
    """The synthetic files of all countries but France."""
    from synthetic import austria, belgium, united_states

    belgium.write(
        world / "belgium",
        municipalities=part(570, 12, scale),
        sectors=part(20_000, 120, scale),
        vintages=(2024,),
    )
    austria.write(world / "austria", municipalities=part(2_092, 45, scale), vintages=(2025,))
    united_states.write(
        world / "united_states",
        tracts=part(85_000, 120, scale),
        block_groups=part(242_000, 300, scale),
        vintages=(2023,),
    )


def part(count: int, least: int, scale: float) -> int:
    """The share of a national number, at least so many."""
    return max(least, round(count * scale))


def empty_database(name: str) -> Database:
    """Give an empty database beside the one published in, in which flows work from now on."""
    cluster.database().outside_transaction(f'CREATE DATABASE "{name}"')
    database = Database(cluster.database().url.set(database=name))
    os.environ["GEODATA_DATABASE_URL"] = database.url.render_as_string(hide_password=False)
    return database


def rebuild(database: Database) -> None:
    """Rebuild in an empty database, and print the record."""
    run("rebuild")
    number, message = database.rows("SELECT id, message FROM catalog.rebuild")[0]
    print(message)
    for query in (EDITIONS, STEPS):
        print(*(" ".join(map(str, row)) for row in database.rows(query, number)), sep="\n")


def rebuild_over_pool(folder: Path, slots: Sequence[int]) -> None:
    """Rebuild in an empty database with each number of slots, and print the records."""
    deployments = ["rebuild", "rebuild-edition", *(flow.replace("_", "-") for flow, *_ in FLOWS)]
    address = local_server.start()
    try:
        with temporary_settings({PREFECT_API_URL: address}), get_client(sync_client=True) as client:
            process_pool.make_pool(client, slots=1)
            process_pool.deploy(folder, deploying(address), *deployments)
            for count in slots:
                process_pool.set_slots(client, count)
                rebuild_as_jobs(client, folder, count)
    finally:
        local_server.stop()


def deploying(address: str) -> dict[str, str]:
    """Give the environment of a person who deploys, and of a worker."""
    own = {"GEODATA_IMAGE": "registry.example/geodata-flows:1", "GEODATA_REVISION": "1"}
    return os.environ | own | {"PREFECT_API_URL": address}


def rebuild_as_jobs(client: SyncPrefectClient, folder: Path, slots: int) -> None:
    """Rebuild with one worker, from its start to the end of the run, and print what it took."""
    database = empty_database(f"rebuilt_{slots}")
    address = str(client.api_url)
    with process_pool.working(folder, deploying(address)) as worker:
        started = time.monotonic()
        run = start(client, "rebuild", {}, {})
        while not (state := ended(client, run)):
            time.sleep(0.5)
        seconds = time.monotonic() - started
        if not state.is_completed():
            raise SystemExit(f"{state}\n{worker.said()}")
    number, message = database.rows("SELECT id, message FROM catalog.rebuild")[0]
    print(f"{slots} slots: {seconds:,.0f} s from the start of the run to its end. {message}")
    print(*(" ".join(map(str, row)) for row in database.rows(EDITIONS, number)), sep="\n")


def run(flow: str, *options: str) -> None:
    """Run a flow as a command."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "flows" / f"{flow}.py"), *options],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(main())
