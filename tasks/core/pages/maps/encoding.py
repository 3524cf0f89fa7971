"""Mapbox Vector Tiles, written for many tiles at once by arrays.

A tile is nothing but variable-length integers here: names of layer and key are ASCII, whose bytes
are such integers too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.pages.maps.ground import EXTENT
from tasks.core.pages.maps.rings import Integers, spread
from tasks.core.pages.maps.tiling import Pieces

LAYER = "areas"  # of every tile
MOVE_TO, LINE_TO, CLOSE = 1, 2, 7  # commands
POLYGON = 3
ID, TAGS, TYPE, GEOMETRY = 8, 18, 24, 34  # keys of a feature
NAME, FEATURE, KEY, VALUE, GRID, VERSION = 10, 18, 26, 34, 40, 120  # keys of a layer
WHOLE = 40  # key of a value that is a whole number
COUNT = "count"  # the one property
LAYER_OF_TILE = 26


@dataclass(frozen=True)
class Stream:
    """Integers, and for each group of them how many there are."""

    values: Integers
    counts: Integers

    @property
    def lengths(self) -> Integers:
        """Bytes of each group when written."""
        return _sums(byte_counts(self.values), self.counts)


def encode(pieces: Pieces, counted: Integers | None = None) -> Iterator[tuple[int, bytes]]:
    """Write the tiles of pieces that are ordered by tile: its number and its bytes, not packed.

    counted: of each feature, what its property `count` is; without it features have none.
    """
    if not len(pieces.sizes):
        return
    begins = _changes(pieces.tile, pieces.area)
    tile = pieces.tile[begins]
    first = _changes(tile)
    sizes = np.diff(np.append(first, len(tile)))
    tags = None if counted is None else np.arange(len(tile)) - np.repeat(first, sizes)
    bodies = [_bodies(_grouped(_features(pieces, begins, tags), sizes))]
    if counted is not None:
        keys = bytes([KEY, len(COUNT)]) + COUNT.encode()
        bodies += [(keys for _ in first), _bodies(_grouped(_values(counted), sizes))]
    head = bytes([VERSION, 2, NAME, len(LAYER)]) + LAYER.encode()
    head += bytes([GRID]) + _varint(EXTENT)
    for number, *parts in zip(tile[first], *bodies, strict=True):
        inner = b"".join([head, *parts])
        yield int(number), bytes([LAYER_OF_TILE]) + _varint(len(inner)) + inner


def _bodies(groups: Stream) -> Iterator[bytes]:
    """Write each group."""
    body, ends = written(groups.values), np.cumsum(groups.lengths)
    for begin, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        yield body[begin:end]


def _values(counted: Integers) -> Stream:
    """Write the values that features of a tile point to, one for each."""
    rows = _columns([VALUE, 1 + byte_counts(counted), WHOLE, counted], len(counted))
    return Stream(rows.ravel(), np.full(len(counted), rows.shape[1]))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _features(pieces: Pieces, begins: Integers, tags: Integers | None) -> Stream:
    """Write features, each with its key and length; tags: the place of its value in the tile."""
    rings = np.diff(np.append(begins, len(pieces.sizes)))
    geometry = _grouped(_commands(pieces, begins), rings)
    lengths = geometry.lengths
    numbers = pieces.area[begins]
    columns = [ID, numbers, TYPE, POLYGON]
    if tags is not None:
        columns += [TAGS, 1 + byte_counts(tags), 0, tags]
    heads = _columns([*columns, GEOMETRY, lengths], len(begins))
    inner = byte_counts(heads.ravel()).reshape(heads.shape).sum(axis=1) + lengths
    return _joined(np.hstack([_columns([FEATURE, inner], len(begins)), heads]), geometry)


def _columns(columns: Sequence[Any], count: int) -> Integers:
    """Put columns side by side; a single number is the same in every row."""
    return np.column_stack([np.broadcast_to(column, count) for column in columns])


def _commands(pieces: Pieces, begins: Integers) -> Stream:
    """Write each ring: move to the first vertex, lines to the others, close."""
    points, sizes = pieces.points, pieces.sizes
    starts = np.cumsum(sizes) - sizes
    steps = np.diff(points, axis=0, prepend=points[:1] * 0)
    steps[starts[begins]] = points[starts[begins]]  # a feature's pen begins in the corner
    counts = 2 * sizes + 3
    ends = np.cumsum(counts)
    heads = ends - counts
    out = np.empty(int(ends[-1]), np.int64)
    out[heads] = MOVE_TO | (1 << 3)
    out[heads + 3] = LINE_TO | ((sizes - 1) << 3)
    out[ends - 1] = CLOSE | (1 << 3)
    within = np.arange(len(points)) - np.repeat(starts, sizes)
    places = np.repeat(heads, sizes) + 1 + 2 * within + (within > 0)
    zigzag = (steps << 1) ^ (steps >> 63)
    out[places], out[places + 1] = zigzag[:, 0], zigzag[:, 1]
    return Stream(out, counts)


def _joined(heads: Integers, bodies: Stream) -> Stream:
    """Put a head of equal length before each group."""
    width = heads.shape[1]
    counts = bodies.counts + width
    starts = np.cumsum(counts) - counts
    out = np.empty(int(counts.sum()), np.int64)
    out[(starts[:, None] + np.arange(width)).ravel()] = heads.ravel()
    out[spread(starts + width, bodies.counts)] = bodies.values
    return Stream(out, counts)


def _grouped(stream: Stream, sizes: Integers) -> Stream:
    """Make groups of so many groups each."""
    return Stream(stream.values, _sums(stream.counts, sizes))


def _sums(values: Integers, sizes: Integers) -> Integers:
    """Add up runs of so many values, none of them empty."""
    return np.add.reduceat(values, np.cumsum(sizes) - sizes)


def _changes(*columns: Integers) -> Integers:
    """Return where a row differs from the row before."""
    changed = np.zeros(len(columns[0]), bool)
    changed[0] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def byte_counts(values: Integers) -> Integers:
    """Return the bytes that each integer takes, seven bits in a byte."""
    count = np.ones(len(values), np.int64)
    for bits in (7, 14, 21, 28, 35):
        count += values >= (1 << bits)
    return count


def written(values: Integers) -> bytes:
    """Write integers, the low seven bits first."""
    counts = byte_counts(values)
    starts = np.cumsum(counts) - counts
    out: npt.NDArray[np.uint8] = np.empty(int(counts.sum()), np.uint8)
    for place in range(int(counts.max(initial=0))):
        there = counts > place
        more = (counts[there] > place + 1).astype(np.int64) << 7
        out[starts[there] + place] = ((values[there] >> (7 * place)) & 127) | more
    return out.tobytes()
