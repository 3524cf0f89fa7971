"""Seconds and memory of exporting 242,000 areas, beside ogr2ogr writing the same file.

Run it in the environment: `python tests/benchmark_exports.py [--rows 242000] [--rounds 2]
[--formats gpkg fgb geoparquet csv pmtiles]`. Both read the same published view of one database, in
programs of their own, one after the other in each round. Printed are medians of seconds, the most
memory, and the ratio of speeds. ogr2ogr is Debian's (package gdal-bin): where it lacks a format the
table says so, and it writes tiles as MBTiles. Areas are a grid whose shared edges are random walks.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import benchmark_geometries
import numpy as np
import pyarrow as pa
import shapely

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
VERTICES = 8  # of each of four sides
FORMATS = ("gpkg", "fgb", "geoparquet", "csv", "pmtiles")
COUNTS = tuple(f"persons_{age}" for age in range(0, 60, 5))
AMOUNTS = ("density", "income", "rent")
TABLE = f"""
DROP TABLE areas;
CREATE TABLE areas (
    code text, name text, county text, {", ".join(f"{name} bigint" for name in COUNTS)},
    {", ".join(f"{name} numeric(12,2)" for name in AMOUNTS)}, share double precision,
    reason text, geom geometry(MultiPolygon, 31370));
"""
OURS = """
import sys
from tasks.core.exporting.exports import export
from tasks.core.postgres.database import parse
export(parse(sys.argv[1]), sys.argv[2], sys.argv[3], to=sys.argv[4])
"""


@dataclass(frozen=True)
class Taken:
    """What a program took."""

    seconds: float
    mib: float
    size: int


def main() -> None:
    """Publish the areas, export them in turns, and print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=242_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    parser.add_argument("--keep", type=Path, help="data folder to keep, and to find the areas in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geodata-exports-") as name:
        os.chmod(name, 0o755)  # the database server's account walks through it
        folder = options.keep or Path(name)
        os.environ["GEODATA_DATA"] = str(folder / "data")
        from tasks.core.postgres import cluster

        try:
            compare(folder, options.rows, options.rounds, options.formats)
        finally:
            if not options.keep:
                cluster.stop()


def compare(folder: Path, rows: int, rounds: int, formats: list[str]) -> None:
    """Export in turns, and print a line for each format."""
    database, layer, zooms = published(rows)
    out = folder / "out"
    print(
        f"{'format':12}{'ours s':>9}{'MiB':>7}{'MB':>8}{'ogr2ogr s':>11}{'MiB':>7}{'MB':>8} speed"
    )
    for each in formats:
        ours, theirs = list[Taken](), list[Taken]()
        for _ in range(rounds):
            ours.append(taken(our_command(database, layer, each, out), out))
            if command := their_command(database, layer, each, out, zooms):
                theirs.append(taken(command, out))
        print(line(each, ours, theirs), flush=True)


def line(name: str, ours: list[Taken], theirs: list[Taken]) -> str:
    """A line of the table: medians, and how many times as fast as ogr2ogr."""

    def middle(found: list[Taken]) -> str:
        seconds = statistics.median(each.seconds for each in found)
        mib, size = max(each.mib for each in found), found[-1].size / 1e6
        return f"{seconds:.1f}|{mib:.0f}|{size:.0f}"

    left = middle(ours).split("|")
    right = middle(theirs).split("|") if theirs else ["no driver", "", ""]
    ratio = ""
    if theirs:
        ratio = f"{float(right[0]) / float(left[0]):.2f}"
    cells = [*zip(left, (9, 7, 8), strict=True), *zip(right, (11, 7, 8), strict=True)]
    return f"{name:12}" + "".join(f"{cell:>{width}}" for cell, width in cells) + f" {ratio}"


def taken(command: list[str], out: Path) -> Taken:
    """Run a program that writes into an empty folder, and return what it took."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    started = time.perf_counter()
    program, peak = subprocess.Popen(command, cwd=ROOT), 0.0
    while program.poll() is None:
        peak = max(peak, most_memory(program.pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    if program.returncode:
        raise SystemExit(f"{command[:3]} ended with {program.returncode}.")
    return Taken(seconds, peak, sum(path.stat().st_size for path in out.iterdir()))


def most_memory(process: int) -> float:
    """The most memory that a process has held so far, in MiB; 0 where it has just ended."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def our_command(database: Any, layer: str, name: str, out: Path) -> list[str]:
    """The program that exports as a flow does."""
    return [sys.executable, "-c", OURS, database.libpq_uri, layer, name, f"{out}/"]


def their_command(
    database: Any, layer: str, name: str, out: Path, zooms: tuple[int, int]
) -> list[str]:
    """ogr2ogr with the same view and format; empty where it has no driver."""
    driver = {"gpkg": "GPKG", "fgb": "FlatGeobuf", "csv": "CSV", "pmtiles": "MBTILES"}.get(name)
    if driver is None or shutil.which("ogr2ogr") is None:
        return []
    options = {
        "csv": "-lco GEOMETRY=AS_WKT",
        "pmtiles": f"-t_srs EPSG:3857 -dsco MINZOOM={zooms[0]} -dsco MAXZOOM={zooms[1]}"
        " -dsco MAX_SIZE=2147483647 -dsco MAX_FEATURES=2147483647",
    }.get(name, "")
    target = out / f"areas.{ {'pmtiles': 'mbtiles'}.get(name, name) }"
    view = f"{layer}_2024"
    url = f"PG:{database.libpq_uri}"
    return ["ogr2ogr", "-f", driver, *options.split(), str(target), url, view, "-nln", "areas"]


def published(rows: int) -> tuple[Any, str, tuple[int, int]]:
    """A database with the areas published, the name of their layer, and the zooms of its tiles."""
    from made_up_land import made_up, staged

    from tasks.core.catalog import editions, layers
    from tasks.core.exporting.exports import _area
    from tasks.core.exporting.shown_layers import shown_layer
    from tasks.core.exporting.snapshots import snapshot
    from tasks.core.exporting.tiles import zooms
    from tasks.core.postgres import cluster
    from tasks.core.postgres.copying import copy_batches
    from tasks.core.postgres.migrations import migrate

    database = cluster.database()
    migrate(database)
    dataset = made_up(database, f"exports {rows}")
    name = f"{dataset.schema}.areas"
    if not database.rows("SELECT FROM catalog.current_edition WHERE dataset = %s", dataset.slug):
        staging = staged(database, dataset, 1, extra=TABLE)
        reader = pa.RecordBatchReader.from_batches(schema(), batches(rows))
        copy_batches(database, staging.schema, "areas", reader)
        with database.session(staging.schema) as cursor:
            cursor.execute("COMMENT ON TABLE areas IS 'Areas of a made-up land'")
            for column in (*schema().names,):
                rule = "aggregate: none; from: made up"
                cursor.execute(f"COMMENT ON COLUMN areas.{column} IS 'Made up [unit: x; {rule}]'")
        layers.seal(database, staging, "areas", ("code",))
        editions.publish(database, staging)
    with snapshot(database) as state:
        layer = shown_layer(state, name)
        return database, name, zooms(layer.row_count, _area(layer))


def schema() -> pa.Schema:
    """The columns, as they are sent to the database."""
    return pa.schema(
        [(name, pa.string()) for name in ("code", "name", "county")]
        + [(name, pa.int64()) for name in COUNTS]
        + [(name, pa.decimal128(12, 2)) for name in AMOUNTS]
        + [("share", pa.float64()), ("reason", pa.string()), ("geom", pa.binary())]
    )


def batches(rows: int) -> Iterator[pa.RecordBatch]:
    """The areas of a grid, with figures, in batches of 20,000."""
    from tasks.core.making.geometry.ewkb import ewkb

    side = math.ceil(math.sqrt(rows))
    benchmark_geometries.ROWS, benchmark_geometries.COLUMNS = side, side
    benchmark_geometries.POINTS = VERTICES
    wkb = shapely.to_wkb(benchmark_geometries.coverage()[:rows])
    generator = np.random.default_rng(1)
    for start in range(0, rows, 20_000):
        part = pa.array(wkb[start : start + 20_000], pa.binary())
        numbers = range(start, start + len(part))
        counts = generator.integers(0, 2_000, (len(COUNTS), len(part)))
        amounts = generator.integers(0, 10**9, (len(AMOUNTS), len(part)))
        columns = [
            pa.array([f"{number:012d}" for number in numbers]),
            pa.array([f"Sektor Süd {number}" for number in numbers]),
            pa.array([f"{number // 300:05d}" for number in numbers]),
            *(pa.array(each) for each in counts),
            *(pa.array(each).cast(pa.decimal128(19, 0)) for each in amounts),
            pa.array(generator.random(len(part))),
            pa.array([None if number % 9 else "suppressed" for number in numbers]),
            ewkb(part, 31370, promoted=True),
        ]
        columns = [
            column.cast(pa.decimal128(21, 2)).cast(pa.decimal128(12, 2))
            if pa.types.is_decimal(column.type)
            else column
            for column in columns
        ]
        yield pa.record_batch(columns, schema=schema())


if __name__ == "__main__":
    main()
