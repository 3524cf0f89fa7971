"""IGN, INSEE and La Poste: communes and their movements in March, IRIS in June, the census in
October under a new page number each year, postal codes twice a year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import geopandas
import numpy as np
from simulation.releases import LAST, Release, Workshop
from synthetic import france, france_country, france_formats, france_ground, sirene_ground
from synthetic import france_census as census
from synthetic import france_income as income
from synthetic import france_iris as contours
from synthetic import france_lists as lists
from synthetic import france_memberships as memberships
from synthetic.defects import Defects
from synthetic.formats import write_zip
from synthetic.france_country import Country

FIRST = 2024
IGN = "https://data.geopf.fr/telechargement/download/CONTOURS-IRIS"
INSEE = "https://www.insee.fr/fr/statistiques/fichier"
HEXASMAL = "data-fair/api/v1/datasets/laposte-hexasmal/raw"
POSTED_BY = ("https://data.laposte.fr", "https://datanova.laposte.fr")
MEMBERSHIPS = 7671844
MOVEMENTS = {  # page of each year; those after 2026 are made up
    **{2024: 7766585, 2025: 8377162, 2026: 8740222},
    **{2027: 9104511, 2028: 9480233, 2029: 9861907},
}
PAGES = {  # of population, housing and households of each census; those after 2022 are made up
    2021: (8268806, 8268838, 8268828),
    2022: (8647014, 8647012, 8647008),
    2023: (9233018, 9233022, 9233026),
    2024: (9590114, 9590118, 9590122),
    2025: (9947230, 9947234, 9947238),
}
COUNTED = {2021: date(2024, 10, 17), 2022: date(2025, 10, 21), 2023: date(2027, 10, 19)}
INCOME = 2021, 8229323  # year and page


class Steady(Country):
    """A country whose chances are the same every year, so that figures move by their trend only."""

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and on the purpose, not on the year."""
        return np.random.default_rng([self.seed, *purpose[:1]])


class France:
    """A France of some hundred IRIS, and what is published of it."""

    def __init__(self, works: Workshop, seed: int, iris: int) -> None:
        self.works, self.seed, self.size = works, seed, iris

    @cached_property
    def made(self) -> Steady:
        """The country."""
        return Steady(**vars(france_country.build(self.size, Defects(), self.seed)))

    @cached_property
    def ground(self) -> sirene_ground.Ground:
        """Where establishments are: in the IRIS of 2026, which stay as they are."""
        irises = self.made.at(2026)
        shapes = france_country.degrees(
            france_country.dissolved(self.made.clean_shapes, [each.pieces for each in irises]),
            self.made.territory(irises),
        )
        layer = geopandas.GeoDataFrame(contours.columns(irises), geometry=shapes, crs=4326)
        return sirene_ground.within(layer, np.random.default_rng([self.seed, 1]))

    def releases(self) -> Iterator[Release]:
        """All files until the end of the simulation."""
        for year in range(FIRST, LAST + 1):
            yield from self._iris(year)
            yield from self._of_communes(year)
            yield from self._postal_codes(year)
        for year in PAGES:
            yield from self._census(year)
        yield self._income(*INCOME)

    def _iris(self, year: int) -> Iterator[Release]:
        parts = (
            [name for name, _, _ in france_ground.TERRITORIES] if year < 2026 else ["WGS84G_FRA"]
        )
        folder = partial(
            self.works.once,
            f"fr-iris-{year}",
            lambda into: contours.deliver(self.made, year, "gpkg", into),
        )
        for part in parts:
            name = f"CONTOURS-IRIS_3-0__GPKG_{part}_{year}-01-01"
            yield Release(
                day=date(year, 6, 15),
                address=f"{IGN}/{name}/{name}.7z",
                group="ign",
                vintage=year,
                title=name,
                make=partial(_within, folder, f"{name}.7z"),
            )

    def _of_communes(self, year: int) -> Iterator[Release]:
        archive, moved = (
            f"table-appartenance-geo-communes-{year}.zip",
            f"v_mvt_commune_{year}.csv",
        )
        folder = partial(
            self.works.once,
            f"fr-memberships-{year}",
            lambda into: memberships.write(into / archive, self.made, year),
        )
        yield Release(
            day=date(year, 3, 15),
            address=f"{INSEE}/{MEMBERSHIPS}/{archive}",
            group=f"insee/{MEMBERSHIPS}",
            vintage=year,
            title=f"Communes and their areas {year}",
            make=partial(_within, folder, archive),
        )
        yield Release(
            day=date(year, 3, 1),
            address=f"{INSEE}/{MOVEMENTS[year]}/{moved}",
            group=f"insee/{MOVEMENTS[year]}",
            vintage=year,
            title=f"Movements of communes until {year}",
            make=partial(self.works.text, moved, partial(self._movements, year)),
        )

    def _movements(self, year: int) -> bytes:
        """What happened to communes; also to those whose codes are in SIRENE only."""
        gone = [
            ("32", "2016-01-01", "COM", code, "0", name, name, name, "COM", into, "0", "", "", "")
            for code, (name, into) in self.ground.former.items()
        ]
        return france_formats.csv_text((lists.MOVEMENTS, *lists.movements(year), *gone), ",")

    def _postal_codes(self, year: int) -> Iterator[Release]:
        def written() -> bytes:
            rows = (lists.POSTAL_CODES, *lists.postal_codes(self.made, year))
            return france_formats.csv_text(rows, encoding="latin-1")

        for host in POSTED_BY:
            for day in (date(year, 1, 12), date(year, 7, 6)):
                yield Release(
                    day=day,
                    address=f"{host}/{HEXASMAL}",
                    group="la poste",
                    vintage=year,
                    title="Base officielle des codes postaux",
                    make=partial(self.works.text, f"fr-postal-{year}", written),
                )

    def _census(self, year: int) -> Iterator[Release]:
        for page, (file, make) in zip(PAGES[year], france.CENSUS.values(), strict=True):
            yield Release(
                day=COUNTED.get(year, date(year + 4, 10, 17)),
                address=f"{INSEE}/{page}/{file}-{year}_csv.zip",
                group=f"insee/{page}",
                vintage=year,
                title=f"Recensement {year}: {file}",
                make=partial(self._counted, year, file, make),
            )

    def _counted(self, year: int, file: str, make: Callable[[Country, int], census.Table]) -> Path:
        archive = f"{file}-{year}_csv.zip"

        def write(into: Path) -> None:
            table = make(self.made, year)
            members: list[tuple[str, Iterable[bytes]]] = [
                (f"{file}-{year}.CSV", census.written(table)),
                (f"meta_{file}-{year}.CSV", [census.explained(table[0])]),
            ]
            write_zip(into / archive, members, date(year + 3, 10, 21))

        return self.works.once(f"fr-{archive}", write) / archive

    def _income(self, year: int, page: int) -> Release:
        archive, name = income.files(year)

        def write(into: Path) -> None:
            rows = income.table(self.made, year)
            members = [
                (name, [income.written(rows, year)]),
                (f"meta_{name}", [census.explained(income.header(year))]),
            ]
            write_zip(into / archive, members, date(year + 3, 2, 1))

        return Release(
            day=date(year + 3, 2, 1),
            address=f"{INSEE}/{page}/{archive}",
            group=f"insee/{page}",
            vintage=year,
            title=f"Disposable income {year}",
            make=partial(_within, partial(self.works.once, f"fr-{archive}", write), archive),
        )


def _within(folder: partial[Path], name: str) -> Path:
    return folder() / name
