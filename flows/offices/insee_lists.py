"""La Poste: the postal codes of France."""

from dataclasses import replace
from datetime import date

from flows.offices.insee import RELEASES, open_licence, source
from flows.offices.insee_columns import POSTAL_CODES
from tasks.nouns import Publisher, Rows, Source, Table

LA_POSTE = Publisher(slug="la-poste", name="La Poste", url="https://datanova.laposte.fr")
OF_LA_POSTE = open_licence("licence-ouverte-la-poste", "La Poste")
HEXASMAL = "data-fair/api/v1/datasets/laposte-hexasmal/raw"
HOSTS = ("https://data.laposte.fr", "https://datanova.laposte.fr")


def postal_codes(year: int) -> Source:
    """Give pairs of communes and postal codes; in the newest, a number sign begins the headings."""
    reads = Table(columns=POSTAL_CODES, delimiter=";", encoding="cp1252")
    return replace(
        source("fr-postal-codes", year, "Base officielle des codes postaux", reads),
        publisher=LA_POSTE,
        licence=OF_LA_POSTE,
        landing_page="https://datanova.laposte.fr/datasets/laposte-hexasmal",
        urls=tuple(f"{host}/{HEXASMAL}" for host in HOSTS),
        current=True,
        reference_date=date(RELEASES[year].posted, 1, 1),
        released="twice a year",
        confidence="high",
        rows=Rows(low=38_500, high=40_000),
    )
