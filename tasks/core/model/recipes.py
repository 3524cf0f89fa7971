"""Recipes: what an edition was made from, so that the verbs can make it again from the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EditionKey = tuple[str, int]  # dataset, number
SourceKey = tuple[str, int]  # slug, vintage


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one edition is made again, by its manifest.

    parameters: those of the run that made it. originals: SHA-256 by source and vintage.
    foundations: number of the edition it is made from, by dataset. digests: SHA-256 of the row
    digests by layer. seconds: how long it took. wanted: false for an edition that is needed only
    because another depends on it. rebuild: row of catalog.rebuild. throwaway: name of the database
    of a drill, which writes nothing to the archive; empty for the real one.
    """

    dataset: str
    number: int
    vintage: int
    mirror: str
    parameters: Mapping[str, Any]
    originals: Mapping[SourceKey, str]
    foundations: Mapping[str, int]
    digests: Mapping[str, str]
    seconds: float
    wanted: bool
    rebuild: int
    throwaway: str

    def __str__(self) -> str:
        return f"edition {self.number} of {self.dataset} {self.vintage}"
