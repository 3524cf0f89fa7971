"""The Royal Office of Ruritania: its licence, a table of its releases, and its files."""

from dataclasses import dataclass
from datetime import date

from tasks.nouns import (
    Container,
    Features,
    Licence,
    Publisher,
    Reading,
    Releases,
    Rows,
    Source,
    Table,
    Total,
    integer,
    text,
)

ROYAL_OFFICE = Publisher(
    slug="royal-office", name="Royal Office of Ruritania", url="https://office.example"
)
ROYAL_OPEN = Licence(
    slug="royal-open",
    title="Royal Open Licence",
    url="https://office.example/open",
    attribution="Source: Royal Office",
)


@dataclass(frozen=True)
class Release:
    """What the office states of the 1 January of a year; nothing of one that nobody declared."""

    cantons: Rows | None = None
    residents: Total | None = None


RELEASES = Releases(
    {2026: Release(Rows.exactly(16), Total(expected=41_327, stated_by="the Royal Office"))},
    later=lambda newest, years: Release(),
)
NEWEST = max(RELEASES)

CANTONS = {
    "canton_code": text("canton", about="Canton", unit="code", rule="key"),
    "canton_name": text("name", about="Name of the canton", unit="name"),
    "duchy_code": text("duchy", about="Duchy", unit="code", rule="same"),
}
RESIDENTS = {
    "canton_code": text("CANTON"),
    "residents": integer("RÉSIDENTS", about="Residents on 1 January", unit="persons", rule="sum"),
}


def cantons(year: int) -> Source:
    """Borders of the cantons."""
    reads = Features(columns=CANTONS, key="canton_code", crs=3035, published_crs=3035)
    stated = RELEASES[year].cantons
    return _file("zr-cantons", year, "Cantons", "cantons.gpkg", "sqlite", reads, rows=stated)


def residents(year: int) -> Source:
    """Residents of the cantons; those on the road are a row of their own."""
    reads = Table(columns=RESIDENTS, key=("canton_code",), delimiter=";", encoding="cp1252")
    stated = RELEASES[year].residents
    title, file = "Residents on 1 January", "residents.zip"
    totals = {"residents": stated} if stated else {}
    return _file("zr-residents", year, title, file, "zip", reads, totals=totals)


def _file(
    slug: str,
    year: int,
    title: str,
    file: str,
    container: Container,
    reads: Reading,
    rows: Rows | None = None,
    totals: dict[str, Total] | None = None,
) -> Source:
    return Source(
        slug=slug,
        vintage=year,
        title=f"{title} {year}",
        publisher=ROYAL_OFFICE,
        licence=ROYAL_OPEN,
        landing_page="https://office.example/data",
        urls=(f"https://office.example/{year}/{file}",),
        container=container,
        member="*.csv" if container == "zip" else None,
        reads=reads,
        rows=rows,
        totals=totals or {},
        reference_date=date(year, 1, 1),
        released="yearly, spring",
        confidence="high",
    )
