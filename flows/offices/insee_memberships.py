"""INSEE's table of communes: their names, and the areas above them that they belong to."""

from dataclasses import replace

from flows.offices.insee import INSEE_FILES, RELEASES, source
from flows.offices.insee_listings import MEMBERSHIPS
from tasks.nouns import Column, Source, Table, text

PAGES = {  # page and file of a year: the names vary
    2023: (2028028, "table-appartenance-geo-communes-23.zip"),
    2024: (7671844, "table-appartenance-geo-communes-2024.zip"),
    2025: (7671844, "table-appartenance-geo-communes-2025.zip"),
    2026: (7671844, "table-appartenance-geo-communes-2026.zip"),
}
HEADINGS = 6  # titles and explanations are above
COMMUNES: dict[str, Column] = {
    "commune_code": text("CODGEO"),
    "commune_name": text("LIBGEO", about="Name of the commune", unit="name"),
    "departement_code": text("DEP", about="Code of the département; Corsica has 2A and 2B"),
    "region_code": text("REG", about="Code of the region"),
    "epci_code": text(
        "EPCI", about="SIREN of the intermunicipal body (EPCI); some communes have none"
    ),
}
AREAS: dict[str, Column] = {
    "level": text("NIVGEO", about="DEP, REG, EPCI and other divisions of France"),
    "code": text("CODGEO"),
    "name": text("LIBGEO", unit="name"),
}


def memberships(year: int) -> Source:
    """Give the communes of 1 January and what they belong to, and the names of those areas.

    It has no shapes. The contours that Etalab publishes would have, under the ODbL, whose
    share-alike would bind every layer made with them.
    """
    page, name = PAGES.get(year, (7671844, f"table-appartenance-geo-communes-{year}.zip"))
    tables = {
        "communes": Table(
            columns=COMMUNES, key=("commune_code",), sheet="COM", header_rows=(HEADINGS,)
        ),
        "areas": Table(
            columns=AREAS,
            key=("level", "code"),
            sheet="Zones_supra_communales",
            header_rows=(HEADINGS,),
        ),
    }
    return replace(
        source("fr-memberships", year, f"Communes and their areas {year}", tables["communes"]),
        reads=tables,
        landing_page="https://www.insee.fr/fr/information/7671844",
        container="zip",
        member="*.xlsx",
        urls=(f"{INSEE_FILES}/{page}/{name}",),
        listing=MEMBERSHIPS,
        listed=rf"table-appartenance-geo-communes-(20)?{year % 100:02}\.zip",
        confidence="high" if year == max(RELEASES) else "medium",
    )
