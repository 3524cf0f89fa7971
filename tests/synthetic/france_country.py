"""A made-up France: pieces of ground with shapes and residents in six territories, and the IRIS
they are on 1 January of any year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from pyproj import Transformer
from synthetic import coverage
from synthetic import france_places as places
from synthetic.coverage import Coverage, Floats, Geometries, Integers
from synthetic.defects import Defects, inject
from synthetic.france_ground import MAINLAND, TERRITORIES, sites, surroundings
from synthetic.france_pieces import UNDIVIDED, Piece, grouped, pieces_of, residents_of, shares_of
from synthetic.france_places import Commune


@dataclass(frozen=True)
class Iris:
    """An IRIS of one vintage, with the positions of its pieces."""

    code: str
    commune: str
    commune_name: str
    kind: str
    name: str
    pieces: tuple[int, ...]


@dataclass(frozen=True)
class Country:
    """All pieces in the order of their codes, their shapes in metres with and without faults, their
    residents around 2022, and the seed.
    """

    communes: dict[str, Commune]
    pieces: tuple[Piece, ...]
    shapes: Geometries
    clean_shapes: Geometries
    residents: Floats
    seed: int

    def at(self, vintage: int) -> list[Iris]:
        """The IRIS of 1 January of a year in the order of their codes."""
        return [
            self._iris(code, numbers, vintage)
            for code, numbers in sorted(grouped(self.pieces, vintage).items())
        ]

    def home(self, irises: Sequence[Iris]) -> Integers:
        """For each piece the position of its IRIS."""
        home = np.zeros(len(self.pieces), dtype=np.int64)
        for position, iris in enumerate(irises):
            home[list(iris.pieces)] = position
        return home

    def territory(self, irises: Sequence[Iris]) -> Integers:
        """For each IRIS the position of its territory."""
        return np.array([self.pieces[iris.pieces[0]].territory for iris in irises])

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and the purpose only."""
        return np.random.default_rng([self.seed, *purpose])

    def _iris(self, code: str, numbers: list[int], vintage: int) -> Iris:
        first, commune = self.pieces[numbers[0]], code[:5]
        commune_name = places.name_at(commune, self.communes[commune].name, vintage)
        return Iris(
            code,
            commune,
            commune_name,
            first.kind,
            commune_name if first.kind == UNDIVIDED else first.name,
            tuple(numbers),
        )


def build(iris: int, defects: Defects, seed: int) -> Country:
    """A country with so many IRIS on 1 January 2025; the faults are in metropolitan France only."""
    random = np.random.default_rng([seed, 0])
    communes = places.choose(iris)
    shares = shares_of(communes, iris)
    pieces = [
        piece
        for commune, share in zip(communes, shares.tolist(), strict=True)
        for piece in pieces_of(commune, share, random)
    ]
    clean, faulty = _shapes(
        communes, shares, np.array([piece.territory for piece in pieces]), pieces, defects, random
    )
    return Country(
        {commune.code: commune for commune in communes},
        tuple(pieces),
        faulty,
        clean,
        residents_of(pieces, random),
        seed,
    )


def dissolved(shapes: Geometries, groups: Iterable[Sequence[int]]) -> Geometries:
    """For each group of shapes one shape, without the borders between them."""
    made = np.empty(len(groups := list(groups)), dtype=object)
    for position, numbers in enumerate(groups):
        made[position] = (
            shapes[numbers[0]]
            if len(numbers) == 1
            else shapely.coverage_union_all(shapes[list(numbers)])
        )
    return made


def degrees(shapes: Geometries, territory: Integers, digits: int = 9) -> Geometries:
    """Shapes of all territories in EPSG:4326, longitude first."""
    made = shapes.copy()
    for position, (_, epsg, _) in enumerate(TERRITORIES):
        there = territory == position
        made[there] = shapely.transform(shapes[there], _to_degrees(epsg, digits), interleaved=False)
    return made


def _to_degrees(epsg: int, digits: int) -> Callable[[Floats, Floats], Floats]:
    to = Transformer.from_crs(epsg, 4326, always_xy=True)
    return lambda x, y: np.round(to.transform(x, y), digits)


def _shapes(
    communes: Sequence[Commune],
    shares: Integers,
    territory: Integers,
    pieces: Sequence[Piece],
    defects: Defects,
    random: np.random.Generator,
) -> tuple[Geometries, Geometries]:
    clean, faulty = np.empty(len(pieces), dtype=object), np.empty(len(pieces), dtype=object)
    for position, (name, _, start) in enumerate(TERRITORIES):
        there = [
            number for number, commune in enumerate(communes) if commune.code.startswith(start)
        ]
        inside = sites(name, [communes[number] for number in there], shares[there], random)
        outside, bounds = surroundings(name, len(there), random)
        made, numbers = (
            coverage.build(inside, outside, bounds, random),
            np.flatnonzero(territory == position),
        )
        clean[numbers] = made.polygons
        faulty[numbers] = (
            inject(_among_lasting(made, [pieces[number] for number in numbers]), defects, random)
            if name == MAINLAND
            else made.polygons
        )
    return clean, faulty


def _among_lasting(clean: Coverage, pieces: Sequence[Piece]) -> Coverage:
    """The coverage without the edges of pieces that are dissolved in some vintage, so that every
    fault is there in all vintages.
    """
    lasting = np.ones(len(pieces) + 1, dtype=bool)
    lasting[-1] = False  # the neighbour -1 of an edge at the border of the country
    for numbers in grouped(pieces, places.LAST_CHANGE).values():
        if len(numbers) > 1:
            lasting[numbers] = False
    kept = lasting[clean.owner] & lasting[clean.neighbour]
    return replace(
        clean,
        owner=clean.owner[kept],
        neighbour=clean.neighbour[kept],
        start=clean.start[kept],
        segments=clean.segments[kept],
    )
