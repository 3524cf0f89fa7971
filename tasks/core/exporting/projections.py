"""The CRS that a layer may leave in, and the change of its geometries to it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from tasks.core.making.geometry.crs_changes import change_of_crs
from tasks.core.model.errors import CheckFailed, ConfigurationError

WRITTEN = re.compile(r"\s*(?:epsg\s*:{1,2}\s*)?(\d{1,6})\s*", re.IGNORECASE)
Change = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def epsg_code(written: str | int) -> int:
    """Return the EPSG code of a plane or geographic CRS as a person writes it: EPSG:3035, 3035.

    Raises ConfigurationError for anything else: another authority, an unknown code, a CRS of
    heights or with three axes.
    """
    match = WRITTEN.fullmatch(str(written))
    if match is None or (found := _known(int(match[1]))) is None:
        raise ConfigurationError(
            "The CRS of an export was expected to be an EPSG code that PROJ knows, such as"
            f" EPSG:3035, found {str(written)!r}: give such a code, or none to keep the layer's"
            " own."
        )
    if len(found.axis_info) != 2 or not (found.is_projected or found.is_geographic):
        raise ConfigurationError(
            f"The CRS of an export was expected to have two axes on the ground, found"
            f" EPSG:{match[1]} ({found.name}, {found.type_name}): give another, such as EPSG:3035."
        )
    return int(match[1])


def crs_change(source: int, target: int) -> tuple[Change | None, str]:
    """Return what changes (n, 2) coordinates, x and y, from one EPSG code to another; in words too.

    None where both are the same. The best operation that is installed and no guess is taken, the
    same for every point; raises ConfigurationError where there is none.
    """
    if source == target:
        return None, ""
    try:
        return change_of_crs(source, target)
    except ConfigurationError:
        raise ConfigurationError(
            f"A CRS was expected to which PROJ can change EPSG:{source} here without a guess, found"
            f" EPSG:{target}: choose one that is used where the layer lies, or none to keep the"
            " layer's own."
        ) from None


def changed(geometries: pa.Array, change: Change, where: str) -> pa.Array:
    """Return WKB with its coordinates changed; NULL stays NULL, an empty geometry empty.

    Raises CheckFailed where a coordinate lies beyond what the operation bears.
    """
    shapes = shapely.from_wkb(geometries.to_numpy(zero_copy_only=False))
    moved = shapely.transform(shapes, change)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise CheckFailed(
            f"The coordinates of {where} were expected to lie where its new CRS is used, and some"
            " have no place there: choose another CRS, or none to keep the layer's own."
        )
    return pa.array(shapely.to_wkb(moved, byte_order=1, flavor="iso"), pa.binary())


def moved_box(box: tuple[float, ...], source: int, target: int) -> tuple[float, ...]:
    """Return a box (xmin, ymin, xmax, ymax) of one EPSG code in another.

    Empty for no box, and where it has no place there.
    """
    if not box:
        return ()
    moved = Transformer.from_crs(source, target, always_xy=True)
    found = moved.transform_bounds(box[0], box[1], box[2], box[3])
    return tuple(found) if all(map(math.isfinite, found)) else ()


@lru_cache
def _known(code: int) -> CRS | None:
    try:
        return CRS.from_epsg(code)
    except CRSError:
        return None
