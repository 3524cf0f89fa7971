"""Seconds and memory of loading 20,000 areas with 2.5 million vertices, against a ready-made binary
COPY file.

Run it in the environment: `python tests/benchmark_geometries.py [--formats shp gpkg fgb geojson
parquet] [--rounds 3] [--peers]`. Data are synthetic: a grid whose shared edges are random walks.
Rounds are interleaved; medians are printed, with the ratio to the floor and the seconds of
processor that the client took. With --peers, ogr2ogr, shp2pgsql, geopandas and DuckDB load the same
files into the same database, with the same key, index and ANALYZE; one that is not here is named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from psycopg2 import sql

ROWS, COLUMNS, POINTS, CELL = 141, 142, 31, 500.0
DRIVERS = {"shp": "ESRI Shapefile", "gpkg": "GPKG", "fgb": "FlatGeobuf", "geojson": "GeoJSON"}


def walks(generator: np.random.Generator, *shape: int) -> np.ndarray:
    """Random walks that start at zero and end one step before it, a fifth of a cell wide."""
    along = np.linspace(0, 1, POINTS, endpoint=False)
    walk = np.cumsum(generator.normal(size=(*shape, POINTS)), -1)
    walk = walk - walk[..., :1] - (walk[..., -1:] - walk[..., :1]) * along
    return walk * CELL * 0.2 / np.abs(walk).max(axis=-1, keepdims=True)


def coverage(seed: int = 1) -> np.ndarray:
    """Areas of a grid with shared, crooked edges, in EPSG:31370."""
    generator, along = np.random.default_rng(seed), np.linspace(0, 1, POINTS, endpoint=False)
    flat, upright = (
        np.empty((ROWS + 1, COLUMNS, POINTS + 1, 2)),
        np.empty((ROWS, COLUMNS + 1, POINTS + 1, 2)),
    )
    for edges, axis in ((flat, 0), (upright, 1)):
        row, column = np.mgrid[: edges.shape[0], : edges.shape[1]][..., None]
        start = (column, row)
        edges[:, :, :-1, axis] = (start[axis] + along) * CELL
        edges[:, :, :-1, 1 - axis] = start[1 - axis] * CELL + walks(generator, *edges.shape[:2])
        edges[:, :, -1, axis] = (start[axis][..., 0] + 1) * CELL
        edges[:, :, -1, 1 - axis] = start[1 - axis][..., 0] * CELL
    ring = (
        np.concatenate(
            [flat[:-1, :, :-1], upright[:, 1:, :-1], flat[1:, :, :0:-1], upright[:, :-1, ::-1]],
            axis=2,
        )
        + 30_000.0
    )
    count, length = ROWS * COLUMNS, ring.shape[2]
    return np.asarray(
        shapely.polygons(
            shapely.linearrings(ring.reshape(-1, 2), indices=np.repeat(np.arange(count), length))
        )
    )


def write(folder: Path, name: str, areas: np.ndarray) -> Path:
    """The areas with a code and a name, in one format."""
    path, wkb = folder / f"areas.{name}", shapely.to_wkb(areas)
    codes = np.array([f"{number:05d}A00-" for number in range(len(areas))], object)
    names = np.array([f"Sektor Süd {number}" for number in range(len(areas))], object)
    if name == "parquet":
        column = {
            "encoding": "WKB",
            "geometry_types": ["Polygon"],
            "crs": pyproj.CRS(31370).to_json_dict(),
        }
        geo = json.dumps(
            {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        )
        table = pa.table(
            {"code": codes, "name": names, "geometry": pa.array(wkb, pa.binary())}
        ).replace_schema_metadata({"geo": geo})
        pq.write_table(table, path, row_group_size=5000)
    else:
        pyogrio.raw.write(
            str(path),
            wkb,
            [codes, names],
            ["code", "name"],
            geometry_type="Polygon",
            crs="EPSG:31370",
            driver=DRIVERS[name],
        )
    return path


class Absent(Exception):
    """A peer that this machine does not have, or that does not know a format."""


def tool(name: str) -> str:
    """A program's path."""
    if found := shutil.which(name):
        return found
    raise Absent(f"{name} is not installed")


def by_ogr2ogr(uri: str, path: Path, table: str) -> None:
    """GDAL's own program, with COPY."""
    known = subprocess.run([tool("ogr2ogr"), "--formats"], capture_output=True, text=True).stdout
    if path.suffix == ".parquet" and "Parquet" not in known:
        raise Absent("this ogr2ogr does not read Parquet")
    command = [tool("ogr2ogr"), "-f", "PostgreSQL", f"PG:{uri}", str(path), "-nln", table]
    command += ["-nlt", "PROMOTE_TO_MULTI", "-lco", "GEOMETRY_NAME=geom"]
    command += ["-lco", "SPATIAL_INDEX=NONE"]
    subprocess.run(command, env=os.environ | {"PG_USE_COPY": "YES"}, check=True)


def by_shp2pgsql(uri: str, path: Path, table: str) -> None:
    """PostGIS's own program, with COPY."""
    if path.suffix != ".shp":
        raise Absent("shp2pgsql reads shapefiles only")
    made = subprocess.Popen(
        [tool("shp2pgsql"), "-D", "-s", "31370", path, table], stdout=subprocess.PIPE
    )
    subprocess.run(
        [tool("psql"), "-q", uri], stdin=made.stdout, stdout=subprocess.DEVNULL, check=True
    )
    if made.wait():
        raise RuntimeError(f"shp2pgsql ended with {made.returncode}")


def by_geopandas(uri: str, path: Path, table: str) -> None:
    """What most people write."""
    import geopandas
    import sqlalchemy

    if importlib.util.find_spec("geoalchemy2") is None:
        raise Absent("geopandas.to_postgis needs geoalchemy2, which is not installed")

    read = geopandas.read_parquet if path.suffix == ".parquet" else geopandas.read_file
    schema, name = table.split(".")
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg2://", creator=lambda: psycopg2.connect(uri)
    )
    read(path).rename_geometry("geom").to_postgis(name, engine, schema=schema)
    engine.dispose()


def by_duckdb(uri: str, path: Path, table: str) -> None:
    """DuckDB with its extensions for geometries and PostgreSQL."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            for extension in ("spatial", "postgres"):
                connection.execute(f"INSTALL {extension}; LOAD {extension}")
        except duckdb.Error as error:
            raise Absent(
                f"DuckDB's extensions cannot be had: {str(error).splitlines()[0]}"
            ) from None
        rows, shape = (
            (f"'{path}'", "geometry")
            if path.suffix == ".parquet"
            else (f"ST_Read('{path}')", "geom")
        )
        connection.execute(f"ATTACH '{uri}' AS server (TYPE postgres)")
        connection.execute(
            f"CREATE TABLE server.{table} AS SELECT code, name, ST_AsHEXWKB({shape}) AS geom"
            f" FROM {rows}"
        )
    with psycopg2.connect(uri) as server, server.cursor() as cursor:
        typed = "ALTER TABLE {} ALTER geom TYPE geometry USING ST_SetSRID(geom::geometry, 31370)"
        cursor.execute(sql.SQL(typed).format(sql.Identifier(*table.split("."))))
    server.close()


PEERS: dict[str, Callable[[str, Path, str], None]] = {
    "ogr2ogr": by_ogr2ogr,
    "shp2pgsql": by_shp2pgsql,
    "geopandas": by_geopandas,
    "DuckDB": by_duckdb,
}


def load_by(peer: str, uri: str, path: Path, schema: str = "staging") -> None:
    """Let a peer load a file into the table of its name, then give that what all tables have.

    Raises Absent where the peer is not here or does not read the format.
    """
    name, connection = sql.Identifier(schema, peer.lower()), psycopg2.connect(uri)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
        PEERS[peer](uri, path, f"{schema}.{peer.lower()}")
        cursor.execute(
            sql.SQL(
                "ALTER TABLE {0} ADD UNIQUE (code); CREATE INDEX ON {0} USING gist (geom);"
                " ANALYZE {0}"
            ).format(name)
        )
    connection.close()


@contextmanager
def measured(seconds: list[float], peaks: list[float], processor: list[float]) -> Iterator[None]:
    """Adds the seconds of a block, the most memory above what was held before it, in MiB, and the
    seconds of processor that this process and those it waited for took.
    """
    process, running = psutil.Process(), threading.Event()
    before = highest = process.memory_info().rss

    def watch() -> None:
        nonlocal highest
        while not running.wait(0.005):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, busy = time.perf_counter(), sum(process.cpu_times())
    try:
        yield
        seconds.append(time.perf_counter() - started)
        processor.append(sum(process.cpu_times()) - busy)
    finally:
        running.set()
        watcher.join()
    peaks.append((highest - before) / 2**20)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--formats", nargs="+", default=["shp", "gpkg", "fgb", "geojson", "parquet"]
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geodata-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.environ["GEODATA_DATA"] = str(folder / "data")
        os.environ.pop("GEODATA_DATABASE_URL", None)
        from tasks.core.postgres import cluster

        try:
            run(folder, chosen.formats, chosen.rounds, with_peers=chosen.peers)
        finally:
            cluster.stop()


def run(folder: Path, formats: list[str], rounds: int, *, with_peers: bool = False) -> None:
    """Write the files, then load them in turn."""
    from tasks.core.making.geometry.geometry_tables import load
    from tasks.core.model.columns import text
    from tasks.core.model.declarations import Features
    from tasks.core.postgres import cluster

    database, areas = cluster.database(), coverage()
    with database.session() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis; CREATE SCHEMA staging")
    paths = {name: write(folder, name, areas) for name in formats}
    declared = {
        "columns": {"code": text("code"), "name": text("name")},
        "crs": 31370,
        "key": "code",
        "bounds": (22_000, 21_200, 295_200, 244_000),
    }
    ways: dict[str, Callable[[], Any]] = {}
    for name, path in paths.items():
        ways[name] = lambda path=path: load(
            database, "staging", "areas", str(path), Features(published_crs=31370, **declared)
        )
    first = formats[0]
    ways[f"{first} to EPSG:3812"] = lambda: load(
        database, "staging", "areas", str(paths[first]), Features(published_crs=3812, **declared)
    )
    for peer in PEERS if with_peers else ():
        for name, path in paths.items():
            ways[f"{peer}: {name}"] = lambda peer=peer, path=path: load_by(
                peer, database.libpq_uri, path
            )
    ways[first]()
    ready = folder / "ready.copy"
    connection = psycopg2.connect(database.libpq_uri)
    with connection, connection.cursor() as cursor, ready.open("wb") as file:
        cursor.execute("CREATE TABLE staging.pattern (LIKE staging.areas INCLUDING COMPRESSION)")
        cursor.copy_expert("COPY staging.areas TO STDOUT (FORMAT binary)", file)

    def floor() -> None:
        with connection, connection.cursor() as cursor, ready.open("rb") as file:
            cursor.execute(
                "DROP TABLE IF EXISTS staging.floor; CREATE UNLOGGED TABLE staging.floor (LIKE"
                " staging.pattern INCLUDING COMPRESSION)"
            )
            cursor.copy_expert("COPY staging.floor FROM STDIN (FORMAT binary)", file, size=2**18)
            cursor.execute(
                "ALTER TABLE staging.floor ADD PRIMARY KEY (code); CREATE INDEX ON staging.floor"
                " USING gist (geom); ANALYZE staging.floor"
            )

    ways = {"floor: ready-made binary COPY, key, index, ANALYZE": floor} | ways
    figures: dict[str, tuple[list[float], list[float], list[float]]]
    figures, absent = {name: ([], [], []) for name in ways}, {}
    for _ in range(rounds):
        for name, way in ways.items():
            if name in absent:
                continue
            try:
                with measured(*figures[name]):
                    way()
            except Absent as why:
                absent[name] = str(why)
    connection.close()
    lowest = statistics.median(next(iter(figures.values()))[0])
    print(
        f"{len(areas):,} areas, {shapely.get_num_coordinates(areas).sum():,} vertices, medians of"
        f" {rounds} rounds"
    )
    for name, (seconds, peaks, processor) in figures.items():
        if name in absent:
            print(f"{name:50} absent: {absent[name]}")
            continue
        middle = statistics.median(seconds)
        print(
            f"{name:50} {middle:6.2f} s {middle / lowest:5.2f} x floor {max(peaks):6.0f} MiB more"
            f" {statistics.median(processor):6.2f} s of processor"
        )


if __name__ == "__main__":
    sys.exit(main())
