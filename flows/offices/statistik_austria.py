"""Statistik Austria: the office, its licence, its releases and its files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flows.offices.statistik_austria_columns import (
    CODES,
    DISTRICTS,
    EMPLOYMENT,
    HEADINGS,
    MUNICIPALITIES,
    MUNICIPALITY_CODES,
    POPULATION,
)
from tasks.nouns import (
    Column,
    Document,
    Features,
    Licence,
    Listing,
    Publisher,
    Reading,
    Releases,
    Rows,
    Source,
    Table,
    Total,
    WholeOrParts,
)

STATISTIK_AUSTRIA = Publisher(
    slug="statistik-austria", name="Statistik Austria", url="https://www.statistik.at"
)
CC_BY = Licence(
    slug="cc-by-4.0-statistik-austria",
    title="Creative Commons Namensnennung 4.0 International",
    url="https://creativecommons.org/licenses/by/4.0/deed.de",
    attribution="Datenquelle: Statistik Austria - data.statistik.gv.at",
)
PORTAL = "https://data.statistik.gv.at"
# Named without an order, a layer is asked for whole: the service refuses pages of a store without
# a key. Pages, sorted by the code, are asked for only where the whole does not come.
# The second host is the published one, and sends to the first.
HOSTS = ("https://www.statistik.at", "https://www.statistik.gv.at")
SERVICE = (
    "gs-open/GEODATA/ows?service=WFS&version=2.0.0&request=GetFeature"
    "&outputFormat=application/json&srsName=EPSG:31287"
)
BOUNDS = (105_000, 270_000, 695_000, 585_000)  # metres in EPSG:31287
METADATA = "{}/ogd/json?dataset={}"
PAGE = 1_000  # features that the service is asked for at a time
POPULATION_DATASET, EMPLOYMENT_DATASET = "OGD_bevstandjbab2002_BevStand_{}", "OGDEXT_AEST_GEMTAB_1"


@dataclass(frozen=True)
class Release:
    """What goes together on 1 January of a year.

    municipalities: features of their layer, Vienna by its 23 districts; in some years it is there
    as a whole besides. employment: the newest year that its table has two years before. residents:
    where they are known.
    """

    municipalities: Rows | None
    employment: int
    residents: int | None = None


DECLARED = {  # before 2020, Murfeld was not yet divided
    2020: Release(Rows(low=2_117, high=2_118), employment=2018),
    2021: Release(Rows(low=2_117, high=2_118), employment=2019),
    2022: Release(Rows.exactly(2_115), employment=2020),
    2023: Release(Rows.exactly(2_115), employment=2021, residents=9_104_772),
    2024: Release(Rows.exactly(2_115), employment=2022),
    2025: Release(Rows.exactly(2_114), employment=2023),
    2026: Release(Rows.exactly(2_114), employment=2023, residents=9_215_956),
}
RELEASES = Releases(
    DECLARED, later=lambda newest, years: Release(None, employment=newest.employment + years)
)
NEWEST = max(RELEASES)
# Municipalities of the year with Vienna by its 23 districts, counted by the ledger where borders do
# not tell: the newest year of the table may be there in part.
EMPLOYED = {2018: 2_120, 2019: 2_118, 2020: 2_117, 2021: 2_117, 2022: 2_115, 2023: 2_115}
DISTRICT_COUNTS = Rows(low=116, high=117)  # Vienna as among the municipalities
AREA = {"area_km2": Total(expected=83_870, tolerance=0.0003, stated_by="Statistik Austria")}

# Vienna is one municipality, 90001, and one district, 900; figures are given for its 23 districts,
# so these are published.
VIENNA = WholeOrParts(
    whole="90001", parts=tuple(f"9{number:02}01" for number in range(1, 24)), keep="parts"
)
VIENNA_DISTRICT = WholeOrParts(
    whole="900", parts=tuple(f"9{number:02}" for number in range(1, 24)), keep="parts"
)
CODE_LISTS = {"municipality_code": "municipality_codes", "sex_code": "sexes", "age_code": "ages"}


def municipalities(year: int) -> Source:
    """Give the borders of the municipalities (Gemeinden) on 1 January."""
    return replace(
        _borders("at-municipalities", year, f"Municipalities {year}", "GEM", MUNICIPALITIES),
        rows=RELEASES[year].municipalities,
        totals=AREA,
    )


def districts(year: int) -> Source:
    """Give the borders of the political districts on 1 January."""
    return replace(
        _borders("at-districts", year, f"Political districts {year}", "POLBEZ", DISTRICTS),
        rows=DISTRICT_COUNTS,
    )


def residents(year: int) -> dict[str, Source]:
    """Give the residents of a year, and the lists of their codes, by the names of the tables."""
    codes = replace(_listed(MUNICIPALITY_CODES, "code"), where={"code": "GRGEMAKT-*"})
    return {
        "population": population(year),
        "headings": _list_of_residents(year, "header", "HEADER", _listed(HEADINGS, "code")),
        "sexes": _list_of_residents(year, "sexes", "C-C11-0", _listed(CODES, "code")),
        "ages": _list_of_residents(year, "ages", "C-GALTEJ112-0", _listed(CODES, "code")),
        "municipality_codes": _list_of_residents(year, "municipalities", "C-GRGEMAKT-0", codes),
    }


def population(year: int) -> Source:
    """Give the residents of a year by sex and age; every year is on today's municipalities."""
    reads = replace(
        _listed(POPULATION, "municipality_code", "sex_code", "age_code"),
        where={"C-A10-0": f"A10-{year}"},
    )
    counted = RELEASES[year].residents
    title, dataset = f"Residents on 1 January {year}", POPULATION_DATASET.format(year)
    return replace(
        source("at-population", year, title, dataset, reads),
        codes_of=date(max(NEWEST, year), 1, 1),
        totals={"population": Total(expected=counted, tolerance=0.001)} if counted else {},
    )


def employment(year: int, counted: int = 0) -> Source:
    """Give employment (Abgestimmte Erwerbsstatistik), on the municipalities of its own year.

    counted: another year of the table.
    """
    counted = counted or RELEASES[year].employment
    municipalities = EMPLOYED.get(counted)  # and Vienna as a whole besides
    reads = replace(
        _listed(EMPLOYMENT, "municipality_code"),
        thousands=".",
        where={"JAHR": str(counted)},
        missing={":": "not published"},
        reasons_in="missing",
    )
    title = f"Employment on 31 October {counted}"
    return replace(
        source("at-employment", year, title, EMPLOYMENT_DATASET, reads),
        rows=Rows(low=municipalities, high=municipalities + 1) if municipalities else None,
        reference_date=date(counted, 10, 31),
        codes_of=date(counted, 1, 1),
        otherwise=None if municipalities else employment(year, counted - 1),
    )


def terms(year: int) -> dict[str, Source]:
    """Give what the portal says of its datasets: licence, attribution, day of the last change."""
    datasets = {
        "municipalities": "OGDEXT_GEM_1",
        "population": POPULATION_DATASET.format(year),
        "employment": EMPLOYMENT_DATASET,
    }
    return {name: _metadata(f"at-{name}", year, dataset) for name, dataset in datasets.items()}


def source(
    slug: str, year: int, title: str, dataset: str, reads: Reading, ending: str = ".csv"
) -> Source:
    """Give a file of the open data portal, by its dataset's identifier and its name's ending."""
    return Source(
        slug=slug,
        vintage=year,
        title=title,
        reference_date=date(year, 1, 1),
        urls=(f"{PORTAL}/data/{dataset}{ending}",),
        landing_page=f"{PORTAL}/web/meta.jsp?dataset={dataset}",
        publisher=STATISTIK_AUSTRIA,
        licence=CC_BY,
        container="text",
        reads=reads,
        released="yearly",
        confidence="high",
        **_listing(dataset, ending),
    )


def _borders(slug: str, year: int, title: str, layer: str, columns: Mapping[str, Column]) -> Source:
    """Give a layer of borders from the web feature service, which replaced zips in March 2026."""
    key = next(iter(columns))
    reads = Features(columns=columns, key=key, crs=31287, published_crs=31287, bounds=BOUNDS)
    name = f"GEODATA:STATISTIK_AUSTRIA_{layer}_{year}0101"
    return replace(
        source(slug, year, title, f"OGDEXT_{layer}_1", reads),
        container="json",
        pages=PAGE,
        listing=None,  # it names these layers at another service's question, for Shapefiles
        listed="",
        urls=tuple(f"{host}/{SERVICE}&typeNames={name}" for host in HOSTS),
    )


def _listing(dataset: str, ending: str) -> dict[str, Any]:
    """Give the document of a dataset that lists its files; nothing without a dataset."""
    if not dataset:
        return {}
    document = Listing(
        slug=f"ogd-{dataset}",
        title=f"Metadata of {dataset}",
        url=METADATA.format(PORTAL, dataset),
        standard="OGD Austria",
        confidence="high",
    )
    return {"listing": document, "listed": re.escape(f"{dataset}{ending}")}


def _list_of_residents(year: int, name: str, ending: str, reads: Table) -> Source:
    """Give one of the lists that tell what the codes and columns of the residents mean."""
    title, dataset = f"Residents on 1 January {year}: {name}", POPULATION_DATASET.format(year)
    return source(f"at-population-{name}", year, title, dataset, reads, f"_{ending}.csv")


def _listed(columns: Mapping[str, Column], *key: str) -> Table:
    """Read the portal's text format: semicolons, decimal comma, UTF-8."""
    return Table(columns=columns, key=key, delimiter=";", encoding="utf-8-sig", decimal_point=",")


def _metadata(slug: str, year: int, dataset: str) -> Source:
    reads = Document(standard="OGD Austria Metadata")
    return replace(
        source(f"{slug}-metadata", year, f"Metadata of {dataset}", dataset, reads),
        urls=(METADATA.format(PORTAL, dataset),),
        listing=None,
        listed="",
        container="json",
    )
