"""Statbel: the columns kept of its files.

Each column has its name here, then the names it has had in the files, newest first.
"""

from dataclasses import replace

from tasks.nouns import Column, decimal, integer, text

LANGUAGES = {"nl": "Dutch", "fr": "French", "de": "German"}


def _names(area: str, now: str, until_2021: str, german: str = "German") -> dict[str, Column]:
    """Give an area's names in three languages, by their headings."""
    return {
        f"{area}_name_{ending}": text(
            f"{now}_{ending}",
            f"{until_2021}_{ending.upper()}",
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
# the Shapefiles are not known to have German names in each year
SECTORS_UNTIL_2021 = {
    name: replace(column, optional=name.endswith("_name_de")) for name, column in SECTORS.items()
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


# Many sectors' incomes are hidden: what they add up to is no income of the area above.
INCOME: dict[str, Column] = {
    # where a release has both codes, CD_SECTOR is cut to its last four characters
    "sector_code": text("CD_REFNIS_SECTOR", "CD_SECTOR"),
    "declarations": integer(
        "MS_NBR_NON_ZERO_INC",
        about="Tax declarations with an income, two years before; areas above have all of theirs",
        unit="declarations",
    ),
    "net_taxable_income": decimal(
        "MS_TOT_NET_TAXABLE_INC",
        about="Total net taxable income declared, two years before; areas above have all of theirs",
        unit="EUR",
    ),
    "median_income": decimal(
        "MS_MEDIAN_NET_TAXABLE_INC",
        about="Median net taxable income of the declarations; medians are never aggregated",
        unit="EUR/declaration",
    ),
}

INCOME_OF_MUNICIPALITIES: dict[str, Column] = {
    "municipality_code": text("CD_MUNTY_REFNIS", about="NIS code of the municipality"),
    "declarations": _declarations(
        "MS_NBR_NON_ZERO_INC",
        "Tax declarations with an income, two years before; by municipality, none hidden",
    ),
    "net_taxable_income": _euros(
        "MS_TOT_NET_TAXABLE_INC",
        "Total net taxable income declared, two years before; by municipality, none hidden",
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
