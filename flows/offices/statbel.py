"""Statbel: the office, its licence, a table of its releases, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from flows.offices.statbel_columns import (
    INCOME,
    MUNICIPAL_INCOME,
    MUNICIPALITIES_2011,
    POPULATION,
    SECTORS,
)
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
    ledger,
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
BOUNDS = (21_000, 21_000, 296_000, 245_000)  # metres in EPSG:31370, beaches included

GEOJSON = "sh_statbel_statistical_sectors_31370_{}0101.geojson"
SHAPEFILE = "sh_statbel_statistical_sectors_{}0101.shp"


@dataclass(frozen=True)
class Release:
    """What Statbel states of the 1 January of a year, and how it names the files.

    residents_file: 2025 is published on the old and on the new sectors; that of 2019 has a blank in
    its name, and is there as xlsx too. confidence: in the address of the residents.
    """

    sectors: Rows
    municipalities: int
    residents: int
    borders: str = GEOJSON
    residents_file: str = "OPENDATA_SECTOREN_{}"
    confidence: Confidence = "high"


NEARLY_19800 = Rows(low=19_790, high=19_800)
RELEASES = {  # municipalities merged in 2019 and 2025
    2018: Release(Rows.exactly(19_782), 589, 11_376_070, SHAPEFILE, confidence="low"),
    2019: Release(NEARLY_19800, 581, 11_431_406, SHAPEFILE, "OPEN%20DATA_SECTOREN_{}", "medium"),
    2020: Release(NEARLY_19800, 581, 11_492_641, SHAPEFILE),
    2021: Release(NEARLY_19800, 581, 11_521_238, SHAPEFILE),
    2022: Release(NEARLY_19800, 581, 11_584_008),
    2023: Release(NEARLY_19800, 581, 11_697_557),
    2024: Release(NEARLY_19800, 581, 11_763_650),
    2025: Release(Rows.exactly(20_781), 565, 11_825_551, residents_file="OPENDATA_SECTOREN_{}_NEW"),
}
NEWEST = max(RELEASES)
MUNICIPALITIES_OF_2011 = 589

# Municipalities: mergers in Flanders and new codes in Hainaut in 2019 (paired by name in Statbel's
# own lists), mergers in 2025.
LEDGER = ledger("""
    2019-01-01: 12030 12034 > 12041
    2019-01-01: 44011 44049 > 44083
    2019-01-01: 44001 44029 > 44084
    2019-01-01: 44036 44072 44080 > 44085
    2019-01-01: 45017 45057 > 45068
    2019-01-01: 71047 72040 > 72042
    2019-01-01: 72025 72029 > 72043
    2019-01-01: 52043 > 55086
    2019-01-01: 52063 > 55085
    2019-01-01: 54007 > 57096
    2019-01-01: 54010 > 57097
    2019-01-01: 55010 > 51067
    2019-01-01: 55022 > 58001
    2019-01-01: 55023 > 51069
    2019-01-01: 55039 > 51068
    2019-01-01: 56011 > 58002
    2019-01-01: 56085 > 58003
    2019-01-01: 56087 > 58004
    2025-01-01: 11002 11007 > 11002
    2025-01-01: 23023 23024 23032 > 23106
    2025-01-01: 37012 37018 > 37021
    2025-01-01: 37007 37015 > 37022
    2025-01-01: 44012 44048 > 44086
    2025-01-01: 44034 44073 > 44087
    2025-01-01: 46014 44045 > 46029
    2025-01-01: 44040 44043 > 44088
    2025-01-01: 46003 46013 11056 > 46030
    2025-01-01: 73006 73032 > 73110
    2025-01-01: 73009 73083 > 73111
    2025-01-01: 71069 71057 > 71071
    2025-01-01: 71022 73040 > 71072
    2025-01-01: 82003 82005 > 82039
""")


def sectors(year: int) -> Source:
    """Give the borders of the sectors on 1 January, with the areas above; Shapefiles until 2021."""
    release = RELEASES[year]
    name = release.borders.format(year)
    return replace(
        _zip("be-sectors", year, f"Statistical sectors {year}", _features(SECTORS, "sector_code")),
        urls=(f"{FILES}/Statistische%20sectoren/{name}.zip",),
        member=f"*.{name.split('.')[-1]}",
        landing_page=f"{PAGES}/statistical-sectors-{year}",
        minimum_bytes=5_000_000,
        rows=release.sectors,
        distinct={"municipality_code": release.municipalities},
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
    reads = replace(
        _piped(INCOME),
        missing={"*": "suppressed", "C": "suppressed"},
        where={"CD_YEAR": str(year - 2)},
    )
    title = f"Fiscal income by statistical sector, incomes of {year - 2}"
    return replace(
        _zip("be-income", year, title, reads),
        reference_date=date(year - 2, 12, 31),
        urls=(f"{FILES}/arbeid%20per%20sector/TF_PSNL_INC_TAX_SECTOR.zip",),
        landing_page=f"{PAGES}/fiscal-statistics-income-statistical-sector",
        released="yearly, autumn",
        confidence="medium",
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


def municipal_income() -> Source:
    """Give incomes of each municipality of 2011 from 2005 to 2013, as released in 2015."""
    title = "Fiscal income by municipality, 2005 to 2013, release of 2015"
    reads = _piped(MUNICIPAL_INCOME, "municipality_code", "year")
    return replace(
        _zip("be-municipal-income", 2011, title, reads),
        reference_date=date(2013, 12, 31),
        codes_of=date(2011, 1, 1),
        urls=("https://statbel.fgov.be/nl/binaries/TF_PSNL_INC_TAX_MUNTY_tcm325-272513.zip",),
        landing_page="https://statbel.fgov.be/en/themes/households/taxable-income",
        released="once; no longer offered",
        confidence="low",
        rows=Rows.exactly(5_301),
        distinct={"municipality_code": MUNICIPALITIES_OF_2011, "year": 9},
        totals={
            "residents": Total(expected=11_150_516),
            "net_taxable_income": Total(expected=189_767_698_458.80),
        },
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
    )


def _features(columns: Mapping[str, Column], key: str | None = None) -> Features:
    return Features(columns=columns, key=key, crs=31370, published_crs=31370, bounds=BOUNDS)


def _piped(columns: Mapping[str, Column], *key: str) -> Table:
    """Read Statbel's text format: bars between fields, no quotes, UTF-8 with a byte order mark."""
    key = key or ("sector_code",)
    return Table(columns=columns, key=key, delimiter="|", quote="", encoding="utf-8-sig")
