"""Differences between two editions in words: one sentence each, and drafts for a ledger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference, as in catalog.change: figures before, after and expected, and a verdict.

    within: whether it is within the bounds, None where it is only told.
    """

    layer: str
    measure: str
    subject: str = ""
    before: str = ""
    after: str = ""
    expected: str = ""
    within: bool | None = None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A code event that geometry suggests, as in catalog.ledger_draft.

    event: "2026-01-01: 11002 11007 > 11002"; kind: merged, divided, renamed or redrawn; covered:
    the share of the area of the lost codes that the new ones cover.
    """

    layer: str
    event: str
    kind: str
    covered: float


def figure(value: Any) -> str:
    """Return a number for people: 19,795 or 0.25."""
    number = float(value)
    if not math.isfinite(number):
        return str(value)
    if number == int(number):
        return f"{int(value):,}"
    digits = 0 if abs(number) >= 10_000 else 2 if abs(number) >= 1 else 4
    return f"{number:,.{digits}f}"


def plain(value: Any) -> str:
    """Return a number as the catalog keeps it, without separators; "" for none."""
    if value is None:
        return ""
    number = Decimal(str(value))
    if not number.is_finite():
        return str(number)
    return format(number.to_integral() if number == number.to_integral() else number, "f")


def per_cent(before: Any, after: Any) -> str:
    """Return the relative change, such as "+5.0 %"; "" where nothing can be divided."""
    old, new = float(before), float(after)
    if not old or not math.isfinite(old) or not math.isfinite(new):
        return ""
    return f" ({(new - old) / abs(old):+.2%})".replace("%", " %")


def named(keys: Sequence[str], count: int) -> str:
    """Return keys in words, and how many more there are."""
    more = f" and {count - len(keys):,} more" if count > len(keys) else ""
    return ", ".join(keys) + more
