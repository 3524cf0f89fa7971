"""Seconds and memory of clean_topology and of a dissolve, on synthetic polygons with 128 vertices
each.

Run: python tests/benchmark_topology.py [--columns 160 --rows 125 --defects 100], 20,000 polygons
and 2.6 million vertices by default. Not collected by pytest. Uses the local database, in a schema
of its own that is dropped afterwards.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from fractal_coverage import grid, spoil, store  # noqa: E402

from tasks.core.making.topology.cleaning import clean  # noqa: E402
from tasks.core.making.topology.dissolution import dissolve  # noqa: E402
from tasks.core.making.topology.polygons import side_table  # noqa: E402
from tasks.core.postgres import cluster  # noqa: E402

SCHEMA = "benchmark_topology"


def memory() -> float:
    """The most memory this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prepare(columns: int, rows: int, defects: int) -> None:
    """Store a coverage with a number of spoilt features."""
    shapes = grid(columns, rows, segments=32, seed=3)
    store(
        cluster.database(),
        SCHEMA,
        "areas",
        spoil(shapes, defects) if defects else shapes,
        groups=40,
    )


def measure_cleaning(parent: str | None) -> None:
    """Clean the coverage and print what it took."""
    database, start, began = cluster.database(), memory(), time.perf_counter()
    report = clean(database, SCHEMA, "areas", "code", 1.0, 0.01, 0.01, parent)
    print(
        f"clean {report.features:,} polygons {'by parent' if parent else 'together'}:"
        f" {time.perf_counter() - began:.1f} s, peak {memory():,.0f} MiB (imports: {start:,.0f}),"
        f" method {report.method}, changed {report.features_changed:,}, greatest change"
        f" {report.greatest_change:.3%}",
        flush=True,
    )


def measure_dissolve() -> None:
    """Dissolve the cleaned areas into 40 groups and print what it took."""
    database, start, began = cluster.database(), memory(), time.perf_counter()
    with side_table(database, SCHEMA, "dissolved"):
        done = dissolve(database, SCHEMA, "areas", "parent", 31370, "dissolved")
    seconds = time.perf_counter() - began
    print(
        f"dissolve into {done.groups} groups: {seconds:.1f} s, peak {memory():,.0f} MiB (imports:"
        f" {start:,.0f})",
        flush=True,
    )


def main() -> None:
    """Run every measurement, each in a process of its own so that memory is its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--columns", type=int, default=160)
    options.add_argument("--rows", type=int, default=125)
    options.add_argument("--defects", type=int, nargs="*", default=[0, 100, 2000])
    chosen = options.parse_args()
    database = cluster.database()
    with database.session() as cursor:
        cursor.execute(
            f"CREATE EXTENSION IF NOT EXISTS postgis; DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;"
            f" CREATE SCHEMA {SCHEMA}"
        )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        for defects, parent in [
            *((count, None) for count in chosen.defects),
            (chosen.defects[0], "parent"),
        ]:
            fresh.submit(prepare, chosen.columns, chosen.rows, defects).result()
            print(f"{defects:,} spoilt: ", end="", flush=True)
            fresh.submit(measure_cleaning, parent).result()
        fresh.submit(measure_dissolve).result()
    with database.session() as cursor:
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


if __name__ == "__main__":
    main()
