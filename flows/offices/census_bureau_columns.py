"""U.S. Census Bureau: the columns and variables kept of its files, with what its markers mean."""

from tasks.nouns import Column, code, integer, text


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
    """Give an estimate and its margin of error; a note is said of the estimate only."""
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
    """Give a table's estimates in the order of its lines, each followed by its margin."""
    columns: dict[str, Column] = {}
    for line, name in enumerate(names.split(), start=1):
        headings = f"{table}_E{line:03}", f"{table}_M{line:03}"
        columns |= _estimate(name, headings, f"{what}: {name.replace('_', ' ')}", unit, rule)
    return columns


AGE_CLASSES = (
    "under_5 5_to_9 10_to_14 15_to_17 18_to_19 20 21 22_to_24 25_to_29 30_to_34 35_to_39 40_to_44"
    " 45_to_49 50_to_54 55_to_59 60_to_61 62_to_64 65_to_66 67_to_69 70_to_74 75_to_79 80_to_84"
    " 85_and_over"
)
MISSING = {  # https://www.census.gov/data/developers/data-sets/acs-1year/data-notes.html
    "-999999999": "too few sample cases to be shown",
    "-888888888": "not applicable or not available",
    "-666666666": "not computable, too few sample cases",
    "-555555555": "controlled to a known total, without sampling error",
    "-333333333": "median in an open-ended interval",
    "-222222222": "not computable, too few sample cases",
}
AGES = ("", *(f"_{ages}" for ages in AGE_CLASSES.split()))
SEXES_AND_AGES = [f"{sex}{ages}" for sex in ("male", "female") for ages in AGES]
VARIABLES = {
    "b01001": _estimates(
        "B01001", " ".join(["population", *SEXES_AND_AGES]), "persons", "Residents by sex and age"
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


def estimates_of(year: int) -> dict[str, Column]:
    """Give the columns of the estimates, whose headings have the year of the vintage."""
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
