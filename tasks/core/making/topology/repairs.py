"""Repairs: geometries made valid and a coverage's defects made clean; the rest stays as it was."""

from __future__ import annotations

import numpy as np
import shapely

from tasks.core.making.topology.coverage import Numbers, Patch
from tasks.core.making.topology.polygons import Geometries, multipolygons
from tasks.core.model.errors import CheckFailed

TRIES = 4  # GEOS's repair may be invalid by rounding; the second or third has always been valid
SNAPS = (1, 3, 10)


def make_valid(geometries: Geometries) -> tuple[Geometries, Geometries]:
    """Return invalid areas as (repaired, reference) MultiPolygons.

    The repair reads the rings as shells and holes; the reference reads the same lines by the
    even-odd rule. Where both agree nothing was decided, so their difference measures what the
    repair had to choose.
    """
    repaired = _by_rings(geometries)
    for _ in range(TRIES):
        wrong = ~shapely.is_valid(repaired)
        repaired[wrong] = _by_rings(repaired[wrong])
    reference = multipolygons(shapely.make_valid(geometries))
    wrong = ~shapely.is_valid(reference)
    reference[wrong] = repaired[wrong]
    return repaired, reference


def _by_rings(geometries: Geometries) -> Geometries:
    valid = shapely.make_valid(geometries, method="structure", keep_collapsed=False)
    return multipolygons(valid)


def clean_clusters(patch: Patch, defective: Numbers, gap_width: float, snap: float) -> Numbers:
    """Clean the coverage at the defective features and their neighbours; return who changed.

    Clusters that share no feature are cleaned one after the other, so memory follows the largest
    one.
    """
    tree = shapely.STRtree(patch.geometries)
    owner, member = tree.query(patch.geometries[defective], predicate="dwithin", distance=gap_width)
    owner, member = _with_slivers(patch, tree, owner, member, gap_width)
    changed = [clean(patch, cluster, gap_width, snap) for cluster in _clusters(owner, member)]
    return np.concatenate(changed) if changed else np.zeros(0, np.int64)


def clean(patch: Patch, features: Numbers, gap_width: float, snap: float) -> Numbers:
    """Clean these features in place, as one coverage; return the numbers of those that changed.

    Raises CheckFailed when one would vanish: it lies wholly in others.
    """
    before = patch.geometries[features]
    after = multipolygons(_coverage_clean(before, gap_width, snap))
    vanished = shapely.is_empty(after)
    if vanished.any():
        keys = patch.keys[features[vanished]]
        raise CheckFailed(
            f"Every feature must keep its ground when the coverage is cleaned, and {len(keys):,}"
            f" would vanish because other features cover it: {', '.join(keys[:10])}; remove the"
            " duplicates from the source or clean the layers apart."
        )
    differs = ~shapely.equals_identical(shapely.normalize(before), shapely.normalize(after))
    patch.geometries[features[differs]] = after[differs]
    return features[differs]


def _coverage_clean(geometries: Geometries, gap_width: float, snap: float) -> Geometries:
    """Return the clean coverage; try larger snapping distances when GEOS cannot node the lines."""
    for factor in SNAPS:
        try:
            cleaned = shapely.coverage_clean(  # type: ignore[attr-defined]
                geometries, gap_width=gap_width, snapping_distance=snap * factor
            )
            return np.asarray(cleaned, dtype=np.object_)
        except shapely.GEOSException as error:
            reason = error
    raise CheckFailed(
        f"A cluster of {len(geometries):,} features could not be cleaned with snapping distances up"
        f" to {snap * SNAPS[-1]:g} units of the CRS ({reason}): give a larger snap_metres."
    )


def _with_slivers(
    patch: Patch, tree: shapely.STRtree, owner: Numbers, member: Numbers, gap_width: float
) -> tuple[Numbers, Numbers]:
    """Add features narrower than a gap beside the rings, else they pass for gaps and are filled."""
    areas, lengths = shapely.area(patch.geometries), shapely.length(patch.geometries)
    thin = np.setdiff1d(np.flatnonzero(areas <= gap_width * lengths), member)
    which, neighbour = tree.query(patch.geometries[thin], predicate="intersects")
    first_owner = dict(zip(member.tolist(), owner.tolist(), strict=True))
    pairs = zip(which.tolist(), neighbour.tolist(), strict=True)
    beside = [(first_owner[near], thin[one]) for one, near in pairs if near in first_owner]
    extra = np.array(beside, dtype=np.int64).reshape(-1, 2)
    return np.concatenate([owner, extra[:, 0]]), np.concatenate([member, extra[:, 1]])


def _clusters(owner: Numbers, member: Numbers) -> list[Numbers]:
    """Group the members such that owners with a member in both are in one group."""
    features, member = np.unique(member, return_inverse=True)
    label = np.arange(int(owner.max(initial=-1)) + 1)
    while True:
        lowest = np.full(len(features), len(label))
        np.minimum.at(lowest, member, label[owner])
        joined = label.copy()
        np.minimum.at(joined, owner, lowest[member])
        if (joined == label).all():
            return [features[lowest == group] for group in np.unique(lowest)]
        label = joined[joined]
