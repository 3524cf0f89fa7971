"""Seconds, processor and memory of telling the area of each of 5 million points, beside other ways.

    python tests/benchmark_points.py [--points 5000000] [--areas 49000] [--rounds 1] [--only WAY …]

Areas are a grid with fractal borders, 129 vertices each, drawn together towards the middle as towns
are; points are as dense as areas, and one in a hundred is beside them all. They are in PostGIS and
in Parquet. Ways that end in PostGIS: `locate`, and the server's join with a spatial index of the
points. Ways that read Parquet and end in memory: geopandas.sjoin, shapely's STRtree, and sedonadb
where it is installed (pip install sedonadb geoarrow-pyarrow). Each way has a process of its own,
in turn in each round; the least of the rounds is printed, and whether the answers are ours.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import isqrt
from multiprocessing import get_context
from pathlib import Path

import geopandas
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from fractal_coverage import ORIGIN, grid
from peers.turns import server_seconds
from psycopg2 import sql

from tasks.core.making.joining.locations import locate
from tasks.core.making.topology.polygons import stream
from tasks.core.postgres import cluster
from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database
from tasks.running.gauges import peak_memory_mib

SIZE = 1000.0  # of an area, before areas are drawn together
SRID = 4326
BY_SERVER = """
SET LOCAL work_mem = '128MB';
CREATE UNLOGGED TABLE indexed AS SELECT * FROM points;
CREATE INDEX ON indexed USING gist (geom);
ANALYZE indexed;
CREATE UNLOGGED TABLE found AS
SELECT key, min(code) AS code FROM areas a JOIN indexed p ON ST_Intersects(a.geom, p.geom)
 GROUP BY key;
DROP TABLE indexed;
"""


@dataclass(frozen=True)
class Ground:
    """Points (key, x, y) and areas (code, geom as WKB): two Parquet files, and tables of both."""

    database: Database
    points: Path
    areas: Path


@dataclass(frozen=True)
class Measure:
    """What a way took: seconds, those of processors, MiB at most, and a hash of its answers."""

    seconds: float
    client: float
    server: float
    peak: float
    found: int
    answers: str


def located(ground: Ground) -> None:
    """Ours, into PostGIS."""
    locate(ground.database, "public", "points", "areas", "found", key="key", code="code")


def joined_by_postgis(ground: Ground) -> None:
    """The server's own join, into PostGIS."""
    with ground.database.session() as cursor:
        cursor.execute("DROP TABLE IF EXISTS found")
        cursor.execute(BY_SERVER)


def joined_by_geopandas(ground: Ground) -> pa.Table:
    """geopandas.sjoin, Parquet to Arrow."""
    points, areas = pq.read_table(ground.points), pq.read_table(ground.areas)
    geometry = geopandas.points_from_xy(points["x"], points["y"], crs=SRID)
    left = geopandas.GeoDataFrame({"key": points["key"].to_pandas()}, geometry=geometry)
    shapes = shapely.from_wkb(areas["geom"].to_numpy())
    right = geopandas.GeoDataFrame({"code": areas["code"].to_pandas()}, geometry=shapes, crs=SRID)
    found = left.sjoin(right, predicate="intersects")[["key", "code"]]
    return lowest(pa.Table.from_pandas(found, preserve_index=False))


def joined_by_strtree(ground: Ground) -> pa.Table:
    """A tree of the points, asked by each area, Parquet to Arrow."""
    points, areas = pq.read_table(ground.points), pq.read_table(ground.areas)
    tree = shapely.STRtree(shapely.points(points["x"], points["y"]))
    shapes = shapely.from_wkb(areas["geom"].to_numpy())
    area, point = tree.query(shapes, predicate="intersects")
    return lowest(pa.table({"key": points["key"].take(point), "code": areas["code"].take(area)}))


def joined_by_sedonadb(ground: Ground) -> pa.Table:
    """sedonadb, Parquet to Arrow."""
    import sedonadb

    context = sedonadb.connect()
    context.read_parquet(str(ground.points)).to_view("points")
    context.read_parquet(str(ground.areas)).to_view("areas")
    found = context.sql(
        "SELECT key, min(code) AS code FROM points JOIN (SELECT code, ST_GeomFromWKB(geom) AS geom"
        " FROM areas) AS a ON ST_Intersects(a.geom, ST_Point(x, y)) GROUP BY key"
    )
    return found.to_arrow_table()


def lowest(found: pa.Table) -> pa.Table:
    """The lowest code of each key."""
    return found.group_by("key").aggregate([("code", "min")]).rename_columns(["key", "code"])


WAYS: dict[str, Callable[[Ground], pa.Table | None]] = {
    "locate": located,
    "PostGIS": joined_by_postgis,
    "geopandas": joined_by_geopandas,
    "STRtree": joined_by_strtree,
    "sedonadb": joined_by_sedonadb,
}


def missing(way: str) -> bool:
    """Whether a way's library is not installed."""
    return way == "sedonadb" and not importlib.util.find_spec("sedonadb")


def make(database: Database, folder: Path, points: int, areas: int) -> Ground:
    """Make the files and the tables."""
    side = isqrt(areas)
    random = np.random.default_rng(3)
    shapes = shapely.transform(grid(side, side, SIZE, segments=32), lambda xy: drawn(xy, side))
    places = random.uniform(-0.005 * side, 1.005 * side, (points, 2)) * SIZE + ORIGIN
    keys = pa.array(random.permutation(points)).cast(pa.string())
    x, y = drawn(places, side).T
    files = {
        "points": pa.table({"key": pc.utf8_lpad(keys, 14, "0"), "x": x, "y": y}),
        "areas": pa.table(
            {
                "code": [f"{number:09d}" for number in range(len(shapes))],
                "geom": shapely.to_wkb(shapely.set_srid(shapes, SRID), include_srid=True),
            }
        ),
    }
    with database.session() as cursor:
        cursor.execute(
            "CREATE EXTENSION IF NOT EXISTS postgis;"
            f"CREATE TABLE areas (code text, geom geometry(MultiPolygon, {SRID}));"
            "CREATE UNLOGGED TABLE raw (key text, x double precision, y double precision)"
        )
    for name, table in files.items():
        copy_batches(
            database, "public", "raw" if name == "points" else name, table.to_reader(100_000)
        )
    with database.session() as cursor:
        cursor.execute(
            "CREATE INDEX ON areas USING gist (geom); CREATE UNLOGGED TABLE points AS SELECT key,"
            f" ST_SetSRID(ST_MakePoint(x, y), {SRID})::geometry(Point, {SRID}) AS geom FROM raw;"
            " DROP TABLE raw; ANALYZE areas, points"
        )
    plain = pa.array(shapely.to_wkb(shapes), pa.binary())
    files["areas"] = files["areas"].set_column(1, "geom", plain)
    for name, table in files.items():
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=500_000)
    return Ground(database, folder / "points.parquet", folder / "areas.parquet")


def drawn(places: np.ndarray, side: int) -> np.ndarray:
    """Places of the grid in degrees, the denser the nearer to its middle."""
    off = (places - ORIGIN) / (side * SIZE) * 2 - 1
    return (0.1 * off + 0.9 * off * np.abs(off)) * [6.0, 4.0] + [2.35, 46.6]


def measure(way: str, ground: Ground) -> Measure:
    """Go a way in this process."""
    busy, started = server_seconds(server()), time.perf_counter()
    before = time.process_time()
    found = WAYS[way](ground)
    seconds, client = time.perf_counter() - started, time.process_time() - before
    busy, peak = server_seconds(server()) - busy, peak_memory_mib()
    return Measure(seconds, client, busy, peak, *signed(ground, found))


def signed(ground: Ground, found: pa.Table | None) -> tuple[int, str]:
    """How many points were found, in the table or in PostGIS, and a hash of their areas."""
    if found is None:
        with arrow_connection(ground.database) as connection:
            query = sql.SQL("SELECT key, code FROM found")
            found = pa.Table.from_batches(stream(ground.database, connection, query))
    found = pa.table({name: found[name].cast(pa.string()) for name in ("key", "code")})
    answers = hashlib.sha256()
    for column in found.sort_by("key").combine_chunks().itercolumns():
        assert not column.null_count
        for part in column.chunk(0).buffers()[1:]:  # where each text ends, and the texts
            answers.update(part)
    return len(found), answers.hexdigest()


def server() -> psutil.Process:
    """The process of the private cluster."""
    pid = (cluster.folders()[0] / "postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


def compare(ground: Ground, ways: list[str], rounds: int) -> dict[str, Measure]:
    """The fastest of the rounds of each way, each in a process of its own."""
    best: dict[str, Measure] = {}
    for _ in range(rounds):
        for way in ways:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                found = process.submit(measure, way, ground).result()
            print(f"{way}: {found.seconds:.1f} s", flush=True)
            best[way] = min(best.get(way, found), found, key=lambda each: each.seconds)
    return best


def main() -> None:
    """Read the command line, measure, print, and remove what was made."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=5_000_000)
    parser.add_argument("--areas", type=int, default=49_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY")
    chosen = parser.parse_args()
    for way in filter(missing, chosen.only):
        print(f"{way} is not installed: pip install sedonadb geoarrow-pyarrow")
    with tempfile.TemporaryDirectory(prefix="geodata-benchmark-") as name:
        os.chmod(name, 0o755)  # the database server's account walks through it
        os.environ["GEODATA_DATA"] = name
        os.environ.pop("GEODATA_DATABASE_URL", None)
        try:
            ground = make(cluster.database(), Path(name), chosen.points, chosen.areas)
            ways = [way for way in chosen.only if not missing(way)]
            best = compare(ground, ways, chosen.rounds)
        finally:
            cluster.stop()
    first = best[ways[0]]
    for way, each in best.items():
        print(
            f"{way:10} {each.seconds:7.2f} s {each.seconds / first.seconds:6.2f} ×"
            f"  processor: {each.client:6.2f} s client, {each.server:6.2f} s server"
            f"  peak {each.peak:5.0f} MiB  {each.found:,} found,"
            f" {'the same' if each.answers == first.answers else 'DIFFERENT'}"
        )


if __name__ == "__main__":
    main()
