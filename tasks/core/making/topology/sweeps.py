"""Sweeps: passes over a coverage that find what is wrong and repair it, until nothing is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import shapely

from tasks.core.making.topology import repairs
from tasks.core.making.topology.coverage import Defects, Patch, find_defects, overlaps
from tasks.core.making.topology.coverage_tables import CoverageTable
from tasks.core.making.topology.differences import Changes
from tasks.core.making.topology.edges import Numbers
from tasks.core.making.topology.gaps import Gaps
from tasks.core.making.topology.ground import Ground
from tasks.core.making.topology.polygons import Geometries
from tasks.core.making.topology.threads import by_lots
from tasks.core.model.errors import CheckFailed

Repaired = Literal["nothing", "clusters", "everything"]
SWEEPS = 4  # a repair may uncover a defect beside it; more than three sweeps have not been seen
ROUNDS = 6  # of repairs within a sweep; more than three have not been seen


@dataclass(frozen=True)
class Widths:
    """The widest gap that is closed and how far vertices may snap, in units of the CRS."""

    gap: float
    snap: float


@dataclass
class Findings:
    """Findings of one sweep before its repairs; areas in square metres, gaps and holes by place."""

    area: float = 0.0
    invalid: int = 0
    bad: int = 0
    repaired: int = 0
    overlaps: dict[tuple[str, str], float] = field(default_factory=dict)
    gaps: dict[bytes, float] = field(default_factory=dict)
    holes: dict[bytes, float] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether there was nothing to repair but what was made valid."""
        return not (self.bad or self.gaps)

    @property
    def clean(self) -> bool:
        """Whether no edge was bad and nothing changed: the findings are of the coverage now."""
        return not (self.bad or self.repaired)


def _method(first: Findings, changes: Changes) -> str:
    """Return what had to be cleaned: clusters, single features made valid, or none."""
    if changes.after:
        return "features" if first.sound else "clusters"
    return "none"


@dataclass
class Sweeper:
    """Repairs the coverage of a table in memory and keeps the changes; nothing is written."""

    source: CoverageTable
    parent: str | None
    widths: Widths
    ground: Ground
    changes: Changes = field(default_factory=Changes)
    _valid: Patch | None = field(default=None, init=False)

    def repair(self) -> tuple[Findings, Findings, str]:
        """Return the findings of the first and the last sweep, and the method needed.

        Raises CheckFailed when bad edges are left even after the whole coverage was cleaned at
        once.
        """
        # a repair hides from the next parent what was wrong before
        first = self._sweep("clusters" if self.parent is None else "nothing")
        last = self._settle(first if self.parent is None or first.sound else self._sweep())
        if last.clean:
            return first, last, _method(first, self.changes)
        self.parent = None
        self._sweep("everything")
        last = self._settle(self._sweep())
        if not last.clean:
            raise CheckFailed(
                f"The coverage {self.source.schema}.{self.source.table} must have no bad edges once"
                f" it is cleaned, and {last.bad:,} features still have some; nothing was written:"
                " give a larger snap_metres."
            )
        return first, last, "whole coverage"

    def _settle(self, last: Findings) -> Findings:
        for _ in range(SWEEPS):
            if not last.repaired:
                break
            last = self._sweep()
        return last

    def _sweep(self, repaired: Repaired = "clusters") -> Findings:
        """Make every patch valid and repair its defective clusters, or all as one, or nothing."""
        findings = Findings()
        for patch in self.source.patches(self.parent, self.changes):
            # what a repair leaves is made valid at once
            if patch is not self._valid:
                findings.invalid += self._make_valid(patch, np.arange(len(patch.keys)))
            self._valid = patch
            findings.area += float(self.ground.areas(patch.geometries[patch.own]).sum())
            if repaired == "everything":
                findings.repaired += self._clean_everything(patch)
            defects = find_defects(patch, self.widths.gap)
            findings.bad += len(defects.bad)
            findings.gaps |= self._by_place(defects.gaps)
            findings.holes |= self._by_place(defects.holes)
            findings.overlaps |= overlaps(patch, defects.bad, self.ground)
            if repaired != "nothing":
                findings.repaired += self._settle_patch(patch, defects)
        return findings

    def _settle_patch(self, patch: Patch, defects: Defects) -> int:
        """Clean where edges are bad, and then close the gaps; return how many features changed.

        After each repair GEOS looks only at what was cleaned; the next sweep looks at everything.
        """
        changes, gaps_are_snapped = 0, False
        for _ in range(ROUNDS):
            places = defects.edges
            if not defects.bad.size and not gaps_are_snapped:
                places = repairs.pinched(defects.gaps, self.widths.snap)
                gaps_are_snapped = True
            before = patch.geometries.copy()
            if not len(places):
                closed = repairs.close(patch, defects.gaps)
                return changes + self._keep(patch, before, closed)
            cleaned, changed = repairs.clean_clusters(patch, places, self.widths.snap)
            changes += self._keep(patch, before, changed)
            # of a patch with neighbours not all that is wrong is known
            among = cleaned if patch.own.all() else None
            defects = find_defects(patch, self.widths.gap, among)
        return changes

    def _clean_everything(self, patch: Patch) -> int:
        before = patch.geometries.copy()
        changed = repairs.clean(patch, np.arange(len(patch.keys)), self.widths.snap)
        return self._keep(patch, before, changed)

    def _keep(self, patch: Patch, before: Geometries, changed: Numbers) -> int:
        self.changes.keep(patch.keys[changed], before[changed], patch.geometries[changed])
        self._make_valid(patch, changed)
        return len(changed)

    def _make_valid(self, patch: Patch, features: Numbers) -> int:
        """Make features valid; return how many were not, each counted in its first patch."""
        invalid = features[~by_lots(shapely.is_valid, patch.geometries[features])]
        if not invalid.size:
            return 0
        repaired, reference = repairs.make_valid(patch.geometries[invalid])
        if (lost := shapely.is_empty(repaired)).any():
            raise CheckFailed(
                f"Every feature must have an area, and the rings of {int(lost.sum()):,} in"
                f" {self.source.schema}.{self.source.table} enclose none:"
                f" {', '.join(patch.keys[invalid[lost]][:10])}; correct or remove them in the"
                " source."
            )
        patch.geometries[invalid] = repaired
        self.changes.keep(patch.keys[invalid], reference, repaired)
        return len(invalid)

    def _by_place(self, gaps: Gaps) -> dict[bytes, float]:
        """Return areas in m² by a point of each gap: one seen from two parents counts once."""
        places = shapely.to_wkb(shapely.point_on_surface(gaps.grounds))
        return dict(zip(places.tolist(), self.ground.areas(gaps.grounds).tolist(), strict=True))
