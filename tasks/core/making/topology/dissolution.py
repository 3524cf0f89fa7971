"""Dissolution: a table's areas joined along shared edges, one area for each group, in a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from psycopg2 import sql

from tasks.core.making.topology.ground import ground
from tasks.core.making.topology.polygons import (
    Geometries,
    fill,
    from_column,
    multipolygons,
    stream,
)
from tasks.core.making.topology.threads import ahead
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.database import Database

AREA_TOLERANCE = 1e-9  # relative: what summing thousands of areas in double precision may lose
SLIVER_METRES = 0.01  # a hole narrower than this is left by the dissolve, not by the publisher
LOT_POINTS = 10_000  # vertices of the small groups that a thread takes at a time
Group = tuple[str, Geometries]  # a key and its areas
GROUPED = """
SELECT {by}::text, ST_AsBinary(geom) FROM {table}
 WHERE {by} IS NOT NULL AND NOT ST_IsEmpty(geom) ORDER BY {by}::text COLLATE "C", ctid
"""


@dataclass
class Dissolution:
    """Counts of groups with an area, of those overlaid for want of matching edges, of slivers."""

    groups: int = 0
    overlaid: int = 0
    slivers_closed: int = 0


@dataclass(frozen=True)
class Dissolved:
    """Keys of groups and their areas, valid MultiPolygons, and how these were joined."""

    keys: list[str]
    areas: Geometries
    overlaid: int
    slivers_closed: int


def dissolve(
    database: Database, schema: str, table: str, by: str, srid: int, side: str
) -> Dissolution:
    """Fill the side table (key, geom) with one valid MultiPolygon for each `by`, in key order.

    Groups are joined on all cores, so that memory is bounded by the largest few. Raises CheckFailed
    naming a group that cannot be joined.
    """
    figures = Dissolution()
    width = ground(srid).width(SLIVER_METRES)
    query = sql.SQL(GROUPED).format(by=sql.Identifier(by), table=sql.Identifier(schema, table))

    def shapes() -> Iterator[tuple[list[str], Geometries]]:
        with arrow_connection(database) as connection:
            lots = _lots(_groups(stream(database, connection, query)))
            for done in ahead(lambda lot: _dissolved(lot, width), lots):
                figures.groups += len(done.keys)
                figures.overlaid += done.overlaid
                figures.slivers_closed += done.slivers_closed
                yield done.keys, done.areas

    fill(database, schema, side, srid, shapes())
    return figures


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[Group]:
    """Yield the geometries of each key, from rows in the order of their keys."""
    current, held = "", list[Geometries]()
    for batch in batches:
        keys = batch.column(0).to_numpy(zero_copy_only=False)
        geometries = from_column(batch.column(1))
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        for key, group in zip(keys[starts], np.split(geometries, starts[1:]), strict=True):
            if held and key != current:
                yield current, np.concatenate(held)
                held = []
            current = key
            held.append(group)
    if held:
        yield current, np.concatenate(held)


def _lots(groups: Iterator[Group]) -> Iterator[list[Group]]:
    """Gather groups until one fills the lot, so that what is small is joined with others."""
    lot, points = list[Group](), 0
    for group in groups:
        lot.append(group)
        points += int(shapely.get_num_coordinates(group[1]).sum())
        if points >= LOT_POINTS:
            yield lot
            lot, points = [], 0
    if lot:
        yield lot


def _dissolved(lot: list[Group], sliver: float) -> Dissolved:
    """Join each group into one valid MultiPolygon, in canonical order: rebuilds give equal bytes.

    What can be asked of all areas at once is: a call for each costs more than a small area does.
    """
    keys, groups = zip(*lot, strict=True)
    joined = np.array([_joined_along_edges(group) for group in groups], dtype=object)
    starts = np.cumsum([0, *map(len, groups[:-1])])
    areas = np.add.reduceat(shapely.area(np.concatenate(groups)), starts)
    amiss = abs(shapely.area(joined) - areas) > AREA_TOLERANCE * areas
    amiss |= ~shapely.is_valid(joined)
    for index in np.flatnonzero(amiss):
        joined[index] = _overlaid(*lot[index])
    parts, owners = shapely.get_parts(joined, return_index=True)
    closed = 0
    for index in np.unique(owners[shapely.get_num_interior_rings(parts) > 0]):
        joined[index], narrow = _without_slivers(joined[index], sliver)
        closed += narrow
    made = multipolygons(shapely.normalize(joined))
    return Dissolved(list(keys), made, int(amiss.sum()), closed)


def _joined_along_edges(geometries: Geometries) -> shapely.Geometry:
    """Drop every edge that two areas share; return nothing when GEOS finds that they overlap."""
    try:
        return shapely.coverage_union_all(geometries)
    except shapely.GEOSException:
        return shapely.MultiPolygon()


def _overlaid(key: str, geometries: Geometries) -> shapely.Geometry:
    """Return the union of areas whose edges do not match."""
    try:
        return shapely.union_all(geometries)
    except shapely.GEOSException as error:
        raise CheckFailed(
            f"The {len(geometries):,} areas of {key} cannot be joined ({error}): clean their"
            " topology first."
        ) from None


def _without_slivers(joined: shapely.Geometry, sliver: float) -> tuple[shapely.Geometry, int]:
    """Close the holes narrower than a width; return the area and how many these were."""
    parts = shapely.get_parts(joined)
    kept, closed = [], 0
    for part in parts:
        holes = np.array([shapely.Polygon(ring) for ring in part.interiors], dtype=object)
        narrow = shapely.is_empty(shapely.buffer(holes, -sliver / 2))
        closed += int(narrow.sum())
        if narrow.any():
            part = shapely.Polygon(part.exterior, [hole.exterior for hole in holes[~narrow]])
        kept.append(part)
    return shapely.MultiPolygon(kept), closed
