"""Geometries of Esri's JSON as its text has them: GDAL makes none of curves and of odd nesting."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import opened_text


class _Feature(Struct, gc=False):
    geometry: dict[str, Any] | None = None


class _Layer(Struct):
    features: list[_Feature]


def first_lost_of_esri(place: Place, read: int, absent: npt.NDArray[np.int64]) -> int | None:
    """Return the position of the first feature read without the geometry that it has written."""
    with opened_text(place) as file:
        try:
            features = msgspec.json.decode(file.read(), type=_Layer).features
        except msgspec.DecodeError:  # of another kind, or of numbers that only GDAL reads
            return None
    if len(features) != read:
        return None
    return next((int(each) for each in absent if _is_written(features[each].geometry)), None)


def _is_written(geometry: dict[str, Any] | None) -> bool:
    """Tell whether a geometry has rings, paths, points or a place; x may be "NaN" or null."""
    said = {name: value for name, value in (geometry or {}).items() if name != "spatialReference"}
    return any(value not in (None, [], "NaN", False, True) for value in said.values())
