"""What a synthetic SIRENE holds, counted while it is made: the numbers that a flow must find
again.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from synthetic import sirene_words
from synthetic.coverage import Integers
from synthetic.sirene_blocks import Block

NAME = "counts.json"


@dataclass
class Counts:
    """Establishments by what is true of them; "active" are those of state A, "located" those in the
    geolocation file.

    unlocated are fully public and in France, but not in the geolocation file; former are told under
    a code that is no commune any more. active_by_division has the active ones of NAF rév. 2 by
    their first two digits, active_by_commune by the code in the stock ("" is abroad),
    located_by_epsg all located ones; former_codes maps each code that is gone to the commune's of
    today.
    """

    establishments: int = 0
    active: int = 0
    closed: int = 0
    partial: int = 0
    active_partial: int = 0
    abroad: int = 0
    active_abroad: int = 0
    located: int = 0
    active_located: int = 0
    unlocated: int = 0
    active_unlocated: int = 0
    former: int = 0
    active_former: int = 0
    seats: int = 0
    newest_treatment: str = ""
    by_nomenclature: dict[str, int] = field(default_factory=dict)
    active_by_division: dict[str, int] = field(default_factory=dict)
    active_by_commune: dict[str, int] = field(default_factory=dict)
    located_by_epsg: dict[str, int] = field(default_factory=dict)
    former_codes: dict[str, str] = field(default_factory=dict)

    def add(self, block: Block) -> None:
        """Count the rows of a block."""
        active = ~block.closed
        self.establishments += len(block)
        self.active += int(active.sum())
        self.closed += int(block.closed.sum())
        self.seats += int(block.siege.sum())
        unlocated = ~block.located & ~block.partial & ~block.abroad
        for name, flags in {
            "partial": block.partial,
            "abroad": block.abroad,
            "located": block.located,
            "unlocated": unlocated,
            "former": block.former,
        }.items():
            setattr(self, name, getattr(self, name) + int(flags.sum()))
            setattr(
                self,
                f"active_{name}",
                getattr(self, f"active_{name}") + int((flags & active).sum()),
            )
        self.newest_treatment = max(self.newest_treatment, str(block.treated.max()))
        self.former_codes = {gone: into for gone, (_, into) in block.ground.former.items()}
        self._add_parts(block, active)

    def _add_parts(self, block: Block, active: np.ndarray) -> None:
        divisions = [code[:2] for code in sirene_words.ACTIVITIES]
        codes = [code for code, _ in block.ground.told]
        place = np.where(block.abroad, len(codes), block.place)
        systems, system = np.unique(block.ground.epsg, return_inverse=True)
        self.by_nomenclature = _summed(
            self.by_nomenclature, sirene_words.NOMENCLATURES, block.nomenclature
        )
        self.active_by_division = _summed(
            self.active_by_division, divisions, block.activity[active & (block.nomenclature == 0)]
        )
        self.active_by_commune = _summed(self.active_by_commune, [*codes, ""], place[active])
        self.located_by_epsg = _summed(
            self.located_by_epsg, systems.astype(str).tolist(), system[block.point[block.located]]
        )

    def sentences(self) -> list[str]:
        """The numbers for a reader."""
        return [
            (
                f"Establishments: {self.establishments:,}, of them {self.active:,} active (A) and"
                f" {self.closed:,} closed (F)."
            ),
            f"In partial diffusion (P): {self.partial:,}, of them {self.active_partial:,} active.",
            f"Abroad: {self.abroad:,}, of them {self.active_abroad:,} active.",
            (
                f"In the geolocation file: {self.located:,}, of them {self.active_located:,}"
                f" active; public, in France and not in it: {self.unlocated:,},"
                f" {self.active_unlocated:,} active."
            ),
            (
                f"Under the code of a commune that is gone: {self.former:,}"
                f" ({', '.join(f'{a} is now {b}' for a, b in self.former_codes.items())})."
            ),
            f"The newest treatment: {self.newest_treatment}.",
            f"Located by EPSG code: {_listed(self.located_by_epsg)}.",
            f"By nomenclature: {_listed(self.by_nomenclature)}.",
            f"Active by division of NAF rév. 2: {_listed(self.active_by_division)}.",
        ]

    def write(self, folder: Path) -> None:
        """Keep the counts beside the files."""
        (folder / NAME).write_text(
            json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8"
        )


def read(folder: Path) -> Counts:
    """The counts of a folder made before."""
    return Counts(**json.loads((folder / NAME).read_text(encoding="utf-8")))


def _summed(before: dict[str, int], names: Sequence[str], positions: Integers) -> dict[str, int]:
    """The counts with those of the names at these positions added; several positions may have the
    same name.
    """
    sums = Counter(before)
    for name, count in zip(
        names, np.bincount(positions, minlength=len(names)).tolist(), strict=True
    ):
        sums[name] += count
    return {name: count for name, count in sorted(sums.items()) if count}


def _listed(parts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in parts.items())
