"""Edges: the segments of areas' rings, and those that no other area has the other way round.

Where areas fit, each edge between two of them is there twice, in opposite directions. The edges
left over bound the coverage and its holes, or are where something is wrong: every overlap and every
gap lies between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.making.topology.polygons import Geometries
from tasks.core.making.topology.threads import shared_out

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Points = npt.NDArray[np.complex128]
Hashes = npt.NDArray[np.uint64]
STRIP = 1 << 19  # vertices looked at together
COMPARED = 1 << 18  # pairs of edges compared at a time
HALF = np.uint64(32)
# odd, of well mixed bits: those of SplitMix64 and xxHash
FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xBF58476D1CE4E5B9], dtype=np.uint64)


@dataclass(frozen=True)
class Edges:
    """Directed edges with their area on the left, points as x + iy, and the areas' numbers.

    They are in the order of their rings; `follows` says that an edge goes on where the one before
    it ended.
    """

    start: Points
    end: Points
    owner: Numbers
    follows: Flags

    @property
    def middles(self) -> Points:
        """Twice the middle of each edge, which is the same in both directions."""
        return self.start + self.end

    def faces(self) -> Geometries:
        """Return the polygons that edges which cross nowhere enclose, whether covered or not."""
        points, used = np.unique(np.concatenate([self.start, self.end]), return_counts=True)
        lines, _ = self.lines(np.isin(self.start, points[used != 2]))
        return shapely.get_parts(shapely.polygonize(lines))

    def lines(self, breaks: Flags | None = None) -> tuple[Geometries, Numbers]:
        """Return edges that follow one another as lines, broken before some, and their owners."""
        if not len(self.start):
            return np.zeros(0, object), self.owner
        begins = ~self.follows if breaks is None else ~self.follows | breaks
        ends = np.append(begins[1:], True)
        line = np.cumsum(begins) - 1
        # every line has one point more than edges
        place = np.arange(len(line)) + line
        chain = np.empty(len(line) + line[-1] + 1, np.complex128)
        chain[place], chain[place[ends] + 1] = self.start, self.end[ends]
        number = np.empty(len(chain), np.int64)
        number[place], number[place[ends] + 1] = line, line[ends]
        made = shapely.linestrings(chain.view(np.float64).reshape(-1, 2), indices=number)
        return np.asarray(made, dtype=np.object_), self.owner[begins]


@dataclass(frozen=True)
class Strip:
    """Ground whose edges have twice the x of their middle from low to below high; its areas."""

    low: float
    high: float
    areas: Numbers


def all_edges(areas: Geometries) -> Edges:
    """Return every edge of some valid areas."""
    points, ring, owner = _points(areas)
    edge = np.flatnonzero((ring[1:] == ring[:-1]) & (points[1:] != points[:-1]))
    return _edges(edge, points[edge], points[edge + 1], owner[edge])


def unmatched_edges(areas: Geometries) -> Edges:
    """Return the edges of valid areas that are not there exactly twice, in opposite directions.

    Edges are looked at in strips from west to east, by their middles: both directions of an edge
    are in the same strip. Beside the areas it takes some 100 bytes of memory a vertex of as many
    strips as there are cores, and 40 an edge that is returned.
    """
    sizes = shapely.get_num_coordinates(areas).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    found = shared_out(
        lambda strip: _unmatched_within(areas[strip.areas], offsets[strip.areas], strip),
        _strips(areas, sizes),
    )
    number, start, end = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(number)
    number, start, end = number[order], start[order], end[order]
    return _edges(number, start, end, np.searchsorted(offsets, number, side="right") - 1)


def _strips(areas: Geometries, sizes: Numbers) -> list[Strip]:
    """Return strips with all areas that reach into each, of some STRIP vertices, or one of all."""
    west, _, east, _ = shapely.bounds(areas).T * 2
    order = np.argsort(west)
    vertices = np.cumsum(sizes[order])
    count = 1 + int(vertices[-1] if len(vertices) else 0) // STRIP
    while True:
        places = np.searchsorted(vertices, np.arange(1, count) * (vertices[-1:] / count))
        borders = np.concatenate([[-np.inf], west[order][places], [np.inf]])
        strips = [
            Strip(low, high, np.flatnonzero((east >= low) & (west < high)))
            for low, high in pairwise(borders.tolist())
        ]
        # areas as wide as the country are in every strip
        if count == 1 or sum(sizes[strip.areas].sum() for strip in strips) <= 2 * vertices[-1]:
            return strips
        count = (count + 1) // 2


def _unmatched_within(
    areas: Geometries, offsets: Numbers, strip: Strip
) -> tuple[Numbers, Points, Points]:
    """Return numbers and ends of a strip's unmatched edges; numbers count from areas' offsets."""
    points, ring, owner = _points(areas)
    middles = points.real[1:] + points.real[:-1]
    within = (middles >= strip.low) & (middles < strip.high)
    edge = np.flatnonzero((ring[1:] == ring[:-1]) & (points[1:] != points[:-1]) & within)
    hashes = _hashes(points)
    bits = np.uint64(len(points).bit_length())
    packed = (hashes[edge] + hashes[edge + 1]) >> bits << bits | edge.astype(np.uint64)
    packed.sort()
    edge = _unmatched(points, packed, bits)
    firsts = np.searchsorted(owner, np.arange(len(areas)))
    number = offsets[owner[edge]] + edge - firsts[owner[edge]]
    return number, points[edge], points[edge + 1]


def _edges(number: Numbers, start: Points, end: Points, owner: Numbers) -> Edges:
    follows = np.concatenate([[False], number[1:] == number[:-1] + 1])[: len(number)]
    return Edges(start, end, owner, follows)


def _points(areas: Geometries) -> tuple[Points, Numbers, Numbers]:
    """Return points of rings turned with their area on the left, and numbers of ring and area."""
    parts, area = shapely.get_parts(areas, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    # a polygon's first ring is its shell
    shell = np.concatenate([[True], part[1:] != part[:-1]])[: len(rings)]
    turned = shapely.is_ccw(rings) != shell
    rings[turned] = shapely.reverse(rings[turned])
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    return coordinates.view(np.complex128).ravel(), ring, area[part[ring]]


def _hashes(points: Points) -> Hashes:
    """Hash points; the sum of the hashes of an edge's ends is the same in both directions."""
    bits = (points.view(np.float64) + 0.0).view(np.uint64)  # -0.0 equals 0.0
    bits ^= bits >> HALF
    hashes = bits[::2] * FACTORS[0] + bits[1::2] * FACTORS[1]
    hashes ^= hashes >> HALF
    hashes *= FACTORS[2]
    return np.asarray(hashes ^ hashes >> HALF, dtype=np.uint64)


def _unmatched(points: Points, packed: Hashes, bits: np.uint64) -> Numbers:
    """Return the numbers of unmatched edges in their order, from hashes in ascending order."""
    edge = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    packed >>= bits
    twin = np.concatenate([[False], packed[1:] == packed[:-1], [False]])[: len(edge) + 1]
    # groups of two: no twin before the first, none after the second
    first = np.flatnonzero(~twin[:-2] & twin[1:-1] & ~twin[2:])
    left = np.ones(len(edge), np.bool_)
    for at in range(0, len(first), COMPARED):
        lot = first[at : at + COMPARED]
        one, other = edge[lot], edge[lot + 1]
        opposite = (points[one] == points[other + 1]) & (points[one + 1] == points[other])
        left[lot[opposite]] = left[lot[opposite] + 1] = False
    crowded = left & (twin[:-1] | twin[1:])
    alone = edge[left & ~crowded]
    return np.sort(np.concatenate([alone, _unmatched_exactly(points, edge[crowded])]))


def _unmatched_exactly(points: Points, edge: Numbers) -> Numbers:
    """Return those of a few edges that are unmatched, where hashes do not tell."""
    start, end = points[edge], points[edge + 1]
    forward = (start.real < end.real) | ((start.real == end.real) & (start.imag < end.imag))
    low, high = np.where(forward, start, end), np.where(forward, end, start)
    order = np.lexsort((high.imag, high.real, low.imag, low.real))
    edge, forward, low, high = edge[order], forward[order], low[order], high[order]
    twin = np.concatenate([[False], (low[1:] == low[:-1]) & (high[1:] == high[:-1]), [False]])
    twin = twin[: len(edge) + 1]
    first = np.flatnonzero(~twin[:-2] & twin[1:-1] & ~twin[2:])
    first = first[forward[first] != forward[first + 1]]
    return np.asarray(np.delete(edge, np.concatenate([first, first + 1])), dtype=np.int64)
