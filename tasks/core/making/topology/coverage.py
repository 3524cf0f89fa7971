"""Coverages: areas meant to tile the ground without overlaps or gaps, and their defects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.making.topology.edges import Edges, Flags, Numbers, Points, unmatched_edges
from tasks.core.making.topology.gaps import NO_GAPS, Gaps, find_gaps
from tasks.core.making.topology.ground import Ground
from tasks.core.making.topology.polygons import Geometries
from tasks.core.making.topology.threads import by_lots, shared_out

LOOKED_AT = 2_000  # features looked at together; smaller lots share more neighbours
# square metres: what is smaller than a square centimetre is rounding, neither an overlap nor a gap
LEAST_GROUND = 1e-4


@dataclass(frozen=True, kw_only=True)
class TopologyReport:
    """Results of one cleaning: areas in square metres, changes as shares of a feature's area.

    bad_edges: features with an edge that crosses or does not match a neighbour's. overlaps: pairs
    of features sharing more than a square centimetre; the areas are summed over pairs. gaps: ground
    of more than a square centimetre that no feature covered and that is narrower than gap_metres;
    before the cleaning, the ground covered after it and not before, plus what is left after.
    wider_holes: lakes and enclaves, kept; a lower bound when cleaned parent by parent. change:
    symmetric difference. Areas before are of the geometries made valid. method: none, features
    (made valid), clusters, whole coverage.
    """

    features: int
    without_geometry: int
    invalid_before: int
    bad_edges_before: int
    bad_edges_after: int
    overlaps_before: int
    overlap_area_before: float
    overlap_area_after: float
    gaps_before: int
    gaps_after: int
    gap_area_before: float
    gap_area_after: float
    wider_holes: int
    wider_holes_area: float
    total_area_before: float
    total_area_after: float
    features_changed: int
    greatest_change: float
    most_changed: str
    method: str
    gap_metres: float
    snap_metres: float
    tolerance: float
    tolerance_area: float


@dataclass
class Patch:
    """Features changed in place: those to clean (`own`) and the neighbours around them."""

    keys: npt.NDArray[np.str_]
    geometries: Geometries
    own: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Defects:
    """A patch's defects: own features with bad edges and these edges; gaps and wider holes.

    Gaps and holes are those beside own features; they are looked for when no own edge is bad.
    """

    bad: Numbers
    edges: Geometries
    gaps: Gaps = NO_GAPS
    holes: Gaps = NO_GAPS


def find_defects(patch: Patch, gap_width: float, among: Numbers | None = None) -> Defects:
    """Find bad edges and gaps of a patch of valid geometries; widths in units of the CRS.

    Only features with an unmatched edge are looked at: the edges of all others fit, by GEOS's own
    rule. among: numbers of features, when no edge is bad but of one of these or where it meets one.
    Gaps are looked for among the features whose edges match: the edge test of GEOS with a gap width
    overlooks gaps whose edges are shorter than the width.
    """
    unmatched = unmatched_edges(patch.geometries)
    suspects = np.unique(unmatched.owner)
    if among is not None:
        suspects = np.intersect1d(suspects, among)
    edges = invalid_edges(patch.geometries, unmatched, suspects)
    wrong = ~shapely.is_empty(edges)
    bad = wrong & patch.own[suspects]
    if bad.any():
        return Defects(suspects[bad], edges[bad])
    gaps = find_gaps(patch.geometries, unmatched, suspects[wrong], patch.own)
    narrow = gaps.narrower(gap_width)
    return Defects(suspects[bad], edges[bad], gaps[narrow], gaps[~narrow])


def invalid_edges(geometries: Geometries, unmatched: Edges, features: Numbers) -> Geometries:
    """Return each feature's unmatched edges that cross others or do not fit theirs, empty if none.

    GEOS compares features with those whose boxes meet the boxes of their unmatched lines: for these
    lines, one look at so few is equal to one at all. Matched edges are never invalid.
    """
    along = np.argsort(shapely.bounds(geometries[features])[:, 0], kind="stable")
    found = np.empty(len(features), dtype=object)
    tree = shapely.STRtree(geometries)
    lines, whose = unmatched.lines()
    middles = np.unique(unmatched.middles)

    def look(which: Numbers) -> None:
        beside = tree.query(lines[np.isin(whose, features[which])])[1]
        near = np.union1d(features[which], beside)
        edges = np.asarray(shapely.coverage_invalid_edges(geometries[near]), dtype=object)
        found[which] = _without_matched(edges[np.searchsorted(near, features[which])], middles)

    shared_out(look, np.array_split(along, max(1, len(along) // LOOKED_AT)))
    return found


def _without_matched(lines: Geometries, middles: Points) -> Geometries:
    """Empty what has matched edges only: they look invalid where their neighbour was left out.

    middles: those of the unmatched edges, in ascending order.
    """
    parts, feature = shapely.get_parts(lines, return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    at = points.view(np.complex128).ravel()
    middle = at[1:] + at[:-1]
    known = middles.take(np.searchsorted(middles, middle), mode="clip") == middle
    known &= part[1:] == part[:-1]
    kept = np.isin(np.arange(len(lines)), feature[part[1:][known]])
    lines[~kept] = shapely.MultiLineString()
    return lines


def overlaps(patch: Patch, bad: Numbers, ground: Ground) -> dict[tuple[str, str], float]:
    """Return the square metres shared by pairs of features, one with bad edges, by their keys."""
    tree = shapely.STRtree(patch.geometries)
    left, right = tree.query(patch.geometries[bad])
    left = bad[left]
    pairs = np.unique(np.sort(np.column_stack([left, right])[left != right], axis=1), axis=0)
    ones, others = patch.geometries[pairs[:, 0]], patch.geometries[pairs[:, 1]]
    # most are only near, which is told faster than their intersection is made
    meet = interiors_meet(ones, others)
    pairs, ones, others = pairs[meet], ones[meet], others[meet]
    shared = ground.areas(by_lots(shapely.intersection, ones, others))
    names = np.sort(patch.keys[pairs], axis=1)
    return {
        (str(one), str(other)): float(area)
        for (one, other), area in zip(names, shared, strict=True)
        if area > 0
    }


def interiors_meet(ones: Geometries, others: Geometries) -> Flags:
    """Tell which pairs of areas share ground, and not only a border."""
    return by_lots(lambda one, other: shapely.relate_pattern(one, other, "T********"), ones, others)
