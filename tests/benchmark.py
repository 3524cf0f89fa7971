"""Ours beside the floor and the best of others, on the same inputs in one run: `make bench`.

    python tests/benchmark.py [--only polygons tables …] [--rounds 2] [--scale 1] [--into FOLDER]

Makes synthetic inputs and a private database in a folder of its own and removes both. The report
(report.md, chart.png, figures.json) goes to data/bench. Targets are ratios to the floor or to the
best peer where there are any, because seconds are those of a machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from peers import reporting  # noqa: E402
from peers.turns import Taken, measure  # noqa: E402
from peers.works import Work  # noqa: E402

GROUPS = ("polygons", "tables", "topology", "points", "commands")


def main() -> None:
    """Measure the groups of works asked for, and write the report after each of them."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS)
    arguments.add_argument("--rounds", type=int, help="in place of those of each work")
    arguments.add_argument("--scale", type=float, default=1.0, help="of rows, areas and points")
    arguments.add_argument("--into", type=Path, default=ROOT / "data" / "bench")
    asked = arguments.parse_args()
    began, results = time.monotonic(), list[tuple[Work, Mapping[str, Taken]]]()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="geodata-bench-")))
        folder.chmod(0o755)  # the database server reads files there
        os.environ["GEODATA_DATA"] = str(folder)
        for name in ("GEODATA_DATABASE_URL", "PREFECT_API_URL"):
            os.environ.pop(name, None)
        for group in asked.only:
            results += run(group, folder, asked.rounds, asked.scale, opened)
            report = reporting.write(asked.into, results, time.monotonic() - began)
    print(f"\n{time.monotonic() - began:.0f} s; {report}")


def run(
    group: str, folder: Path, rounds: int | None, scale: float, opened: ExitStack
) -> list[tuple[Work, Mapping[str, Taken]]]:
    """Make the inputs of a group, measure its works and print them."""
    from importlib import import_module

    from tasks.core.postgres import cluster

    database = cluster.database()
    opened.callback(cluster.stop)
    postmaster = int((cluster.folders()[0] / "postmaster.pid").read_text().split()[0])
    results, began = [], time.monotonic()
    works = import_module(f"peers.{group}").works(folder, database, opened, scale)
    print(f"{group}: inputs in {time.monotonic() - began:.0f} s", flush=True)
    for work in works:
        began = time.monotonic()
        taken = measure(work.ways, rounds or work.rounds, postmaster)
        print(reporting.section(work, taken), flush=True)
        print(f"\nAll of it in {time.monotonic() - began:.0f} s.", flush=True)
        results.append((work, taken))
    return results


if __name__ == "__main__":
    main()
