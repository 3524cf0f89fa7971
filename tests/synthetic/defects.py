"""Faults put into a clean coverage on purpose: what publishers' files have, in stated numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from synthetic.coverage import Coverage, Floats, Geometries

SLIVER = (0.3, 0.8)  # metres; every gap and overlap is narrower than a metre
LAKE_SHARE = 0.3  # radius of a lake, as a share of the room around its centre


@dataclass(frozen=True)
class Defects:
    """How many faults of each kind.

    overlaps, gaps: pairs of neighbours that overlap, or leave open, a sliver under a metre wide.
    crossings: polygons whose ring crosses itself in a small bow tie. lakes: holes inside a polygon,
    far wider than a gap, that belong there and must stay.
    """

    overlaps: int = 0
    gaps: int = 0
    crossings: int = 0
    lakes: int = 0

    @classmethod
    def each(cls, count: int) -> Defects:
        """The same number of every fault, and one lake."""
        return cls(overlaps=count, gaps=count, crossings=count, lakes=min(count, 1))


def inject(coverage: Coverage, defects: Defects, random: np.random.Generator) -> Geometries:
    """A copy of the polygons with the faults in it; no polygon takes part in two of them."""
    polygons = coverage.polygons.copy()
    kinds = [_overlap] * defects.overlaps + [_gap] * defects.gaps + [_bow_tie] * defects.crossings
    edges, used = _separate_edges(coverage, len(kinds), random)
    for edge, change in zip(edges, kinds, strict=True):
        owner, start, segments = coverage.owner[edge], coverage.start[edge], coverage.segments[edge]
        ring = shapely.get_coordinates(polygons[owner])[:-1]
        ring = change(
            ring, int(start), int(segments), coverage.sites[owner], random.uniform(*SLIVER)
        )
        polygons[owner] = shapely.Polygon(np.round(ring, 3))
    for owner in _roomy(coverage, used, defects.lakes, random):
        polygons[owner] = _with_lake(polygons[owner], coverage.sites[owner], random)
    return polygons


def _separate_edges(
    coverage: Coverage, count: int, random: np.random.Generator
) -> tuple[list[int], set[int]]:
    """Inner edges long enough for a fault, no two of which share a polygon; and the polygons beside
    them.
    """
    candidates = np.flatnonzero((coverage.neighbour >= 0) & (coverage.segments >= 8))
    chosen: list[int] = []
    used: set[int] = set()
    for edge in random.permutation(candidates).tolist():
        beside = {int(coverage.owner[edge]), int(coverage.neighbour[edge])}
        if len(chosen) < count and not beside & used:
            chosen.append(edge)
            used |= beside
    if len(chosen) < count:
        raise ValueError(
            f"This coverage of {len(coverage.polygons)} polygons has room for {len(chosen)} faults;"
            f" {count} were asked for."
        )
    return chosen, used


def _roomy(
    coverage: Coverage, used: set[int], count: int, random: np.random.Generator
) -> list[int]:
    areas = shapely.area(coverage.polygons)
    middle = np.median(areas)
    large = [
        number
        for number in random.permutation(len(areas)).tolist()
        if areas[number] >= middle and number not in used
    ]
    if len(large) < count:
        raise ValueError(
            f"This coverage of {len(areas)} polygons has room for {len(large)} lakes; {count} were"
            " asked for."
        )
    return large[:count]


def _gap(ring: Floats, start: int, segments: int, site: Floats, width: float) -> Floats:
    """The middle of the edge drawn back towards the polygon's own site.

    The line is a graph over the straight edge: moved across it, no part of the line meets another.
    """
    along = ring[(start + segments) % len(ring)] - ring[start]
    across = np.array((-along[1], along[0])) / np.hypot(*along)
    towards = np.sign(across @ (site - ring[start]))
    middle = slice(start + segments // 4, start + 3 * segments // 4 + 1)
    moved = ring.copy()
    moved[middle] += width * towards * across
    return moved


def _overlap(ring: Floats, start: int, segments: int, site: Floats, width: float) -> Floats:
    """The middle of the edge pushed into the neighbour."""
    return _gap(ring, start, segments, site, -width)


def _bow_tie(ring: Floats, start: int, segments: int, _site: Floats, width: float) -> Floats:
    """Two vertices more on one segment, so that the line crosses itself there."""
    first, second = ring[start + segments // 2 - 1], ring[start + segments // 2]
    along = second - first
    across = width * np.array((-along[1], along[0])) / np.hypot(*along)
    knot = np.array((first + 0.6 * along + across, first + 0.4 * along + across))
    return np.insert(ring, start + segments // 2, knot, axis=0)


def _with_lake(
    polygon: shapely.Polygon, centre: Floats, random: np.random.Generator
) -> shapely.Polygon:
    """The polygon with a hole of 24 vertices around a point inside."""
    room = shapely.distance(shapely.Point(centre), polygon.exterior)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = LAKE_SHARE * room * random.uniform(0.7, 1.0, len(angle))
    hole = centre + np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None]
    return shapely.Polygon(polygon.exterior, [np.round(hole, 3)])
