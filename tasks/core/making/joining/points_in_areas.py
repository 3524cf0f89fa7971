"""Which area points lie in: coordinates in arrays, tested by GEOS against prepared areas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isqrt

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.making.topology.polygons import Geometries
from tasks.core.making.topology.threads import ahead

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# looked at and tested at a time: pairs fit into the cache of a processor, and memory is bounded
AREAS, PAIRS = 1 << 12, 1 << 17
# How near a border is near, beside the largest coordinate: a micrometre in metres of a country,
# hundreds of times what rounding moves a point.
NEAR = 2.0**-44
SLACK = 1e-9  # of a strip's length: rounding misses no point, and a few more are tested


class Areas:
    """Areas, none of them missing or empty, in the order in which they are preferred."""

    def __init__(self, shapes: Geometries) -> None:
        self._shapes, self._bounds = shapes, shapely.bounds(shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def first(self, x: Floats, y: Floats) -> tuple[Places, Flags]:
        """Return the first area that each point intersects, and which points are near a border.

        The number of areas stands for none of them. Points without finite coordinates are in none.
        Near a border is a point whose answer, for any area, another one so near would not share.
        """
        west, south = self._bounds[:, :2].min(axis=0, initial=np.inf)
        east, north = self._bounds[:, 2:].max(axis=0, initial=-np.inf)
        (here,) = np.nonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
        found, near = np.full(len(x), len(self)), np.zeros(len(x), bool)
        if len(here):
            found[here], near[here] = self._first(x[here], y[here])
        return found, near

    def _first(self, x: Floats, y: Floats) -> tuple[Places, Flags]:
        found, near = np.full(len(x), len(self)), np.zeros(len(x), bool)
        strips, shift = _Strips(x, y), NEAR * np.abs(self._bounds).max()
        look = partial(self._look, strips, x, y, shift)
        for point, area, close in ahead(look, range(0, len(self), AREAS)):
            np.minimum.at(found, point, area)
            near[close] = True
        return found, near

    def _look(
        self, strips: _Strips, x: Floats, y: Floats, shift: float, begin: int
    ) -> tuple[Places, Places, Places]:
        """Return the points in some areas, with the area of each, and those near a border."""
        points, areas, close = [], [], []
        some = self._shapes[begin : begin + AREAS]
        shapely.prepare(some)
        for area, point in strips.pairs(self._bounds[begin : begin + AREAS]):
            shapes, across, up = some[area], x[point], y[point]
            inside = shapely.intersects_xy(shapes, across, up)
            points.append(point[inside])
            areas.append(begin + area[inside])
            for moved in (across - shift, across + shift):
                close.append(point[inside != shapely.intersects_xy(shapes, moved, up)])
        shapely.destroy_prepared(some)  # which holds more than the areas themselves
        return np.concatenate(points), np.concatenate(areas), np.concatenate(close)


class _Strips:
    """Points in strips from south to north, as many in each, and from west to east in each."""

    def __init__(self, x: Floats, y: Floats) -> None:
        strips, upwards = isqrt(len(x)), np.argsort(y)
        starts = np.arange(strips + 1) * len(x) // strips
        self._south = y[upwards[starts[:-1]]]
        self._west, self._width = x.min(), np.ptp(x) or 1.0
        key = self._along(x)
        key[upwards] += np.repeat(np.arange(strips), np.diff(starts))
        self._order = np.argsort(key)
        self._key = key[self._order]

    def _along(self, x: Floats) -> Floats:
        """Tell how far along its strip a point is, from 0 to a half."""
        along: Floats = np.clip((x - self._west) / (2 * self._width), 0.0, 0.5)
        return along

    def pairs(self, bounds: Floats) -> Iterator[tuple[Places, Places]]:
        """Yield areas by their bounds, and with them each point that may be within these."""
        west, south, east, north = bounds.T
        first = np.maximum(np.searchsorted(self._south, south) - 1, 0)
        strips = np.searchsorted(self._south, north, "right") - first
        area, strip = np.repeat(np.arange(len(bounds)), strips), _ranges(first, strips)
        begin = np.searchsorted(self._key, strip + self._along(west)[area] - SLACK)
        end = np.searchsorted(self._key, strip + self._along(east)[area] + SLACK, "right")
        so_far = np.cumsum(end - begin)
        cuts = np.searchsorted(so_far, np.arange(PAIRS, so_far.max(initial=0), PAIRS))
        for some in np.split(np.arange(len(area)), cuts):
            points = end[some] - begin[some]
            yield np.repeat(area[some], points), self._order[_ranges(begin[some], points)]


def _ranges(starts: Places, counts: Places) -> Places:
    """Return so many whole numbers from each start on, one range after another."""
    return np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
