"""Components: codes that gave ground to one another, from how their areas overlap."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tasks.core.catalog.changes.bounds import COVERED, KEPT_OVERLAP, MOSTLY, OVERLAP

KINDS = {(True, True): "redrawn", (True, False): "merged", (False, True): "divided"}


class Overlap(NamedTuple):
    """An area before and one after, and the area that both have, in square units of one CRS."""

    old: str
    new: str
    old_area: float
    new_area: float
    both: float


@dataclass
class Component:
    """Codes before and after that cover the same ground."""

    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    overlaps: list[Overlap] = field(default_factory=list)

    def covered(self, gone: Collection[str], new: Collection[str]) -> float:
        """Return the share of the gone areas that those after cover; without any, of the new."""
        lost, gained = self.before.keys() & gone, self.after.keys() & new
        if lost or not gained:
            of = lost or self.before.keys()
            ground = sum(self.before[code] for code in of)
            both = sum(each.both for each in self.overlaps if each.old in of)
        else:
            ground = sum(self.after[code] for code in gained)
            both = sum(each.both for each in self.overlaps if each.new in gained)
        return min(1.0, both / ground) if ground else 0.0

    def explains(self, gone: Collection[str], new: Collection[str]) -> bool:
        """Tell whether the ground is covered well enough."""
        return bool(self.before and self.after) and self.covered(gone, new) >= COVERED

    @property
    def kind(self) -> str:
        """Return merged, divided, renamed or redrawn."""
        return KINDS.get((len(self.before) > 1, len(self.after) > 1), "renamed")

    @property
    def is_event(self) -> bool:
        """Whether a code changed its meaning: not where one area only has other borders."""
        return bool(self.before and self.after) and not (
            len(self.before) == 1 and self.before.keys() == self.after.keys()
        )

    def event(self, year: int) -> str | None:
        """Return the line of a ledger, or None where a code cannot stand in one."""
        codes = [*self.before, *self.after]
        if any(code.split() != [code] or code == ">" for code in codes):
            return None
        return f"{year:04}-01-01: {' '.join(sorted(self.before))} > {' '.join(sorted(self.after))}"


def components(
    overlaps: Iterable[Overlap], gone: Collection[str], new: Collection[str]
) -> list[Component]:
    """Return the components of areas that overlap by more than borders that are inexact."""
    found = list(dict.fromkeys(overlaps))
    parents: dict[tuple[bool, str], tuple[bool, str]] = {}
    for each in found:
        if _is_strong(each, gone, new):
            _unite(parents, (False, each.old), (True, each.new))
    by_root: dict[tuple[bool, str], Component] = {}
    for each in found:
        old, after = (False, each.old), (True, each.new)
        if old not in parents or after not in parents:
            continue
        if (root := _root(parents, old)) != _root(parents, after):
            continue
        component = by_root.setdefault(root, Component())
        component.before[each.old] = each.old_area
        component.after[each.new] = each.new_area
        component.overlaps.append(each)
    return sorted(by_root.values(), key=lambda each: sorted(each.before))


def moved(overlaps: Iterable[Overlap], redrawn: Collection[str]) -> set[str]:
    """Return the kept codes that left their ground for that of another code."""
    found = [each for each in overlaps if each.new in redrawn]
    at_home = {each.new for each in found if each.old == each.new and _is_mostly(each)}
    elsewhere = {each.new for each in found if each.both > MOSTLY * each.new_area}
    return elsewhere - at_home


def _is_mostly(each: Overlap) -> bool:
    return each.both > MOSTLY * min(each.old_area, each.new_area)


def _is_strong(each: Overlap, gone: Collection[str], new: Collection[str]) -> bool:
    if (each.old in gone) == (each.new in new):
        return each.both > OVERLAP * min(each.old_area, each.new_area)
    return each.both > KEPT_OVERLAP * (each.old_area if each.old in gone else each.new_area)


def _root(
    parents: dict[tuple[bool, str], tuple[bool, str]], node: tuple[bool, str]
) -> tuple[bool, str]:
    while (parent := parents.setdefault(node, node)) != node:
        parents[node] = parents[parent]
        node = parent
    return node


def _unite(
    parents: dict[tuple[bool, str], tuple[bool, str]],
    one: tuple[bool, str],
    other: tuple[bool, str],
) -> None:
    parents[_root(parents, one)] = _root(parents, other)
