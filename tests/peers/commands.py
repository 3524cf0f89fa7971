"""Whole commands as a developer types them: publishing, nothing new, no server, many at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from peers.turns import Way
from peers.works import FLOOR, OURS, Target, Work
from synthetic import belgium

from tasks.core.postgres.database import Database, engine, parse
from tasks.core.postgres.migrations import migrate

ROOT = Path(__file__).resolve().parents[2]
VINTAGE = 2025
SECTORS, FEW = 20_000, 5_000
TEMPLATE = "benchmark_template"  # a database with an empty catalog
EMPTY = """
from prefect import flow
@flow
def empty(): pass
empty()
"""
LAST_RUN = """
SELECT extract(epoch FROM started_at), extract(epoch FROM ended_at), message FROM catalog.run
 ORDER BY started_at DESC LIMIT 1
"""


def works(folder: Path, database: Database, opened: ExitStack, scale: float) -> list[Work]:
    """Make synthetic countries of two sizes, databases and a Prefect server; return the works."""
    from tasks.running import local_server

    sectors, small = round(SECTORS * scale), round(FEW * scale)
    database.outside_transaction(f"CREATE DATABASE {TEMPLATE}")
    template = Database(database.url.set(database=TEMPLATE))
    migrate(template)
    engine(template).dispose()
    large = prepared(folder, database, "large", sectors)
    cold = prepared(folder, database, "cold", small)
    several = {
        many: [prepared(folder, database, f"beside_{many}_{each}", small) for each in range(many)]
        for many in (1, 2, 4)
    }
    address = local_server.start()
    opened.callback(local_server.stop)
    opened.callback(stop_server, cold)
    warm = {"PREFECT_API_URL": address}
    empty = Way(FLOOR, alone, (warm,), before=None)
    return [
        Work(
            f"Belgium, {sectors:,} sectors, whole command",
            (Way(OURS, told, ({**large, **warm}, "--rebuild")),),
            Target("seconds", 9.0),
            rounds=1,
            notes="A new edition by `python flows/belgium.py` with a Prefect server up.",
        ),
        Work(
            "Nothing new, whole command",
            (empty, Way(OURS, told, ({**large, **warm},))),
            Target("seconds", 3.0),
            notes="The floor is an empty flow of Prefect alone.",
        ),
        Work(
            f"No Prefect server up, {small:,} sectors",
            (Way(OURS, told, (cold, "--rebuild"), before=stop_server),),
            notes="The command starts the background server, for the first time, which stays.",
            rounds=0,
        ),
        Work(
            f"Flows at once, {small:,} sectors each",
            tuple(
                Way(f"{many} at once", at_once, ([{**each, **warm} for each in environments],))
                for many, environments in several.items()
            ),
            rounds=0,
            notes="Each publishes the first edition of a database of its own.",
        ),
    ]


def prepared(folder: Path, database: Database, name: str, sectors: int) -> dict[str, str]:
    """Make a country's files, a database and folders; return the environment of its runs."""
    files = folder / f"belgium-{sectors}"
    if not files.exists():
        belgium.write(files, max(120, sectors // 1000), sectors, (VINTAGE,))
    database.outside_transaction(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url = database.url.set(database=name).render_as_string(hide_password=False)
    data = folder / f"data-{name}"
    data.mkdir(mode=0o711)
    return {
        "GEODATA_DATABASE_URL": url,
        "GEODATA_ARCHIVE": str(data / "archive"),
        "GEODATA_DATA": str(data),
        "MIRROR": str(files),
    }


def start(environment: dict[str, str], *options: str) -> subprocess.Popen[bytes]:
    """Start the flow as a developer does; the first run of a database is not a rebuild."""
    mirror = environment["MIRROR"]
    command = [sys.executable, str(ROOT / "flows/belgium.py"), "--vintage", str(VINTAGE)]
    return subprocess.Popen(
        [*command, "--mirror", mirror, *options],
        env=os.environ | environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a command, which must end well."""
    if code := process.wait():
        raise RuntimeError(f"the command ended with {code}")


def told(environment: dict[str, str], *options: str) -> str:
    """Run the flow once; say how long it took to start, to work and to end."""
    began = time.time()
    ended(start(environment, *options))
    over = time.time()
    row = parse(environment["GEODATA_DATABASE_URL"]).rows(LAST_RUN)[0]
    worked, stopped = float(row[0]), float(row[1])
    return (
        f"start {worked - began:.2f} s, work {stopped - worked:.2f} s, exit {over - stopped:.2f} s"
    )


def alone(environment: dict[str, str]) -> None:
    """Run an empty flow of Prefect alone."""
    ended(
        subprocess.Popen(
            [sys.executable, "-c", EMPTY],
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )


def at_once(environments: list[dict[str, str]]) -> str:
    """Run flows beside each other, and say how many a minute that makes."""
    began = time.perf_counter()
    for process in [start(each, "--rebuild") for each in environments]:
        ended(process)
    return f"{len(environments) * 60 / (time.perf_counter() - began):.1f} flows a minute"


def stop_server(environment: dict[str, str], *_: str) -> None:
    """Stop the background server of a data folder, so that the next command finds none."""
    subprocess.run(
        [sys.executable, "-m", "tasks.running.local_server", "stop"],
        env=os.environ | environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
