"""INSEE: the office, its licences, the table of the releases of France, and files of figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from flows.offices.insee_columns import (
    HOUSEHOLDS,
    HOUSING,
    INCOME,
    INCOME_MISSING,
    POPULATION,
    of_year,
)
from flows.offices.insee_listings import figures_of, newest_figures
from tasks.nouns import (
    Column,
    Confidence,
    Licence,
    Publisher,
    Reading,
    Releases,
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
LICENCE_PAGE = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"


def open_licence(slug: str, attribution: str) -> Licence:
    """Give the open licence of French offices, with the attribution that one of them asks for."""
    title, url = "Licence Ouverte / Open Licence 2.0", LICENCE_PAGE
    return Licence(slug=slug, title=title, url=url, attribution=attribution)


OF_INSEE = open_licence("licence-ouverte-insee", "Source: Insee")
OF_FILOSOFI = open_licence(
    "licence-ouverte-filosofi", "Insee-DGFiP-Cnaf-Cnav-CCMSA, Fichier localisé social et fiscal"
)
INSEE_FILES = "https://www.insee.fr/fr/statistiques/fichier"
ABOUT_50000 = Rows(low=48_500, high=51_000)
METROPOLITAN = Rows(low=48_000, high=49_500)
KINDS_OF_2024 = {
    "H": Rows.exactly(14_429),
    "A": Rows.exactly(819),
    "D": Rows.exactly(321),
    "Z": Rows.exactly(33_000),
}


@dataclass(frozen=True)
class Release:
    """What goes with the borders of a year: census, incomes, movements, and the list of postcodes.

    layout: how the names of the archives go, with "{}" for each territory and its projection, or
    for FRA where all are in one archive. files: pattern of the file in each. census is of two years
    before, income of three or the newest. movements: year, and page where it is known. rows, kinds:
    of the archive, or of that of metropolitan France. overseas: confidence in the other archives.
    income_lost: the share of the incomes' IRIS that may have changed until these borders; it was
    2.8% from 2016 to 2019, when most communes merged. posted: the year of La Poste's list, which
    has one address: that of a year gone by is in the archive or nowhere.
    """

    layout: str
    files: str
    census: int
    income: int
    movements: tuple[int, int | None]
    in_one: bool = False
    rows: Rows = METROPOLITAN
    kinds: Mapping[str, Rows] = field(default_factory=dict)
    confidence: Confidence = "medium"
    overseas: Confidence | None = None
    income_lost: float = 0.04
    posted: int = 2026


DECLARED = {
    2023: Release(
        layout="SHP__{}",
        files="*/CONTOURS-IRIS.shp",
        census=2021,
        income=2020,
        movements=(2024, 7766585),
        in_one=True,
        rows=ABOUT_50000,
    ),
    2024: Release(
        layout="GPKG_{}",
        files="contours-iris.gpkg",
        census=2022,
        income=2021,
        movements=(2024, 7766585),
        rows=Rows.exactly(48_569),
        kinds=KINDS_OF_2024,
        confidence="high",
        overseas="medium",
    ),
    2025: Release(
        layout="GPKG_{}",
        files="iris.gpkg",
        census=2022,
        income=2021,
        movements=(2025, 8377162),
        confidence="high",
        income_lost=0.05,
    ),
    2026: Release(
        layout="GPKG_WGS84G_{}",
        files="iris.gpkg",
        census=2022,
        income=2021,
        movements=(2026, 8740222),
        in_one=True,
        rows=ABOUT_50000,
        confidence="high",
        income_lost=0.06,
    ),
}


def _later(newest: Release, years: int) -> Release:
    """Give what is expected of a year after the newest: the same archives, and newer figures."""
    return replace(
        newest,
        census=newest.census + years,
        income=newest.income + years,
        movements=(newest.movements[0] + years, None),
        income_lost=newest.income_lost + 0.01 * years,
        confidence="medium",
        posted=newest.posted + years,
    )


RELEASES = Releases(DECLARED, later=_later)
CENSUSES = {  # pages of the tables of a year
    2021: {"evol-struct-pop": 8268806, "logement": 8268838, "couples-familles-menages": 8268828},
    2022: {"evol-struct-pop": 8647014, "logement": 8647012, "couples-familles-menages": 8647008},
}
# Of 2023 there are communes only, in the long form of Melodi under new names, which nothing reads
# (…/9006084/base_cc_evol_struct_pop_com_2023_parquet.zip, …/8984752/FILOSOFI_CC_csv.zip).
INCOMES = {  # page and file of a year
    2020: (7233950, "BASE_TD_FILO_DISP_IRIS_2020"),
    2021: (8229323, "BASE_TD_FILO_IRIS_2021_DISP"),
}
RESIDENTS = Total(
    expected=67_800_000, tolerance=0.02, stated_by="Insee, reference population without Mayotte"
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
    year: int, slug: str, subject: str, title: str, columns: Mapping[str, Column], counted: int = 0
) -> Source:
    """Give a table of the newest census for a year's borders, those of two years after it.

    counted: the year of another census. The page of one that is not declared is on INSEE's only.
    """
    counted = counted or RELEASES[year].census
    pages, name = CENSUSES.get(counted), f"base-ic-{subject}-{counted}_csv.zip"
    reads = Table(
        columns={"iris_code": text("IRIS"), **of_year(columns, counted)},
        key=("iris_code",),
        delimiter=";",
    )
    return replace(
        source(f"fr-{slug}", year, f"Census {counted}: {title}", reads),
        landing_page="https://www.insee.fr/fr/statistiques",
        container="zip",
        urls=(f"{INSEE_FILES}/{pages[subject]}/{name}",) if pages else (),
        member=f"base-ic-{subject}-{counted}.CSV",
        reference_date=date(counted, 1, 1),
        codes_of=date(counted + 2, 1, 1),
        listing=figures_of(pages[subject]) if pages else newest_figures(counted),
        listed=rf"base-ic-{subject}-{counted}_csv\.zip",
        confidence="high" if pages else "low",
        otherwise=None if pages else _census(year, slug, subject, title, columns, counted - 1),
    )


def income(year: int, counted: int = 0) -> Source:
    """Give disposable income by IRIS (Filosofi); only communes of about 5,000 residents or more.

    counted: another year of it.
    """
    counted = counted or RELEASES[year].income
    reads = Table(
        columns={"iris_code": text("IRIS"), **of_year(INCOME, counted)},
        key=("iris_code",),
        delimiter=";",
        reasons_in="income_reasons",
        missing=INCOME_MISSING,
        decimal_point=",",
    )
    page, name = INCOMES.get(counted, (None, f"BASE_TD_FILO_IRIS_{counted}_DISP"))
    return replace(
        source("fr-income", year, f"Disposable income {counted} (Filosofi)", reads),
        licence=OF_FILOSOFI,
        landing_page=f"https://www.insee.fr/fr/statistiques/{page or ''}",
        urls=(f"{INSEE_FILES}/{page}/{name}_CSV.zip",) if page else (),
        container="zip",
        member=f"{name}.csv",
        reference_date=date(counted, 12, 31),
        codes_of=date(counted + 1, 1, 1),
        listing=figures_of(page) if page else newest_figures(counted),
        listed=rf"BASE_TD_FILO_(DISP_IRIS_{counted}|IRIS_{counted}_DISP)_CSV\.zip",
        confidence="high" if counted == max(INCOMES) else "medium",
        otherwise=None if page else income(year, counted - 1),
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
