"""INSEE, IGN, La Poste and Etalab: the offices, their licences, a table of their releases, their
files, and the columns kept of them.

INSEE writes the year into the names of its columns (P22_POP); here they have one name for all
years, and the catalog keeps both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from tasks.nouns import (
    Column,
    Confidence,
    Features,
    Licence,
    Publisher,
    Reading,
    Rows,
    Source,
    Table,
    Total,
    number,
    text,
)

INSEE = Publisher(
    slug="insee",
    name="Institut national de la statistique et des études économiques (Insee)",
    url="https://www.insee.fr",
)
IGN = Publisher(
    slug="ign",
    name="Institut national de l'information géographique et forestière (IGN)",
    url="https://geoservices.ign.fr",
)
ETALAB = Publisher(
    slug="etalab",
    name="Etalab, direction interministérielle du numérique",
    url="https://www.data.gouv.fr",
)
LA_POSTE = Publisher(slug="la-poste", name="La Poste", url="https://datanova.laposte.fr")
LICENCE_PAGE = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"


def _open_licence(slug: str, attribution: str) -> Licence:
    return Licence(
        slug=slug,
        title="Licence Ouverte / Open Licence 2.0",
        url=LICENCE_PAGE,
        attribution=attribution,
    )


OF_INSEE = _open_licence("licence-ouverte-insee", "Source: Insee")
OF_CONTOURS = _open_licence("licence-ouverte-contours-iris", "IGN - Insee, Contours... IRIS")
OF_FILOSOFI = _open_licence(
    "licence-ouverte-filosofi", "Insee-DGFiP-Cnaf-Cnav-CCMSA, Fichier localisé social et fiscal"
)
OF_ETALAB = _open_licence(
    "licence-ouverte-etalab", "Etalab, contours administratifs, d'après IGN ADMIN EXPRESS"
)  # ODbL by a review of 2026
OF_LA_POSTE = _open_licence("licence-ouverte-la-poste", "La Poste")

INSEE_FILES = "https://www.insee.fr/fr/statistiques/fichier"
IRIS_FILES = "https://data.geopf.fr/telechargement/download/CONTOURS-IRIS"
CONTOURS = "https://etalab-datasets.geo.data.gouv.fr/contours-administratifs"
HEXASMAL = "https://datanova.laposte.fr/data-fair/api/v1/datasets/laposte-hexasmal/raw"
BOUNDS = (-63.5, -21.6, 56.0, 51.2)  # degrees in EPSG:4326, from Guadeloupe to Réunion

PROJECTIONS = {  # EPSG codes by the folders of an archive and by its name
    "*LAMB93*": 2154,
    "*RGAF09UTM20*": 5490,
    "*UTM22RGFG95*": 2972,
    "*RGR92UTM40S*": 2975,
    "*RGM04UTM38S*": 4471,
    "*WGS84G*": 4326,
}
ABOUT_50000 = Rows(low=48_500, high=51_000)
IRIS_OF_PARIS = Rows.exactly(992)  # since 2016
KINDS_OF_2024 = {
    "H": Rows.exactly(14_429),
    "A": Rows.exactly(819),
    "D": Rows.exactly(321),
    "Z": Rows.exactly(33_000),
}


@dataclass(frozen=True)
class Release:
    """What goes together in one vintage: the borders of a year with the census, the incomes, the
    movements and the contours that are the newest or nearest.

    iris: layout of the 7z in its name, and pattern of the files in it; one folder for each
    projection in 2023, metropolitan France only in 2024, the whole of France in one file since.
    movements: year and page. not_drawn: SQL LIKE pattern of codes without borders.
    """

    iris: str
    files: str
    census: int
    income: int
    movements: tuple[int, int]
    contours: str = "{}"
    rows: Rows = ABOUT_50000
    kinds: Mapping[str, Rows] = field(default_factory=dict)
    confidence: Confidence = "medium"
    not_drawn: str | None = None


RELEASES = {
    2023: Release("SHP__FRA", "*/CONTOURS-IRIS.shp", 2021, 2020, (2024, 7766585)),
    2024: Release(
        "GPKG_LAMB93_FXX",
        "contours-iris.gpkg",
        2022,
        2021,
        (2024, 7766585),
        rows=Rows.exactly(48_569),
        kinds=KINDS_OF_2024,
        confidence="high",
        not_drawn="97%",
    ),
    2025: Release("GPKG_WGS84G_FRA", "contours-iris.gpkg", 2022, 2021, (2025, 8377162)),
    2026: Release("GEOPARQUET_WGS84G_FRA", "*.parquet", 2022, 2021, (2026, 8740222), "latest"),
}
DEFAULT = 2025
CENSUSES = {  # pages of the tables of a year
    2021: {"evol-struct-pop": 8268806},
    2022: {"evol-struct-pop": 8647014, "logement": 8647012, "couples-familles-menages": 8647008},
}
INCOMES = {  # page and file of a year
    2020: (7233950, "BASE_TD_FILO_DISP_IRIS_2020"),
    2021: (8229323, "BASE_TD_FILO_IRIS_2021_DISP"),
}
RESIDENTS = Total(
    expected=67_800_000, tolerance=0.02, stated_by="Insee, reference population without Mayotte"
)


def iris(year: int) -> Source:
    """Borders of the IRIS on 1 January, in the layout of the year: packed as 7z, each territory in
    its own projection or all in one.
    """
    release = RELEASES[year]
    name = f"CONTOURS-IRIS_3-0__{release.iris}_{year}-01-01"
    kinds = {"iris_type": release.kinds} if release.kinds else {}
    reads = Features(
        columns=IRIS,
        key="iris_code",
        crs=4326,
        published_crs=4326,
        bounds=BOUNDS,
        crs_of=PROJECTIONS,
    )
    return replace(
        source("fr-iris", year, f"Contours... IRIS {year}", reads),
        publisher=IGN,
        licence=OF_CONTOURS,
        landing_page="https://geoservices.ign.fr/contoursiris",
        container="7z",
        urls=(f"{IRIS_FILES}/{name}/{name}.7z",),
        member=release.files,
        territories=True,
        rows=release.rows,
        counts={**kinds, "departement_code": {"75": IRIS_OF_PARIS}},
        confidence=release.confidence,
    )


def figures(year: int) -> dict[str, Source]:
    """Residents, dwellings and households in the census, and incomes, by the names of the
    tables.
    """
    residents = _census(year, "population", "evol-struct-pop", "residents", POPULATION)
    return {
        "population": replace(residents, totals={"population": RESIDENTS}),
        "housing": _census(year, "housing", "logement", "dwellings", HOUSING),
        "households": _census(
            year, "households", "couples-familles-menages", "households", HOUSEHOLDS
        ),
        "income": income(year),
    }


def _census(
    year: int, slug: str, subject: str, title: str, columns: Mapping[str, Column]
) -> Source:
    """A table of the census at the level of the IRIS: the newest that goes with a year's borders,
    of two years before.
    """
    counted = RELEASES[year].census
    page = CENSUSES[counted].get(subject)
    reads = Table(
        columns={"iris_code": text("IRIS"), **of_year(columns, counted)},
        key=("iris_code",),
        delimiter=";",
    )
    return replace(
        source(f"fr-{slug}", year, f"Census {counted}: {title}", reads),
        landing_page="https://www.insee.fr/fr/statistiques",
        container="zip",
        urls=(f"{INSEE_FILES}/{page}/base-ic-{subject}-{counted}_csv.zip",) if page else (),
        member=f"base-ic-{subject}-{counted}.CSV",
        reference_date=date(counted, 1, 1),
        codes_of=date(counted + 2, 1, 1),
        confidence="high" if page else "low",
    )


def income(year: int) -> Source:
    """Disposable income by IRIS (Filosofi), of three years before or the newest; only communes of
    about 5,000 residents and more.
    """
    counted = RELEASES[year].income
    reads = Table(
        columns={"iris_code": text("IRIS"), **of_year(INCOME, counted)},
        key=("iris_code",),
        delimiter=";",
        reasons_in="income_reasons",
        missing={
            "ns": "not significant (ns)",
            "nd": "statistical secrecy (nd)",
            "s": "statistical secrecy (s)",
        },
        decimal_point=",",
    )
    page, name = INCOMES[counted]
    return replace(
        source("fr-income", year, f"Disposable income {counted} (Filosofi)", reads),
        licence=OF_FILOSOFI,
        landing_page=f"https://www.insee.fr/fr/statistiques/{page}",
        urls=(f"{INSEE_FILES}/{page}/{name}_CSV.zip",),
        container="zip",
        member=f"{name}.csv",
        reference_date=date(counted, 12, 31),
        codes_of=date(counted + 1, 1, 1),
        confidence="high" if counted == max(INCOMES) else "medium",
    )


def lists(year: int) -> dict[str, Source]:
    """Postal codes of communes, their names and those of the areas they belong to, by the names of
    the tables.
    """
    return {
        "postal_code_list": postal_codes(year),
        "commune_list": _contours(year, "communes", "Communes", COMMUNES),
        "epci_list": _contours(year, "epci", "EPCI", EPCI),
        "departement_list": _contours(year, "departements", "Départements", DEPARTEMENTS),
        "region_list": _contours(year, "regions", "Regions", REGIONS),
    }


def _contours(year: int, layer: str, title: str, columns: Mapping[str, Column]) -> Source:
    """A light layer of administrative areas, of which names and memberships are used; borders are
    dissolved from the IRIS.
    """
    key = next(iter(columns))
    reads = Features(columns=columns, key=key, crs=4326, published_crs=4326, crs_missing=True)
    return replace(
        source(f"fr-{layer}", year, f"{title} {year}", reads),
        publisher=ETALAB,
        licence=OF_ETALAB,
        landing_page="https://www.data.gouv.fr/datasets/contours-administratifs",
        container="json",
        urls=(f"{CONTOURS}/{RELEASES[year].contours.format(year)}/geojson/{layer}-1000m.geojson",),
        confidence="high",
    )


def postal_codes(year: int) -> Source:
    """Pairs of communes and postal codes; the first heading begins with a number sign in the newest
    layout.
    """
    reads = Table(columns=POSTAL_CODES, delimiter=";", encoding="cp1252")
    return replace(
        source("fr-postal-codes", year, "Base officielle des codes postaux", reads),
        publisher=LA_POSTE,
        licence=OF_LA_POSTE,
        landing_page="https://datanova.laposte.fr/datasets/laposte-hexasmal",
        urls=(HEXASMAL,),
        released="twice a year",
        confidence="high",
        rows=Rows(low=38_500, high=40_000),
    )


def source(slug: str, year: int, title: str, reads: Reading) -> Source:
    """A text of INSEE, whose address and page are still to be said."""
    return Source(
        slug=slug,
        vintage=year,
        title=title,
        reference_date=date(year, 1, 1),
        publisher=INSEE,
        licence=OF_INSEE,
        landing_page=INSEE.url,
        urls=(),
        container="text",
        reads=reads,
        released="yearly",
        confidence="medium",
    )


def of_year(columns: Mapping[str, Column], year: int) -> dict[str, Column]:
    """The columns as a year's file names them: "{}" stands for the last two digits of the year."""
    digits = f"{year % 100:02}"
    return {
        name: replace(column, names=tuple(each.format(digits) for each in column.names))
        for name, column in columns.items()
    }


def _figures(text_of_columns: str, unit: str) -> dict[str, Column]:
    """Columns of weighted counts, a line each: name, names in the files, meaning; a question mark
    says that not every year has it. Headings that begin with C are of the sample of the census that
    is worked up more fully.
    """
    columns = {}
    for line in filter(None, map(str.strip, text_of_columns.splitlines())):
        name, heading, about = line.split(maxsplit=2)
        names = heading.rstrip("?").split("|")
        about += " (complementary exploitation)" if heading.startswith("C") else ""
        is_optional = heading.endswith("?")
        columns[name] = number(*names, optional=is_optional, about=about, unit=unit, rule="sum")
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


def _name(about: str) -> Column:
    return text("nom", about=about, unit="name")


COMMUNES: dict[str, Column] = {
    "commune_code": text("code"),
    "commune_name": _name("Name of the commune"),
    "departement_code": text("departement", about="Code of the département; Corsica has 2A and 2B"),
    "region_code": text("region", about="Code of the region"),
    "epci_code": text(
        "epci",
        optional=True,
        about="SIREN of the intermunicipal body (EPCI); some communes have none",
    ),
}
EPCI: dict[str, Column] = {"epci_code": text("code"), "epci_name": _name("Name of the EPCI")}
DEPARTEMENTS: dict[str, Column] = {
    "departement_code": text("code"),
    "departement_name": _name("Name of the département"),
}
REGIONS: dict[str, Column] = {
    "region_code": text("code"),
    "region_name": _name("Name of the region"),
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
    "line_5": text("Ligne_5", "ligne_5", optional=True),
    "coordinates": text("coordonnees_gps", "_geopoint", optional=True),
}

POPULATION = _figures(
    """
    population       P{}_POP          Residents
    age_0_to_2       P{}_POP0002?     Residents of 0 to 2 years
    age_3_to_5       P{}_POP0305?     Residents of 3 to 5 years
    age_6_to_10      P{}_POP0610?     Residents of 6 to 10 years
    age_11_to_17     P{}_POP1117?     Residents of 11 to 17 years
    age_18_to_24     P{}_POP1824?     Residents of 18 to 24 years
    age_25_to_39     P{}_POP2539?     Residents of 25 to 39 years
    age_40_to_54     P{}_POP4054?     Residents of 40 to 54 years
    age_55_to_64     P{}_POP5564?     Residents of 55 to 64 years
    age_65_to_79     P{}_POP6579?     Residents of 65 to 79 years
    age_80_and_over  P{}_POP80P?      Residents of 80 years and over
    age_0_to_14      P{}_POP0014      Residents below 15 years
    age_15_to_29     P{}_POP1529      Residents of 15 to 29 years
    age_30_to_44     P{}_POP3044      Residents of 30 to 44 years
    age_45_to_59     P{}_POP4559      Residents of 45 to 59 years
    age_60_to_74     P{}_POP6074      Residents of 60 to 74 years
    age_75_and_over  P{}_POP75P       Residents of 75 years and over
    male             P{}_POPH?        Male residents
    female           P{}_POPF?        Female residents
    age_15_and_over  C{}_POP15P?      Residents of 15 years and over
    farmers          C{}_POP15P_STAT_GSEC11_21|C{}_POP15P_CS1?  Farmers, of 15 years and over
    self_employed C{}_POP15P_STAT_GSEC12_22|C{}_POP15P_CS2? Craftsmen, shopkeepers and entrepreneurs
    executives C{}_POP15P_STAT_GSEC13_23|C{}_POP15P_CS3? Executives and intellectual professions
    intermediate     C{}_POP15P_STAT_GSEC14_24|C{}_POP15P_CS4?  Intermediate professions
    clerks           C{}_POP15P_STAT_GSEC15_25|C{}_POP15P_CS5?  Clerks
    workers          C{}_POP15P_STAT_GSEC16_26|C{}_POP15P_CS6?  Workers
    retired          C{}_POP15P_STAT_GSEC32|C{}_POP15P_CS7?  Retired
    without_activity C{}_POP15P_STAT_GSEC40|C{}_POP15P_CS8?  Others without professional activity
    french           P{}_POP_FR?      Residents of French citizenship
    foreign          P{}_POP_ETR?     Residents of foreign citizenship
    immigrants       P{}_POP_IMM?     Immigrants
    in_households    P{}_PMEN?        Residents in households
    in_institutions  P{}_PHORMEN?     Residents outside of households
""",
    "persons",
)
HOUSING = _figures(
    """
    dwellings            P{}_LOG?           Dwellings
    main_residences      P{}_RP?            Main residences
    second_homes         P{}_RSECOCC?       Second homes and occasional dwellings
    vacant_dwellings     P{}_LOGVAC?        Vacant dwellings
    houses               P{}_MAISON?        Houses
    flats                P{}_APPART?        Flats
    owner_occupied       P{}_RP_PROP?       Main residences occupied by their owners
    rented               P{}_RP_LOC?        Main residences that are rented
    social_housing P{}_RP_LOCHLMV? Main residences rented unfurnished from social landlords (HLM)
""",
    "dwellings",
)
HOUSEHOLDS = _figures(
    """
    households           C{}_MEN            Households
    living_alone         C{}_MENPSEUL?      Households of one person
    family_households    C{}_MENFAM?        Households with a family
    household_population C{}_PMEN?          Residents in households
""",
    "households",
)
PER_UNIT = "EUR/consumption unit"
INCOME: dict[str, Column] = {
    "poverty_rate": number(
        "DISP_TP60{}",
        about="Residents below 60 percent of the national median of disposable income",
        unit="%",
    ),
    "income_first_quartile": number(
        "DISP_Q1{}", about="First quartile of disposable income", unit=PER_UNIT
    ),
    "median_income": number(
        "DISP_MED{}", about="Median disposable income; medians are never aggregated", unit=PER_UNIT
    ),
    "income_third_quartile": number(
        "DISP_Q3{}", about="Third quartile of disposable income", unit=PER_UNIT
    ),
    "income_first_decile": number(
        "DISP_D1{}", about="First decile of disposable income", unit=PER_UNIT
    ),
    "income_ninth_decile": number(
        "DISP_D9{}", about="Ninth decile of disposable income", unit=PER_UNIT
    ),
    "income_decile_ratio": number(
        "DISP_RD{}", about="Ninth decile over first decile of disposable income", unit="ratio"
    ),
    "income_gini": number("DISP_GI{}", about="Gini index of disposable income", unit="index"),
    "income_note": number(
        "DISP_NOTE{}", about="Quality of the income figures: 0 is normal", unit="code"
    ),
}
