"""Ground: how a length in metres and an area in square metres read in the coordinates of a CRS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from tasks.core.making.topology.polygons import Geometries
from tasks.core.model.errors import ConfigurationError

DEGREE_METRES = 111_320.0  # one degree of latitude, at most 0.6 % off anywhere


@dataclass(frozen=True)
class Ground:
    """A CRS's unit in metres, and whether units are degrees of longitude and latitude."""

    metres: float
    geographic: bool

    def width(self, metres: float) -> float:
        """Return a width in units of the CRS.

        In degrees it is measured along the meridian: the same number of degrees along a parallel is
        shorter on the ground, so that no gap wider than the given metres is ever closed.
        """
        return metres / self.metres

    def areas(self, geometries: Geometries) -> npt.NDArray[np.float64]:
        """Return areas in m²; degrees use the latitude of each middle (to about 1 %)."""
        areas = np.asarray(shapely.area(geometries), dtype=np.float64) * self.metres**2
        if not self.geographic or not len(areas):
            return areas
        bounds = shapely.bounds(geometries)
        shrinking = np.cos(np.radians((bounds[:, 1] + bounds[:, 3]) / 2))
        return np.asarray(areas * np.nan_to_num(shrinking), dtype=np.float64)


def ground(srid: int) -> Ground:
    """Return an EPSG code's ground; raise ConfigurationError if unknown or its CRS unsuitable."""
    try:
        crs = CRS.from_epsg(srid)
    except CRSError:
        raise ConfigurationError(
            f"Widths in metres need a CRS known by its EPSG code and SRID {srid} is not one: load"
            " the layer in a national CRS."
        ) from None
    if crs.is_geographic:
        return Ground(DEGREE_METRES, geographic=True)
    if not crs.is_projected:
        raise ConfigurationError(
            f"Areas need a projected or geographic CRS and EPSG:{srid} is {crs.type_name}: load the"
            " layer in a national CRS."
        )
    return Ground(float(crs.axis_info[0].unit_conversion_factor), geographic=False)
