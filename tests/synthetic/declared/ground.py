"""The grid that the areas of a made-up country are drawn on."""

from __future__ import annotations

from dataclasses import dataclass

import shapely
from pyproj import CRS, Transformer

from tasks.core.model.declarations import Features

Bounds = tuple[float, float, float, float]
DEGREES, METRES = 1 / 64, 1000.0  # width of a square
SHARE = 0.4  # of the bounds that the grid may take, from their middle on


@dataclass(frozen=True)
class Ground:
    """A grid of squares: its EPSG code, its lower left corner and the width of a square."""

    crs: int
    origin: tuple[float, float]
    cell: float

    def square(self, area: int, crs: int) -> shapely.Polygon:
        """The square of an area in a CRS; areas are counted in the order of a Z, so that any four
        make a square.
        """
        column, row = (
            sum((area >> 2 * bit + odd & 1) << bit for bit in range(16)) for odd in (0, 1)
        )
        x, y = self.origin[0] + column * self.cell, self.origin[1] + row * self.cell
        square = shapely.box(x, y, x + self.cell, y + self.cell)
        if crs == self.crs:
            return square
        return shapely.transform(square, _change(self.crs, crs).transform, interleaved=False)


def ground_of(features: Features | None, areas: int) -> Ground:
    """A grid for so many areas where geometries are declared to be."""
    crs, bounds = (features.crs, features.bounds) if features else (4326, None)
    cell, side = ground_in(crs).cell, 1
    while side * side < areas:
        side *= 2
    while bounds and side * cell > SHARE * min(bounds[2] - bounds[0], bounds[3] - bounds[1]):
        cell /= 2
    return Ground(crs, _middle(crs, bounds, cell), cell)


def ground_in(crs: int) -> Ground:
    """A grid where a CRS is in use."""
    cell = DEGREES if CRS.from_epsg(crs).is_geographic else METRES
    return Ground(crs, _middle(crs, None, cell), cell)


def _middle(crs: int, bounds: Bounds | None, cell: float) -> tuple[float, float]:
    """The middle of where a CRS is in use, or of the bounds where that lies outside."""
    place = CRS.from_epsg(crs).area_of_use
    middle = (0.0, 0.0)
    if place:
        west = place.west - 360 if place.west > place.east else place.west
        degrees = (west + place.east) / 2, (place.south + place.north) / 2
        middle = _change(4326, crs).transform(*degrees)
    if bounds and not shapely.box(*bounds).contains(shapely.Point(middle)):
        middle = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    return round(middle[0] / cell) * cell, round(middle[1] / cell) * cell


def _change(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
