"""Rings cut to the tiles of one zoom and put on the grid of their tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from tasks.core.pages.maps.ground import EXTENT
from tasks.core.pages.maps.rings import Integers, Rings, Truths, cut, spread

MARGIN = 64  # units of a tile that are drawn beyond its sides
AT_ONCE = 2_000_000  # vertices


@dataclass(frozen=True)
class Pieces:
    """What lies in tiles, on their grid, ordered by tile, area and polygon.

    points: (p, 2) whole units from the tile's north-western corner. sizes, area, hole: as of rings.
    tile: (r,) column * 2 ** zoom + row.
    """

    points: Integers
    sizes: Integers
    area: Integers
    hole: Truths
    tile: Integers


def cut_to_tiles(rings: Rings, zoom: int) -> Iterator[Pieces]:
    """Cut rings in the unit square to the tiles of a zoom.

    Yields the pieces of a few columns of tiles at a time, from the west, none of them twice.
    """
    side = 2**zoom
    first, count = _reach(rings, 0, side, scale=side)
    for low, high in _runs_of_columns(rings, first, count, side):
        begin = np.maximum(first, low)
        chosen = np.flatnonzero(begin < np.minimum(first + count, high))
        spans = np.minimum(first + count, high)[chosen] - begin[chosen]
        ring = np.repeat(chosen, spans)
        column = spread(begin[chosen], spans)
        taken = rings.taken(ring)
        strips, kept = _strips(replace(taken, points=taken.points * side), 0, column)
        yield _cut_rows(strips, column[kept], side)


def _cut_rows(strips: Rings, column: Integers, side: int) -> Pieces:
    """Cut pieces of columns by rows, and put them on the grid."""
    first, count = _reach(strips, 1, side)
    strip = np.repeat(np.arange(len(strips.sizes)), count)
    row = spread(first, count)
    pieces, kept = _strips(strips.taken(strip), 1, row)
    column, row = column[strip[kept]], row[kept]
    order = np.lexsort((pieces.hole, pieces.part, pieces.area, row, column))
    return _on_grid(pieces.taken(order), column[order], row[order], side)


def _reach(rings: Rings, axis: int, side: int, scale: int = 1) -> tuple[Integers, Integers]:
    """Return the first tile that each ring reaches, margins counted, and how many it does.

    scale: tiles in a unit of the coordinates.
    """
    if not len(rings.sizes):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    margin = MARGIN / EXTENT
    least, most = (bound * scale for bound in rings.bounds(axis))
    first = np.clip(np.floor(least - margin), 0, side - 1).astype(np.int64)
    last = np.clip(np.floor(most + margin), 0, side - 1).astype(np.int64)
    return first, last - first + 1


def _runs_of_columns(
    rings: Rings, first: Integers, count: Integers, side: int
) -> Iterator[tuple[int, int]]:
    """Divide the columns of tiles into runs with about as many vertices as are cut at once."""
    weights = np.zeros(side + 1)
    np.add.at(weights, first, rings.sizes)
    np.add.at(weights, first + count, -rings.sizes)
    run = (np.cumsum(np.cumsum(weights[:side])) // AT_ONCE).astype(np.int64)
    edges = np.flatnonzero(np.diff(run)) + 1
    bounds = [0, *edges.tolist(), side]
    yield from pairwise(bounds)


def _strips(rings: Rings, axis: int, place: Integers) -> tuple[Rings, Integers]:
    least = place.astype(np.float64) - MARGIN / EXTENT
    return cut(rings, axis, least, least + 1 + 2 * MARGIN / EXTENT)


def _on_grid(rings: Rings, column: Integers, row: Integers, side: int) -> Pieces:
    """Round to whole units, without vertices that fall together and rings that are none then."""
    corner = np.repeat(np.column_stack([column, row]), rings.sizes, axis=0)
    points = np.rint((rings.points - corner) * EXTENT).astype(np.int64)
    ring = np.repeat(np.arange(len(rings.sizes)), rings.sizes)
    before = np.arange(-1, len(points) - 1)
    before[rings.starts] = rings.starts + rings.sizes - 1
    stays = (points != points[before]).any(axis=1)
    points, ring = points[stays], ring[stays]
    sizes = np.bincount(ring, minlength=len(rings.sizes))
    twice = _twice_areas(points, sizes)
    good = _without_lost(twice != 0, rings, column * side + row)
    points = _turned(points, sizes, (twice < 0) != rings.hole)
    return Pieces(
        points[np.repeat(good, sizes)],
        sizes[good],
        rings.area[good],
        rings.hole[good],
        (column * side + row)[good],
    )


def _twice_areas(points: Integers, sizes: Integers) -> Integers:
    """Return twice the area of each ring, positive where it turns clockwise on the screen."""
    filled = np.flatnonzero(sizes)
    starts = (np.cumsum(sizes) - sizes)[filled]
    following = np.arange(1, len(points) + 1)
    following[starts + sizes[filled] - 1] = starts
    ahead = points[following] if len(points) else points
    cross = points[:, 0] * ahead[:, 1] - ahead[:, 0] * points[:, 1]
    twice = np.zeros(len(sizes), np.int64)
    if len(filled):
        twice[filled] = np.add.reduceat(cross, starts)
    return twice


def _without_lost(there: Truths, rings: Rings, tile: Integers) -> Truths:
    """Leave out the holes of a polygon whose outer ring is too small to be drawn."""
    if not len(there):
        return there
    begins = np.append(True, (rings.part[1:] != rings.part[:-1]) | (tile[1:] != tile[:-1]))
    outer = there[begins] & ~rings.hole[begins]
    kept: Truths = there & outer[np.cumsum(begins) - 1]
    return kept


def _turned(points: Integers, sizes: Integers, wrong: Truths) -> Integers:
    """Turn round the rings that go the wrong way."""
    starts = np.cumsum(sizes) - sizes
    ring = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(points))
    mirrored = 2 * starts[ring] + sizes[ring] - 1 - place
    return points[np.where(wrong[ring], mirrored, place)] if len(points) else points
