"""Statistik Austria and the Austrian Post: lists of municipalities that are fetched by hand."""

from dataclasses import replace
from datetime import date

from flows.offices.statistik_austria import source
from tasks.nouns import Column, Rows, Source, Table, text

REGIONS = "https://www.statistik.at/services/tools/services/regionales/"

TYPOLOGY: dict[str, Column] = {
    "municipality_code": text("municipality_code", about="Gemeindekennziffer of 2023"),
    "municipality_name": text("municipality_name", about="Name of the municipality", unit="name"),
    "typology_code": text(
        "typology", about="Code of the urban-rural typology of Statistik Austria"
    ),
}

URBANISATION: dict[str, Column] = {
    "municipality_code": text("municipality_code"),
    "urbanisation_code": text("urbanisation", about="Degree of urbanisation (DEGURBA)"),
}

POSTAL_CODES: dict[str, Column] = {
    "postal_code": text("postal_code", about="Postal code (Postleitzahl)"),
    "municipality_code": text(
        "municipality_code", about="Gemeindekennziffer as in the list, Vienna mostly as 90001"
    ),
    "nuts3_code": text("NUTS3", about="NUTS 3 region of the postal code"),
}


def typology(year: int) -> Source:
    """Give the urban-rural typology of the municipalities."""
    reads = Table(columns=TYPOLOGY, key=("municipality_code",))
    return replace(
        _by_hand("at-typology", year, "Urban-rural typology 2021", REGIONS, reads),
        rows=Rows.exactly(2_115),
    )


def urbanisation(year: int) -> Source:
    """Give the degree of urbanisation of the municipalities."""
    reads = Table(columns=URBANISATION, key=("municipality_code",))
    return replace(
        _by_hand("at-urbanisation", year, "Degree of urbanisation 2021", REGIONS, reads),
        rows=Rows.exactly(2_115),
    )


def postal_codes(year: int) -> Source:
    """Give pairs of postal codes and municipalities, of the Austrian Post."""
    reads = Table(columns=POSTAL_CODES, key=("postal_code", "municipality_code"))
    title = "Postal codes of municipalities"
    return replace(
        _by_hand("at-postal-codes", year, title, "https://www.post.at", reads),
        rows=Rows.exactly(3_375),
    )


def _by_hand(slug: str, year: int, title: str, page: str, reads: Table) -> Source:
    """Give a list without a lasting address: a comma-separated text, fetched by hand."""
    return replace(
        source(slug, year, title, "", reads),
        urls=(),
        landing_page=page,
        confidence="low",
        codes_of=date(year, 1, 1),
    )
