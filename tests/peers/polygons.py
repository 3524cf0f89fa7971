"""Files of 20,000 polygons with 2.5 million vertices into PostGIS, with key, index and ANALYZE."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import benchmark_geometries as geometries
import psycopg2
from peers.turns import Way
from peers.works import FLOOR, OURS, Target, Work, library, program

from tasks.core.making.geometry.geometry_tables import load
from tasks.core.model.columns import text
from tasks.core.model.declarations import Features
from tasks.core.postgres.database import Database

TITLES = {"gpkg": "GPKG", "shp": "Shapefile", "fgb": "FlatGeobuf", "parquet": "GeoParquet"}
FLOORS = {**dict.fromkeys(TITLES, 1.25), "geojson": 2.4}  # of the time of a ready-made COPY
READS = Features(
    columns={"code": text("code"), "name": text("name")},
    crs=31370,
    published_crs=31370,
    key="code",
    bounds=(22_000, 21_200, 295_200, 244_000),
)
VERSIONS = {"ogr2ogr": program, "shp2pgsql": program, "geopandas": library, "DuckDB": library}


def works(folder: Path, database: Database, opened: ExitStack, scale: float) -> list[Work]:
    """Write the files, and a ready-made COPY file of what they become."""
    areas, ready = geometries.coverage(), folder / "areas.copy"
    paths = {name: geometries.write(folder, name, areas) for name in FLOORS}
    with database.session() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis; CREATE SCHEMA polygons")
    load(database, "polygons", "areas", str(paths["gpkg"]), READS)
    with database.session() as cursor, ready.open("wb") as file:
        cursor.execute("CREATE TABLE polygons.pattern (LIKE polygons.areas INCLUDING COMPRESSION)")
        cursor.copy_expert("COPY polygons.areas TO STDOUT (FORMAT binary)", file)
    return [_work(name, path, ready, database) for name, path in paths.items()]


def _work(name: str, path: Path, ready: Path, database: Database) -> Work:
    uri, away, ways = database.libpq_uri, dict[str, str](), list[Way]()
    for peer in geometries.PEERS:
        version = VERSIONS[peer](peer.lower())
        if peer == "shp2pgsql" and name != "shp":
            continue
        if version:
            ways.append(Way(peer, geometries.load_by, (peer, uri, path, "polygons"), version))
        else:
            away[peer] = "it could not be fetched"
    return Work(
        f"20,000 polygons, {TITLES.get(name, 'GeoJSON')}",
        (Way(FLOOR, floor, (uri, ready)), Way(OURS, ours, (database, path)), *ways),
        Target("floor", FLOORS[name]),
        away=away,
        notes="The floor is a ready-made file of binary COPY.",
    )


def ours(database: Database, path: Path) -> None:
    """Load a file as a flow does."""
    load(database, "polygons", "areas", str(path), READS)


def floor(uri: str, ready: Path) -> None:
    """Let the server take what it stores in the end."""
    connection = psycopg2.connect(uri)
    with connection, connection.cursor() as cursor, ready.open("rb") as file:
        cursor.execute(
            "DROP TABLE IF EXISTS polygons.floor; CREATE UNLOGGED TABLE polygons.floor (LIKE"
            " polygons.pattern INCLUDING COMPRESSION)"
        )
        cursor.copy_expert("COPY polygons.floor FROM STDIN (FORMAT binary)", file, size=2**18)
        cursor.execute(
            "ALTER TABLE polygons.floor ADD PRIMARY KEY (code); CREATE INDEX ON polygons.floor"
            " USING gist (geom); ANALYZE polygons.floor"
        )
    connection.close()
