"""The ground of a map: the square of Web Mercator, and how coordinates are brought to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[Any]

EXTENT = 4096  # units of a tile's side
HALF = np.pi * 6378137.0  # metres of Web Mercator from the middle to the side
FURTHEST_NORTH = 85.0
GROWN = 2.0  # times what the areas in the middle span, where others may lie that are shown too
MIDDLE = (30, 70)  # per cent: of 18 French regions, 5 are overseas
FAR = 1.5  # times what is shown, beyond which the whole is not shown first


@dataclass(frozen=True)
class Projection:
    """Brings coordinates of a CRS to the unit square of Web Mercator, y to the south."""

    srid: int

    def __call__(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return x and y from 0 to 1; what lies beyond the latitudes of the square is moved in."""
        to_degrees = pyproj.Transformer.from_crs(self.srid, 4326, always_xy=True)
        longitude, latitude = to_degrees.transform(x, y)
        latitude = np.radians(np.clip(latitude, -FURTHEST_NORTH, FURTHEST_NORTH))
        south = 0.5 - np.arcsinh(np.tan(latitude)) / (2 * np.pi)
        return np.asarray(longitude) / 360 + 0.5, np.asarray(south)

    def shapes(self, wkb: npt.NDArray[Any]) -> Geometries:
        """Read polygons and bring them to the unit square; what is missing stays None."""
        read = np.asarray(shapely.from_wkb(wkb), dtype=object)
        moved: Geometries = shapely.transform(
            read, lambda pairs: np.column_stack(self(pairs[:, 0], pairs[:, 1]))
        )
        return moved


def degrees(bounds: Floats) -> Floats:
    """Turn xmin, ymin, xmax, ymax of the unit square into west, south, east, north in degrees."""
    west, top, east, bottom = np.moveaxis(np.atleast_2d(bounds), -1, 0)
    latitudes = [np.degrees(np.arctan(np.sinh((0.5 - y) * 2 * np.pi))) for y in (bottom, top)]
    longitudes = [(x - 0.5) * 360 for x in (west, east)]
    return np.column_stack([longitudes[0], latitudes[0], longitudes[1], latitudes[1]]).round(5)


def main_view(bounds: Floats) -> Floats:
    """Choose what a map shows first: where nearly all areas are, without far islands.

    bounds: (n, 4) of the areas in the unit square. Returns xmin, ymin, xmax, ymax.
    """
    whole = np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    centres = (bounds[:, :2] + bounds[:, 2:]) / 2
    low, high = np.percentile(centres, MIDDLE, axis=0)
    # centres of few and large areas tell little of where these end
    margin = GROWN * (high - low).max() + np.median(bounds[:, 2:] - bounds[:, :2], axis=0) / 2
    low, high = low - margin, high + margin
    inside = bounds[((centres >= low) & (centres <= high)).all(axis=1)]
    near = np.concatenate(
        [np.maximum(inside[:, :2].min(axis=0), low), np.minimum(inside[:, 2:].max(axis=0), high)]
    )
    far = (whole[2:] - whole[:2]).max() > FAR * (near[2:] - near[:2]).max()
    return near if far else whole
