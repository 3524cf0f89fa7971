"""U.S. Census Bureau: the office, its terms, its states, a table of its releases, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from flows.offices.census_bureau_columns import (
    BLOCK_GROUP,
    COUNTY,
    INCOME,
    INCOME_MISSING,
    MISSING,
    STATE,
    TRACT,
    VARIABLES,
    estimates_of,
)
from flows.offices.census_bureau_listings import FILES, listed
from tasks.nouns import (
    Column,
    Features,
    Licence,
    Publisher,
    Reading,
    Releases,
    Rows,
    Source,
    Table,
    Total,
    ledger,
    text,
)

CENSUS_BUREAU = Publisher(
    slug="us-census-bureau", name="U.S. Census Bureau", url="https://www.census.gov"
)
PUBLIC_DOMAIN = Licence(
    slug="us-public-domain",
    title="U.S. government work, public domain",
    url="https://www.census.gov/about/policies/citation.html",
    attribution="Source: U.S. Census Bureau",
)
# Degrees in EPSG:4269; Alaska lies on both sides of the antimeridian.
BOUNDS = (-180.0, -15.0, 180.0, 72.0)

# 50 states, the District of Columbia, Puerto Rico (72), and the island areas 60, 66, 69, 78, where
# no American Community Survey is taken.
STATES = (
    "01 02 04 05 06 08 09 10 11 12 13 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34"
    " 35 36 37 38 39 40 41 42 44 45 46 47 48 49 50 51 53 54 55 56 60 66 69 72 78"
).split()
# Tracts that are all water are in the tables and not in the boundary files.
WATER_TRACTS = "1_00000US_____9900%"
STATE_COUNT = Rows.exactly(56)


@dataclass(frozen=True)
class Release:
    """What the Bureau states of a year, and what it publishes of it.

    counties: of the boundary files. estimates: counties in the yearly estimates, and residents:
    their number, where it is known. survey, income: whether the five years of the survey that end
    with the year, and table S1901 of them, are published by us.
    """

    counties: Rows | None
    estimates: Rows | None = None
    residents: int | None = None
    survey: bool = False
    income: bool = False


DECLARED = {  # the residents are each from the vintage of its own year
    2018: Release(Rows.exactly(3_233)),
    2019: Release(Rows.exactly(3_233), Rows.exactly(3_142), 328_239_523),
    2020: Release(Rows.exactly(3_234)),
    2021: Release(Rows.exactly(3_234), Rows.exactly(3_143), survey=True),
    2022: Release(Rows.exactly(3_235), Rows.exactly(3_144), survey=True, income=True),
    2023: Release(Rows.exactly(3_235), Rows.exactly(3_144), 334_914_895, survey=True, income=True),
    2024: Release(Rows.exactly(3_235), Rows.exactly(3_144), 340_110_988, survey=True, income=True),
    2025: Release(Rows.exactly(3_235), Rows.exactly(3_144), 341_784_857),
}
RELEASES = Releases(DECLARED, later=lambda newest, years: Release(None))
SURVEYED = [year for year, release in RELEASES.items() if release.survey]
ESTIMATED = [year for year, release in RELEASES.items() if release.estimates]
WITH_INCOME = [year for year, release in RELEASES.items() if release.income]

# Counties and what is equivalent to them. Connecticut's planning regions are no sums of its
# counties.
COUNTIES = ledger("""
    2013-07-01: 51019 51515 > 51019
    2015-01-01: 02270 > 02158
    2015-01-01: 46113 > 46102
    2020-01-01: 02261 > 02063 02066
    2022-01-01: 09001 09003 09005 09007 09009 09011 09013 09015 > \
09110 09120 09130 09140 09150 09160 09170 09180 09190
""")


def states(year: int) -> Source:
    """Give the states and what is equivalent to them."""
    return replace(
        _boundaries("us-states", year, f"States {year}", "us_state", STATE), rows=STATE_COUNT
    )


def counties(year: int) -> Source:
    """Give counties and their equivalents, with Puerto Rico's municipios and the island areas."""
    return replace(
        _boundaries("us-counties", year, f"Counties {year}", "us_county", COUNTY),
        rows=RELEASES[year].counties,
    )


def tracts(year: int) -> dict[str, Source]:
    """Give the census tracts, a file for each state."""
    return _by_state(year, "us-tracts", "Tracts", "tract", TRACT)


def block_groups(year: int) -> dict[str, Source]:
    """Give the groups of blocks, a file for each state."""
    return _by_state(year, "us-block-groups", "Block groups", "bg", BLOCK_GROUP)


def _by_state(
    year: int, slug: str, title: str, file: str, columns: Mapping[str, Column]
) -> dict[str, Source]:
    titles = {state: f"{title} of state {state}, {year}" for state in STATES}
    return {
        state: _boundaries(f"{slug}-{state}", year, titles[state], f"{state}_{file}", columns)
        for state in STATES
    }


def _boundaries(
    slug: str, year: int, title: str, file: str, columns: Mapping[str, Column]
) -> Source:
    """Give a boundary file: at 1:500,000, clipped to the coast, without tracts of water only."""
    reads = Features(
        columns=columns,
        key="geoid",
        crs=4269,
        published_crs=4269,
        bounds=BOUNDS,
        about="generalised to 1:500,000",
    )
    return replace(
        _file(slug, year, title, f"/geo/tiger/GENZ{year}/shp/cb_{year}_{file}_500k.zip", reads),
        container="zip",
        member="*.shp",
        landing_page="https://www.census.gov/geographies/mapping-files/time-series/geo/cartographic-boundary.html",
    )


def surveys(year: int) -> dict[str, Source]:
    """Give, by name, the tables of the American Community Survey's five years up to a year."""
    return {table: _survey(table, year) for table in VARIABLES}


def _survey(table: str, year: int) -> Source:
    """Give a table of the survey, for states, counties, tracts and block groups."""
    reads = Table(
        columns={"geo_id": text("GEO_ID"), **VARIABLES[table]},
        key=("geo_id",),
        delimiter="|",
        quote="",
        missing=MISSING,
        reasons_in=f"{table}_reasons",
        zero=("-555555555",),
        where={"GEO_ID": "[01][45]00000US*"},
    )
    title = f"American Community Survey {year - 4} to {year}, table {table.upper()}"
    folder = f"/programs-surveys/acs/summary_file/{year}/table-based-SF/data/5YRData"
    return replace(
        _file(f"us-acs-{table}", year, title, f"{folder}/acsdt5y{year}-{table}.dat", reads),
        released="yearly, December",
        landing_page="https://www.census.gov/programs-surveys/acs/data/summary-file.html",
        reference_date=date(year, 12, 31),
    )


def county_estimates(year: int) -> Source:
    """Give residents of counties on 1 July, revised with each vintage since the census."""
    release, decade = RELEASES[year], "2010-2019" if year < 2020 else f"2020-{year}"
    counties_only = {"SUMLEV": "*50"}  # the rows of states repeat those of counties
    reads = Table(
        columns=estimates_of(year), key=("geoid",), encoding="latin-1", where=counties_only
    )
    title = f"County population estimates, vintage {year}"
    folder = f"/programs-surveys/popest/datasets/{decade}/counties/totals"
    return replace(
        _file("us-county-estimates", year, title, f"{folder}/co-est{year}-alldata.csv", reads),
        released="yearly, March",
        landing_page="https://www.census.gov/programs-surveys/popest.html",
        reference_date=date(year, 7, 1),
        codes_of=date(year, 1, 1),
        rows=release.estimates,
        totals={"population": _summed(release.residents)} if release.residents else {},
    )


def _summed(residents: int) -> Total:
    return Total(expected=residents, stated_by="the sum over states in the same file")


def subject_table(year: int) -> Source:
    """Give household income by county (ACS S1901), exported by hand for want of an address.

    The portal's own question, /api/access/data/table?id=ACSST5Y2024.S1901&g=010XX00US$0500000,
    answers in JSON without a key; no answer was seen, so it is not asked.
    """
    reads = Table(
        columns=INCOME,
        key=("geoid",),
        encoding="utf-8-sig",
        skip_rows_after_header=1,
        missing=INCOME_MISSING,
        reasons_in="income_reasons",
        zero=("*****",),
        where={"GEO_ID": "0500000US*"},
    )
    title = f"American Community Survey {year - 4} to {year}, table S1901"
    return replace(
        _file("us-s1901", year, title, "", reads),
        urls=(),
        released="yearly, December",
        landing_page=f"https://data.census.gov/table/ACSST5Y{year}.S1901",
        reference_date=date(year, 12, 31),
        codes_of=date(year, 1, 1),
        confidence="medium",
    )


def _file(slug: str, year: int, title: str, path: str, reads: Reading) -> Source:
    """Give a text of the Census Bureau's server, by its path; its page is still to be said."""
    return Source(
        slug=slug,
        vintage=year,
        title=title,
        reference_date=date(year, 1, 1),
        urls=(f"{FILES}{path}",),
        container="text",
        landing_page=CENSUS_BUREAU.url,
        publisher=CENSUS_BUREAU,
        licence=PUBLIC_DOMAIN,
        reads=reads,
        released="yearly",
        confidence="high",
        **listed(path),
    )
