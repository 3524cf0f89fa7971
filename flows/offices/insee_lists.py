"""La Poste and Etalab: postal codes of France, and names of communes and of the areas above."""

from collections.abc import Mapping
from dataclasses import replace

from flows.offices.insee import RELEASES, open_licence, source
from flows.offices.insee_columns import COMMUNES, DEPARTEMENTS, EPCI, POSTAL_CODES, REGIONS
from tasks.nouns import Column, Features, Publisher, Rows, Source, Table

ETALAB = Publisher(
    slug="etalab",
    name="Etalab, direction interministérielle du numérique",
    url="https://www.data.gouv.fr",
)
LA_POSTE = Publisher(slug="la-poste", name="La Poste", url="https://datanova.laposte.fr")
OF_ETALAB = open_licence(
    "licence-ouverte-etalab", "Etalab, contours administratifs, d'après IGN ADMIN EXPRESS"
)  # ODbL by a review of 2026
OF_LA_POSTE = open_licence("licence-ouverte-la-poste", "La Poste")
CONTOURS = "https://etalab-datasets.geo.data.gouv.fr/contours-administratifs"
HEXASMAL = "https://datanova.laposte.fr/data-fair/api/v1/datasets/laposte-hexasmal/raw"


def lists(year: int) -> dict[str, Source]:
    """Give postal codes and names of communes and the areas above, by the names of the tables."""
    return {
        "postal_code_list": postal_codes(year),
        "commune_list": _contours(year, "communes", "Communes", COMMUNES),
        "epci_list": _contours(year, "epci", "EPCI", EPCI),
        "departement_list": _contours(year, "departements", "Départements", DEPARTEMENTS),
        "region_list": _contours(year, "regions", "Regions", REGIONS),
    }


def _contours(year: int, layer: str, title: str, columns: Mapping[str, Column]) -> Source:
    """Give a light layer of areas, used for names and memberships and not for borders."""
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
    """Give pairs of communes and postal codes; newest, a number sign begins the first heading."""
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
