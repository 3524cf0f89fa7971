"""IGN: the borders of the IRIS, in one archive of all France or in one for each territory."""

from dataclasses import replace

from flows.offices.insee import RELEASES, open_licence, source
from flows.offices.insee_columns import IRIS
from tasks.nouns import Features, Listing, Publisher, Rows, Source

IGN = Publisher(
    slug="ign",
    name="Institut national de l'information géographique et forestière (IGN)",
    url="https://geoservices.ign.fr",
)
OF_CONTOURS = open_licence("licence-ouverte-contours-iris", "IGN - Insee, Contours... IRIS")
# A trap in the listing: the FRA GeoParquet labelled 2025 was made in June 2026 on the borders of
# 2026 (1,229 communes differ) and is GeoArrow, not WKB. That of 2026, not packed, is an alternative
# to its 7z: CONTOURS-IRIS_3-0__GEOPARQUET_WGS84G_FRA_2026-01-01/contours_iris.parquet.
LISTING = Listing(
    slug="ign-contours-iris",
    title="Contours... IRIS at IGN's download service",
    url="https://data.geopf.fr/telechargement/resource/CONTOURS-IRIS?page=1&limit=50",
    standard="Atom",
    confidence="medium",  # its form is known from IGN's page and from public programs
)
IRIS_FILES = "https://data.geopf.fr/telechargement/download/CONTOURS-IRIS"
BOUNDS = (-63.5, -21.6, 56.0, 51.2)  # degrees in EPSG:4326, from Guadeloupe to Réunion
PROJECTIONS = {  # EPSG codes by the folders of an archive and by its name
    "*LAMB93*": 2154,
    "*RGAF09UTM20*": 5490,
    "*UTM22RGFG95*": 2972,
    "*RGR92UTM40S*": 2975,
    "*RGM04UTM38S*": 4471,
    "*RGSPM06U21*": 4467,
    "*WGS84G*": 4326,
}
METRES = {  # EPSG code and generous bounds in it, by the projections that archives are named after
    "LAMB93_FXX": (2154, (50_000, 6_000_000, 1_300_000, 7_150_000)),
    "RGAF09UTM20_GLP": (5490, (550_000, 1_700_000, 800_000, 1_900_000)),
    "RGAF09UTM20_MTQ": (5490, (650_000, 1_550_000, 800_000, 1_700_000)),
    "UTM22RGFG95_GUF": (2972, (50_000, 200_000, 500_000, 700_000)),
    "RGR92UTM40S_REU": (2975, (250_000, 7_600_000, 450_000, 7_750_000)),
    "RGM04UTM38S_MYT": (4471, (450_000, 8_500_000, 600_000, 8_650_000)),
}
ALL_FRANCE = Features(
    columns=IRIS,
    key="iris_code",
    crs=4326,
    published_crs=4326,
    bounds=BOUNDS,
    crs_of=PROJECTIONS,
)
OVERSEAS = {  # every commune has an IRIS at least: 32 communes in Guadeloupe
    "GLP": Rows(low=32, high=500),
    "MTQ": Rows(low=34, high=500),
    "GUF": Rows(low=22, high=500),
    "REU": Rows(low=24, high=500),
    "MYT": Rows(low=17, high=500),
}
IRIS_OF_PARIS = {"75%": Rows.exactly(992)}  # since 2016


def iris(year: int) -> dict[str, Source]:
    """Give the borders of the IRIS on 1 January: one archive, or one for each territory."""
    if RELEASES[year].in_one:
        return {"": _all_france(year)}
    parts = {projection.rpartition("_")[2].lower(): projection for projection in METRES}
    return {part: _territory(year, projection) for part, projection in parts.items()}


def _all_france(year: int) -> Source:
    """Give a 7z of one file in degrees, or of one for each projection, in its own folder."""
    counts = {"iris_code": IRIS_OF_PARIS}
    return replace(_archive(year, "FRA"), territories=True, counts=counts)


def _territory(year: int, projection: str) -> Source:
    """Give the 7z of a territory, in metres of its projection."""
    release, (crs, bounds) = RELEASES[year], METRES[projection]
    reads = replace(ALL_FRANCE, crs=crs, bounds=bounds, crs_of={})
    found = replace(_archive(year, projection), reads=reads)
    if projection == "LAMB93_FXX":  # under its slug are all originals archived earlier
        kinds = {"iris_type": release.kinds} if release.kinds else {}
        return replace(found, counts={**kinds, "iris_code": IRIS_OF_PARIS})
    territory = projection.rpartition("_")[2]
    return replace(
        found,
        slug=f"fr-iris-{territory.lower()}",
        title=f"{found.title}, {territory}",
        rows=OVERSEAS[territory],
        confidence=release.overseas or release.confidence,
    )


def _archive(year: int, projection: str) -> Source:
    release = RELEASES[year]
    edition = f"{release.layout.format(projection)}_{year}-01-01"
    name = f"CONTOURS-IRIS_3-0__{edition}"
    return replace(
        source("fr-iris", year, f"Contours... IRIS {year}", ALL_FRANCE),
        publisher=IGN,
        licence=OF_CONTOURS,
        landing_page="https://geoservices.ign.fr/contoursiris",
        container="7z",
        urls=(f"{IRIS_FILES}/{name}/{name}.7z",),
        member=release.files,
        rows=release.rows,
        confidence=release.confidence,
        listing=LISTING,
        listed=rf"CONTOURS-IRIS_\d-\d__{edition}\.7z",
    )
