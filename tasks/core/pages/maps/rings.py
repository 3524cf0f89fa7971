"""Rings of polygons as flat arrays: cut at lines, moved to a tile's grid, without shapely objects.

All neighbours are cut by the same sums over the same two vertices, so that an edge which two areas
share stays the same edge in every tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rings:
    """Open rings, one after another.

    points: (p, 2), the first vertex of a ring not repeated. sizes: (r,) vertices of each ring.
    area, part, hole: (r,) number of its area, of its polygon, and whether it is a hole. A polygon's
    outer ring comes before its holes.
    """

    points: Floats
    sizes: Integers
    area: Integers
    part: Integers
    hole: Truths

    @property
    def starts(self) -> Integers:
        """Place of the first vertex of each ring."""
        return np.cumsum(self.sizes) - self.sizes

    def taken(self, chosen: Integers) -> Rings:
        """Return these rings, in this order, also one more than once."""
        sizes = self.sizes[chosen]
        places = spread(self.starts[chosen], sizes)
        return Rings(
            self.points[places], sizes, self.area[chosen], self.part[chosen], self.hole[chosen]
        )

    def bounds(self, axis: int) -> tuple[Floats, Floats]:
        """Return the least and the greatest coordinate of each ring."""
        values, starts = self.points[:, axis], self.starts
        return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


def spread(starts: Integers, sizes: Integers) -> Integers:
    """Return start, start + 1, … of each run, one after another."""
    ends = np.cumsum(sizes)
    places: Integers = np.arange(ends[-1] if len(ends) else 0)
    places += np.repeat(starts - (ends - sizes), sizes)
    return places


def flatten(polygons: npt.NDArray[Any], numbers: Integers) -> Rings:
    """Take (multi)polygons apart; numbers: of the area of each."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    last = np.append(ring[1:] != ring[:-1], True) if len(ring) else np.zeros(0, bool)
    sizes = np.bincount(ring, minlength=len(rings)) - 1
    hole = np.append(False, part[1:] == part[:-1]) if len(part) else np.zeros(0, bool)
    return Rings(points[~last], sizes, numbers[owner[part]], part, hole)


def cut(rings: Rings, axis: int, least: Floats, most: Floats) -> tuple[Rings, Integers]:
    """Cut each ring to a strip of its own, least ≤ coordinate ≤ most.

    Returns what is left, and of which ring each is. A ring that is cut in two stays one, joined
    along the side of the strip.
    """
    below, kept = _cut_side(rings, axis, least, 1.0)
    above, again = _cut_side(below, axis, most[kept], -1.0)
    return above, kept[again]


def _cut_side(rings: Rings, axis: int, side: Floats, sign: float) -> tuple[Rings, Integers]:
    """Keep what lies on one side of a line; sign: 1 for greater coordinates."""
    following = _following(rings)
    limit = np.repeat(side, rings.sizes)
    here = rings.points
    inside = (here[:, axis] - limit) * sign >= 0
    crosses = inside != inside[following]
    out = np.empty((len(here) + int(crosses.sum()), 2))
    counts = inside.astype(np.int64) + crosses
    places = np.cumsum(counts) - counts
    out[places[inside]] = here[inside]
    crossing = _crossings(here[crosses], here[following[crosses]], axis, limit[crosses])
    out[places[crosses] + inside[crosses]] = crossing
    sizes = np.add.reduceat(counts, rings.starts) if len(counts) else np.zeros(0, np.int64)
    left = np.flatnonzero(sizes)
    total = int(sizes.sum())
    return (
        Rings(out[:total], sizes[left], rings.area[left], rings.part[left], rings.hole[left]),
        left,
    )


def _following(rings: Rings) -> Integers:
    """Return the place of the vertex after each, the first one after the last of a ring."""
    following = np.arange(1, len(rings.points) + 1)
    following[rings.starts + rings.sizes - 1] = rings.starts
    return following


def _crossings(first: Floats, second: Floats, axis: int, limit: Floats) -> Floats:
    """Return where edges meet a line, the same whichever way round an edge is given."""
    turned = (first[:, 0] > second[:, 0]) | (
        (first[:, 0] == second[:, 0]) & (first[:, 1] > second[:, 1])
    )
    low, high = (np.where(turned[:, None], *pair) for pair in ((second, first), (first, second)))
    share = (limit - low[:, axis]) / (high[:, axis] - low[:, axis])
    met: Floats = low + share[:, None] * (high - low)
    met[:, axis] = limit
    return met
