"""Areas in plain WKB, held to headers and coordinates: GEOS would make an object of each."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.core.making.geometry.rings import LEAST, MULTIPOLYGON, POLYGON

Points = npt.NDArray[np.float64]
HEADER, COUNT = struct.Struct("<BII"), struct.Struct("<I")
LITTLE_ENDIAN = 1
POSITION = 16  # bytes of two doubles


@dataclass(frozen=True)
class PlainAreas:
    """A batch of areas in little-endian WKB of two dimensions, none of them missing or empty.

    rings: where in the bytes the positions of each ring begin and end. points: those of all rings,
    (n, 2).
    """

    wkb: pa.Array
    rings: list[tuple[int, int]]
    points: Points

    def moved(self, points: Points) -> pa.Array:
        """Return the areas with other coordinates."""
        validity, offsets, data = self.wkb.buffers()
        written, coordinates, start = bytearray(data), memoryview(points.tobytes()), 0
        for first, end in self.rings:
            written[first:end] = coordinates[start : start + end - first]
            start += end - first
        buffers = [validity, offsets, pa.py_buffer(written)]
        return pa.Array.from_buffers(pa.binary(), len(self.wkb), buffers, offset=self.wkb.offset)


def plain_areas(wkb: pa.Array) -> PlainAreas | None:
    """Return a batch as plain areas; None where GEOS must look at it.

    All must be polygons or multipolygons that end where their bytes do, with rings of four points
    at least, the last the same as the first.
    """
    if wkb.null_count or not len(wkb):
        return None
    _, offsets, data = wkb.buffers()
    places = np.frombuffer(offsets, np.int32)[wkb.offset : wkb.offset + len(wkb) + 1].tolist()
    rings: list[tuple[int, int]] = []
    try:
        for place, end in pairwise(places):
            if _add_rings(data, place, end, rings, (POLYGON, MULTIPOLYGON)) != end:
                return None
    except struct.error:  # it breaks off
        return None
    sizes = np.array([end - first for first, end in rings]) // POSITION
    if sizes.min() < LEAST:
        return None
    found = [np.frombuffer(data, "<f8", (end - first) // 8, first) for first, end in rings]
    points = np.concatenate(found).reshape(-1, 2)
    lasts = np.cumsum(sizes) - 1
    is_closed = (points[lasts] == points[lasts - sizes + 1]).all()
    return PlainAreas(wkb, rings, points) if is_closed else None


def _add_rings(
    data: pa.Buffer, place: int, end: int, rings: list[tuple[int, int]], kinds: Sequence[int]
) -> int:
    """Add the rings of the area at a place and return where it ends; -1 where it is not plain."""
    order, kind, count = HEADER.unpack_from(data, place)
    if order != LITTLE_ENDIAN or kind not in kinds or not count:
        return -1
    place += HEADER.size
    for _ in range(count):
        if kind == MULTIPOLYGON:
            place = _add_rings(data, place, end, rings, (POLYGON,))
        else:
            (points,) = COUNT.unpack_from(data, place)
            first = place + COUNT.size
            place = first + points * POSITION
            rings.append((first, place))
        if not 0 <= place <= end:
            return -1
    return place
