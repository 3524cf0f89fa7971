"""Statbel: the office, its licence, a table of its releases, its files, and the columns kept of
them.

Each column has its name here, then the names it has had in the files, newest first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

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
    decimal,
    integer,
    ledger,
    text,
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

    residents_file: 2025 is published on the old and on the new sectors. confidence: in the address
    of the residents.
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
    2019: Release(NEARLY_19800, 581, 11_431_406, SHAPEFILE, confidence="low"),
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
    """Borders of the statistical sectors on 1 January, with the areas each belongs to; Shapefiles
    until 2021.
    """
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
    """Residents of each sector on 1 January."""
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
    """Incomes declared two years before; figures of few people are hidden by a star, or by a C in
    older releases.
    """
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
    """Borders of the sectors in the last year of the 589 municipalities of the income series."""
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
    """Incomes of each municipality of 2011 from 2005 to 2013, in the release of 2015."""
    title = "Fiscal income by municipality, 2005 to 2013, release of 2015"
    return replace(
        _zip(
            "be-municipal-income",
            2011,
            title,
            _piped(MUNICIPAL_INCOME, "municipality_code", "year"),
        ),
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
    """A zip of Statbel's open data, whose address and page are still to be said."""
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
    """Statbel's text format: bars between fields, nothing quoted, UTF-8 with a byte order mark."""
    return Table(
        columns=columns,
        key=key or ("sector_code",),
        delimiter="|",
        quote="",
        encoding="utf-8-sig",
    )


LANGUAGES = {"nl": "Dutch", "fr": "French", "de": "German"}


def _names(area: str, now: str, until_2021: str, german: str = "German") -> dict[str, Column]:
    """The names of an area in three languages, by the beginnings of their headings; German is not
    in every year.
    """
    return {
        f"{area}_name_{ending}": text(
            f"{now}_{ending}",
            f"{until_2021}_{ending.upper()}",
            optional=ending == "de",
            about=f"Name of the {area} in {german if ending == 'de' else language}",
            unit="name",
        )
        for ending, language in LANGUAGES.items()
    }


# GeoJSON and SQLite since 2022 · Shapefiles before, whose names are cut at ten characters and
# changed by year
SECTORS: dict[str, Column] = {
    "sector_code": text(
        *"cd_sector CS01012021 CS01012020 CS01012019 CS01012018".split(),
        about="Code of the statistical sector, nine characters, some ending in a hyphen",
    ),
    **_names("sector", "tx_sector_descr", "T_SEC", "German, mostly empty"),
    "municipality_code": text(
        *"cd_munty_refnis CNIS5_2021 CNIS5_2020 CNIS5_2019 CNIS5_2018".split(),
        about="NIS code of the municipality; not a prefix of the sector code",
    ),
    **_names("municipality", "tx_munty_descr", "T_MUN"),
    "arrondissement_code": text(
        *"cd_dstr_refnis CNIS_ARRD_ CNIS_ARRD C_ARRD".split(),
        about="NIS code of the administrative arrondissement",
    ),
    **_names("arrondissement", "tx_adm_dstr_descr", "T_ARRD"),
    "province_code": text(
        *"cd_prov_refnis CNIS_PROVI C_PROVI".split(),
        about="NIS code of the province; empty in Brussels, which has none",
    ),
    **_names("province", "tx_prov_descr", "T_PROVI"),
    "region_code": text(
        *"cd_rgn_refnis CNIS_REGIO C_REGIO".split(),
        about="NIS code of the region: 02000 Flanders, 03000 Wallonia, 04000 Brussels",
    ),
    **_names("region", "tx_rgn_descr", "T_REGIO"),
}

POPULATION: dict[str, Column] = {
    "sector_code": text("CD_SECTOR"),
    "municipality_code": text("CD_REFNIS"),
    "population": integer(
        *"TOTAL POPULATION MS_POPULATION".split(),
        about="Residents on 1 January; above the sector with those who cannot be located",
        unit="persons",
        rule="sum",
    ),
}


def _declarations(heading: str, about: str) -> Column:
    return integer(heading, about=about, unit="declarations", rule="sum")


def _euros(heading: str, about: str) -> Column:
    return decimal(heading, about=about, unit="EUR", rule="sum")


INCOME: dict[str, Column] = {
    # where a release has both codes, CD_SECTOR is cut to its last four characters
    "sector_code": text("CD_REFNIS_SECTOR", "CD_SECTOR"),
    "declarations": _declarations(
        "MS_NBR_NON_ZERO_INC", "Tax declarations with an income, two years before"
    ),
    "net_taxable_income": _euros(
        "MS_TOT_NET_TAXABLE_INC", "Total net taxable income declared, two years before"
    ),
    "median_income": decimal(
        "MS_MEDIAN_NET_TAXABLE_INC",
        about="Median net taxable income of the declarations; medians are never aggregated",
        unit="EUR/declaration",
    ),
}

# The release of 2015, on the 589 municipalities of 2011
OF_2011 = "NIS code of the municipality of 2011"
MUNICIPALITIES_2011: dict[str, Column] = {
    "municipality_code": text("CD_MUNTY_REFNIS", about=OF_2011)
}

MUNICIPAL_INCOME: dict[str, Column] = {
    "municipality_code": text("CD_MUNTY_REFNIS", about=OF_2011),
    "year": integer("CD_YEAR", about="Year of the incomes", unit="year", rule="key"),
    "municipality_name_nl": text(
        "TX_MUNTY_DESCR_NL", about="Name of the municipality in Dutch", unit="name"
    ),
    "municipality_name_fr": text(
        "TX_MUNTY_DESCR_FR", about="Name of the municipality in French", unit="name"
    ),
    "declarations": _declarations("MS_NBR_NON_ZERO_INC", "Declarations with an income"),
    "declarations_without_income": _declarations(
        "MS_NBR_ZERO_INC", "Declarations without an income"
    ),
    "net_taxable_income": _euros("MS_TOT_NET_TAXABLE_INC", "Total net taxable income"),
    "net_income": _euros("MS_TOT_NET_INC", "Total net income"),
    "real_estate_income": _euros("MS_REAL_ESTATE_NET_INC", "Net income from real estate"),
    "state_taxes": _euros("MS_TOT_STATE_TAXES", "Taxes of the State"),
    "municipal_taxes": _euros("MS_TOT_MUNICIP_TAXES", "Taxes of the municipality; truly 0 in some"),
    "taxes": _euros("MS_TOT_TAXES", "All taxes"),
    "residents": integer("MS_TOT_RESIDENTS", about="Residents", unit="persons", rule="sum"),
}
