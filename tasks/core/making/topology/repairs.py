"""Repairs: geometries made valid and a coverage's defects made clean; the rest stays as it was."""

from __future__ import annotations

import numpy as np
import shapely

from tasks.core.making.topology.coverage import Patch
from tasks.core.making.topology.edges import Numbers
from tasks.core.making.topology.gaps import Gaps
from tasks.core.making.topology.polygons import Geometries, multipolygons
from tasks.core.making.topology.threads import by_lots, shared_out
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
    reference = multipolygons(by_lots(shapely.make_valid, geometries))
    wrong = ~shapely.is_valid(reference)
    reference[wrong] = repaired[wrong]
    return repaired, reference


def _by_rings(geometries: Geometries) -> Geometries:
    return multipolygons(
        by_lots(
            lambda lot: shapely.make_valid(lot, method="structure", keep_collapsed=False),
            geometries,
        )
    )


def clean_clusters(patch: Patch, places: Geometries, snap: float) -> tuple[Numbers, Numbers]:
    """Clean the coverage where it touches these places; return who was cleaned and who changed.

    Clusters that share no feature are cleaned each by itself, so memory follows the largest ones.
    """
    tree = shapely.STRtree(patch.geometries)
    place, feature = tree.query(places, predicate="dwithin", distance=snap)
    clusters = _clusters(place, feature)
    changed = shared_out(lambda cluster: clean(patch, cluster, snap), clusters)
    nobody = np.zeros(0, np.int64)
    return np.concatenate([nobody, *clusters]), np.concatenate([nobody, *changed])


def close(patch: Patch, gaps: Gaps) -> Numbers:
    """Give each gap to its heir, whose edges it has; return the numbers of these features."""
    heirs, which = np.unique(gaps.heirs, return_inverse=True)
    for number, heir in enumerate(heirs):
        grounds = [patch.geometries[heir], *gaps.grounds[which == number]]
        grown = np.array([shapely.coverage_union_all(grounds)], dtype=object)
        patch.geometries[heir] = multipolygons(grown)[0]
    return heirs


def pinched(gaps: Gaps, snap: float) -> Geometries:
    """Return the gaps that are somewhere so narrow that both sides count as one."""
    return gaps.grounds[by_lots(shapely.minimum_clearance, gaps.grounds) < snap]


def clean(patch: Patch, features: Numbers, snap: float) -> Numbers:
    """Clean these features in place, as one coverage; return the numbers of those that changed.

    Gaps stay: GEOS measures each by circles inside it, which takes longer than all the rest.
    Raises CheckFailed when one would vanish: it lies wholly in others.
    """
    before = patch.geometries[features]
    after = multipolygons(_coverage_clean(before, snap))
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


def _coverage_clean(geometries: Geometries, snap: float) -> Geometries:
    """Return the clean coverage; try larger snapping distances when GEOS cannot node the lines."""
    for factor in SNAPS:
        try:
            cleaned = shapely.coverage_clean(  # type: ignore[attr-defined]
                geometries, gap_width=0.0, snapping_distance=snap * factor
            )
            return np.asarray(cleaned, dtype=np.object_)
        except shapely.GEOSException as error:
            reason = error
    raise CheckFailed(
        f"A cluster of {len(geometries):,} features could not be cleaned with snapping distances up"
        f" to {snap * SNAPS[-1]:g} units of the CRS ({reason}): give a larger snap_metres."
    )


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
            order = np.argsort(lowest, kind="stable")
            return np.split(features[order], np.flatnonzero(np.diff(lowest[order])) + 1)
        label = joined[joined]
