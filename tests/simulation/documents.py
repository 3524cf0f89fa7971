"""A document of a publisher that tells of its releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.releases import Release

ABOUT = "Synthetic data made by a program: nothing in it is official."


@dataclass(frozen=True)
class Listed:
    """A document, how its name would end, and the releases that it tells of."""

    content: str
    ending: str
    releases: Sequence[Release]
