"""The shapes of a state: block groups as cells of a grid with wiggly edges, and unions of them.

Cells are numbered along a line that winds through the grid in strips, up one column and down the
next, so that any run of numbers is one connected area: a tract is a run of block groups, a county a
run of tracts. Each edge is drawn once and used on both sides.
"""

from __future__ import annotations

import numpy as np
import shapely
from synthetic.coverage import Coverage, Floats, Geometries, Integers
from synthetic.defects import Defects, inject
from synthetic.us_places import State

TILE = (4.6, 3.0)  # degrees of longitude and latitude that a state may fill
METRES = 111_320.0  # in a degree of latitude
SEGMENTS = 8  # of an edge
# of a corner, in sides of a cell: cells stay convex, and their middles at least a quarter away from
# every edge
JITTER = 0.2
REACH = 0.2  # of an edge's line, a little less than that


def cells(count: int, groups: int, random: np.random.Generator) -> tuple[Coverage, float]:
    """A coverage of so many cells in numbered order, sides of about 1, and its greatest extent as
    shares of a tile's sides.

    groups: parts of the state that should be as compact as they can; the strips are as wide as such
    a part.
    """
    column, row = winding(count, groups)
    rings = _rings(int(column.max()) + 1, int(row.max()) + 1, random)[column, row]
    polygons: Geometries = np.asarray(shapely.polygons(rings))
    size = max((column.max() + 2) / TILE[0], (row.max() + 2) / TILE[1])
    return _described(polygons, rings, column, row), float(size)


def winding(count: int, groups: int) -> tuple[Integers, Integers]:
    """Column and row of each cell along the winding line."""
    # odd: each strip ends beside the next one's beginning
    columns = max(1, round((np.sqrt(count * TILE[0] / TILE[1]) - 1) / 2) * 2 + 1)
    height = int(np.clip(round(np.sqrt(count / max(groups, 1))), 1, -(-count // columns)))
    strip, along = np.divmod(np.arange(count), height * columns)
    step, place = np.divmod(along, height)
    column = np.where(strip % 2 == 0, step, columns - 1 - step)
    row = strip * height + np.where(step % 2 == 0, place, height - 1 - place)
    return column.astype(np.int64), row.astype(np.int64)


def placed(polygons: Geometries, state: State, metres: float) -> Geometries:
    """Shapes in metres moved to a state's tile, in degrees with six decimals as published."""
    across = METRES * np.cos(np.radians(state.south + TILE[1] / 2))
    corner, scale = np.array((state.west, state.south)), np.array((across, METRES))
    moved: Geometries = shapely.transform(
        polygons, lambda points: np.round(corner + (points + 0.5 * metres) / scale, 6)
    )
    return moved


def block_groups(
    state: State, count: int, counties: int, defects: Defects, random: np.random.Generator
) -> tuple[Geometries, Geometries, Integers]:
    """Shapes of a state's block groups in degrees, once with faults in them and once without, and
    their areas in square metres.
    """
    unit, size = cells(count, counties, random)
    across = np.cos(np.radians(state.south + TILE[1] / 2))
    metres = float(np.floor(METRES * across / size))
    clean = enlarged(unit, metres)
    areas = np.maximum(np.rint(shapely.area(clean.polygons)).astype(np.int64), 1)
    shapes = placed(clean.polygons, state, metres)
    return (
        placed(inject(clean, defects, random), state, metres) if defects != Defects() else shapes,
        shapes,
        areas,
    )


def enlarged(unit: Coverage, metres: float) -> Coverage:
    """The same cells with sides of so many metres, to the millimetre."""
    polygons = shapely.transform(unit.polygons, lambda points: np.round(points * metres, 3))
    return Coverage(
        polygons, unit.sites * metres, unit.owner, unit.neighbour, unit.start, unit.segments
    )


def united(shapes: Geometries, group: Integers) -> Geometries:
    """The unions of neighbouring shapes; group is the number of the union of each shape, from 0, in
    rising order.
    """
    begins = np.searchsorted(group, np.arange(group[-1] + 1))
    place = np.arange(len(shapes)) - begins[group]
    table = np.full((len(begins), place.max() + 1), None, dtype=object)
    table[group, place] = shapes
    unions = shapely.coverage_union_all(table, axis=1)
    return np.asarray(shapely.get_geometry(unions, 0), dtype=object)


def _rings(columns: int, rows: int, random: np.random.Generator) -> Floats:
    """The closed ring of every cell of a grid, (columns, rows, 4 * SEGMENTS + 1, 2),
    counter-clockwise from its lower left corner.
    """
    corners = np.stack(
        np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0), indexing="ij"), -1
    )
    corners += random.uniform(-JITTER, JITTER, corners.shape)
    across = _lines(corners[:-1], corners[1:], random)
    along = _lines(corners[:, :-1], corners[:, 1:], random)
    return np.concatenate(
        [across[:, :-1, :-1], along[1:, :, :-1], across[:, 1:, :0:-1], along[:-1, :, ::-1]], axis=2
    )


def _lines(start: Floats, end: Floats, random: np.random.Generator) -> Floats:
    """A random line for each edge: midpoints displaced across it, within the triangle between the
    edge and the middle of a cell.
    """
    height = np.zeros((*start.shape[:-1], SEGMENTS + 1))
    step, spread = SEGMENTS // 2, 0.1
    while step:
        middle = np.arange(step, SEGMENTS, 2 * step)
        limit = REACH * 0.8 * 2 * np.minimum(middle, SEGMENTS - middle) / SEGMENTS
        between = (height[..., middle - step] + height[..., middle + step]) / 2
        height[..., middle] = np.clip(
            between + random.normal(0, spread, between.shape), -limit, limit
        )
        step, spread = step // 2, spread * 0.55
    along = (end - start)[..., None, :]
    across = along[..., ::-1] * np.array((-1.0, 1.0)) / np.hypot(along[..., :1], along[..., 1:])
    lines = (
        start[..., None, :]
        + np.linspace(0, 1, SEGMENTS + 1)[:, None] * along
        + height[..., None] * across
    )
    lines[..., -1, :] = end  # the very same numbers as the next edge's beginning
    return lines


def _described(polygons: Geometries, rings: Floats, column: Integers, row: Integers) -> Coverage:
    """The cells as a coverage: the four edges of each ring, below, right, above and left, with the
    cell on their other side.
    """
    number = np.full((column.max() + 3, row.max() + 3), -1)
    number[column + 1, row + 1] = np.arange(len(column))
    beside = [number[column + 1 + x, row + 1 + y] for x, y in ((0, -1), (1, 0), (0, 1), (-1, 0))]
    count = len(column)
    return Coverage(
        polygons=polygons,
        sites=rings[:, : 4 * SEGMENTS : SEGMENTS].mean(axis=1),
        owner=np.repeat(np.arange(count), 4),
        neighbour=np.stack(beside, axis=1).ravel(),
        start=np.tile(np.arange(4) * SEGMENTS, count),
        segments=np.full(4 * count, SEGMENTS),
    )
