"""U.S. Census Bureau: the office, its terms, its states, the columns of its boundary files, and the
variables kept of its surveys.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tasks.core.making.codes.ledger import ledger
from tasks.core.model.declarations import (
    Column,
    Features,
    Licence,
    Publisher,
    Rows,
    Source,
    Table,
    Total,
    code,
    integer,
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
FILES = "https://www2.census.gov"
BOUNDS = (
    -180.0,
    -15.0,
    180.0,
    72.0,
)  # degrees in EPSG:4269; Alaska lies on both sides of the antimeridian

# 50 states, the District of Columbia, Puerto Rico (72), and the island areas 60, 66, 69, 78, where
# no American Community Survey is taken.
STATES = (
    "01 02 04 05 06 08 09 10 11 12 13 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34"
    " 35 36 37 38 39 40 41 42 44 45 46 47 48 49 50 51 53 54 55 56 60 66 69 72 78"
).split()
WATER_TRACTS = (  # tracts that are all water are in the tables and not in the boundary files
    "1_00000US_____9900%"
)
STATE_COUNT = Rows.exactly(56)
COUNTY_COUNTS = {
    2018: Rows.exactly(3_233),
    2019: Rows.exactly(3_233),
    **dict.fromkeys((2020, 2021), Rows.exactly(3_234)),
}
COUNTIES_SINCE_2022 = Rows.exactly(3_235)
ESTIMATED = {
    2019: 328_239_523,
    2023: 334_914_895,
    2024: 340_110_988,
}  # residents, each from the vintage of its own year

# Counties and what is equivalent to them. Connecticut's planning regions are no sums of its
# counties.
COUNTIES = ledger("""
    2013-07-01: 51019 51515 > 51019
    2015-01-01: 02270 > 02158
    2015-01-01: 46113 > 46102
    2020-01-01: 02261 > 02063 02066
    2022-01-01: 09001 09003 09005 09007 09009 09011 09013 09015 > 09110 09120 09130 09140 09150 09160 09170 09180 09190
""")


def source(slug: str, vintage: int, title: str, path: str, **facts: Any) -> Source:
    """A file of the Census Bureau's server, by its path."""
    return Source(
        **{
            "slug": slug,
            "vintage": vintage,
            "title": title,
            "reference_date": date(vintage, 1, 1),
            "urls": (f"{FILES}{path}",),
            "publisher": CENSUS_BUREAU,
            "licence": PUBLIC_DOMAIN,
            "released": "yearly",
            "confidence": "high",
            **facts,
        }
    )


def boundaries(
    slug: str, year: int, title: str, file: str, columns: Mapping[str, Column], **facts: Any
) -> Source:
    """A cartographic boundary file: generalised to 1:500,000, clipped to the coast, without tracts
    that are all water.
    """
    return source(
        slug,
        year,
        title,
        f"/geo/tiger/GENZ{year}/shp/cb_{year}_{file}_500k.zip",
        container="zip",
        member="*.shp",
        landing_page="https://www.census.gov/geographies/mapping-files/time-series/geo/cartographic-boundary.html",
        reads=Features(
            columns=columns,
            key="geoid",
            crs=4269,
            published_crs=4269,
            bounds=BOUNDS,
            about="generalised to 1:500,000",
        ),
        **facts,
    )


def survey(table: str, year: int) -> Source:
    """A table of the five years of the American Community Survey (ACS) that end with a year, for
    states, counties, tracts and block groups.
    """
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
    return source(
        f"us-acs-{table}",
        year,
        f"American Community Survey {year - 4} to {year}, table {table.upper()}",
        f"/programs-surveys/acs/summary_file/{year}/table-based-SF/data/5YRData/acsdt5y{year}-{table}.dat",
        container="text",
        released="yearly, December",
        landing_page="https://www.census.gov/programs-surveys/acs/data/summary-file.html",
        reference_date=date(year, 12, 31),
        reads=reads,
    )


def county_estimates(year: int) -> Source:
    """Residents of counties on 1 July, revised for every year since the census: the vintage is part
    of the figure.
    """
    decade = {2019: "2010-2019"}.get(year, f"2020-{year}")
    reads = Table(
        columns=_estimates_of(year), key=("geoid",), encoding="latin-1", where={"SUMLEV": "*50"}
    )  # the rows of states repeat those of counties
    return source(
        "us-county-estimates",
        year,
        f"County population estimates, vintage {year}",
        f"/programs-surveys/popest/datasets/{decade}/counties/totals/co-est{year}-alldata.csv",
        container="text",
        released="yearly, March",
        landing_page="https://www.census.gov/programs-surveys/popest.html",
        reference_date=date(year, 7, 1),
        codes_of=date(year, 1, 1),
        reads=reads,
        rows=Rows.exactly(3_142 if year < 2020 else 3_143 if year < 2022 else 3_144),
        totals=(
            {
                "population": Total(
                    expected=ESTIMATED[year], stated_by="the sum over states in the same file"
                )
            }
            if year in ESTIMATED
            else {}
        ),
    )


def counties(year: int) -> Source:
    """Counties and what is equivalent to them, with Puerto Rico's municipios and the island
    areas.
    """
    return boundaries(
        "us-counties",
        year,
        f"Counties {year}",
        "us_county",
        COUNTY,
        rows=COUNTY_COUNTS.get(year, COUNTIES_SINCE_2022),
    )


def subject_table(year: int) -> Source:
    """Income of households by county (ACS table S1901), as exported by hand: the portal gives no
    lasting address.
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
    return source(
        "us-s1901",
        year,
        f"American Community Survey {year - 4} to {year}, table S1901",
        "",
        urls=(),
        container="text",
        released="yearly, December",
        landing_page=f"https://data.census.gov/table/ACSST5Y{year}.S1901",
        reference_date=date(year, 12, 31),
        codes_of=date(year, 1, 1),
        reads=reads,
        confidence="medium",
    )


def _estimate(
    name: str,
    headings: tuple[str, str],
    about: str,
    unit: str,
    rule: str,
    *,
    kind: str = "integer",
    note: str = "",
) -> dict[str, Column]:
    """An estimate and its margin of error; a note is said of the estimate only."""
    estimate, margin = headings
    said = f"{about}, margin of error (90 percent)"
    squares = "root of squares" if rule == "sum" else "none"
    return {
        name: Column((estimate,), kind, about=f"{about}{note}", unit=unit, rule=rule),
        f"{name}_moe": Column((margin,), kind, about=said, unit=unit, rule=squares),
    }


def _estimates(
    table: str, names: str, unit: str, what: str, rule: str = "sum"
) -> dict[str, Column]:
    """The estimates of a table in the order of its lines, each followed by its margin of error."""
    columns: dict[str, Column] = {}
    for line, name in enumerate(names.split(), start=1):
        headings = f"{table}_E{line:03}", f"{table}_M{line:03}"
        columns |= _estimate(name, headings, f"{what}: {name.replace('_', ' ')}", unit, rule)
    return columns


AGES = (
    "under_5 5_to_9 10_to_14 15_to_17 18_to_19 20 21 22_to_24 25_to_29 30_to_34 35_to_39 40_to_44"
    " 45_to_49 50_to_54 55_to_59 60_to_61 62_to_64 65_to_66 67_to_69 70_to_74 75_to_79 80_to_84"
    " 85_and_over"
).split()
MISSING = {  # https://www.census.gov/data/developers/data-sets/acs-1year/data-notes.html
    "-999999999": "too few sample cases to be shown",
    "-888888888": "not applicable or not available",
    "-666666666": "not computable, too few sample cases",
    "-555555555": "controlled to a known total, without sampling error",
    "-333333333": "median in an open-ended interval",
    "-222222222": "not computable, too few sample cases",
}
VARIABLES = {
    "b01001": _estimates(
        "B01001",
        " ".join(
            [
                "population",
                *(
                    part
                    for sex in ("male", "female")
                    for part in (sex, *(f"{sex}_{age}" for age in AGES))
                ),
            ]
        ),
        "persons",
        "Residents by sex and age",
    ),
    "b11001": _estimates(
        "B11001",
        "households family_households married_couple_families other_families"
        " male_householder_families female_householder_families nonfamily_households living_alone"
        " not_living_alone",
        "households",
        "Households by type",
    ),
    "b15003": _estimates(
        "B15003",
        "residents_25_and_over no_schooling nursery_school kindergarten grade_1 grade_2 grade_3"
        " grade_4 grade_5 grade_6 grade_7 grade_8 grade_9 grade_10 grade_11"
        " grade_12_without_diploma high_school_diploma alternative_credential college_under_1_year"
        " college_without_degree associate_degree bachelor_degree master_degree professional_degree"
        " doctorate",
        "persons",
        "Education of residents of 25 years and over",
    ),
    "b19001": _estimates(
        "B19001",
        "households_with_known_income income_under_10k income_10k_to_15k income_15k_to_20k"
        " income_20k_to_25k income_25k_to_30k income_30k_to_35k income_35k_to_40k income_40k_to_45k"
        " income_45k_to_50k income_50k_to_60k income_60k_to_75k income_75k_to_100k"
        " income_100k_to_125k income_125k_to_150k income_150k_to_200k income_200k_and_over",
        "households",
        "Households by income of 12 months",
    ),
    "b19013": _estimates(
        "B19013",
        "median_household_income",
        "USD/household",
        "Income of 12 months (2499: below 2,500; 250001: above 250,000)",
        "none",
    ),
    "b19301": _estimates(
        "B19301", "income_per_person", "USD/person", "Income of 12 months", "mean by population"
    ),
    "b25001": _estimates("B25001", "dwellings", "dwellings", "Housing units"),
    "b25003": _estimates(
        "B25003",
        "occupied_dwellings owner_occupied renter_occupied",
        "dwellings",
        "Occupied housing units by tenure",
    ),
    "b25077": _estimates(
        "B25077",
        "median_home_value",
        "USD",
        "Owner-occupied housing units (9999: below 10,000; 2000001: above 2,000,000)",
        "none",
    ),
}


def _name(*headings: str, about: str) -> Column:
    return text(*headings, about=about, unit="name")


def _area(heading: str, what: str) -> Column:
    return integer(heading, about=f"Area of {what}, as published", unit="m²", rule="sum")


def _count(heading: str, about: str, unit: str) -> Column:
    return integer(heading, about=about, unit=unit, rule="sum")


FULL_CODE = text("GEOIDFQ", "AFFGEOID", about="Full code, as in the tables of the survey")
STATE_CODE = text("STATEFP", about="FIPS code of the state")
GROUND = {"land_m2": _area("ALAND", "land"), "water_m2": _area("AWATER", "water")}

STATE: dict[str, Column] = {
    "geoid": text("GEOID", about="FIPS code of the state, two digits"),
    "geo_id": FULL_CODE,
    "state_abbreviation": text("STUSPS", about="Postal abbreviation"),
    "state_name": _name("NAME", about="Name of the state"),
    **GROUND,
}

COUNTY: dict[str, Column] = {
    "geoid": text("GEOID", about="FIPS code of the county, five digits"),
    "geo_id": FULL_CODE,
    "state_code": STATE_CODE,
    "county_name": _name(  # NAME alone until 2019
        "NAMELSAD", "NAME", about="Name; not unique, cities may have the name of their county"
    ),
    **GROUND,
}

TRACT: dict[str, Column] = {
    "geoid": text("GEOID", about="Code of the tract, eleven digits"),
    "geo_id": FULL_CODE,
    "state_code": STATE_CODE,
    "county_part": text("COUNTYFP"),
    "tract_part": text("TRACTCE"),
    "name": _name("NAMELSAD", about="Name of the tract within its county"),
    **GROUND,
}

BLOCK_GROUP: dict[str, Column] = TRACT | {
    "geoid": text("GEOID", about="Code of the block group, twelve digits"),
    "name": _name("NAMELSAD", about="Name of the block group within its tract"),
    "block_group_part": text("BLKGRPCE"),
}

ESTIMATES: dict[str, Column] = {
    "geoid": code(("STATE", 2), ("COUNTY", 3)),
    "division_code": text("DIVISION"),
    "state_name": _name("STNAME", about="Name of the state"),
    "county_name": text("CTYNAME"),
}


def _estimates_of(year: int) -> dict[str, Column]:
    return ESTIMATES | {
        "population": _count(f"POPESTIMATE{year}", "Residents on 1 July", "persons"),
        "births": _count(f"BIRTHS{year}", "Births in the year before", "births"),
        "deaths": _count(f"DEATHS{year}", "Deaths in the year before", "deaths"),
    }


def _income(
    line: int, name: str, about: str, unit: str, rule: str, **more: str
) -> dict[str, Column]:
    headings = f"S1901_C01_{line:03}E", f"S1901_C01_{line:03}M"
    return _estimate(name, headings, about, unit, rule, **more)


INCOME_CLASSES = {
    "under_10k_share": "below 10,000 dollars",
    "from_10k_share": "of 10,000 to 14,999 dollars",
    "from_15k_share": "of 15,000 to 24,999 dollars",
    "from_25k_share": "of 25,000 to 34,999 dollars",
    "from_35k_share": "of 35,000 to 49,999 dollars",
    "from_50k_share": "of 50,000 to 74,999 dollars",
    "from_75k_share": "of 75,000 to 99,999 dollars",
    "from_100k_share": "of 100,000 to 149,999 dollars",
    "from_150k_share": "of 150,000 to 199,999 dollars",
    "from_200k_share": "of 200,000 dollars and more",
}
INCOME: dict[str, Column] = {
    "geoid": text("GEO_ID", prefix="0500000US"),
    "name": text("NAME"),
    **_income(1, "households", "Households", "households", "sum"),
    **_income(
        12,
        "median_income",
        "Median income of households in twelve months",
        "USD/household",
        "none",
        note="; medians are never aggregated",
    ),
    **_income(
        13,
        "mean_income",
        "Mean income of households in twelve months",
        "USD/household",
        "mean by households",
    ),
    **{
        name: column
        for line, (share, incomes) in enumerate(INCOME_CLASSES.items(), start=2)
        for name, column in _income(
            line,
            share,
            f"Share of households with an income {incomes}",
            "%",
            "mean by households",
            kind="decimal(5,1)",
        ).items()
    },
}
INCOME_MISSING = {  # from the notes that come with the table
    "-": "not computable, too few sample cases",
    "N": "not shown, too few sample cases",
    "(X)": "not applicable or not available",
    "null": "not available",
    "2,500-": "median below 2,500 dollars",
    "250,000+": "median above 250,000 dollars",
    "**": "not computable, too few sample cases",
    "***": "not computable, median in an open-ended interval",
    "*****": "controlled to a known total, without sampling error",
}
