"""Coordinates of a GeoJSON held to its text: GDAL drops a ring or a part that it cannot read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from msgspec import Raw, Struct

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import (
    BLOCK_BYTES,
    no_collection,
    opened_text,
    whole_text,
)
from tasks.core.model.errors import SourceError

# how deep positions lie in the coordinates, by the type of a geometry
DEPTHS = dict(Point=0, MultiPoint=1, LineString=1, MultiLineString=2, Polygon=2, MultiPolygon=3)
POINT, POLYGON, MULTILINESTRING, MULTIPOLYGON, COLLECTION = 0, 3, 5, 6, 7
COORDINATES = re.compile(rb'"coordinates"\s*:')
ENDS = re.compile(rb'["}]')  # neither stands among coordinates


class _Feature(Struct):
    geometry: Raw | None = None


class _Root(_Feature):
    features: list[_Feature] | None = None


def count_lists(geometries: npt.NDArray[np.object_]) -> int:
    """Count the lists ("[") in which GeoJSON writes geometries: of positions, rings and parts."""
    geometries = geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))]
    kinds = shapely.get_type_id(geometries)
    simple = geometries[kinds != COLLECTION]
    lists = int(shapely.get_num_coordinates(simple).sum())
    lists += int(np.isin(kinds, (POINT, COLLECTION), invert=True).sum())
    several = geometries[np.isin(kinds, (MULTILINESTRING, MULTIPOLYGON))]
    lists += int(shapely.get_num_geometries(several).sum())
    parts = shapely.get_parts(geometries[kinds == MULTIPOLYGON])
    areas = np.concatenate([parts, geometries[kinds == POLYGON]])
    lists += int((shapely.get_num_interior_rings(areas) + 1).sum())
    return lists + sum(
        count_lists(shapely.get_parts(each)) for each in geometries[kinds == COLLECTION]
    )


def require_whole(place: Place, lists: int) -> None:
    """Raise SourceError at the first geometry that is not written as its type says.

    lists: those of the geometries that were read. The text is looked at more closely, in the end
    whole, only where it has more.
    """
    if _count_in_coordinates(place) <= lists:
        return
    for number, geometry in enumerate(_geometries(place), 1):
        if not _is_whole(geometry):
            raise SourceError(
                f"Positions of two numbers at least were expected in {place.name}, nested as the"
                f" type of each geometry says, and feature {number:,} has others, which would be"
                " left out: tell the publisher."
            )


def _count_in_coordinates(place: Place) -> int:
    """Count the lists in all that is called coordinates, also where it is a property."""
    lists, inside, held = 0, False, b""
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            text, start = held + block, 0
            while True:
                if inside:
                    end = ENDS.search(text, start)
                    lists += text.count(b"[", start, end.start() if end else len(text))
                    inside, start = end is None, end.start() if end else len(text)
                if inside or not (found := COORDINATES.search(text, start)):
                    break
                inside, start = True, found.end()
            held = b"" if inside else text[max(start, len(text) - 64) :]
    return lists


def _geometries(place: Place) -> Iterator[Any]:
    """Yield the geometry of each feature, or that of a feature alone."""
    content = whole_text(place)
    try:
        root = msgspec.json.decode(content, type=_Root)
        found = [root] if root.features is None else root.features
        yield from (each.geometry and json.loads(bytes(each.geometry)) for each in found)
    except msgspec.DecodeError:  # NaN among the properties, or null among the features
        yield from (each and each.get("geometry") for each in _features(content, place))


def _features(content: bytes, place: Place) -> list[Any]:
    try:
        root = json.loads(content)
    except ValueError as error:
        raise no_collection(place, error) from None
    features: list[Any] | None = root.get("features")
    return [root] if features is None else features


def _is_whole(geometry: Any) -> bool:
    """Tell whether a geometry's coordinates are nested as its type says, down to numbers."""
    if not isinstance(geometry, dict):
        return geometry is None
    if geometry.get("type") == "GeometryCollection":
        return all(_is_whole(each) for each in geometry.get("geometries") or ())
    return _is_nested(geometry.get("coordinates"), DEPTHS.get(str(geometry.get("type")), 0))


def _is_nested(lists: Any, depth: int) -> bool:
    if not isinstance(lists, list):
        return lists is None
    if depth:
        return all(isinstance(each, list) and _is_nested(each, depth - 1) for each in lists)
    numbers = all(type(each) in (int, float) for each in lists)
    return not lists or (len(lists) > 1 and numbers)
