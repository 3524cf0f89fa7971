"""Coverages: areas meant to tile the ground without overlaps or gaps, and their defects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.making.topology.ground import Ground
from tasks.core.making.topology.polygons import Geometries

Numbers = npt.NDArray[np.int64]
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


@dataclass
class Patch:
    """Features changed in place: those to clean (`own`) and the neighbours around them."""

    keys: npt.NDArray[np.str_]
    geometries: Geometries
    own: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Defects:
    """A patch's defects: own features with bad edges, and the gaps and wider holes beside them."""

    bad: Numbers
    gaps: Geometries
    holes: Geometries
    around_gaps: Numbers

    @property
    def features(self) -> Numbers:
        """Numbers of the features to repair, in ascending order."""
        return np.union1d(self.bad, self.around_gaps)


def find_defects(patch: Patch, gap_width: float) -> Defects:
    """Find bad edges and gaps of a patch of valid geometries; widths in units of the CRS.

    Gaps are looked for in the union of the features whose edges match: the edge test of GEOS with a
    gap width overlooks gaps whose edges are shorter than the width.
    """
    edges = shapely.coverage_invalid_edges(patch.geometries)
    wrong = ~shapely.is_empty(edges)
    gaps, holes = _holes(patch.geometries[~wrong], gap_width)
    tree = shapely.STRtree(patch.geometries)
    gaps, around = _bordering(patch, tree, gaps)
    holes, _ = _bordering(patch, tree, holes)
    return Defects(np.flatnonzero(wrong & patch.own), gaps, holes, around)


def _holes(geometries: Geometries, gap_width: float) -> tuple[Geometries, Geometries]:
    """Return the ground a clean coverage encloses: what is narrower than a width, and the rest."""
    covered = shapely.get_parts(shapely.coverage_union_all(geometries))
    rings, owners = shapely.get_rings(covered, return_index=True)
    # a polygon's first ring is its shell
    inner = np.concatenate([np.zeros(1, bool), owners[1:] == owners[:-1]])[: len(rings)]
    enclosed = np.asarray(shapely.polygons(rings[inner]), dtype=object)
    shells = np.asarray(shapely.polygons(rings[~inner]), dtype=object)
    island, around = shapely.STRtree(enclosed).query(shells, predicate="within")
    for number in np.unique(around):
        inside = shapely.union_all(shells[island[around == number]])
        enclosed[number] = shapely.difference(enclosed[number], inside)
    narrow = np.zeros(len(enclosed), bool)
    if gap_width > 0:
        narrow = shapely.is_empty(shapely.buffer(enclosed, -gap_width / 2))
    return enclosed[narrow], enclosed[~narrow]


def _bordering(
    patch: Patch, tree: shapely.STRtree, holes: Geometries
) -> tuple[Geometries, Numbers]:
    """Return uncovered holes at the patch's own features, and the features around them."""
    covered = np.unique(tree.query(shapely.point_on_surface(holes), predicate="within")[0])
    free = np.delete(holes, covered)
    hole, feature = tree.query(free, predicate="intersects")
    own = np.unique(hole[patch.own[feature]])
    return free[own], np.unique(feature[np.isin(hole, own)]).astype(np.int64)


def overlaps(patch: Patch, bad: Numbers, ground: Ground) -> dict[tuple[str, str], float]:
    """Return the square metres shared by pairs of features, one with bad edges, by their keys."""
    tree = shapely.STRtree(patch.geometries)
    left, right = tree.query(patch.geometries[bad], predicate="intersects")
    left = bad[left]
    pairs = np.unique(np.sort(np.column_stack([left, right])[left != right], axis=1), axis=0)
    ones, others = patch.geometries[pairs[:, 0]], patch.geometries[pairs[:, 1]]
    shared = ground.areas(shapely.intersection(ones, others))
    names = np.sort(patch.keys[pairs], axis=1)
    return {
        (str(one), str(other)): float(area)
        for (one, other), area in zip(names, shared, strict=True)
        if area > 0
    }
