"""Spoilt coverages cleaned, and a clean one dissolved; with what is left of the truth."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import benchmark_topology as topology
import numpy as np
import shapely
from fractal_coverage import store
from peers.turns import Way, apart
from peers.works import FLOOR, MAPSHAPER, OURS, Target, Work, program

from tasks.core.making.topology.cleaning import clean
from tasks.core.making.topology.dissolution import dissolve
from tasks.core.making.topology.polygons import (
    fill,
    from_column,
    multipolygons,
    side_table,
    stream,
)
from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.database import Database

Size = tuple[int, int, int]  # columns, rows, spoilt
SIZES: tuple[Size, ...] = ((160, 125, 180), (160, 125, 1_800), (400, 250, 9_000))
GROUPS, WHOLE = 600, "whole"  # the table that is dissolved
SELECT = f"SELECT parent, ST_AsBinary(geom) FROM {topology.SCHEMA}.{WHOLE} ORDER BY parent"


def works(folder: Path, database: Database, opened: ExitStack, scale: float) -> list[Work]:
    """Make the schema, and a clean coverage for the dissolve."""
    with database.session() as cursor:
        cursor.execute(f"CREATE EXTENSION IF NOT EXISTS postgis; CREATE SCHEMA {topology.SCHEMA}")
    found = [
        _cleaning(folder, database, (columns, round(rows * scale), round(defects * scale)))
        for columns, rows, defects in SIZES
    ]
    columns, rows, _ = SIZES[0]
    whole = topology.coverage(columns, round(rows * scale), 0)[1]
    return [*found, _dissolving(whole, database)]


def _cleaning(folder: Path, database: Database, size: Size) -> Work:
    version, areas = program("mapshaper"), size[0] * size[1]
    given, made = folder / f"given-{areas}.shp", folder / f"made-{areas}.shp"
    ways = [Way(OURS, by_us, (size, database), before=restore, told=partial(told, size))]
    if version:
        told_made = partial(told_of_file, size)
        ways.append(Way("mapshaper", by_mapshaper, (size, given, made), version, give, told_made))
    return Work(
        f"Clean {areas:,} areas, {size[2] / areas:.1%} defective",
        tuple(ways),
        Target("peers", 1.0),
        rounds=0,
        away={} if version else {"mapshaper": "it could not be fetched"},
        notes="Ours from PostGIS to PostGIS, mapshaper from Shapefile to Shapefile.",
    )


def _dissolving(areas: Any, database: Database) -> Work:
    store(database, topology.SCHEMA, WHOLE, areas, groups=GROUPS)
    return Work(
        f"Dissolve {len(areas):,} areas into {GROUPS}",
        (
            Way(FLOOR, unite, (database,)),
            Way(OURS, dissolve_ours, (database,)),
            Way("PostGIS", by_postgis, (database,)),
        ),
        Target("floor", 1.15),
        notes="The floor reads, unites each group by its edges and sends it, and checks nothing.",
    )


def restore(size: Size, database: Database) -> None:
    """Store the spoilt areas again."""
    apart(topology.prepare, *size)


def by_us(size: Size, database: Database) -> None:
    """Clean the table."""
    widths = topology.GAP_METRES, topology.SNAP_METRES
    clean(database, topology.SCHEMA, "areas", "code", *widths, 0.01, 0.0)


def told(size: Size, _: None) -> str:
    """Say how near the areas of the table are to the truth."""
    return apart(quality, size, None)


def give(size: Size, given: Path, made: Path) -> None:
    """Write the spoilt areas for mapshaper."""
    apart(write, size, given)


def write(size: Size, path: Path) -> None:
    """Write the spoilt areas in the format that mapshaper reads fastest."""
    topology.write_shapefile(path, topology.coverage(*size)[1])


def by_mapshaper(size: Size, given: Path, made: Path) -> Path:
    """Clean the file, and return the one made."""
    command = topology.cleaning_command(str(MAPSHAPER), given, made)
    subprocess.run(command, check=True, capture_output=True)
    return made


def told_of_file(size: Size, made: Path) -> str:
    """Say how near the areas of a file are to the truth."""
    return apart(quality, size, made)


def quality(size: Size, made: Path | None) -> str:
    """Compare the areas of a file, or those of the table, with the truth."""
    truth, spoilt = topology.coverage(*size)
    after = topology.read_shapefile(made, len(truth)) if made else topology.cleaned_ours()
    return str(topology.quality(truth, spoilt, after))


def dissolve_ours(database: Database) -> None:
    """Dissolve as a flow does."""
    with side_table(database, topology.SCHEMA, "dissolved"):
        dissolve(database, topology.SCHEMA, WHOLE, "parent", topology.SRID, "dissolved")


def unite(database: Database) -> None:
    """Unite groups by their edges, which is the least that a dissolve does."""
    from psycopg2 import sql

    def groups() -> Any:
        with arrow_connection(database) as connection:
            parents, shapes = [], []
            for batch in stream(database, connection, sql.SQL(SELECT)):
                parents += batch.column(0).to_pylist()
                shapes.append(from_column(batch.column(1)))
        areas, names = np.concatenate(shapes), np.array(parents)
        for name in np.unique(names):
            united = [shapely.coverage_union_all(areas[names == name])]
            yield [str(name)], multipolygons(np.array(united, dtype=object))

    with side_table(database, topology.SCHEMA, "united"):
        fill(database, topology.SCHEMA, "united", topology.SRID, groups())


def by_postgis(database: Database) -> None:
    """Let the server unite each group."""
    with database.session() as cursor:
        cursor.execute(
            f"DROP TABLE IF EXISTS {topology.SCHEMA}.by_server; CREATE UNLOGGED TABLE"
            f" {topology.SCHEMA}.by_server AS SELECT parent, ST_Union(geom) AS geom"
            f" FROM {topology.SCHEMA}.{WHOLE} GROUP BY parent"
        )
