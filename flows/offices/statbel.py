"""Statbel: the office, its licence, a table of its releases, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from flows.offices.statbel_columns import (
    INCOME,
    INCOME_OF_MUNICIPALITIES,
    POPULATION,
    SECTORS,
    SECTORS_UNTIL_2021,
)
from flows.offices.statbel_listings import listed, sectors_named
from tasks.nouns import (
    Column,
    Confidence,
    Features,
    Licence,
    Publisher,
    Releases,
    Rows,
    Source,
    Table,
    Total,
)

STATBEL = Publisher(
    slug="statbel",
    name="Statbel (Directorate-general Statistics - Statistics Belgium)",
    url="https://statbel.fgov.be",
)
OPEN_DATA = Licence(
    slug="statbel-open-data",
    title="Statbel licence open data (22 October 2015)",
    url="https://statbel.fgov.be/en/open-data",
    attribution="Source: Statbel (Directorate-general Statistics - Statistics Belgium)",
)
FILES = "https://statbel.fgov.be/sites/default/files/files/opendata"
PAGES = "https://statbel.fgov.be/en/open-data"
BOUNDS = (21_000, 21_000, 296_000, 245_000)  # metres in Lambert 1972 (31370), beaches included

GEOJSON = "sh_statbel_statistical_sectors_31370_{}0101.geojson"
IN_LAMBERT_2008 = "sh_statbel_statistical_sectors_3812_{}0101.geojson"
SHAPEFILE = "sh_statbel_statistical_sectors_{}0101.shp"


@dataclass(frozen=True)
class Borders:
    """How many sectors and municipalities there are on 1 January, where that is known, and how
    their file is named, by the likeliest name first.

    confidence: in the file.
    """

    sectors: Rows | None
    municipalities: int | None
    files: tuple[str, ...] = (GEOJSON,)
    confidence: Confidence = "high"


@dataclass(frozen=True)
class Release:
    """What Statbel states of the 1 January of a year, and how it names the files.

    sector_incomes, municipal_incomes: the years of the incomes, which two files give.
    residents_files: 2025 is published on the old and on the new sectors; that of 2019 has a blank
    in its name, and is there as xlsx too. confidence: in the address of the residents.
    """

    borders: Borders
    residents: int | None
    sector_incomes: int
    municipal_incomes: int
    residents_files: tuple[str, ...] = ("OPENDATA_SECTOREN_{}",)
    confidence: Confidence = "high"


def _later(newest: Release, years: int) -> Release:
    """Give what is expected of a year after the newest: the same files, and incomes as old."""
    return Release(
        replace(EITHER_LAMBERT, sectors=None, municipalities=None),
        residents=None,
        sector_incomes=newest.sector_incomes + years,
        municipal_incomes=newest.municipal_incomes + years,
        residents_files=("OPENDATA_SECTOREN_{}", "OPENDATA_SECTOREN_{}_NEW"),
        confidence="medium",
    )


SINCE_2019 = Borders(Rows(low=19_790, high=19_800), 581)
UNTIL_2021 = replace(SINCE_2019, files=(SHAPEFILE,))
SINCE_2025 = Borders(Rows.exactly(20_781), 565)
EITHER_LAMBERT = replace(SINCE_2025, files=(GEOJSON, IN_LAMBERT_2008), confidence="medium")
DECLARED = {  # municipalities merged in 2019 and 2025
    2019: Release(UNTIL_2021, 11_431_406, 2017, 2017, ("OPEN%20DATA_SECTOREN_{}",), "medium"),
    2020: Release(UNTIL_2021, 11_492_641, 2018, 2018),
    2021: Release(UNTIL_2021, 11_521_238, 2019, 2019),
    2022: Release(SINCE_2019, 11_584_008, 2020, 2020),
    2023: Release(SINCE_2019, 11_697_557, 2021, 2021),
    2024: Release(SINCE_2019, 11_763_650, 2022, 2022),
    2025: Release(SINCE_2025, 11_825_551, 2023, 2023, ("OPENDATA_SECTOREN_{}_NEW",)),
}
RELEASES = Releases(DECLARED, later=_later)
NEWEST = max(RELEASES)
# What is known of the borders of years that are not declared.
SECTORS_WITHOUT_FIGURES = {
    # The residents may have sector codes of four characters, and no incomes of 589 municipalities.
    2018: Borders(Rows.exactly(19_782), 589, (SHAPEFILE,)),
    # Only Lambert 2008 is evidenced, and no residents were published by November 2026.
    2026: EITHER_LAMBERT,
}
INCOME_COVERAGE = 0.9  # least share of a municipality's inhabited sectors that incomes are of
INCOME_ROUNDING = 0.001  # by which incomes of sectors may exceed those of their municipality
MUNICIPALITIES_WITH_INCOME = 581  # in every year of the series, those of 2019 to 2024


def sectors(year: int) -> Source:
    """Give the borders of the sectors on 1 January, with the areas above; Shapefiles until 2021."""
    borders = SECTORS_WITHOUT_FIGURES.get(year) or RELEASES[year].borders
    names, is_old = [name.format(year) for name in borders.files], borders.files == (SHAPEFILE,)
    reads = borders_read(SECTORS_UNTIL_2021 if is_old else SECTORS, "sector_code")
    found = {"municipality_code": borders.municipalities} if borders.municipalities else {}
    return replace(
        packed("be-sectors", year, f"Statistical sectors {year}", reads),
        urls=tuple(f"{FILES}/Statistische%20sectoren/{name}.zip" for name in names),
        member="*.shp" if is_old else "*.geojson",
        listed=sectors_named(names),
        landing_page=f"{PAGES}/statistical-sectors-{year}",
        minimum_bytes=5_000_000,
        confidence=borders.confidence,
        rows=borders.sectors,
        distinct=found,
    )


def population(year: int) -> Source:
    """Give the residents of each sector on 1 January."""
    release = RELEASES[year]
    counted = release.residents
    total = Total(expected=counted, tolerance=0.001, stated_by="Statbel") if counted else None
    names = [name.format(year) for name in release.residents_files]
    title = f"Population by statistical sector, 1 January {year}"
    return replace(
        packed("be-population", year, title, piped(POPULATION)),
        urls=tuple(f"{FILES}/bevolking/sectoren/{name}.zip" for name in names),
        landing_page=f"{PAGES}/population-statistical-sector-{year}",
        released="yearly, autumn",
        confidence=release.confidence,
        totals={"population": total} if total else {},
    )


def income(year: int, earned: int = 0) -> Source:
    """Give incomes declared two years before; few people's are hidden by a star (before: a C).

    earned: another year of the series.
    """
    earned = earned or RELEASES[year].sector_incomes
    hidden = {"*": "suppressed", "C": "suppressed"}
    reads = replace(piped(INCOME), missing=hidden, where={"CD_YEAR": str(earned)})
    title = f"Fiscal income by statistical sector, incomes of {earned}"
    return replace(
        packed("be-income", year, title, reads),
        reference_date=date(earned, 12, 31),
        urls=(f"{FILES}/arbeid%20per%20sector/TF_PSNL_INC_TAX_SECTOR.zip",),
        landing_page=f"{PAGES}/fiscal-statistics-income-statistical-sector",
        released="yearly, autumn",
        confidence="medium",
        otherwise=income(year, earned - 1) if earned > RELEASES[NEWEST].sector_incomes else None,
    )


def municipal_income(year: int, earned: int = 0) -> Source:
    """Give all incomes of each municipality, declared two years before; none of them is hidden.

    The series of 2005 to 2023 is on the municipalities of 2019 to 2024 in all its years. earned:
    another year of it.
    """
    earned, newest = earned or RELEASES[year].municipal_incomes, RELEASES[NEWEST].municipal_incomes
    reads = piped(INCOME_OF_MUNICIPALITIES, "municipality_code")
    return replace(
        of_municipalities(year, f"incomes of {earned}", earned, reads),
        reads=replace(reads, where={"CD_YEAR": str(earned)}),
        codes_of=date(2024, 1, 1),
        urls=(f"{FILES}/arbeid/TF_PSNL_INC_TAX_MUNTY.zip",),
        released="yearly, autumn",
        confidence="medium",
        rows=Rows.exactly(MUNICIPALITIES_WITH_INCOME) if earned <= newest else None,
        otherwise=municipal_income(year, earned - 1) if earned > newest else None,
    )


def of_municipalities(vintage: int, years: str, newest: int, reads: Table) -> Source:
    """Give a release of the incomes by municipality, whose address is still to be said."""
    return replace(
        packed("be-municipal-income", vintage, f"Fiscal income by municipality, {years}", reads),
        reference_date=date(newest, 12, 31),
        landing_page="https://statbel.fgov.be/en/themes/households/taxable-income",
    )


def packed(slug: str, year: int, title: str, reads: Features | Table) -> Source:
    """Give a zip of Statbel's open data, whose address and page are still to be said."""
    return Source(
        slug=slug,
        vintage=year,
        title=title,
        reference_date=date(year, 1, 1),
        urls=(),
        container="zip",
        member="*.txt",
        landing_page=PAGES,
        publisher=STATBEL,
        licence=OPEN_DATA,
        reads=reads,
        released="yearly",
        confidence="high",
        **listed(slug, year),
    )


def borders_read(columns: Mapping[str, Column], key: str | None = None) -> Features:
    """Read borders in Lambert 1972, or in Lambert 2008 where the file's name says so."""
    return Features(
        columns=columns,
        key=key,
        crs=31370,
        published_crs=31370,
        bounds=BOUNDS,
        crs_of={"*_3812_*": 3812},
    )


def piped(columns: Mapping[str, Column], *key: str) -> Table:
    """Read Statbel's text format: bars between fields, no quotes, UTF-8 with a byte order mark."""
    key = key or ("sector_code",)
    return Table(columns=columns, key=key, delimiter="|", quote="", encoding="utf-8-sig")
