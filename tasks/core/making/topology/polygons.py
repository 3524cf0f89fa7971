"""Polygons of PostGIS tables, streamed in as shapely geometries and out to a side table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from adbc_driver_postgresql import StatementOptions, dbapi
from psycopg2 import sql

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database

Geometries = npt.NDArray[np.object_]
GEOMETRY = "geom"
BATCH_BYTES = 4 << 20  # what is held twice, as bytes and as geometries, while reading
SIDE_COLUMNS = pa.schema([("key", pa.string()), (GEOMETRY, pa.binary())])


@dataclass(frozen=True)
class PolygonColumn:
    """The geometry column of a table: its SRID and number of dimensions (2, or 3 with heights)."""

    srid: int
    dimensions: int


def polygon_column(database: Database, schema: str, table: str) -> PolygonColumn | None:
    """Return the column geom, or None; raise ConfigurationError if not MultiPolygon with SRID."""
    found = database.rows(
        "SELECT type, srid, coord_dimension FROM geometry_columns WHERE f_table_schema = %s AND"
        " f_table_name = %s AND f_geometry_column = %s",
        *(schema, table, GEOMETRY),
    )
    if not found:
        return None
    kind, srid, dimensions = found[0]
    if kind != "MULTIPOLYGON" or not srid:
        raise ConfigurationError(
            f"The column geom of {schema}.{table} must be MultiPolygon with an SRID and is {kind}"
            f" with SRID {srid}: cast it."
        )
    return PolygonColumn(srid, dimensions)


def stream(
    database: Database, connection: dbapi.Connection, query: sql.Composable
) -> Iterator[pa.RecordBatch]:
    """Yield a query's rows in its order, as Arrow batches of a few megabytes."""
    with database.session() as cursor:
        text = query.as_string(cursor)
    with connection.cursor() as reading:
        options = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)}
        reading.adbc_statement.set_options(**options)
        reading.execute(text)
        yield from reading.fetch_record_batch()


def from_column(column: pa.Array) -> Geometries:
    """Parse a column of WKB into shapely geometries."""
    return np.asarray(shapely.from_wkb(column.to_numpy(zero_copy_only=False)), dtype=object)


def multipolygons(geometries: Geometries) -> Geometries:
    """Return each area as one MultiPolygon, empty for none; lines and points are left out."""
    parts, owners = shapely.get_parts(geometries, return_index=True)
    while (collections := shapely.get_type_id(parts) == 7).any():
        inner, which = shapely.get_parts(parts[collections], return_index=True)
        parts, owners = (
            np.concatenate([parts[~collections], inner]),
            np.concatenate([owners[~collections], owners[collections][which]]),
        )
    kept = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    order = np.argsort(owners[kept], kind="stable")
    made = np.full(len(geometries), shapely.MultiPolygon(), dtype=object)
    if kept.any():
        shapely.multipolygons(parts[kept][order], indices=owners[kept][order], out=made)
    return made


@contextmanager
def side_table(database: Database, schema: str, name: str) -> Iterator[sql.Identifier]:
    """Create an unlogged table (key text, geom) for the block; a killed run's is replaced."""
    table = sql.Identifier(schema, name)
    drop = sql.SQL("DROP TABLE IF EXISTS {}").format(table)
    with database.session() as cursor:
        cursor.execute(drop)
        cursor.execute(
            sql.SQL("CREATE UNLOGGED TABLE {} (key text NOT NULL, geom geometry)").format(table)
        )
        # read once: compressing costs more
        stored = sql.SQL("ALTER TABLE {} ALTER COLUMN geom SET STORAGE EXTERNAL")
        cursor.execute(stored.format(table))
    try:
        yield table
    finally:
        with database.session() as cursor:
            cursor.execute(drop)


def fill(
    database: Database,
    schema: str,
    name: str,
    srid: int,
    shapes: Iterable[tuple[list[Any], Geometries]],
) -> int:
    """Append (keys, geometries) to a side table by binary COPY, as they come; return the rows."""

    def batches() -> Iterator[pa.RecordBatch]:
        for keys, geometries in shapes:
            wkb = shapely.to_wkb(shapely.set_srid(geometries, srid), include_srid=True)
            yield pa.record_batch(
                [pa.array(keys, pa.string()), pa.array(wkb, pa.binary())], schema=SIDE_COLUMNS
            )

    reader = pa.RecordBatchReader.from_batches(SIDE_COLUMNS, batches())
    return copy_batches(database, schema, name, reader)
