"""INSEE and IGN: the offices, their licences, a table of their releases, and their files."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from flows.offices.insee_columns import (
    HOUSEHOLDS,
    HOUSING,
    INCOME,
    INCOME_MISSING,
    IRIS,
    POPULATION,
    of_year,
)
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
LICENCE_PAGE = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"


def open_licence(slug: str, attribution: str) -> Licence:
    """Give the open licence of French offices, with the attribution that one of them asks for."""
    title, url = "Licence Ouverte / Open Licence 2.0", LICENCE_PAGE
    return Licence(slug=slug, title=title, url=url, attribution=attribution)


OF_INSEE = open_licence("licence-ouverte-insee", "Source: Insee")
OF_CONTOURS = open_licence("licence-ouverte-contours-iris", "IGN - Insee, Contours... IRIS")
OF_FILOSOFI = open_licence(
    "licence-ouverte-filosofi", "Insee-DGFiP-Cnaf-Cnav-CCMSA, Fichier localisé social et fiscal"
)
INSEE_FILES = "https://www.insee.fr/fr/statistiques/fichier"
IRIS_FILES = "https://data.geopf.fr/telechargement/download/CONTOURS-IRIS"
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
    """What goes with the borders of a year: census, incomes, movements and contours.

    census is of two years before, income of three or the newest. iris: layout of the 7z in its
    name, and pattern of the files in it; one folder for each projection in 2023, metropolitan
    France only in 2024, the whole of France in one file since. movements: year and page. not_drawn:
    SQL LIKE pattern of codes without borders.
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
    """Give the borders of the IRIS on 1 January: a 7z of one file, or one for each projection."""
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
    """Give census residents, dwellings and households, and incomes, by the names of tables."""
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
    """Give a table of the newest census for a year's borders, those of two years after it."""
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
    """Give disposable income by IRIS (Filosofi); only communes of about 5,000 residents or more."""
    counted = RELEASES[year].income
    reads = Table(
        columns={"iris_code": text("IRIS"), **of_year(INCOME, counted)},
        key=("iris_code",),
        delimiter=";",
        reasons_in="income_reasons",
        missing=INCOME_MISSING,
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


def source(slug: str, year: int, title: str, reads: Reading) -> Source:
    """Give a text of INSEE, whose address and page are still to be said."""
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
