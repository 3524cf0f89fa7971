"""INSEE's register of establishments (SIRENE): its files, the columns kept, and for how long."""

from dataclasses import replace

from flows.offices.insee import source as office_source
from tasks.nouns import Column, Listing, Rows, Source, Table, number, text

DATASETS = "https://www.data.gouv.fr/api/1/datasets"
RESOURCES = f"{DATASETS}/r"
STOCK, GEOLOCATION = (  # resources: their addresses stay, and give the newest file
    "a29c1297-1f92-4e2a-8f6b-8c902ce96c5f",
    "672007af-0146-491f-835c-8314d63fa44e",
)
STOCKS, GEOLOCATIONS = (  # datasets
    "base-sirene-des-entreprises-et-de-leurs-etablissements-siren-siret",
    "geolocalisation-des-etablissements-du-repertoire-sirene-pour-les-etudes-statistiques",
)
PAGE = f"https://www.data.gouv.fr/datasets/{STOCKS}"
KEEP_DAYS = 400  # no stock stays longer: it names persons who may object to it later
KEEP_ORIGINALS = 4  # 3 GB replaced every month: older ones stay while an edition is made from them
OTHER = "other"  # the division of an activity unknown, or of a nomenclature that has no list here
MOST_OTHER = 0.10  # share of the establishments that may be in that division
RELEASES = (2024, 2025, 2026)  # each month makes a new edition of the year
NEWEST = max(RELEASES)


def _fact(heading: str, about: str, unit: str = "code", kind: str = "text") -> Column:
    """Give what the register says of one establishment, which is never that of several."""
    return Column((f"{heading}Etablissement",), kind, about=about, unit=unit)


ESTABLISHMENTS: dict[str, Column] = {
    "siret": text("siret", about="SIRET, fourteen digits"),
    "diffusion": text("statutDiffusionEtablissement"),
    "created": _fact("dateCreation", "Day of creation", "date", "date"),
    # The newest one tells the month of the stock. It counts for that only: it is in no layer.
    "updated": Column(("dateDernierTraitementEtablissement",), "date"),
    "is_headquarters": Column(
        ("etablissementSiege",),
        "boolean",
        about="Whether it is the headquarters of its company",
        unit="truth",
    ),
    "head_count_band": _fact(
        "trancheEffectifs", "Band of the head count; NN is no employer or not known"
    ),
    "naf_code": _fact("activitePrincipale", "Main activity, in the nomenclature beside it"),
    "nomenclature": _fact("nomenclatureActivitePrincipale", "Nomenclature of the main activity"),
    # From December 2025 until NAF 2025 is the nomenclature itself, on 1 January 2027.
    "naf2025_code": Column(
        ("activitePrincipaleNAF25Etablissement",),
        optional=True,
        about="Main activity in NAF 2025, where the register gives both",
        unit="code",
    ),
    "name": _fact("denominationUsuelle", "Usual name", "name"),
    "sign": _fact("enseigne1", "Name on the sign", "name"),
    "postal_code": _fact("codePostal", "Postal code"),
    "municipal_code": _fact(
        "codeCommune", "Code of the commune or arrondissement, carried to that of today"
    ),
    "lambert_x": text("coordonneeLambertAbscisseEtablissement", optional=True),
    "lambert_y": text("coordonneeLambertOrdonneeEtablissement", optional=True),
}

POSITIONS: dict[str, Column] = {
    "siret": text("siret"),
    "quality": text("qualite_xy"),
    "latitude": number("y_latitude"),
    "longitude": number("x_longitude"),
}


def stock(year: int) -> Source:
    """Give the active establishments on the first of a month: Parquet, or a zip read as it is."""
    reads = Table(
        columns=ESTABLISHMENTS, key=("siret",), where={"etatAdministratifEtablissement": "A"}
    )
    return replace(
        _file("fr-sirene", year, "SIRENE: stock of establishments", reads),
        released="monthly",
        urls=(f"{RESOURCES}/{STOCK}",),
        listing=_listing(STOCKS),
        listed=STOCK,
        dated_by="updated",
        minimum_bytes=500_000_000,
        rows=Rows(low=14_000_000, high=22_000_000),
    )


def geolocation(year: int) -> Source:
    """Give where establishments are, in degrees; those not fully public are not in it."""
    reads = Table(columns=POSITIONS, key=("siret",))
    return replace(
        _file("fr-sirene-geolocation", year, "SIRENE: geolocation of establishments", reads),
        released="monthly, around the 21st",
        days_behind=31,  # the stock of a month comes weeks before
        urls=(f"{RESOURCES}/{GEOLOCATION}",),
        listing=_listing(GEOLOCATIONS),
        listed=GEOLOCATION,
        minimum_bytes=200_000_000,
        rows=Rows(low=28_000_000, high=50_000_000),
    )


def _listing(dataset: str) -> Listing:
    return Listing(
        slug=f"data-gouv-{dataset}",
        title=f"Dataset {dataset} of data.gouv.fr",
        url=f"{DATASETS}/{dataset}/",
        standard="data.gouv.fr",
        confidence="high",
    )


def _file(slug: str, year: int, title: str, reads: Table) -> Source:
    """Give a file of the register: today's at its address, and it must not be kept for ever."""
    return replace(
        office_source(slug, year, title, reads),
        landing_page=PAGE,
        container="parquet",
        packed=True,
        current=True,
        member="*.csv",
        confidence="high",
        retention="legal_maximum",
        keep_days=KEEP_DAYS,
        keep_originals=KEEP_ORIGINALS,
    )
