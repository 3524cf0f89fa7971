"""Points of a table and the areas of another that they lie in, found beside the server.

The server would need a spatial index of the points, and fetches and parses an area for each pair
that it tests. Here each area is parsed once. Near a border, where the last digits of coordinates
decide, the server is asked, so that what it says of two geometries holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi
from psycopg2 import sql

from tasks.core.making.joining import statements
from tasks.core.making.joining.points_in_areas import Areas, Floats
from tasks.core.making.topology.polygons import (
    GEOMETRY,
    from_column,
    polygon_column,
    stream,
)
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database

SLICE = 750_000  # points looked up at a time; areas are prepared anew for each so many


@dataclass
class Locations:
    """Areas, points with a geometry, those found in an area, and those the server decided on."""

    areas: int = 0
    points: int = 0
    found: int = 0
    near: int = 0


@dataclass(frozen=True)
class _Tables:
    """The tables of a schema that hold points by their key, and areas by their code."""

    database: Database
    schema: str
    points: str
    key: str
    areas: str
    code: str

    def query(self, text: str) -> sql.Composed:
        """Put the names into a statement."""
        return sql.SQL(text).format(
            points=sql.Identifier(self.schema, self.points),
            areas=sql.Identifier(self.schema, self.areas),
            key=sql.Identifier(self.key),
            code=sql.Identifier(self.code),
        )

    def srid(self) -> int:
        """Return the SRID that both have; raise ConfigurationError where they are not as told."""
        column = polygon_column(self.database, self.schema, self.areas)
        place = self.schema, self.points, GEOMETRY
        found = self.database.rows(statements.SELECT_POINT_COLUMN, *place)
        if not column or found != [("POINT", column.srid)]:
            wanted = f"the SRID {column.srid} of" if column else "a column geom in"
            said = "".join(f"{kind} with SRID {srid}" for kind, srid in found)
            raise ConfigurationError(
                f"To locate points, a column geom of Point was expected in {self.points}, with"
                f" {wanted} {self.areas}; it is {said or 'not there'}: cast or transform it."
            )
        return column.srid

    def first_areas(self, x: Floats, y: Floats, srid: int) -> pa.Array:
        """Ask the server for the lowest code of the areas that each point intersects."""
        told = {"x": x.tolist(), "y": y.tolist(), "srid": srid}
        answers = self.database.records(self.query(statements.SELECT_FIRST_AREAS), **told)
        return pa.array([answer.code for answer in answers], pa.string())


def locate(
    database: Database, schema: str, points: str, areas: str, into: str, key: str, code: str
) -> Locations:
    """Make schema.into (key, code) with the lowest code of the areas that each point intersects.

    Points that are in none are left out. Raises ConfigurationError unless the points are Point and
    the areas MultiPolygon, of one SRID.
    """
    tables = _Tables(database, schema, points, key, areas, code)
    srid, done = tables.srid(), Locations()
    name = sql.Identifier(schema, into)
    create = "DROP TABLE IF EXISTS {0}; CREATE UNLOGGED TABLE {0} ({1} text, {2} text)"
    with database.session() as cursor:
        cursor.execute(sql.SQL(create).format(name, *map(sql.Identifier, (key, code))))
    columns = pa.schema([(key, pa.string()), (code, pa.string())])
    with arrow_connection(database) as connection:
        batches = _located(tables, srid, connection, done)
        reader = pa.RecordBatchReader.from_batches(columns, batches)
        done.found = copy_batches(database, schema, into, reader)
    with database.session() as cursor:
        cursor.execute(sql.SQL("ANALYZE {}").format(name))
    return done


def _located(
    tables: _Tables, srid: int, connection: dbapi.Connection, done: Locations
) -> Iterator[pa.RecordBatch]:
    """Yield the keys of points with the codes of their areas, and count."""
    codes, areas = _read_areas(tables, connection)
    done.areas = len(areas)
    query = tables.query(statements.SELECT_POINTS)
    for points in _read_ahead(_slices(stream(tables.database, connection, query))):
        x, y = points["x"].to_numpy(), points["y"].to_numpy()
        found, near = areas.first(x, y)
        answers = codes.take(pa.array(found, mask=found == len(areas)))
        if near.any():
            decided = tables.first_areas(x[near], y[near], srid)
            answers = pc.replace_with_mask(answers, pa.array(near), decided)
        done.points, done.near = done.points + len(points), done.near + int(near.sum())
        located = pa.table({tables.key: points["key"], tables.code: answers})
        yield from located.filter(answers.is_valid()).to_batches()


def _read_areas(tables: _Tables, connection: dbapi.Connection) -> tuple[pa.Array, Areas]:
    """Read the areas in the order of their codes."""
    codes, shapes = [pa.array([], pa.string())], [from_column(pa.array([], pa.binary()))]
    for batch in stream(tables.database, connection, tables.query(statements.SELECT_AREAS)):
        codes.append(batch["code"])
        shapes.append(from_column(batch[GEOMETRY]))
    return pa.concat_arrays(codes), Areas(np.concatenate(shapes))


def _slices(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Put the small batches of a stream together."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= SLICE:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _read_ahead(slices: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Read one slice while the points of the one before are looked up."""
    with ThreadPoolExecutor(1, "points") as reader:
        coming = reader.submit(next, slices, None)
        while (points := coming.result()) is not None:
            coming = reader.submit(next, slices, None)
            yield points
