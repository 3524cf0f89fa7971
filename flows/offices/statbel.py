"""Statbel: the office, its licence, a table of its releases, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from flows.offices.statbel_columns import (
    INCOME,
    INCOME_OF_MUNICIPALITIES,
    MUNICIPAL_INCOME,
    MUNICIPALITIES_2011,
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
BOUNDS_IN = {  # metres, beaches included; Lambert 2008 (3812) lies 500 km further on both axes
    31370: (21_000, 21_000, 296_000, 245_000),
    3812: (521_000, 521_000, 796_000, 745_000),
}

GEOJSON = "sh_statbel_statistical_sectors_31370_{}0101.geojson"
IN_LAMBERT_2008 = "sh_statbel_statistical_sectors_3812_{}0101.geojson"
SHAPEFILE = "sh_statbel_statistical_sectors_{}0101.shp"


@dataclass(frozen=True)
class Borders:
    """How many sectors and municipalities there are on 1 January, and how their file is named.

    crs: EPSG code of the coordinates; since 2022 the file's name says it. confidence: in the file.
    """

    sectors: Rows
    municipalities: int
    file: str = GEOJSON
    crs: int = 31370
    confidence: Confidence = "high"


@dataclass(frozen=True)
class Release:
    """What Statbel states of the 1 January of a year, and how it names the files.

    sector_incomes, municipal_incomes: the years of the incomes, which two files give.
    residents_file: 2025 is published on the old and on the new sectors; that of 2019 has a blank in
    its name, and is there as xlsx too. confidence: in the address of the residents.
    """

    borders: Borders
    residents: int
    sector_incomes: int
    municipal_incomes: int
    residents_file: str = "OPENDATA_SECTOREN_{}"
    confidence: Confidence = "high"


SINCE_2019 = Borders(Rows(low=19_790, high=19_800), 581)
UNTIL_2021 = replace(SINCE_2019, file=SHAPEFILE)
SINCE_2025 = Borders(Rows.exactly(20_781), 565)
RELEASES = {  # municipalities merged in 2019 and 2025
    2019: Release(UNTIL_2021, 11_431_406, 2017, 2017, "OPEN%20DATA_SECTOREN_{}", "medium"),
    2020: Release(UNTIL_2021, 11_492_641, 2018, 2018),
    2021: Release(UNTIL_2021, 11_521_238, 2019, 2019),
    2022: Release(SINCE_2019, 11_584_008, 2020, 2020),
    2023: Release(SINCE_2019, 11_697_557, 2021, 2021),
    2024: Release(SINCE_2019, 11_763_650, 2022, 2022),
    2025: Release(SINCE_2025, 11_825_551, 2023, 2023, "OPENDATA_SECTOREN_{}_NEW"),
}
NEWEST = max(RELEASES)
# Their borders can be asked for by `sectors`; no flow offers these years.
SECTORS_WITHOUT_FIGURES = {
    # The residents may have sector codes of four characters, and no incomes of 589 municipalities.
    2018: Borders(Rows.exactly(19_782), 589, SHAPEFILE),
    # Only Lambert 2008 is evidenced, and no residents were published by November 2026.
    2026: replace(SINCE_2025, file=IN_LAMBERT_2008, crs=3812, confidence="medium"),
}
INCOME_COVERAGE = 0.9  # least share of a municipality's inhabited sectors that incomes are of
INCOME_ROUNDING = 0.001  # by which incomes of sectors may exceed those of their municipality
MUNICIPALITIES_WITH_INCOME = 581  # in every year of the series, those of 2019 to 2024
MUNICIPALITIES_OF_2011 = 589


def sectors(year: int) -> Source:
    """Give the borders of the sectors on 1 January, with the areas above; Shapefiles until 2021."""
    borders = RELEASES[year].borders if year in RELEASES else SECTORS_WITHOUT_FIGURES[year]
    name = borders.file.format(year)
    columns = SECTORS_UNTIL_2021 if borders.file == SHAPEFILE else SECTORS
    reads = replace(
        _features(columns, "sector_code"), crs=borders.crs, bounds=BOUNDS_IN[borders.crs]
    )
    return replace(
        _zip("be-sectors", year, f"Statistical sectors {year}", reads),
        urls=(f"{FILES}/Statistische%20sectoren/{name}.zip",),
        member=f"*.{name.split('.')[-1]}",
        listed=sectors_named(name),
        landing_page=f"{PAGES}/statistical-sectors-{year}",
        minimum_bytes=5_000_000,
        confidence=borders.confidence,
        rows=borders.sectors,
        distinct={"municipality_code": borders.municipalities},
    )


def population(year: int) -> Source:
    """Give the residents of each sector on 1 January."""
    release = RELEASES[year]
    total = Total(expected=release.residents, tolerance=0.001, stated_by="Statbel")
    title = f"Population by statistical sector, 1 January {year}"
    return replace(
        _zip("be-population", year, title, _piped(POPULATION)),
        urls=(f"{FILES}/bevolking/sectoren/{release.residents_file.format(year)}.zip",),
        landing_page=f"{PAGES}/population-statistical-sector-{year}",
        released="yearly, autumn",
        confidence=release.confidence,
        totals={"population": total},
    )


def income(year: int) -> Source:
    """Give incomes declared two years before; few people's are hidden by a star (before: a C)."""
    earned = RELEASES[year].sector_incomes
    hidden = {"*": "suppressed", "C": "suppressed"}
    reads = replace(_piped(INCOME), missing=hidden, where={"CD_YEAR": str(earned)})
    title = f"Fiscal income by statistical sector, incomes of {earned}"
    return replace(
        _zip("be-income", year, title, reads),
        reference_date=date(earned, 12, 31),
        urls=(f"{FILES}/arbeid%20per%20sector/TF_PSNL_INC_TAX_SECTOR.zip",),
        landing_page=f"{PAGES}/fiscal-statistics-income-statistical-sector",
        released="yearly, autumn",
        confidence="medium",
    )


def municipal_income(year: int) -> Source:
    """Give all incomes of each municipality, declared two years before; none of them is hidden.

    The series of 2005 to 2023 is on the municipalities of 2019 to 2024 in all its years.
    """
    earned = RELEASES[year].municipal_incomes
    reads = _piped(INCOME_OF_MUNICIPALITIES, "municipality_code")
    return replace(
        _of_municipalities(year, f"incomes of {earned}", earned, reads),
        reads=replace(reads, where={"CD_YEAR": str(earned)}),
        codes_of=date(2024, 1, 1),
        urls=(f"{FILES}/arbeid/TF_PSNL_INC_TAX_MUNTY.zip",),
        released="yearly, autumn",
        confidence="medium",
        rows=Rows.exactly(MUNICIPALITIES_WITH_INCOME),
    )


def sectors_of_2011() -> Source:
    """Give the borders of the sectors in the last year of the income series' 589 municipalities."""
    reads = replace(_features(MUNICIPALITIES_2011), crs_missing=True)
    return replace(
        _zip("be-sectors", 2011, "Statistical sectors 2011", reads),
        urls=(f"{FILES}/Statistische%20sectoren/sh_statbel_spatialite.zip",),
        member="*.sqlite",
        landing_page=f"{PAGES}/statistical-sectors-2011",
        released="once",
        confidence="medium",
        distinct={"municipality_code": MUNICIPALITIES_OF_2011},
    )


def municipal_income_of_2011() -> Source:
    """Give incomes of each municipality of 2011 from 2005 to 2013, as released in 2015."""
    reads = _piped(MUNICIPAL_INCOME, "municipality_code", "year")
    return replace(
        _of_municipalities(2011, "2005 to 2013, release of 2015", 2013, reads),
        codes_of=date(2011, 1, 1),
        urls=("https://statbel.fgov.be/nl/binaries/TF_PSNL_INC_TAX_MUNTY_tcm325-272513.zip",),
        released="once; no longer offered",
        confidence="low",
        rows=Rows.exactly(5_301),
        distinct={"municipality_code": MUNICIPALITIES_OF_2011, "year": 9},
        totals={
            "residents": Total(expected=11_150_516),
            "net_taxable_income": Total(expected=189_767_698_458.80),
        },
    )


def _of_municipalities(vintage: int, years: str, newest: int, reads: Table) -> Source:
    """Give a release of the incomes by municipality, whose address is still to be said."""
    return replace(
        _zip("be-municipal-income", vintage, f"Fiscal income by municipality, {years}", reads),
        reference_date=date(newest, 12, 31),
        landing_page="https://statbel.fgov.be/en/themes/households/taxable-income",
    )


def _zip(slug: str, year: int, title: str, reads: Features | Table) -> Source:
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


def _features(columns: Mapping[str, Column], key: str | None = None) -> Features:
    return Features(
        columns=columns, key=key, crs=31370, published_crs=31370, bounds=BOUNDS_IN[31370]
    )


def _piped(columns: Mapping[str, Column], *key: str) -> Table:
    """Read Statbel's text format: bars between fields, no quotes, UTF-8 with a byte order mark."""
    key = key or ("sector_code",)
    return Table(columns=columns, key=key, delimiter="|", quote="", encoding="utf-8-sig")
