"""The pieces of ground that a made-up France is of: an IRIS of 2021 each, with its type, its name
and its residents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from synthetic import france_places as places
from synthetic.coverage import Floats, Integers
from synthetic.france_ground import TERRITORIES
from synthetic.france_places import Commune

HABITAT, ACTIVITY, OTHER, UNDIVIDED = "H", "A", "D", "Z"
ACTIVITY_SHARE, OTHER_SHARE = 0.052, 0.021  # of the IRIS of divided communes, 2024
# mean, spread of the logarithm
RESIDENTS = {HABITAT: (2600, 0.35), ACTIVITY: (210, 1.2), OTHER: (45, 1.3), UNDIVIDED: (875, 1.05)}
LARGEST_UNDIVIDED, LARGEST_MERGING = 9_500, 2_000
LEAST_DIVIDED = 3
ABSORBED = 5000  # added to the numbers of the IRIS of a commune that another one takes over
MOST_IRIS = 60_000
# IRIS of undivided communes that were absorbed
GONE = sum(len(pairs) for year, pairs in places.CHANGES.items() if year < places.LAST_CHANGE)
WORDS = (
    "Centre|Gare|Hôtel de Ville|Église|Les Prés|Bellevue|La Chênaie|Les Écoles|Côte d'Or|Le Château"
    "|Vieux Port|Beauséjour|Les Tilleuls|La Croix-Blanche|Hôpital|Le Moulin|Les Vignes|La Plaine"
    "|Beauregard|Saint-Éloi"
).split("|")
OTHER_NAMES = {ACTIVITY: "Zone d'Activités", OTHER: "Bois et Étangs"}


@dataclass(frozen=True)
class Piece:
    """An IRIS of 2021: the code of its commune then, its number in the commune, its type and its
    name; `territory` is a position.
    """

    home: str
    number: int
    kind: str
    name: str
    territory: int


def grouped(pieces: Sequence[Piece], vintage: int) -> dict[str, list[int]]:
    """The positions of the pieces of each IRIS of a year, by its code.

    An undivided commune is one with the undivided one that absorbs it; the IRIS of a divided one
    stay, under other codes.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for position, piece in enumerate(pieces):
        commune = places.code_at(piece.home, vintage)
        number = piece.number + ABSORBED * (commune != piece.home and piece.kind != UNDIVIDED)
        members[f"{commune}{number:04d}"].append(position)
    for code, numbers in members.items():
        numbers.sort(key=lambda position: pieces[position].home != code[:5])
    return members


def shares_of(communes: Sequence[Commune], iris: int) -> Integers:
    """The number of pieces of each commune, at least one, in the real proportions."""
    fewest = int(_least(places.choose(0)).sum()) - GONE
    if not fewest <= iris <= MOST_IRIS:
        raise ValueError(
            f"A synthetic France has {fewest} to {MOST_IRIS:,} IRIS; {iris:,} were asked for."
        )
    least = _least(communes)
    missing = iris + GONE - int(least.sum())
    weights = np.array([max(0.0, commune.iris - 1) for commune in communes])
    ideal = least + weights / weights.sum() * missing
    found: Integers = np.floor(ideal).astype(np.int64)
    found[np.argsort(found - ideal, kind="stable")[: iris + GONE - int(found.sum())]] += 1
    return found


def _least(communes: Sequence[Commune]) -> Integers:
    return np.array(
        [LEAST_DIVIDED if commune.code in places.ALWAYS_DIVIDED else 1 for commune in communes]
    )


def pieces_of(commune: Commune, share: int, random: np.random.Generator) -> list[Piece]:
    """So many pieces of a commune; one that has a single piece is not divided, arrondissements
    excepted.
    """
    territory = next(
        number for number, (_, _, start) in enumerate(TERRITORIES) if commune.code.startswith(start)
    )
    if share == 1 and places.city(commune.code) == commune.code:
        return [Piece(commune.code, 0, UNDIVIDED, commune.name, territory)]
    drawn = random.random(share)
    pieces = []
    for position in range(share):
        kind = (
            ACTIVITY
            if drawn[position] < ACTIVITY_SHARE
            else OTHER
            if drawn[position] < ACTIVITY_SHARE + OTHER_SHARE
            else HABITAT
        )
        kind = kind if position else HABITAT
        quarter, number = divmod(position, 10)
        name = (
            OTHER_NAMES.get(kind)
            or f"{WORDS[(quarter * 7 + int(commune.code[-3:])) % len(WORDS)]} {number + 1}"
        )
        pieces.append(Piece(commune.code, 100 * (quarter + 1) + number + 1, kind, name, territory))
    return pieces


def residents_of(pieces: Sequence[Piece], random: np.random.Generator) -> Floats:
    """Residents around 2022: whole numbers in undivided communes, few in zones of activity, none in
    the villages destroyed in 1916.
    """
    mean, spread = (
        np.array([RESIDENTS[piece.kind][number] for piece in pieces]) for number in (0, 1)
    )
    residents = mean * np.exp(random.normal(0, 1, len(pieces)) * spread - spread**2 / 2)
    undivided = np.array([piece.kind == UNDIVIDED for piece in pieces])
    residents[undivided] = np.minimum(residents[undivided], LARGEST_UNDIVIDED)
    merging = {
        code for changes in places.CHANGES.values() for pair in changes.items() for code in pair
    }
    small = undivided & np.array([piece.home in merging for piece in pieces])
    residents[small] = np.minimum(residents[small], LARGEST_MERGING)
    residents[[piece.home in places.UNINHABITED for piece in pieces]] = 0
    return np.where(undivided, np.rint(residents), residents)
