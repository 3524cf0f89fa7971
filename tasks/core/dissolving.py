"""Dissolving: the areas of one group become one, along the edges they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
import shapely
from psycopg2 import sql

from tasks.core.copying import copy_batches
from tasks.core.database import Database
from tasks.core.scripts import compress

SCHEMA = pa.schema([("key", pa.string()), ("geom", pa.binary())])
AT_ONCE = 200  # groups in one batch to the database
EQUAL = 1e-9  # relative difference of areas below which nothing was lost or counted twice


@dataclass
class Unions:
    """How many groups were dissolved, and how many needed the slower union because their areas were not a coverage."""

    groups: int = 0
    slow: int = 0


def dissolve(database: Database, schema: str, table: str, by: str, order: Iterable[str], into: str, srid: int) -> Unions:
    """Fill a new table `into` (key, geom MultiPolygon) with the union of each group; only one group is held in memory."""
    with database.session(schema) as cursor:
        compress(cursor)
        cursor.execute(
            sql.SQL("CREATE UNLOGGED TABLE {} (key text, geom geometry(MultiPolygon, {}))").format(sql.Identifier(into), sql.Literal(srid))
        )
    unions = Unions()
    batches = _batches(_groups(database, schema, table, by, order), srid, unions)
    copy_batches(database, schema, into, pa.RecordBatchReader.from_batches(SCHEMA, batches))
    return unions


def _groups(database: Database, schema: str, table: str, by: str, order: Iterable[str]) -> Iterator[tuple[str, list[Any]]]:
    names = sql.SQL(", ").join(map(sql.Identifier, (by, *order)))
    query = sql.SQL("SELECT {by}, ST_AsBinary(geom) FROM {table} WHERE {by} IS NOT NULL AND geom IS NOT NULL ORDER BY {names}").format(
        by=sql.Identifier(by), table=sql.Identifier(schema, table), names=names
    )
    with database.session() as plain, plain.connection.cursor("dissolve") as cursor:  # a named cursor streams
        cursor.itersize = 500
        cursor.execute(query)
        for key, rows in groupby(cursor, key=itemgetter(0)):
            yield key, [bytes(row[1]) for row in rows]


def _batches(groups: Iterator[tuple[str, list[Any]]], srid: int, unions: Unions) -> Iterator[pa.RecordBatch]:
    keys: list[str] = []
    shapes: list[bytes] = []
    for key, parts in groups:
        keys.append(key)
        shapes.append(shapely.to_wkb(shapely.set_srid(_union(parts, unions), srid), include_srid=True))
        if len(keys) == AT_ONCE:
            yield pa.record_batch([keys, shapes], schema=SCHEMA)
            keys, shapes = [], []
    yield pa.record_batch([keys, shapes], schema=SCHEMA)


def _union(parts: list[bytes], unions: Unions) -> Any:
    areas = shapely.from_wkb(parts)
    whole, expected = shapely.coverage_union_all(areas), float(shapely.area(areas).sum())
    if not shapely.is_valid(whole) or abs(shapely.area(whole) - expected) > EQUAL * expected:
        whole, unions.slow = shapely.union_all(areas), unions.slow + 1
    unions.groups += 1
    return shapely.MultiPolygon(list(shapely.get_parts(whole))) if isinstance(whole, shapely.Polygon) else whole
