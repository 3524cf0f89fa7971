"""Tiles of a PMTiles file as shapes again, read by the specification and not by our code."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles
from shapely.geometry import MultiPolygon, Polygon


def read_tiles(path: Path, zoom: int) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """The features of each tile of a zoom: id, properties, shape in units of the tile."""
    with open(path, "rb") as stream:
        return {
            (x, y): list(features(gzip.decompress(content)))
            for (z, x, y), content in all_tiles(MmapSource(stream))
            if z == zoom
        }


def header(path: Path) -> dict[str, Any]:
    """The header of a PMTiles file."""
    with open(path, "rb") as stream:
        return Reader(MmapSource(stream)).header()


def features(tile: bytes) -> Iterator[dict[str, Any]]:
    """The features of a tile of one layer."""
    (layer,) = [content for key, content in fields(tile) if key == 3]
    read = list(fields(layer))
    names = [content.decode() for key, content in read if key == 3]
    values = [dict(fields(content)).get(5) for key, content in read if key == 4]
    for content in (content for key, content in read if key == 2):
        found = dict(fields(content))
        tags = list(integers(found.get(2, b"")))
        yield {
            "id": found.get(1),
            "properties": {
                names[name]: values[value]
                for name, value in zip(tags[::2], tags[1::2], strict=True)
            },
            "shape": polygons(list(integers(found[4]))),
        }


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer: numbers, or bytes."""
    place = 0
    while place < len(message):
        key, place = integer(message, place)
        value, place = integer(message, place)
        if key & 7 == 2:
            value, place = message[place : place + value], place + value  # type: ignore[assignment]
        yield key >> 3, value


def integers(content: bytes) -> Iterator[int]:
    """Packed integers."""
    place = 0
    while place < len(content):
        value, place = integer(content, place)
        yield value


def integer(content: bytes, place: int) -> tuple[int, int]:
    """An integer, the low seven bits first, and where the next begins."""
    value, shift = 0, 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def polygons(commands: list[int]) -> shapely.Geometry:
    """Polygons of commands: an outer ring turns clockwise on the screen, and holes follow it."""
    rings, pen, place = [], np.zeros(2, int), 0
    while place < len(commands):
        command, count = commands[place] & 7, commands[place] >> 3
        place += 1
        for _ in range(count if command != 7 else 0):
            x, y = ((each >> 1) ^ -(each & 1) for each in commands[place : place + 2])
            pen, place = np.add(pen, (x, y)), place + 2
            if command == 1:
                rings.append([])
            rings[-1].append(tuple(pen.tolist()))
    outer: list[tuple[list[Any], list[Any]]] = []
    for ring in rings:
        if twice_area(ring) > 0:
            outer.append((ring, []))
        else:
            outer[-1][1].append(ring)
    return MultiPolygon([Polygon(shell, holes) for shell, holes in outer])


def twice_area(ring: list[tuple[int, int]]) -> int:
    """Twice the area of a ring, positive where it turns clockwise on the screen."""
    following = ring[1:] + ring[:1]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, following, strict=True))
