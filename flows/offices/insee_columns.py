"""INSEE, IGN and La Poste: the columns kept of their files.

INSEE writes the year into the names of its columns (P22_POP); here they have one name for all
years, and the catalog keeps both.
"""

from collections.abc import Mapping
from dataclasses import replace

from tasks.nouns import Column, number, text


def of_year(columns: Mapping[str, Column], year: int) -> dict[str, Column]:
    """Give the columns as a year's file names them: "{}" stands for the year's last two digits."""
    digits = f"{year % 100:02}"
    return {
        name: replace(column, names=tuple(each.format(digits) for each in column.names))
        for name, column in columns.items()
    }


def _figures(text_of_columns: str, unit: str) -> dict[str, Column]:
    """Give columns of weighted counts from lines of name, names in the files and meaning.

    All of them are in the file of every census here: one that lacks a figure is another file.
    Headings that begin with C are of the sample of the census that is worked up more fully.
    """
    columns = {}
    for line in filter(None, map(str.strip, text_of_columns.splitlines())):
        name, heading, about = line.split(maxsplit=2)
        names = heading.split("|")
        about += " (complementary exploitation)" if heading.startswith("C") else ""
        columns[name] = number(*names, about=about, unit=unit, rule="sum")
    return columns


IRIS: dict[str, Column] = {
    "iris_code": text(
        *("code_iris", "CODE_IRIS"),
        about="Code of the IRIS, nine characters: that of the commune and four more",
    ),
    "iris_name": text("nom_iris", "NOM_IRIS", about="Name of the IRIS", unit="name"),
    "iris_type": text(
        *("type_iris", "TYP_IRIS"),
        about="H habitat, A activity, D other, Z commune that is not divided",
    ),
    "municipal_code": text(
        *("code_insee", "INSEE_COM"),
        about="Code of the commune, or of the arrondissement of Paris, Lyon or Marseille",
    ),
    "municipal_name": text(
        *("nom_commune", "NOM_COM"),
        about="Name of the commune or of the arrondissement",
        unit="name",
    ),
}


POSTAL_CODES: dict[str, Column] = {
    "municipal_code": text(
        *("#Code_commune_INSEE", "Code_commune_INSEE", "code_commune_insee"),
        about="Code of the commune or arrondissement",
    ),
    "postal_code": text("Code_postal", "code_postal", about="Postal code"),
    "delivery_label": text(
        *("Libellé_d_acheminement", "libelle_d_acheminement"),
        about="Name in the last line of an address",
        unit="name",
    ),
    # as "latitude,longitude", in two columns, or not at all: that is a layout of today too
    "coordinates": text(
        *("coordonnees_gps", "_geopoint", "coordonnees_geographiques", "geo_point_2d"),
        optional=True,
    ),
    "latitude_given": text("latitude", "lat", "gps_lat", "y_latitude", optional=True),
    "longitude_given": text(
        *("longitude", "lon", "lng", "long", "gps_lon", "gps_lng", "x_longitude"), optional=True
    ),
}

POPULATION = _figures(
    """
    population       P{}_POP           Residents
    age_0_to_2       P{}_POP0002       Residents of 0 to 2 years
    age_3_to_5       P{}_POP0305       Residents of 3 to 5 years
    age_6_to_10      P{}_POP0610       Residents of 6 to 10 years
    age_11_to_17     P{}_POP1117       Residents of 11 to 17 years
    age_18_to_24     P{}_POP1824       Residents of 18 to 24 years
    age_25_to_39     P{}_POP2539       Residents of 25 to 39 years
    age_40_to_54     P{}_POP4054       Residents of 40 to 54 years
    age_55_to_64     P{}_POP5564       Residents of 55 to 64 years
    age_65_to_79     P{}_POP6579       Residents of 65 to 79 years
    age_80_and_over  P{}_POP80P        Residents of 80 years and over
    age_0_to_14      P{}_POP0014       Residents below 15 years
    age_15_to_29     P{}_POP1529       Residents of 15 to 29 years
    age_30_to_44     P{}_POP3044       Residents of 30 to 44 years
    age_45_to_59     P{}_POP4559       Residents of 45 to 59 years
    age_60_to_74     P{}_POP6074       Residents of 60 to 74 years
    age_75_and_over  P{}_POP75P        Residents of 75 years and over
    male             P{}_POPH          Male residents
    female           P{}_POPF          Female residents
    age_15_and_over  C{}_POP15P        Residents of 15 years and over
    farmers          C{}_POP15P_STAT_GSEC11_21|C{}_POP15P_CS1  Farmers, of 15 years and over
    self_employed C{}_POP15P_STAT_GSEC12_22|C{}_POP15P_CS2 Craftsmen, shopkeepers and entrepreneurs
    executives C{}_POP15P_STAT_GSEC13_23|C{}_POP15P_CS3 Executives and intellectual professions
    intermediate     C{}_POP15P_STAT_GSEC14_24|C{}_POP15P_CS4  Intermediate professions
    clerks           C{}_POP15P_STAT_GSEC15_25|C{}_POP15P_CS5  Clerks
    workers          C{}_POP15P_STAT_GSEC16_26|C{}_POP15P_CS6  Workers
    retired          C{}_POP15P_STAT_GSEC32|C{}_POP15P_CS7  Retired
    without_activity C{}_POP15P_STAT_GSEC40|C{}_POP15P_CS8  Others without professional activity
    french           P{}_POP_FR        Residents of French citizenship
    foreign          P{}_POP_ETR       Residents of foreign citizenship
    immigrants       P{}_POP_IMM       Immigrants
    in_households    P{}_PMEN          Residents in households
    in_institutions  P{}_PHORMEN       Residents outside of households
""",
    "persons",
)
HOUSING = _figures(
    """
    dwellings            P{}_LOG           Dwellings
    main_residences      P{}_RP            Main residences
    second_homes         P{}_RSECOCC       Second homes and occasional dwellings
    vacant_dwellings     P{}_LOGVAC        Vacant dwellings
    houses               P{}_MAISON        Houses
    flats                P{}_APPART        Flats
    owner_occupied       P{}_RP_PROP       Main residences occupied by their owners
    rented               P{}_RP_LOC        Main residences that are rented
    social_housing P{}_RP_LOCHLMV Main residences rented unfurnished from social landlords (HLM)
""",
    "dwellings",
)
HOUSEHOLDS = _figures(
    """
    households           C{}_MEN           Households
    living_alone         C{}_MENPSEUL      Households of one person
    family_households    C{}_MENFAM        Households with a family
    household_population C{}_PMEN          Residents in households
""",
    "households",
)
INCOME_MISSING = {
    "ns": "not significant (ns)",
    "nd": "statistical secrecy (nd)",
    "s": "statistical secrecy (s)",
}


def _amount(heading: str, about: str) -> Column:
    return number(heading, about=about, unit="EUR/consumption unit")


INCOME: dict[str, Column] = {
    "poverty_rate": number(
        "DISP_TP60{}",
        about="Residents below 60 percent of the national median of disposable income",
        unit="%",
    ),
    "income_first_quartile": _amount("DISP_Q1{}", "First quartile of disposable income"),
    "median_income": _amount(
        "DISP_MED{}", "Median disposable income; medians are never aggregated"
    ),
    "income_third_quartile": _amount("DISP_Q3{}", "Third quartile of disposable income"),
    "income_first_decile": _amount("DISP_D1{}", "First decile of disposable income"),
    "income_ninth_decile": _amount("DISP_D9{}", "Ninth decile of disposable income"),
    "income_decile_ratio": number(
        "DISP_RD{}", about="Ninth decile over first decile of disposable income", unit="ratio"
    ),
    "income_gini": number("DISP_GI{}", about="Gini index of disposable income", unit="index"),
    "income_note": number(
        "DISP_NOTE{}", about="Quality of the income figures: 0 is normal", unit="code"
    ),
}
