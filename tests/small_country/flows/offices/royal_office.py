"""The Royal Office of Ruritania: its licence, a table of its releases, and its files."""

from dataclasses import dataclass
from datetime import date

from tasks.nouns import (
    Container,
    Features,
    Licence,
    Publisher,
    Reading,
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
    """What the office states of the 1 January of a year."""

    cantons: int
    residents: int


RELEASES = {2026: Release(cantons=16, residents=41_327)}  # a new vintage is one line
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
    rows = Rows.exactly(RELEASES[year].cantons)
    return _file("zr-cantons", year, "Cantons", "cantons.gpkg", "sqlite", reads, rows=rows)


def residents(year: int) -> Source:
    """Residents of the cantons; those on the road are a row of their own."""
    reads = Table(columns=RESIDENTS, key=("canton_code",), delimiter=";", encoding="cp1252")
    total = Total(expected=RELEASES[year].residents, stated_by="the Royal Office")
    title, file = "Residents on 1 January", "residents.zip"
    return _file("zr-residents", year, title, file, "zip", reads, totals={"residents": total})


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
