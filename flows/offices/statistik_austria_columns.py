"""Statistik Austria: the columns kept of its files."""

from tasks.nouns import Column, decimal, integer, text

MUNICIPALITIES: dict[str, Column] = {
    "municipality_code": text("g_id", "id", about="Gemeindekennziffer, five digits"),
    "municipality_name": text(
        *("g_name", "name"),
        about="Name; of municipalities merged since, the names joined by a plus sign",
        unit="name",
    ),
}

DISTRICTS: dict[str, Column] = {
    "district_code": text("g_id", "id"),
    "district_name": text("g_name", "name", about="Name of the political district", unit="name"),
}

POPULATION: dict[str, Column] = {
    "municipality_code": text(
        "C-GRGEMAKT-0", prefix="GRGEMAKT-", about="Gemeindekennziffer of today's municipality"
    ),
    "sex_code": text("C-C11-0", about="Code of the sex"),
    "age_code": text("C-GALTEJ112-0"),
    "population": integer("F-ISIS-1", about="Residents on 1 January", unit="persons", rule="sum"),
}

HEADINGS: dict[str, Column] = {
    "code": text("code"),
    "label": text("name"),
    "label_en": text("en_name"),
}

CODES: dict[str, Column] = HEADINGS | {
    "parent": text("")
}  # the column of the code above has no heading

MUNICIPALITY_CODES: dict[str, Column] = HEADINGS | {
    "code": text("code", prefix="GRGEMAKT-"),
    "parent": text(""),  # ends in the code of the political district
}


def _share(heading: str, about: str, rule: str = "none") -> Column:
    return decimal(heading, precision=5, scale=1, about=about, unit="%", rule=rule)


def _count(heading: str, about: str, unit: str) -> Column:
    return integer(heading, about=about, unit=unit, rule="sum")


EMPLOYMENT: dict[str, Column] = {
    "municipality_code": text("GCD"),
    "residents": integer("BEV_ABSOLUT"),  # published as employment_residents
    "foreign_share": _share(
        "AUSL_STAATSB", "Residents of foreign citizenship", "mean by employment_residents"
    ),
    "employment_rate": _share("EWTQ_15BIS64", "Employed among residents of 15 to 64 years"),
    "unemployment_rate": _share(
        "ALQ_15PLUS", "Unemployed among the labour force of 15 years and over"
    ),
    "secondary_education_share": _share(
        "EDU_15_SEK", "Residents of 15 years and over with secondary education"
    ),
    "tertiary_education_share": _share(
        "EDU_15_TER", "Residents of 15 years and over with tertiary education"
    ),
    "commuter_share": _share("AUSPENDLER", "Employed residents who work in another municipality"),
    "households": _count("PHH", "Private households", "households"),
    "household_size": decimal(
        "HH_SIZE",
        precision=5,
        about="Persons in a private household",
        unit="persons/household",
        rule="mean by households",
    ),
    "families": _count("FAMILIEN", "Families", "families"),
    "enterprises": _count("UNT", "Enterprises", "enterprises"),
    "workplaces": _count("AST", "Workplaces (Arbeitsstätten)", "workplaces"),
    "employees": _count("BESCH_AST", "Persons employed at workplaces", "persons"),
}
