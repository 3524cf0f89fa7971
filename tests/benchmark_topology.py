"""Seconds, memory and quality of clean_topology, beside mapshaper's, and of a dissolve, on
synthetic polygons with 128 vertices each.

Run: python tests/benchmark_topology.py [--columns 160 --rows 125 --defects 0 100 2000], 20,000
polygons and 2.6 million vertices by default; `--growth` cleans 5, 20 and 80 thousand polygons, 9 %
of them spoilt, and 100 thousand; `--mapshaper <command>` names the peer (`npm install mapshaper`),
which is looked for on the path. Not collected by pytest. Uses the local database, in a schema of
its own that is dropped afterwards.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

import numpy as np  # noqa: E402
import pyogrio.raw  # noqa: E402
import shapely  # noqa: E402
from fractal_coverage import grid, spoil, store, stored  # noqa: E402

from tasks.core.making.topology.cleaning import clean  # noqa: E402
from tasks.core.making.topology.dissolution import dissolve  # noqa: E402
from tasks.core.making.topology.polygons import multipolygons, side_table  # noqa: E402
from tasks.core.postgres import cluster  # noqa: E402

SCHEMA = "benchmark_topology"
SRID = 31370
GAP_METRES, SNAP_METRES = 1.0, 0.01
SQUARE_CENTIMETRE = 1e-4
# columns, rows, spoilt: 9 % of each
GROWTH = ((80, 63, 454), (160, 125, 1_800), (320, 250, 7_200), (400, 250, 9_000))


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, CPU seconds of the client's process, the most memory it held (MiB)."""

    seconds: float
    processor: float
    memory: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s (CPU {self.processor:.1f}), {self.memory:,.0f} MiB"


@dataclass(frozen=True)
class Quality:
    """A cleaned coverage beside the truth that it was spoilt from; areas in square metres.

    gaps: those of less than GAP_METRES. distance: symmetric differences from the true shapes, added
    up; farthest: the greatest as a share of its feature. clean_changed: features neither spoilt nor
    beside a spoilt one that are no longer the same.
    """

    lost: int
    invalid: int
    overlaps: int
    overlap_area: float
    gaps: int
    gap_area: float
    distance: float
    farthest: float
    clean_changed: int

    def __str__(self) -> str:
        return (
            f"lost {self.lost}, invalid {self.invalid}, overlaps {self.overlaps}"
            f" ({self.overlap_area:,.1f} m²), gaps {self.gaps} ({self.gap_area:,.1f} m²),"
            f" {self.distance:,.0f} m² from the truth, at most {self.farthest:.3%} of a feature,"
            f" clean features changed {self.clean_changed:,}"
        )


def coverage(columns: int, rows: int, defects: int) -> tuple[np.ndarray, np.ndarray]:
    """The true shapes, and the same with a number of spoilt features."""
    truth = grid(columns, rows, segments=32, seed=3)
    return truth, spoil(truth, defects) if defects else truth


def taken(work: Callable[[], Any], whose: int = resource.RUSAGE_SELF) -> tuple[Any, Taken]:
    """The result of some work and what it took of this process or of its children."""
    before, began = resource.getrusage(whose), time.perf_counter()
    result = work()
    seconds, after = time.perf_counter() - began, resource.getrusage(whose)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result, Taken(seconds, processor, after.ru_maxrss / 1024)


def prepare(columns: int, rows: int, defects: int, groups: int = 40) -> None:
    """Store a coverage with a number of spoilt features."""
    store(cluster.database(), SCHEMA, "areas", coverage(columns, rows, defects)[1], groups=groups)


def clean_ours(parent: str | None = None) -> tuple[str, Taken]:
    """Clean the stored coverage; what was done and what it took, reading and writing included."""
    database = cluster.database()
    report, took = taken(
        lambda: clean(database, SCHEMA, "areas", "code", GAP_METRES, SNAP_METRES, 0.01, 0.0, parent)
    )
    return (
        f"{report.features:,} polygons {'by parent' if parent else 'together'}, method"
        f" {report.method}, changed {report.features_changed:,}, greatest change"
        f" {report.greatest_change:.3%}",
        took,
    )


def cleaned_ours() -> np.ndarray:
    """The shapes in the database as they are now, by key."""
    found = stored(cluster.database(), SCHEMA, "areas")
    return np.asarray(shapely.from_wkb([found[key] for key in sorted(found)]), dtype=object)


def write_shapefile(path: Path, shapes: np.ndarray) -> None:
    """Write shapes with their numbers in the format that mapshaper reads fastest."""
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes),
        [np.arange(len(shapes))],
        ["number"],
        geometry_type="MultiPolygon",
        crs=f"EPSG:{SRID}",
        driver="ESRI Shapefile",
    )


def read_shapefile(path: Path, count: int) -> np.ndarray:
    """Read so many shapes by their numbers; None for those that are not there."""
    _, _, geometries, (numbers,) = pyogrio.raw.read(path, columns=["number"])
    shapes = np.full(count, None, dtype=object)
    shapes[numbers.astype(int)] = multipolygons(shapely.from_wkb(geometries))
    return shapes


def cleaning_command(command: str, given: Path, made: Path) -> list[str]:
    """What mapshaper is asked.

    It leaves the gap around an area that shrank on all sides, also with a wider gap-width, with
    gap-fill-area and with close-outer-gaps.
    """
    widths = [f"gap-width={GAP_METRES}m", f"snap-interval={SNAP_METRES}"]
    return [command, "-i", str(given), "-clean", *widths, "-o", str(made), "force"]


def clean_with_mapshaper(command: str, shapes: np.ndarray) -> tuple[np.ndarray, Taken, Taken]:
    """The shapes as mapshaper cleans them, what it took, and how much of it to read and write.

    From shapefile to shapefile, which it reads fastest; None for features that it lost.
    """
    with TemporaryDirectory() as folder:
        given, made = Path(folder, "given.shp"), Path(folder, "made.shp")
        write_shapefile(given, shapes)
        copying = [command, "-i", str(given), "-o", str(Path(folder, "copied.shp"))]
        cleaning = cleaning_command(command, given, made)
        # the lesser first: the most memory of children is kept
        _, copied = taken(lambda: _quietly(copying), resource.RUSAGE_CHILDREN)
        _, cleaned = taken(lambda: _quietly(cleaning), resource.RUSAGE_CHILDREN)
        return read_shapefile(made, len(shapes)), cleaned, copied


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def quality(truth: np.ndarray, spoilt: np.ndarray, after: np.ndarray) -> Quality:
    """How near a cleaned coverage is to the truth, and what is still wrong with it.

    Measured with GEOS's own tests of coverages and of pairs, none of ours.
    """
    lost = shapely.is_missing(after) | shapely.is_empty(after)
    invalid = ~lost & ~shapely.is_valid(after)
    shapes = after.copy()
    shapes[lost] = shapely.MultiPolygon()
    shapes[invalid] = multipolygons(shapely.make_valid(shapes[invalid]))
    with ThreadPoolExecutor(1) as beside:
        edges = beside.submit(shapely.coverage_invalid_edges, shapes)
        same = shapely.equals_identical(shapely.normalize(shapes), shapely.normalize(truth))
        true = shapely.make_valid(truth[~same])  # two of 100,000 cross themselves
        distance = np.zeros(len(truth))
        distance[~same] = shapely.area(shapely.symmetric_difference(shapes[~same], true))
    bad = np.flatnonzero(~shapely.is_empty(edges.result()))
    one, other = shapely.STRtree(shapes).query(shapes[bad], predicate="intersects")
    pairs = np.unique(np.sort(np.column_stack([bad[one], other]), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    shared = shapely.area(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    shared = shared[shared > SQUARE_CENTIMETRE]
    # what is true has no hole; areas that meet in points enclose ground too
    ground = shapely.union_all(shapes) if bad.size else shapely.coverage_union_all(shapes)
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(shapely.boundary(ground))]))
    shapely.prepare(ground)
    holes = faces[~shapely.intersects(ground, shapely.point_on_surface(faces))]
    gaps = shapely.area(holes[shapely.is_empty(shapely.buffer(holes, -GAP_METRES / 2))])
    defective = [number for number in range(len(truth)) if spoilt[number] is not truth[number]]
    touched = shapely.STRtree(truth).query(truth[defective], predicate="intersects")[1]
    return Quality(
        lost=int(lost.sum()),
        invalid=int(invalid.sum()),
        overlaps=len(shared),
        overlap_area=float(shared.sum()),
        gaps=len(gaps),
        gap_area=float(gaps.sum()),
        distance=float(distance.sum()),
        farthest=float((distance / shapely.area(truth)).max()),
        clean_changed=int((~same).sum() - (~same[np.unique(touched)]).sum()),
    )


def measure_cleaning(parent: str | None) -> None:
    """Clean the coverage and print what it took."""
    done, took = clean_ours(parent)
    print(f"clean {done}: {took}", flush=True)


def measure_quality(columns: int, rows: int, defects: int, command: str | None) -> None:
    """Print the quality of what was cleaned, and mapshaper's figures on the same coverage."""
    truth, spoilt = coverage(columns, rows, defects)
    print(f"    ours: {quality(truth, spoilt, cleaned_ours())}", flush=True)
    if command is None:
        print("    mapshaper: not there", flush=True)
        return
    after, took, copied = clean_with_mapshaper(command, spoilt)
    print(
        f"    mapshaper: {took}, of it reading and writing {copied}:"
        f" {quality(truth, spoilt, after)}",
        flush=True,
    )


def measure_dissolve() -> None:
    """Dissolve the cleaned areas into groups and print what it took."""
    database = cluster.database()
    with side_table(database, SCHEMA, "dissolved"):
        done, took = taken(lambda: dissolve(database, SCHEMA, "areas", "parent", SRID, "dissolved"))
    print(f"dissolve into {done.groups} groups: {took}", flush=True)


def main() -> None:
    """Run every measurement, each in a process of its own so that memory is its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--columns", type=int, default=160)
    options.add_argument("--rows", type=int, default=125)
    options.add_argument("--defects", type=int, nargs="*", default=[0, 100, 2000])
    options.add_argument("--groups", type=int, default=600, help="of the dissolve")
    options.add_argument("--growth", action="store_true")
    options.add_argument("--mapshaper", default=shutil.which("mapshaper"))
    chosen = options.parse_args()
    sizes = [(chosen.columns, chosen.rows, defects) for defects in chosen.defects]
    database = cluster.database()
    with database.session() as cursor:
        cursor.execute(
            f"CREATE EXTENSION IF NOT EXISTS postgis; DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;"
            f" CREATE SCHEMA {SCHEMA}"
        )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        for size in GROWTH if chosen.growth else sizes:
            fresh.submit(prepare, *size).result()
            print(f"{size[2]:,} spoilt: ", end="", flush=True)
            fresh.submit(measure_cleaning, None).result()
            fresh.submit(measure_quality, *size, chosen.mapshaper).result()
        if not chosen.growth:
            fresh.submit(prepare, *sizes[0]).result()
            fresh.submit(measure_cleaning, "parent").result()
            fresh.submit(prepare, chosen.columns, chosen.rows, 0, chosen.groups).result()
            fresh.submit(measure_dissolve).result()
    with database.session() as cursor:
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


if __name__ == "__main__":
    main()
