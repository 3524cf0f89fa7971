"""Classes of a map: quantiles at figures that people read, zero and missing apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST, FEWEST = 6, 2
BINS = 32
SKEWED = 6.0  # times the median that the hundredth from the top is, of a long tail


@dataclass(frozen=True)
class Classes:
    """Where a map changes its colour.

    breaks: rising; a value belongs to the class after the last break that it reaches. zero: whether
    zeros are a class of their own. diverging: whether breaks stand on both sides of zero, and of
    which class the first positive one is, else -1. counts: of each class.
    """

    breaks: list[float]
    zero: bool
    diverging: int
    counts: list[int]
    zeros: int

    def as_json(self) -> dict[str, Any]:
        """Give them as the description of a map has them."""
        return {
            "breaks": self.breaks,
            "zero": self.zero,
            "diverging": self.diverging,
            "counts": self.counts,
            "zeros": self.zeros,
        }


def classify(values: Floats) -> Classes:
    """Divide values that are there into classes of about equal numbers."""
    zeros = int((values == 0).sum())
    others = values[values != 0]
    if len(others) and others.min() < 0 < others.max():
        below = _quantiles(others[others < 0], MOST // 2)
        breaks = [*below, 0.0, *_quantiles(others[others > 0], MOST // 2)]
        diverging = len(below) + 1
        others = values
    else:
        breaks, diverging = _quantiles(others, MOST), -1
    counts = np.bincount(np.searchsorted(breaks, others, "right"), minlength=len(breaks) + 1)
    apart = zeros > 0 and diverging < 0
    return Classes(breaks, apart, diverging, counts.tolist(), zeros)


def _quantiles(values: Floats, count: int) -> list[float]:
    """Return up to count - 1 breaks, rounded as little as keeps them apart."""
    if not len(values):
        return []
    shares = np.arange(1, count) / count
    wanted = np.unique(np.quantile(values, shares))
    rounded = next(
        (found for digits in (2, 3, 4) if _good(found := _rounded(wanted, digits), wanted)), wanted
    )
    inside = rounded[(rounded > values.min()) & (rounded <= values.max())]
    return [float(each) for each in np.unique(inside)]


def _good(rounded: Floats, wanted: Floats) -> bool:
    return len(np.unique(rounded)) == len(wanted)


def _rounded(values: Floats, digits: int) -> Floats:
    """Round to so many significant digits."""
    return np.array([float(f"{each:.{digits}g}") for each in values])


def histogram(values: Floats) -> dict[str, Any]:
    """Count values in bins of equal width, or of equal ratio where the tail is long.

    The first and the last bin also have what lies beyond: a hundredth at each end.
    """
    if not len(values):
        return {"edges": [], "counts": [], "ratio": False}
    low, middle, high = np.quantile(values, (0.01, 0.5, 0.99))
    ratio = bool(low > 0 and high > SKEWED * middle)
    bins = BINS if high > low else 1
    edges = np.geomspace(low, high, bins + 1) if ratio else np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), np.unique(edges))
    shown = [float(f"{edge:.4g}") for edge in np.unique(edges)]
    return {"edges": shown, "counts": counts.tolist(), "ratio": ratio}
