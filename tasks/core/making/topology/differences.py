"""Differences: how a coverage's features changed when it was cleaned, by their shapes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.making.topology.coverage import LEAST_GROUND, interiors_meet
from tasks.core.making.topology.edges import Numbers
from tasks.core.making.topology.ground import Ground
from tasks.core.making.topology.polygons import Geometries
from tasks.core.making.topology.threads import by_lots
from tasks.core.model.errors import CheckFailed

NAMED = 10
MOST = 0.5  # share: what is left of a small feature that changes by more is another feature
ROUNDING = 1e-12  # relative: what an area in double precision may be off


@dataclass
class Changes:
    """The shapes of the features that changed, by key: as they were (valid) and as they are now."""

    before: dict[str, shapely.Geometry] = field(default_factory=dict)
    after: dict[str, shapely.Geometry] = field(default_factory=dict)

    def keep(self, keys: npt.NDArray[np.str_], before: Geometries, after: Geometries) -> None:
        """Note shapes; the first `before` of a feature stays, the last `after` counts."""
        for key, old, new in zip(keys.tolist(), before, after, strict=True):
            self.before.setdefault(key, old)
            self.after[key] = new


@dataclass(frozen=True)
class Difference:
    """Changes by key: shares of a feature's area, square metres, and those of gaps it closed.

    Of all together: gaps closed (number, m²), area gained (m²).
    """

    shares: dict[str, float]
    areas: dict[str, float]
    closed: dict[str, float]
    gaps_closed: int
    gap_area_closed: float
    area_gained: float


def measure(changes: Changes, ground: Ground) -> Difference:
    """Measure each changed feature by the symmetric difference of its shapes, in m² or shares."""
    keys = sorted(changes.after)
    before = np.array([changes.before[key] for key in keys], dtype=object)
    after = np.array([changes.after[key] for key in keys], dtype=object)
    moved = by_lots(shapely.symmetric_difference, before, after)
    shares = shapely.area(moved) / shapely.area(before)
    gaps, heirs = _newly_covered(before, *_gained(before, after, moved))
    closed = ground.areas(gaps)
    by_heir = np.bincount(heirs, closed, minlength=len(keys))
    closed = closed[closed > LEAST_GROUND]
    return Difference(
        dict(zip(keys, shares.tolist(), strict=True)),
        dict(zip(keys, ground.areas(moved).tolist(), strict=True)),
        dict(zip(keys, by_heir.tolist(), strict=True)),
        len(closed),
        float(closed.sum()),
        float(ground.areas(after).sum() - ground.areas(before).sum()),
    )


def require_small(
    difference: Difference,
    overlaps: dict[tuple[str, str], float],
    tolerance: float,
    tolerance_area: float,
    table: str,
) -> None:
    """Raise CheckFailed naming features changed by more than a share of their area and by more m².

    And by more than half of it, however small. Each is named with what was wrong there; overlaps:
    m² shared by two features before.
    """
    areas = difference.areas
    large = [
        (share, key)
        for key, share in difference.shares.items()
        if not (share <= tolerance or (share <= MOST and areas[key] <= tolerance_area))
    ]
    if beyond := sorted(large, reverse=True):
        named = "; ".join(
            f"{key} ({share:.2%}), {areas[key]:,.1f} m² {_wrong(key, difference, overlaps)}"
            for share, key in beyond[:NAMED]
        )
        named += "; …" if len(beyond) > NAMED else ""
        raise CheckFailed(
            f"Cleaning the topology of {table} may change a feature by {tolerance:.2%} of its area"
            f" or {tolerance_area:,.1f} m² at most, and would change {len(beyond):,} by more:"
            f" {named}; nothing was written: look at these features, and raise the tolerance or"
            " lower gap_metres if the change is right."
        )


def _wrong(key: str, difference: Difference, overlaps: dict[tuple[str, str], float]) -> str:
    """Tell why a feature changed: the gaps it closed, whom it overlapped, or its own rings."""
    shared = [
        (area, one if two == key else two)
        for (one, two), area in overlaps.items()
        if key in (one, two)
    ]
    told = [
        f"{area:,.1f} m² shared with {other}" for area, other in sorted(shared)[: -NAMED - 1 : -1]
    ]
    if (closed := difference.closed[key]) > LEAST_GROUND:
        told.append(f"gaps of {closed:,.1f} m² closed")
    return f"({', '.join(told) or 'its rings cross themselves'})"


def _gained(before: Geometries, after: Geometries, moved: Geometries) -> tuple[Geometries, Numbers]:
    """Return the ground each feature has after and had not before, in pieces, and whose they are.

    The pieces that moved are gained where a point of theirs is in the shape after; this is proved
    by the feature's area, and where it is not so the shapes are compared once more.
    """
    pieces, owner = _pieces(moved)
    points = shapely.point_on_surface(pieces)
    inside = by_lots(shapely.intersects, after[owner], points)
    sign = np.where(inside, 1.0, -1.0) * shapely.area(pieces)
    told = np.bincount(owner, sign, minlength=len(before))
    true = shapely.area(after) - shapely.area(before)
    doubtful = np.abs(told - true) > ROUNDING * shapely.area(before)
    sure = inside & ~doubtful[owner]
    again = np.flatnonzero(doubtful)
    others, which = _pieces(by_lots(shapely.difference, after[again], before[again]))
    return np.concatenate([pieces[sure], others]), np.concatenate([owner[sure], again[which]])


def _pieces(areas: Geometries) -> tuple[Geometries, Numbers]:
    pieces, owner = shapely.get_parts(areas, return_index=True)
    solid = shapely.area(pieces) > 0
    return pieces[solid], owner[solid]


def _newly_covered(
    before: Geometries, pieces: Geometries, owner: Numbers
) -> tuple[Geometries, Numbers]:
    """Return what of these pieces no other feature covered before: the gaps closed, and by whom."""
    piece, other = shapely.STRtree(before).query(pieces)
    foreign = owner[piece] != other
    piece, other = piece[foreign], other[foreign]
    meet = interiors_meet(pieces[piece], before[other])
    piece, other = piece[meet], other[meet]
    # each piece loses one neighbour a turn, all pieces at once
    turn = np.arange(len(piece)) - np.searchsorted(piece, piece)
    for number in range(int(turn.max(initial=-1)) + 1):
        now = turn == number
        pieces[piece[now]] = by_lots(shapely.difference, pieces[piece[now]], before[other[now]])
    gaps, whose = shapely.get_parts(pieces, return_index=True)
    return gaps, owner[whose]
