"""Rings without ground: of fewer than four points, which GEOS reads and PostGIS does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.model.errors import SourceError

POLYGON, MULTIPOLYGON = 3, 6
LEAST = 4  # points of a ring, the last the same as the first


def without_flat_rings(
    geometries: npt.NDArray[np.object_], where: str, before: int
) -> tuple[npt.NDArray[np.object_], int]:
    """Drop the holes and parts whose ring has no ground; return the geometries and their number.

    before: features before these, to name one of which nothing would be left (SourceError).
    """
    of_rings = np.flatnonzero(_may_have_flat_rings(geometries))
    parts, owners = shapely.get_parts(geometries[of_rings], return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    is_flat = shapely.get_num_coordinates(rings) < LEAST
    if not is_flat.any():
        return geometries, 0
    geometries = geometries.copy()
    for index in of_rings[np.unique(owners[of_part[is_flat]])]:
        left = [_with_ground(part) for part in shapely.get_parts(geometries[index])]
        left = [part for part in left if part is not None]
        if not left:
            raise SourceError(
                f"Areas were expected in {where} and the outer ring of feature"
                f" {before + int(index) + 1:,} has fewer than {LEAST} points: tell the publisher."
            )
        geometries[index] = left[0] if len(left) == 1 else shapely.multipolygons(left)
    return geometries, int(is_flat.sum())


def _may_have_flat_rings(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Tell where rings must be counted, each a copy: an area of one ring tells by its points."""
    kinds, points = shapely.get_type_id(geometries), shapely.get_num_coordinates(geometries)
    is_one_ring = (kinds == POLYGON) & (shapely.get_num_interior_rings(geometries) == 0)
    is_area = np.isin(kinds, (POLYGON, MULTIPOLYGON))
    return np.asarray(is_area & ~(is_one_ring & (points >= LEAST)))


def _with_ground(part: Any) -> Any:
    if shapely.get_num_coordinates(part.exterior) < LEAST:
        return None
    holes = [hole for hole in part.interiors if shapely.get_num_coordinates(hole) >= LEAST]
    return shapely.polygons(part.exterior, holes or None)
