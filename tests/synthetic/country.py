"""A made-up Belgium: its sectors with codes, names, shapes and residents, as they are on 1 January
of any year.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from synthetic import coverage, places
from synthetic.coverage import Coverage, Floats, Geometries, Integers
from synthetic.defects import Defects, inject

# a little inside the published bounds of EPSG:31370
BOUNDS = (22_100.0, 21_300.0, 294_900.0, 243_900.0)
OUTLINE = shapely.Polygon(
    [[float(part) * 1000 for part in point.split(",")] for point in places.OUTLINE.split()]
)
LETTERS = "ABCDEFGHJKLMNPQRSTUVW"  # former municipalities; I and O are not used
PER_LETTER = 100
# published areas are computed in Lambert 2008; ratio measured over Brussels
TO_LAMBERT_2008 = 16_241.96 / 16_242.22
UNINHABITED, RENUMBERED, NAMELESS = 0.03, 0.20, 0.007  # shares of the sectors
FIRST_ENDINGS = ("-", "0", "1", "2", "3", "4")
DUTCH = tuple(
    """
    CENTRUM STATION KERK MOLEN BOSRAND HEIDE PARK VELDEN KASTEEL ABDIJ DRIES KANAAL TUINWIJK
    MEERSEN VIJVERS STEENWEG
""".split()
)
FRENCH = tuple(
    """
    CENTRE GARE ÉGLISE MOULIN FORÊT BRUYÈRE PARC CAMPAGNE CHÂTEAU ABBAYE PLACE ÉCLUSE CITÉ PRÉS
    ÉTANGS CHAUSSÉE
""".split()
)
GERMAN = tuple(
    """
    ZENTRUM BAHNHOF KIRCHE MÜHLE WALD HEIDE PARK FELDER SCHLOSS KLOSTER PLATZ SCHLEUSE SIEDLUNG
    WIESEN WEIHER STRASSE
""".split()
)
SIDES = (
    ("", "", ""),
    ("-NOORD", "-NORD", "-NORD"),
    ("-OOST", "-EST", "-OST"),
    ("-ZUID", "-SUD", "-SÜD"),
    ("-WEST", "-OUEST", "-WEST"),
)


@dataclass(frozen=True)
class Sector:
    """A statistical sector: its codes until 2024 and from 2025, the municipality of 2011 it lies
    in, and residents around 2024.

    number: position of its shape. area: hectares in Lambert 2008. perimeter: metres. names: (Dutch,
    French, German), None as published.
    """

    number: int
    home: str
    code: str
    code_2025: str
    names: tuple[str | None, str | None, str | None]
    residents: int
    area: float
    perimeter: float
    beach: bool

    def code_at(self, vintage: int) -> str:
        """The sector's code on 1 January of a year."""
        return self.code_2025 if vintage >= 2025 else self.code

    def areas_at(self, vintage: int) -> places.Areas:
        """The municipality and the areas above it on 1 January of a year."""
        return places.areas(places.municipality_at(self.home, vintage))


@dataclass(frozen=True)
class Country:
    """All sectors in the order of their codes until 2024, their shapes by number, and the seed of
    everything random.
    """

    sectors: tuple[Sector, ...]
    shapes: Geometries
    clean_shapes: Geometries
    seed: int

    def at(self, vintage: int) -> list[Sector]:
        """The sectors that exist on 1 January of a year, in the order of their codes; beaches came
        in 2019.
        """
        there = [sector for sector in self.sectors if vintage >= 2019 or not sector.beach]
        return sorted(there, key=lambda sector: sector.code_at(vintage))

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and the purpose only."""
        return np.random.default_rng([self.seed, *purpose])


def build(municipalities: int, sectors: int, defects: Defects, seed: int) -> Country:
    """A country with so many municipalities and sectors in 2024."""
    random = np.random.default_rng([seed, 0])
    chosen = places.choose(municipalities)
    home = np.repeat(np.arange(len(chosen)), _shares(chosen, sectors))
    seats = np.array([place.seat for place in chosen])
    outside = coverage.grid_outside(OUTLINE, float(np.sqrt(OUTLINE.area / sectors)), random)
    clean = coverage.build(_scatter(home, seats, random), outside, BOUNDS, random)
    described = _describe(chosen, home, clean, random)
    return Country(tuple(described), inject(clean, defects, random), clean.polygons, seed)


def _shares(chosen: list[places.Place], sectors: int) -> Integers:
    """Sectors for each municipality in the real proportions, at least two each and no more than its
    codes allow, exactly so many in all.
    """
    if sectors < 2 * len(chosen):
        raise ValueError(
            f"{len(chosen)} municipalities of 2011 need at least {2 * len(chosen)} sectors;"
            f" {sectors} were asked for."
        )
    weights = np.array([place.sectors for place in chosen], dtype=float)
    ideal = weights / weights.sum() * (sectors - 2 * len(chosen))
    shares: Integers = np.floor(ideal).astype(np.int64)
    shares[
        np.argsort(shares - ideal, kind="stable")[: sectors - 2 * len(chosen) - shares.sum()]
    ] += 1
    shares += 2
    beyond = np.maximum(shares - PER_LETTER * len(LETTERS), 0)
    shares -= beyond
    room = PER_LETTER * len(LETTERS) - shares
    if beyond.sum() > room.sum():
        most = len(chosen) * PER_LETTER * len(LETTERS)
        raise ValueError(
            f"{len(chosen)} municipalities have codes for at most {most:,} sectors, and {sectors:,}"
            " were asked for: ask for more municipalities."
        )
    if beyond.any():
        shares += beyond.sum() * room // room.sum()
        shares[np.flatnonzero(room)[: sectors - shares.sum()]] += 1
    return shares


def _scatter(home: Integers, seats: Floats, random: np.random.Generator) -> Floats:
    """A site for each sector inside the country, nearer to its own seat than to any other, denser
    near the seat.
    """
    sites = np.full((len(home), 2), np.nan)
    apart = np.sort(np.hypot(*(seats[:, None] - seats[None]).transpose(2, 0, 1)), axis=1)
    reach = apart[:, 1 : min(4, len(seats))].mean(axis=1) * 0.5
    for _ in range(400):
        missing = np.flatnonzero(np.isnan(sites[:, 0]))
        if not len(missing):
            return sites
        place = home[missing]
        tries = seats[place] + random.standard_normal((len(missing), 2)) * reach[place, None]
        nearest = np.hypot(*(tries[:, None] - seats[None]).transpose(2, 0, 1)).argmin(axis=1)
        good = (nearest == place) & shapely.contains_xy(OUTLINE, tries)
        sites[missing[good]] = tries[good]
    raise RuntimeError(
        "Some sectors found no room near their municipality's seat: ask for fewer sectors or"
        " municipalities."
    )


def _describe(
    chosen: list[places.Place], home: Integers, clean: Coverage, random: np.random.Generator
) -> list[Sector]:
    codes = _codes(chosen, home, clean.sites, random)
    beaches = _beaches(chosen, home, clean)
    areas = shapely.area(clean.polygons) / 10_000 * TO_LAMBERT_2008
    perimeters = np.rint(shapely.length(clean.polygons))
    renumbered, empty = (
        random.random(len(home)) < RENUMBERED,
        random.random(len(home)) < UNINHABITED,
    )
    residents = np.rint(np.exp(random.normal(6.15, 0.75, len(home)))) + 5
    words, nameless = (
        random.integers(len(DUTCH), size=len(home)),
        random.random(len(home)) < NAMELESS,
    )
    described = []
    for number, place in enumerate(chosen[index] for index in home):
        beach = number in beaches
        code = f"{place.code}X0JQ" if beach else codes[number]
        names = (
            (None, None, None)
            if nameless[number]
            else _names(place.code, "STRAND" if beach else None, int(words[number]), number)
        )
        dense = 2.4 if place.code.startswith("21") else 1.0
        described.append(
            Sector(
                number=number,
                home=place.code,
                code=code,
                code_2025=code if beach or not renumbered[number] else f"{code[:8]}K",
                names=names,
                residents=0 if beach or empty[number] else int(residents[number] * dense),
                area=round(float(areas[number]), 6),
                perimeter=float(perimeters[number]),
                beach=beach,
            )
        )
    return sorted(described, key=lambda sector: sector.code)


def _codes(
    chosen: list[places.Place], home: Integers, sites: Floats, random: np.random.Generator
) -> dict[int, str]:
    """Nine characters: municipality of 2011, letter of the former municipality, two characters, and
    often a dash.
    """
    codes = {}
    for index, place in enumerate(chosen):
        members = np.flatnonzero(home == index)
        away = sites[members] - np.array(place.seat)
        around = members[np.argsort(np.arctan2(away[:, 1], away[:, 0]), kind="stable")]
        for letter, part in zip(
            LETTERS, np.array_split(around, min(len(LETTERS), 1 + len(members) // 20)), strict=False
        ):
            for position, number in enumerate(part.tolist()):
                middle, ending = (
                    f"{position:02d}",
                    random.choice(FIRST_ENDINGS, p=(0.5, *[0.1] * 5)),
                )
                if (
                    random.random() < 0.04
                ):  # scattered dwellings and industry have letters: 11002M0PA
                    middle, ending = f"{position // 10}{'PQRSTMNAGH'[position % 10]}", "A"
                codes[number] = f"{place.code}{letter}{middle}{ending}"
    return codes


def _beaches(chosen: list[places.Place], home: Integers, clean: Coverage) -> set[int]:
    """One sector at the border of the country for each municipality of the coast, the one furthest
    out to sea.
    """
    at_border = set(clean.owner[clean.neighbour < 0].tolist())
    seaward = clean.sites @ np.array((-0.5, 0.87))
    candidates: dict[str, list[int]] = defaultdict(list)
    for number in at_border:
        candidates[chosen[home[number]].code].append(number)
    return {
        max(numbers, key=lambda number: float(seaward[number]))
        for code, numbers in candidates.items()
        if code in places.COAST
    }


def _names(code: str, fixed: str | None, word: int, number: int) -> tuple[Any, Any, Any]:
    """Names as published: both languages in Brussels, elsewhere the language of the place in both
    columns, German mostly null.
    """
    side = SIDES[number % len(SIDES)]
    dutch, french, german = (
        fixed or words[word] + side[index] for index, words in enumerate((DUTCH, FRENCH, GERMAN))
    )
    if code in places.GERMAN:
        return german, german, german
    region = places.areas(code).region
    if region == places.BRUSSELS:
        return dutch, french, french
    return (dutch, dutch, None) if region == "02000" else (french, french, None)
