"""Statistik Austria: borders in March, residents in May, employment in December; once a state's
residents are halved for six weeks, once a municipality is divided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from simulation.releases import LAST, Release, Workshop
from synthetic import austria_country as country
from synthetic import austria_figures as figures
from synthetic import austria_layers as layers
from synthetic import austria_lists as lists
from synthetic import austria_places as places
from synthetic import formats, france_formats
from synthetic.austria_country import Country, Municipality
from synthetic.defects import Defects

FIRST = 2024
PORTAL = "https://data.statistik.gv.at/data"
HOSTS = ("https://www.statistik.at", "https://www.statistik.gv.at")
LAYER = (
    "/gs-open/GEODATA/ows?service=WFS&version={}&request=GetFeature&{}=GEODATA:{}&outputFormat={}"
)
KINDS = {"GEM": layers.municipalities, "POLBEZ": layers.districts}
VIENNA = 0.21  # its share of all residents
BY_HAND = 2023  # the year of the lists that people fetch
WRONG, PUT_RIGHT = 2027, date(2027, 7, 8)  # whose residents of Tirol were halved until that day
HALVED = "7"  # the state
DIVIDED, INTO = 2028, {"62252": "62281", "62267": "62282"}  # what Fürstenfeld, 62280, is again


class Even(np.random.Generator):
    """Chances under which counts of slowly growing numbers grow as slowly."""

    def poisson(self, lam: Any = 1.0, size: Any = None) -> Any:
        """Round each number up or down, the same way each year."""
        return np.floor(lam + self.random(np.shape(lam))).astype(np.int64)


class Steady(Country):
    """A country whose chances are the same every year, and of which one municipality is divided."""

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and on the purpose, not on the year."""
        return Even(np.random.PCG64([self.seed, *purpose[:1]]))

    def at(self, vintage: int) -> list[Municipality]:
        """The municipalities of 1 January of a year."""
        found = super().at(vintage)
        if vintage < DIVIDED:
            return found
        parts = [part for each in found for part in self._parts(each)]
        return sorted(parts, key=lambda each: each.code)

    def _parts(self, whole: Municipality) -> list[Municipality]:
        if whole.code != "62280":
            return [whole]
        members: dict[str, list[int]] = defaultdict(list)
        for number in whole.pieces:
            members[self.pieces[number].code_2015].append(number)
        return [
            Municipality(INTO[code], places.municipality_name(code), tuple(numbers))
            for code, numbers in members.items()
        ]


class Austria:
    """An Austria of some municipalities, and what Statistik Austria publishes of it."""

    def __init__(self, works: Workshop, seed: int, municipalities: int) -> None:
        self.works, self.seed, self.size = works, seed, municipalities

    @cached_property
    def made(self) -> Steady:
        """The country, in which Vienna has its real share of the residents."""
        built = country.build(self.size, Defects(), self.seed)
        vienna = np.array([piece.code_2015.startswith("9") for piece in built.pieces])
        there, elsewhere = built.residents[vienna].sum(), built.residents[~vienna].sum()
        fewer = VIENNA / (1 - VIENNA) * elsewhere / there
        residents = np.where(vienna, built.residents * fewer, built.residents)
        return Steady(**{**vars(built), "residents": residents})

    def releases(self) -> Iterator[Release]:
        """All files until the end of the simulation."""
        for year in range(FIRST, LAST + 1):
            for kind in KINDS:
                yield from self._borders(kind, year)
            yield from self._residents(year, date(year, 5, 27))
            yield self._file(
                "employment", "OGDEXT_AEST_GEMTAB_1", date(year, 12, 5), year, self._employment
            )
        yield from self._residents(WRONG, PUT_RIGHT)

    def by_hand(self) -> dict[str, Callable[[], Path]]:
        """The lists that a person lays into the inbox, by their names there."""
        tables = {
            "postal-codes": (lists.POSTAL_CODES, lists.postal_codes),
            "typology": (lists.TYPOLOGY, lists.typology),
            "urbanisation": (lists.URBANISATION, lists.urbanisation),
        }
        return {
            f"at-{name}-{BY_HAND}.text": partial(self._list, name, *table)
            for name, table in tables.items()
        }

    def _list(self, name: str, columns: Sequence[str], rows: Any) -> Path:
        listed = [columns, *rows(self.made, BY_HAND)]
        return self.works.text(f"at-{name}", lambda: figures.text(listed, ","))

    def _borders(self, kind: str, year: int) -> Iterator[Release]:
        """A layer of the service: as the flows ask for it, and as the portal lists it."""
        name = f"STATISTIK_AUSTRIA_{kind}_{year}0101"
        asked = LAYER.format("2.0.0", "typeNames", name, "application/json&srsName=EPSG:31287")
        options = "SHAPE-ZIP&format_options=CHARSET:UTF-8"
        for question, make in (
            (asked, self._geojson),
            (LAYER.format("1.0.0", "typeName", name, options), self._shapefile),
        ):
            for host in HOSTS:
                yield Release(
                    day=date(year, 3, 9),
                    address=f"{host}{question}",
                    group=f"austria/{kind}",
                    vintage=year,
                    title=name,
                    make=partial(make, kind, year),
                )

    def _geojson(self, kind: str, year: int) -> Path:
        name, answered = f"STATISTIK_AUSTRIA_{kind}_{year}0101", f"{year}-03-09T08:00:00.000Z"
        return self.works.text(
            f"at-{name}",
            lambda: layers.geojson(name, KINDS[kind](self.made, year, False), answered),
        )

    def _shapefile(self, kind: str, year: int) -> Path:
        name, day = f"STATISTIK_AUSTRIA_{kind}_{year}0101", date(year, 3, 9)

        def write(folder: Path) -> None:
            areas = KINDS[kind](self.made, year, False)
            columns = {"g_id": [each.code for each in areas], "g_name": [a.name for a in areas]}
            shapes = np.array([each.shape for each in areas], dtype=object)
            (folder / "parts").mkdir()
            france_formats.shapefile(
                folder / "parts" / f"{name}.shp", columns, shapes, country.EPSG, day
            )
            members = [
                (part.name, [part.read_bytes()]) for part in sorted((folder / "parts").iterdir())
            ]
            formats.write_zip(folder / "file", members, day)

        return self.works.once(f"at-{name}.shp", write) / "file"

    def _residents(self, year: int, day: date) -> Iterator[Release]:
        """The residents of a year, with the lists of their codes."""
        dataset = f"OGD_bevstandjbab2002_BevStand_{year}"
        people = self._halved if year == WRONG and day < PUT_RIGHT else self._people
        yield self._file("population", dataset, day, year, people)
        if day == PUT_RIGHT:
            return
        for ending, make in {
            "HEADER": lambda _: figures.header(),
            "C-A10-0": lambda _: _codes([(f"A10-{year}", year, None, year, *[None] * 6)]),
            "C-C11-0": lambda _: _codes(figures.sexes()),
            "C-GALTEJ112-0": lambda _: _codes(figures.ages()),
            "C-GRGEMAKT-0": lambda _: _codes(figures.communes(self.made.at(year))),
        }.items():
            yield self._file("population", f"{dataset}_{ending}", day, year, make)

    def _people(self, year: int) -> bytes:
        return figures.population(self.made, year, year)[0]

    def _halved(self, year: int) -> bytes:
        """The residents with one state's halved."""
        there = np.array([piece.code_2015.startswith(HALVED) for piece in self.made.pieces])
        residents = self.made.residents * np.where(there, 0.5, 1.0)
        return figures.population(replace(self.made, residents=residents), year, year)[0]

    def _employment(self, year: int) -> bytes:
        """All years until two before, the newest as whole as the others."""
        table = figures.employment(self.made, year - 1, True)
        rows = [row for row in table if int(row[0]) < year - 1]
        return figures.text([figures.EMPLOYMENT, *rows])

    def _file(
        self, subject: str, name: str, day: date, year: int, make: Callable[[int], bytes]
    ) -> Release:
        made = partial(self.works.text, f"at-{name}-{day}", lambda: make(year))
        return Release(
            day=day,
            address=f"{PORTAL}/{name}.csv",
            group=f"austria/{subject}",
            vintage=year,
            title=name,
            make=made,
        )


def _codes(rows: Sequence[Sequence[Any]]) -> bytes:
    return figures.text([figures.CODE_LIST, *rows])
