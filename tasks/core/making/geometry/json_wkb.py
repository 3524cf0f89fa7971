"""Geometries of GeoJSON written as WKB, down to the last digit of their coordinates."""

from __future__ import annotations

import struct
from itertools import chain
from typing import Any

import orjson

from tasks.core.making.geometry.json_coordinates import DEPTHS
from tasks.core.making.geometry.json_features import Strange

CODES = dict(Point=1, LineString=2, Polygon=3, MultiPoint=4, MultiLineString=5, MultiPolygon=6)
POINT, LINE, POLYGON = 1, 2, 3
HEIGHT = 1000  # added to the code of a type


def wkb_of(geometry: Any) -> bytes | None:
    """Return a geometry in little-endian ISO WKB, 2D or 3D as it is written; None for null.

    Raises Strange where it is not of a type and nested to the depth of that type, as all of it, of
    one dimension, with nothing empty in it and no member beside its coordinates.
    """
    if geometry is None:
        return None
    try:
        first = coordinates = geometry["coordinates"]
        for _ in range(DEPTHS[geometry["type"]]):
            first = first[0]
        if len(geometry) > 2 or len(first) not in (2, 3):
            raise Strange
        return _written(CODES[geometry["type"]], coordinates, len(first))
    except (KeyError, IndexError, TypeError, struct.error, OverflowError) as error:
        raise Strange(error) from None


def require_numbers(geometry: Any) -> None:
    """Raise Strange where a truth value stands among the coordinates."""
    written = orjson.dumps(geometry and geometry.get("coordinates"))
    if b"true" in written or b"false" in written:
        raise Strange


def _written(code: int, coordinates: Any, width: int) -> bytes:
    head = struct.pack("<BI", 1, code + HEIGHT * (width - 2))
    if code == POINT:
        return head + _positions([coordinates], width)
    count = struct.pack("<I", len(coordinates))
    if code == LINE:
        return head + count + _positions(coordinates, width)
    if not coordinates:
        raise Strange
    if code == POLYGON:
        rings = (struct.pack("<I", len(each)) + _positions(each, width) for each in coordinates)
        return head + count + b"".join(rings)
    return head + count + b"".join(_written(code - 3, each, width) for each in coordinates)


def _positions(positions: Any, width: int) -> bytes:
    if {*map(len, positions)} != {width}:
        raise Strange
    return struct.pack(f"<{len(positions) * width}d", *chain.from_iterable(positions))
