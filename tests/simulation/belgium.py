"""Statbel: sectors in May, incomes and residents in October; once another address, once another
heading, once a merger that no ledger knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from simulation.releases import LAST, Release, Workshop
from synthetic import attributes, belgium, country, figures, formats
from synthetic.country import Country
from synthetic.defects import Defects

FIRST = 2024
FILES = "https://statbel.fgov.be/sites/default/files/files/opendata"
OF_2015 = "https://statbel.fgov.be/nl/binaries/TF_PSNL_INC_TAX_MUNTY_tcm325-272513.zip"
MOVED = 2027  # since this year residents are in another folder, under a name that ends in _0
RENAMED, PUT_RIGHT = 2028, date(2028, 12, 5)  # whose heading TOTAL had another name until that day
HEADING = "MS_TOTAL_POP"
SYSTEMS = (31370, 3812)
POPULATED = {2025: date(2025, 10, 21), 2026: date(2026, 12, 7), 2027: date(2027, 10, 25)}
Member = tuple[str, Iterable[bytes]]
RowsOf = Callable[[Country, int], Iterable[tuple[Any, ...]]]


class Steady(Country):
    """A country whose chances are the same every year, so that figures move by their trend only."""

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and on the purpose, not on the year."""
        return np.random.default_rng([self.seed, *purpose[:1]])


class Belgium:
    """A Belgium of some municipalities and sectors, and what Statbel publishes of it."""

    def __init__(self, works: Workshop, seed: int, municipalities: int, sectors: int) -> None:
        self.works, self.seed, self.size = works, seed, (municipalities, sectors)

    @cached_property
    def made(self) -> Steady:
        """The country."""
        return Steady(**vars(country.build(*self.size, Defects(), self.seed)))

    def releases(self) -> Iterator[Release]:
        """All files until the end of the simulation."""
        yield from self._of_2011()
        for year in range(FIRST, LAST + 1):
            yield from self._sectors(year)
            yield from self._population(year)
            yield from self._incomes(year)

    def _sectors(self, year: int) -> Iterator[Release]:
        for system in SYSTEMS:
            name = f"sh_statbel_statistical_sectors_{system}_{year}0101"
            yield Release(
                day=date(year, 5, 12),
                address=f"{FILES}/Statistische%20sectoren/{name}.geojson.zip",
                group="statbel/sectors",
                vintage=year,
                title=f"Statistical sectors {year}",
                make=partial(self._zipped, name, partial(self._geojson, name, year, system), year),
            )

    def _population(self, year: int) -> Iterator[Release]:
        name = f"OPENDATA_SECTOREN_{year}" + {2025: "_NEW"}.get(year, "_0" if year >= MOVED else "")
        folder = "statistische%20sectoren" if year >= MOVED else "sectoren"
        release = Release(
            day=POPULATED.get(year, date(year, 10, 24)),
            address=f"{FILES}/bevolking/{folder}/{name}.zip",
            group="statbel/population",
            vintage=year,
            title=f"Population by statistical sector {year}",
            make=partial(self._residents, name, year, HEADING if year == RENAMED else "TOTAL"),
        )
        yield release
        if year == RENAMED:
            again = partial(self._residents, name, year, "TOTAL")
            yield replace(release, day=PUT_RIGHT, make=again)

    def _incomes(self, year: int) -> Iterator[Release]:
        """The two files of one address each, with all years up to two before."""
        for folder, name, columns, rows in (
            (
                *("arbeid%20per%20sector", "TF_PSNL_INC_TAX_SECTOR"),
                *(figures.SECTOR_INCOME, figures.sector_income),
            ),
            (
                *("arbeid", "TF_PSNL_INC_TAX_MUNTY"),
                *(figures.MUNICIPAL_INCOME, figures.income_of_municipalities),
            ),
        ):
            listed = partial(self._series, columns, rows, year - 2)
            yield Release(
                day=date(year, 10, 15),
                address=f"{FILES}/{folder}/{name}.zip",
                group=f"statbel/{name.lower()}",
                vintage=year,
                title=f"Fiscal incomes until {year - 2}",
                make=partial(self._zipped, name, listed, year),
            )

    def _of_2011(self) -> Iterator[Release]:
        sectors, incomes = (
            partial(self.works.once, "be-sectors-2011", self._sectors_2011),
            partial(self.works.once, "be-municipal-2011", self._incomes_2011),
        )
        yield Release(
            day=date(2012, 1, 1),
            address=f"{FILES}/Statistische%20sectoren/sh_statbel_spatialite.zip",
            group="statbel/sectors",
            vintage=2011,
            title="Statistical sectors 2011",
            make=lambda: sectors() / "sh_statbel_spatialite.zip",
        )
        yield Release(
            day=date(2015, 11, 13),
            address=OF_2015,
            group="statbel/incomes of 2015",
            vintage=2011,
            title="Fiscal incomes 2005 to 2013",
            make=lambda: incomes() / "TF_PSNL_INC_TAX_MUNTY.zip",
        )

    def _sectors_2011(self, folder: Path) -> None:
        belgium.write_sectors_2011(folder, self.made)

    def _incomes_2011(self, folder: Path) -> None:
        belgium.write_municipal_income(folder, self.made)

    def _residents(self, name: str, year: int, heading: str) -> Path:
        columns = [heading if column == "TOTAL" else column for column in figures.POPULATION]

        def members() -> Iterator[Member]:
            content = formats.delimited(columns, figures.population(self.made, year))
            yield f"{name}.txt", [content]

        return self._zipped(name, members, year, heading)

    def _series(self, columns: tuple[str, ...], rows: RowsOf, last: int) -> Iterator[Member]:
        every = [row for year in range(2019, last + 1) for row in rows(self.made, year)]
        name = "SECTOR" if columns is figures.SECTOR_INCOME else "MUNTY"
        yield f"TF_PSNL_INC_TAX_{name}.txt", [formats.delimited(columns, every)]

    def _geojson(self, name: str, year: int, system: int) -> Iterator[Member]:
        rows = attributes.published(self.made, year)
        texts, numbers = self._texts(system), [sector.number for sector in self.made.at(year)]
        lines = formats.geojson(name, rows, (texts[number] for number in numbers), system)
        yield f"{name}.geojson/{name}.geojson", lines

    def _texts(self, system: int) -> list[str]:
        """The shapes as GeoJSON has them."""
        shapes = self.made.shapes
        if system != SYSTEMS[0]:
            to = Transformer.from_crs(SYSTEMS[0], system, always_xy=True)
            shapes = shapely.transform(
                shapes, lambda points: np.round(np.column_stack(to.transform(*points.T)), 3)
            )
        return list(shapely.to_geojson(shapely.multipolygons(shapes[:, None])))

    def _zipped(
        self, name: str, members: Callable[[], Iterable[Member]], year: int, variant: str = ""
    ) -> Path:
        def write(folder: Path) -> None:
            formats.write_zip(folder / f"{name}.zip", members(), date(year, 10, 1))

        return self.works.once(f"be-{name}-{year}{variant}", write) / f"{name}.zip"
