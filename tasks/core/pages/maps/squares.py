"""Points counted by squares, of which each zoom has its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.pages.maps.archives import TileArchive
from tasks.core.pages.maps.classes import classify, histogram
from tasks.core.pages.maps.encoding import encode
from tasks.core.pages.maps.files import keep_file, packed
from tasks.core.pages.maps.ground import EXTENT, HALF, Floats, Projection, degrees, main_view
from tasks.core.pages.maps.rings import Integers
from tasks.core.pages.maps.tiling import Pieces

DEEPEST = 9
SQUARES = 128  # of a tile's side: 4 pixels each
PATIENCE = 1_000_000  # counts beyond the squares there are, before they are added up
AT_ONCE = 100_000  # squares that are written together
EXTREMES = 10
OF_PICTURE = 1  # zooms beyond the first


@dataclass(frozen=True)
class Counted:
    """Points in squares of the grid of a zoom; column and row are numbered from the north-west."""

    zoom: int
    column: Integers
    row: Integers
    count: Integers

    def above(self) -> Counted:
        """Add up four squares to one of the zoom above."""
        return counted(self.zoom - 1, self.column // 2, self.row // 2, self.count)

    @property
    def bounds(self) -> Floats:
        """Return xmin, ymin, xmax, ymax of each square in the unit square."""
        side = SQUARES * 2**self.zoom
        corner = np.column_stack([self.column, self.row])
        bounds: Floats = np.hstack([corner, corner + 1]) / side
        return bounds


def counted(zoom: int, column: Integers, row: Integers, count: Integers) -> Counted:
    """Add up the counts of equal squares, in the order of columns and rows."""
    side = SQUARES * 2**zoom
    keys, place = np.unique(column * side + row, return_inverse=True)
    sums = np.bincount(place, weights=count, minlength=len(keys)).astype(np.int64)
    return Counted(zoom, keys // side, keys % side, sums)


def count(points: Iterable[tuple[Floats, Floats]], srid: int) -> Counted:
    """Count points, streamed as x and y in a CRS, in the squares of the deepest zoom."""
    project, side = Projection(srid), SQUARES * 2**DEEPEST
    parts: list[Counted] = []
    waiting = 0
    for x, y in points:
        east, south = project(x, y)
        column, row = (
            np.clip(np.floor(each * side), 0, side - 1).astype(np.int64) for each in (east, south)
        )
        parts.append(counted(DEEPEST, column, row, np.ones(len(column), np.int64)))
        waiting += len(column)
        if waiting > PATIENCE:
            parts, waiting = [_together(parts)], 0
    return _together(parts)


def _together(parts: list[Counted]) -> Counted:
    none = np.zeros(0, np.int64)
    columns = [np.concatenate([none, *(getattr(part, name) for part in parts)]) for name in NAMES]
    return counted(DEEPEST, *columns)


NAMES = ("column", "row", "count")


@dataclass(frozen=True)
class Drawn:
    """Squares as drawn: the part of the description that tells of them, and some for a picture.

    seen: xmin, ymin, xmax, ymax in the unit square. metres: width of the squares of the picture.
    """

    told: dict[str, Any]
    pictured: Counted
    seen: Floats
    metres: int


def draw_squares(found: Counted, folder: Path, scratch: Path, name: str) -> Drawn:
    """Write the tiles of all zooms."""
    bounds = found.bounds
    seen = main_view(bounds)
    whole = np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    span = max(float((seen[2:] - seen[:2]).max()), 1e-9)
    first = int(np.clip(np.floor(-np.log2(span)) - 1, 0, DEEPEST))
    levels = [found]
    while levels[0].zoom > first:
        levels.insert(0, levels[0].above())
    archive = TileArchive(scratch / f"{name}.pmtiles")
    for level in levels:
        archive.add(level.zoom, _tiles(level))
    archive.close((first, DEEPEST), degrees(whole)[0], name)
    told = {
        "tiles": keep_file(folder, name, "pmtiles", archive.path),
        "zooms": [first, DEEPEST],
        "view": degrees(seen)[0].tolist(),
        "bounds": degrees(whole)[0].tolist(),
        "levels": [_told(level, seen) for level in levels],
    }
    place = min(OF_PICTURE, len(levels) - 1)
    return Drawn(told, levels[place], seen, told["levels"][place]["metres"])


def _tiles(level: Counted) -> Iterator[tuple[int, bytes]]:
    """Write the squares of a zoom, with their counts, some tiles at a time."""
    tile = level.column // SQUARES * 2**level.zoom + level.row // SQUARES
    order = np.argsort(tile, kind="stable")
    begins = np.flatnonzero(np.diff(tile[order], prepend=-1))
    run = begins // AT_ONCE
    ends = np.append(begins[1:][run[1:] != run[:-1]], len(order))
    for begin, end in pairwise([0, *ends.tolist()]):
        yield from _some_tiles(level, tile, order[begin:end])


def _some_tiles(level: Counted, tile: Integers, chosen: Integers) -> Iterator[tuple[int, bytes]]:
    size = EXTENT // SQUARES
    place = np.column_stack([level.column[chosen], level.row[chosen]]) % SQUARES
    ring = np.array([[0, 0], [size, 0], [size, size], [0, size]])
    points = (place[:, None] * size + ring).reshape(-1, 2)
    number = np.arange(len(chosen))
    pieces = Pieces(points, np.full(len(chosen), 4), number, number < 0, tile[chosen])
    for where, content in encode(pieces, level.count[chosen]):
        yield where, packed(content)


def _told(level: Counted, seen: Floats) -> dict[str, Any]:
    """Describe the squares of a zoom: their width in metres, true in the middle, and counts."""
    values = level.count.astype(np.float64)
    latitude = np.arctan(np.sinh((0.5 - (seen[1] + seen[3]) / 2) * 2 * np.pi))
    metres = 2 * HALF * float(np.cos(latitude)) / (SQUARES * 2**level.zoom)
    most = np.argsort(-level.count, kind="stable")[:EXTREMES]
    places = degrees(level.bounds[most])
    return {
        "zoom": level.zoom,
        "metres": round(metres),
        "squares": len(values),
        "details": {
            "name": "count",
            "decimals": 0,
            "missing": [],
            "count": len(values),
            "lowest": float(values.min()),
            "median": float(np.median(values)),
            "classes": classify(values).as_json(),
            "histogram": histogram(values),
            "least": [],
            "most": [
                [-1, "", f"{(south + north) / 2:.3f}, {(west + east) / 2:.3f}", float(value), where]
                for value, where in zip(values[most], places.tolist(), strict=True)
                for west, south, east, north in [where]
            ],
            "without_zeros": 0,
        },
    }
