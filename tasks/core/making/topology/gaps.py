"""Gaps: uncovered ground inside a coverage, between the unmatched edges of its areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from tasks.core.making.topology.edges import Edges, Flags, Numbers, all_edges, unmatched_edges
from tasks.core.making.topology.polygons import Geometries
from tasks.core.making.topology.threads import by_lots


@dataclass(frozen=True)
class Gaps:
    """Uncovered grounds as polygons, and the area each has its longest border with, by number."""

    grounds: Geometries
    heirs: Numbers

    def __len__(self) -> int:
        return len(self.heirs)

    def __getitem__(self, which: Flags) -> Gaps:
        return Gaps(self.grounds[which], self.heirs[which])

    def narrower(self, width: float) -> Flags:
        """Tell which nowhere hold a circle of this diameter, in units of the CRS."""
        if not width:
            return np.zeros(len(self), np.bool_)
        shrunk = by_lots(lambda lot: shapely.buffer(lot, -width / 2), self.grounds)
        return np.asarray(shapely.is_empty(shrunk), dtype=np.bool_)


NO_GAPS = Gaps(np.zeros(0, object), np.zeros(0, np.int64))


def find_gaps(areas: Geometries, unmatched: Edges, wrong: Numbers, own: Flags) -> Gaps:
    """Return the grounds that no area covers and that have an edge with one of the own ones.

    wrong: the areas with bad edges. Edges of all others cross nowhere and enclose the grounds.
    """
    if wrong.size:
        right = np.delete(np.arange(len(areas)), wrong)
        unmatched = unmatched_edges(areas[right])
        unmatched = Edges(unmatched.start, unmatched.end, right[unmatched.owner], unmatched.follows)
    faces = unmatched.faces()
    if not len(faces):
        return NO_GAPS
    sides = all_edges(faces)
    beside = _found(unmatched, sides)
    # an area is on the other side of every edge of what is free
    free = np.bincount(sides.owner, unmatched.start[beside] != sides.end) == 0
    border, which = np.unique(
        sides.owner * len(areas) + unmatched.owner[beside], return_inverse=True
    )
    face, area = np.divmod(border, len(areas))
    length = np.bincount(which, np.abs(sides.end - sides.start))
    free &= np.isin(np.arange(len(faces)), face[own[area]])
    longest = np.lexsort((-length, face))
    heirs = area[longest[np.unique(face[longest], return_index=True)[1]]]
    found = Gaps(faces, heirs)[free]
    inside = shapely.point_on_surface(found.grounds)
    covered = shapely.STRtree(areas[wrong]).query(inside, predicate="within")[0]
    return found[~np.isin(np.arange(len(found)), covered)]


def _found(edges: Edges, sides: Edges) -> Numbers:
    """Return the number of the edge that each side is, in whichever direction, by its middle."""
    order = np.argsort(edges.middles)
    return order[np.searchsorted(edges.middles[order], sides.middles)]
