"""Synthetic coverages for tests and benchmarks: a jittered grid whose shared edges are fractal
lines, and the defects put into one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from psycopg2 import sql

from tasks.core.making.topology.cleaning import clean
from tasks.core.making.topology.coverage import TopologyReport
from tasks.core.making.topology.polygons import fill, side_table
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

ORIGIN = (150_000.0, 100_000.0)  # metres, inside Belgium in EPSG:31370


def grid(
    columns: int, rows: int, size: float = 1000.0, segments: int = 16, seed: int = 1
) -> np.ndarray:
    """MultiPolygons in column order; neighbours share their vertices exactly. `segments` (a power
    of two) is per edge.
    """
    random = np.random.default_rng(seed)
    corners = (
        np.stack(np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0), indexing="ij"), -1)
        * size
    )
    corners += random.uniform(-0.2, 0.2, corners.shape) * size + np.array(ORIGIN)
    across = _fractal(corners[:-1], corners[1:], segments, random)
    along = _fractal(corners[:, :-1], corners[:, 1:], segments, random)
    rings = np.concatenate(
        [across[:, :-1, :-1], along[1:, :, :-1], across[:, 1:, :0:-1], along[:-1, :, :0:-1]], axis=2
    )
    shells = shapely.polygons(rings.reshape(columns * rows, -1, 2))
    return np.asarray(shapely.multipolygons(shells, indices=np.arange(len(shells))), dtype=object)


def _fractal(
    start: np.ndarray, end: np.ndarray, segments: int, random: np.random.Generator
) -> np.ndarray:
    line = np.stack([start, end], axis=-2)
    while line.shape[-2] <= segments:
        first, last = line[..., :-1, :], line[..., 1:, :]
        across = (last - first)[..., ::-1] * np.array([-1.0, 1.0])
        finer = np.empty((*line.shape[:-2], 2 * line.shape[-2] - 1, 2))
        finer[..., ::2, :] = line
        finer[..., 1::2, :] = (first + last) / 2 + across * random.uniform(
            -0.08, 0.08, (*first.shape[:-1], 1)
        )
        line = finer
    return line


def resized(shape: Any, metres: float) -> Any:
    """A feature grown over its neighbours, or shrunk away from them, all round."""
    made = shapely.buffer(shape, metres, join_style="mitre")
    return shapely.MultiPolygon([max(shapely.get_parts(made), key=shapely.area)])


def crossed(shape: Any) -> Any:
    """A feature whose border crosses itself, in a loop three metres wide along one edge."""
    ring = shapely.get_coordinates(shape)[:-1]
    along = ring[6] - ring[5]
    across = 3.0 * along[::-1] * [-1.0, 1.0] / np.hypot(*along)
    return _closed(np.insert(ring, 6, [ring[6] + across, ring[5] + across], axis=0))


def moved(shape: Any, metres: float, vertex: int = 10) -> Any:
    """A feature with one vertex moved, so that it overlaps one neighbour or leaves a gap."""
    ring = shapely.get_coordinates(shape)[:-1]
    ring[vertex] += metres
    return _closed(ring)


def shaken(shape: Any, metres: float, seed: int = 1) -> Any:
    """A feature whose vertices are all a little off, as after another rounding."""
    ring = shapely.get_coordinates(shape)[:-1]
    return _closed(ring + np.random.default_rng(seed).uniform(-metres, metres, ring.shape))


def repeated(shape: Any) -> Any:
    """A feature with a vertex given three times."""
    return _closed(
        np.insert(
            shapely.get_coordinates(shape)[:-1], [4, 4], shapely.get_coordinates(shape)[4], axis=0
        )
    )


def _closed(ring: np.ndarray) -> Any:
    return shapely.MultiPolygon([shapely.Polygon(ring)])


def spoil(shapes: np.ndarray, count: int, seed: int = 5) -> np.ndarray:
    """A copy with `count` defective features: overlaps, gaps, crossings, rounding and moved
    vertices in turn.
    """
    spoilt = shapes.copy()
    for number, feature in enumerate(
        np.random.default_rng(seed).choice(len(shapes), count, replace=False)
    ):
        shape = shapes[feature]
        defects = (
            lambda s: resized(s, 0.3),
            lambda s: resized(s, -0.3),
            crossed,
            lambda s: shaken(s, 0.002),
            lambda s: moved(s, 0.4),
        )
        spoilt[feature] = defects[number % len(defects)](shape)
    return spoilt


def store(
    database: Database,
    schema: str,
    table: str,
    shapes: np.ndarray,
    srid: int = 31370,
    groups: int = 4,
) -> None:
    """A table (code text, parent text, geom) of these shapes, as load_geometries leaves it; missing
    shapes are NULL.
    """
    keys = [f"{number:05d}-" for number in range(len(shapes))]
    name = sql.Identifier(schema, table)
    with side_table(database, schema, f"{table}_shapes") as source:
        fill(database, schema, f"{table}_shapes", srid, [(keys, shapes)])
        with database.session() as cursor:
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
            column = sql.SQL("geom geometry(MultiPolygon, {}) COMPRESSION lz4").format(
                sql.Literal(srid)
            )
            cursor.execute(
                sql.SQL("CREATE TABLE {} (code text PRIMARY KEY, parent text, {})").format(
                    name, column
                )
            )
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {} SELECT key, 'P' || left(key, 5)::integer * {} / {}, geom FROM"
                    " {} ORDER BY key"
                ).format(name, sql.Literal(groups), sql.Literal(len(shapes)), source)
            )
            cursor.execute(sql.SQL("CREATE INDEX ON {} USING gist (geom)").format(name))
            cursor.execute(sql.SQL("ANALYZE {}").format(name))


def stored(database: Database, schema: str, table: str) -> dict[str, bytes]:
    """The bytes of every geometry by key."""
    found = database.rows(
        sql.SQL("SELECT code, ST_AsEWKB(geom) FROM {} ORDER BY code").format(
            sql.Identifier(schema, table)
        )
    )
    return {code: bytes(shape) if shape is not None else b"" for code, shape in found}


def read(database: Database, staging: Staging, table: str = "areas") -> np.ndarray:
    """The shapes of a table in the order of its keys, None where there is none."""
    return np.array(
        [
            shapely.from_wkb(shape) if shape else None
            for shape in stored(database, staging.schema, table).values()
        ],
        dtype=object,
    )


def cleaned(
    database: Database, staging: Staging, shapes: np.ndarray, srid: int = 31370, **options: Any
) -> tuple[TopologyReport, np.ndarray]:
    """Store shapes, clean them; the report and the shapes after."""
    store(database, staging.schema, "areas", shapes, srid)
    options = {"gap_metres": 1.0, "snap_metres": 0.01, "tolerance": 0.01} | options
    report = clean(database, staging.schema, "areas", "code", **options)
    return report, read(database, staging)
