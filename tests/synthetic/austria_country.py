"""A made-up Austria: pieces of ground with shapes and residents, and the municipalities they make
up on 1 January of any year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from synthetic import austria_places as places
from synthetic import coverage
from synthetic.austria_places import Piece
from synthetic.coverage import Coverage, Floats, Geometries, Integers
from synthetic.defects import Defects, inject

EPSG = 31287
BOUNDS = (112_500.0, 282_500.0, 683_500.0, 569_500.0)
OUTLINE = shapely.Polygon(
    [[float(part) * 1000 for part in point.split(",")] for point in places.OUTLINE.split()]
)


@dataclass(frozen=True)
class Municipality:
    """A municipality of one vintage, or one of Vienna's districts: its code, its name and the
    numbers of its pieces.
    """

    code: str
    name: str
    pieces: tuple[int, ...]

    @property
    def district(self) -> str:
        """The code of its political district."""
        return self.code[:3]


@dataclass(frozen=True)
class Country:
    """All pieces in the order of their codes, their shapes with and without faults, their residents
    of 2021, and the seed.
    """

    pieces: tuple[Piece, ...]
    shapes: Geometries
    clean_shapes: Geometries
    residents: Floats
    seed: int

    def at(self, vintage: int) -> list[Municipality]:
        """The municipalities of 1 January of a year in the order of their codes, Vienna as its
        districts.
        """
        return _grouped(self.pieces, vintage)

    def home(self, municipalities: Sequence[Municipality]) -> Integers:
        """For each piece the position of its municipality."""
        home = np.zeros(len(self.pieces), dtype=np.int64)
        for position, municipality in enumerate(municipalities):
            home[list(municipality.pieces)] = position
        return home

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and the purpose only."""
        return np.random.default_rng([self.seed, *purpose])


def build(municipalities: int, defects: Defects, seed: int) -> Country:
    """A country with so many municipalities on 1 January 2025, Vienna counted as one."""
    random = np.random.default_rng([seed, 0])
    pieces = places.choose(municipalities)
    seats = np.array([piece.seat for piece in pieces])
    outside = coverage.grid_outside(OUTLINE, float(np.sqrt(OUTLINE.area / len(pieces))), random)
    clean = coverage.build(seats, outside, BOUNDS, random)
    shapes = inject(_among_lasting(clean, pieces), defects, random)
    return Country(tuple(pieces), shapes, clean.polygons, _residents(pieces, random), seed)


def dissolved(shapes: Geometries, pieces: Iterable[int]) -> shapely.MultiPolygon:
    """The pieces as one MultiPolygon, without the borders between them."""
    numbers = list(pieces)
    merged = (
        shapes[numbers[0]] if len(numbers) == 1 else shapely.coverage_union_all(shapes[numbers])
    )
    return shapely.MultiPolygon(list(shapely.get_parts(merged)))


def _grouped(pieces: Sequence[Piece], vintage: int) -> list[Municipality]:
    members: dict[str, list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        members[piece.code_at(vintage)].append(number)
    return [
        Municipality(code, places.municipality_name(code), tuple(numbers))
        for code, numbers in sorted(members.items())
    ]


def _among_lasting(clean: Coverage, pieces: Sequence[Piece]) -> Coverage:
    """The coverage without the edges of pieces that are dissolved in some vintage, so that every
    fault is there in all vintages.
    """
    lasting = np.ones(len(pieces) + 1, dtype=bool)
    lasting[-1] = False  # the neighbour -1 of an edge at the border of the country
    for year in (places.FIRST_VINTAGE, *places.CHANGES):
        for municipality in _grouped(pieces, year):
            if len(municipality.pieces) > 1 or municipality.code.startswith("9"):
                lasting[list(municipality.pieces)] = False
    kept = lasting[clean.owner] & lasting[clean.neighbour]
    return replace(
        clean,
        owner=clean.owner[kept],
        neighbour=clean.neighbour[kept],
        start=clean.start[kept],
        segments=clean.segments[kept],
    )


def _residents(pieces: Sequence[Piece], random: np.random.Generator) -> Floats:
    """Residents around 2021: most municipalities have less than two thousand, a district of Vienna
    has tens of thousands.
    """
    vienna = np.array([piece.code_2015.startswith("9") for piece in pieces])
    return np.where(
        vienna,
        np.exp(random.normal(11.2, 0.5, len(pieces))),
        40 + np.exp(random.normal(7.5, 0.9, len(pieces))),
    )
