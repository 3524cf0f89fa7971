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
    """The unit of a CRS: metres in one unit, and whether the units are degrees of longitude and
    latitude.
    """

    metres: float
    geographic: bool

    def width(self, metres: float) -> float:
        """A width in units of the CRS.

        In degrees it is measured along the meridian: the same number of degrees along a parallel is
        shorter on the ground, so that no gap wider than the given metres is ever closed.
        """
        return metres / self.metres

    def areas(self, geometries: Geometries) -> npt.NDArray[np.float64]:
        """Areas in square metres: planar in the CRS, and for degrees at the latitude of each
        geometry's middle (to about 1 %).
        """
        areas = np.asarray(shapely.area(geometries), dtype=np.float64) * self.metres**2
        if not self.geographic or not len(areas):
            return areas
        bounds = shapely.bounds(geometries)
        return np.asarray(
            areas * np.nan_to_num(np.cos(np.radians((bounds[:, 1] + bounds[:, 3]) / 2))),
            dtype=np.float64,
        )


def ground(srid: int) -> Ground:
    """The ground of an EPSG code; raises ConfigurationError when the code is unknown or its CRS is
    neither projected nor geographic.
    """
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
