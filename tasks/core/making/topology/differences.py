"""Differences: how a coverage's features changed when it was cleaned, by their shapes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.making.topology.coverage import LEAST_GROUND
from tasks.core.making.topology.ground import Ground
from tasks.core.making.topology.polygons import Geometries
from tasks.core.model.errors import CheckFailed

NAMED = 10


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
    """Changes: shares of each feature's area by key, gaps closed (number, m²), area gained (m²)."""

    shares: dict[str, float]
    gaps_closed: int
    gap_area_closed: float
    area_gained: float


def measure(changes: Changes, ground: Ground) -> Difference:
    """Measure each changed feature by the symmetric difference of its shapes, in m² or shares."""
    keys = sorted(changes.after)
    before = np.array([changes.before[key] for key in keys], dtype=object)
    after = np.array([changes.after[key] for key in keys], dtype=object)
    moved = shapely.area(shapely.symmetric_difference(before, after)) / shapely.area(before)
    closed = ground.areas(_newly_covered(before, after))
    closed = closed[closed > LEAST_GROUND]
    gained = float(ground.areas(after).sum() - ground.areas(before).sum())
    return Difference(
        dict(zip(keys, moved.tolist(), strict=True)), len(closed), float(closed.sum()), gained
    )


def require_small(shares: dict[str, float], tolerance: float, table: str) -> None:
    """Raise CheckFailed naming features changed by more than the tolerance (share of area)."""
    large = [(share, key) for key, share in shares.items() if not share <= tolerance]
    if beyond := sorted(large, reverse=True):
        named = ", ".join(f"{key} ({share:.2%})" for share, key in beyond[:NAMED])
        named += ", …" if len(beyond) > NAMED else ""
        raise CheckFailed(
            f"Cleaning the topology of {table} may change a feature by {tolerance:.2%} of its area"
            f" at most, and would change {len(beyond):,} by more: {named}; nothing was written:"
            " look at these features, and raise the tolerance or lower gap_metres if the change is"
            " right."
        )


def _newly_covered(before: Geometries, after: Geometries) -> Geometries:
    """Return the ground covered after and not before, as polygons: the gaps closed."""
    pieces, owner = shapely.get_parts(shapely.difference(after, before), return_index=True)
    solid = shapely.area(pieces) > 0
    pieces, owner = pieces[solid], owner[solid]
    piece, other = shapely.STRtree(before).query(pieces, predicate="intersects")
    foreign = owner[piece] != other
    piece, other = piece[foreign], other[foreign]
    # each piece loses one neighbour a turn, all pieces at once
    turn = np.arange(len(piece)) - np.searchsorted(piece, piece)
    for number in range(int(turn.max(initial=-1)) + 1):
        now = turn == number
        pieces[piece[now]] = shapely.difference(pieces[piece[now]], before[other[now]])
    return np.asarray(shapely.get_parts(pieces), dtype=object)
