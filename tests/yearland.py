"""Yearland, a made-up country of squares whose office publishes borders and residents each year,
and incomes as a series at one address; its flow, and its files as of any year.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated

from prefect import flow

from tasks.nouns import (
    NEWEST,
    Dataset,
    Features,
    Licence,
    Mirror,
    Publisher,
    Reading,
    Rebuild,
    Releases,
    Rows,
    Source,
    Table,
    integer,
    ledger,
    since,
    text,
)
from tasks.vocabulary import (
    backup,
    check_join,
    check_rows,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recode,
    recorded,
    unpack,
)

HOST = "https://yearland.example"
SCRIPT = Path(__file__).with_suffix(".sql")


@dataclass(frozen=True)
class Release:
    """What the office states of a year: its areas, and the year of the incomes."""

    areas: Rows | None
    earned: int


RELEASES = Releases(
    {2024: Release(None, 2022), 2025: Release(None, 2023)},
    later=lambda newest, years: Release(None, newest.earned + years),
)
YEARLAND = Dataset(
    slug="yearland",
    title="Yearland: areas",
    country="ZY",
    schema="yearland",
    vintages=tuple(RELEASES),
    layers={"areas": ("area_code",)},
)
AREAS = {
    "area_code": text("code", about="Area", unit="code", rule="key"),
    "area_name": text("name", about="Name of the area", unit="name"),
}
RESIDENTS = {
    "area_code": text("CODE"),
    "residents": integer("RESIDENTS", about="Residents", unit="persons", rule="sum"),
}
INCOMES = {
    "area_code": text("CODE"),
    "income": integer("INCOME", about="Incomes two years before", unit="EUR", rule="sum"),
}
LEDGER = ledger("2025-01-01: A01 A02 > A01")
Vintage = Annotated[int, since(RELEASES, "Year of the borders.")]


def areas(year: int) -> Source:
    """Give the borders."""
    reads = Features(columns=AREAS, key="area_code", crs=3035, published_crs=3035)
    return replace(
        _file("zy-areas", year, "Areas", f"borders/areas_{year}.geojson", reads),
        container="json",
        rows=RELEASES[year].areas,
    )


def residents(year: int) -> Source:
    """Give the residents."""
    reads = Table(columns=RESIDENTS, key=("area_code",), delimiter=";")
    return _file("zy-residents", year, "Residents", f"residents/residents_{year}.csv", reads)


def incomes(year: int, earned: int = 0) -> Source:
    """Give the incomes of the newest year that the series has."""
    earned, newest = earned or RELEASES[year].earned, RELEASES[max(RELEASES)].earned
    reads = Table(columns=INCOMES, key=("area_code",), delimiter=";", where={"YEAR": str(earned)})
    return replace(
        _file("zy-incomes", year, f"Incomes of {earned}", "incomes.csv", reads),
        reference_date=date(earned, 12, 31),
        codes_of=date(year, 1, 1),
        otherwise=incomes(year, earned - 1) if earned > newest else None,
    )


def survey(year: int, asked: int = 0) -> Source:
    """Give the newest survey, of a file of its own each time, which may be years late."""
    asked, newest = asked or RELEASES[year].earned, RELEASES[max(RELEASES)].earned
    reads = Table(
        columns={"area_code": text("CODE"), "jobs": integer(f"J{asked % 100}", unit="persons")},
        key=("area_code",),
        delimiter=";",
    )
    return replace(
        _file("zy-survey", year, f"Survey of {asked}", f"surveys/survey_{asked}.csv", reads),
        reference_date=date(asked, 6, 30),
        codes_of=date(year, 1, 1),
        otherwise=survey(year, asked - 1) if asked > newest else None,
    )


def _file(slug: str, year: int, title: str, path: str, reads: Reading) -> Source:
    return Source(
        slug=slug,
        vintage=year,
        title=title,
        publisher=Publisher(slug="yearland", name="Office of Yearland", url=HOST),
        licence=Licence(slug="open", title="Open", url=HOST, attribution="Source: the office"),
        landing_page=HOST,
        urls=(f"{HOST}/{path}",),
        container="text",
        reads=reads,
        reference_date=date(year, 1, 1),
        released="yearly",
        confidence="high",
    )


@flow(name="yearland", description=__doc__, flow_run_name="yearland {vintage}")
@recorded(YEARLAND)
def yearland(vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of Yearland."""
    files = backup(
        shapes=areas(vintage),
        residents=residents(vintage),
        incomes=incomes(vintage),
        survey=survey(vintage),
        mirror=mirror,
    )
    staging = open_staging(YEARLAND, vintage, files, rebuild=rebuild)
    load(staging, unpack(files))
    check_rows(staging, files.shapes)
    then, now = files.incomes.codes_day, files.shapes.codes_day
    recode(staging, "incomes", "area_code", LEDGER, since=then, until=now)
    check_join(staging, "shapes", "residents", key="area_code", population="residents")
    join(staging, str(SCRIPT))
    publish_catalog(publish(staging))


Squares = Mapping[str, Sequence[float]]  # xmin, ymin, xmax, ymax by code


def grid(columns: int = 5, rows: int = 4) -> dict[str, tuple[float, float, float, float]]:
    """Squares of a kilometre, named A01 and so on."""
    places = [(column, row) for row in range(rows) for column in range(columns)]
    return {
        f"A{number:02}": (4e6 + x * 1e3, 3e6 + y * 1e3, 4e6 + x * 1e3 + 1e3, 3e6 + y * 1e3 + 1e3)
        for number, (x, y) in enumerate(places, 1)
    }


def write_mirror(folder: Path) -> None:
    """The mirror that stands in for the office's host."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"label": "synthetic-yearland", "about": "Synthetic.", "hosts": {HOST: "office"}}
    (folder / "mirror.json").write_text(json.dumps(told))


def write_borders(folder: Path, year: int, squares: Squares | None = None) -> None:
    """The borders of a year."""
    path = folder / f"office/borders/areas_{year}.geojson"
    path.parent.mkdir(parents=True, exist_ok=True)
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": f"Area {code}"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[a, b], [c, b], [c, d], [a, d], [a, b]]],
            },
        }
        for code, (a, b, c, d) in (squares or grid()).items()
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3035"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))


def write_residents(
    folder: Path,
    year: int,
    codes: Sequence[str] = tuple(grid()),
    factor: float = 1.0,
    heading: str = "RESIDENTS",
) -> None:
    """The residents of a year: half a percent more than the year before."""
    path = folder / f"office/residents/residents_{year}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    grown = factor * 1.005 ** (year - 2024)
    rows = (f"{code};{round((1000 + 7 * int(code[1:])) * grown)}\n" for code in codes)
    path.write_text(f"CODE;{heading}\n{''.join(rows)}")


def write_incomes(folder: Path, *years: int, codes: Sequence[str] = tuple(grid())) -> None:
    """The series of incomes, of these years."""
    path = folder / "office/incomes.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (
        f"{year};{code};{round(30_000 * (1000 + 7 * int(code[1:])) * 1.01 ** (year - 2022))}\n"
        for year in years
        for code in codes
    )
    path.write_text(f"YEAR;CODE;INCOME\n{''.join(rows)}")


def write_survey(folder: Path, year: int, codes: Sequence[str] = tuple(grid())) -> None:
    """The survey of a year, whose heading names it."""
    path = folder / f"office/surveys/survey_{year}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (
        f"{code};{round((300 + 2 * int(code[1:])) * 1.01 ** (year - 2022))}\n" for code in codes
    )
    path.write_text(f"CODE;J{year % 100}\n{''.join(rows)}")


def write_declared(folder: Path) -> None:
    """All that the office publishes of the declared years."""
    for year, release in RELEASES.items():
        write_year(folder, year)
        write_survey(folder, release.earned)
    write_incomes(folder, *(release.earned for release in RELEASES.values()))


def write_year(folder: Path, year: int) -> None:
    """All that the office publishes of a year, but for incomes and surveys."""
    write_mirror(folder)
    write_borders(folder, year)
    write_residents(folder, year)
