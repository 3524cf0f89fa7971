"""The metadata of the data sets as the portal's JSON gives them: title, licence, resources with the
moment of their last change.
"""

from __future__ import annotations

from json import dumps
from typing import Any

PORTAL = "https://data.statistik.gv.at"
SERVICE = "https://www.statistik.gv.at/gs-open/GEODATA/ows?service=WFS&version=1.0.0&request=GetFeature&typeName=GEODATA:"
FIRST_LAYER = 2011
FIELDS = {
    "C-A10-0": "Jahr",
    "C-C11-0": "Geschlecht",
    "C-GRGEMAKT-0": "Gemeinde (Vergröberung über Politischen Bezirk)",
    "C-GALTEJ112-0": "Alter in Einzeljahren",
    "F-ISIS-1": "Fallzahl",
}


def municipalities(
    vintage: int, about: str, *, first: int = FIRST_LAYER, moment: str = ""
) -> bytes:
    """The metadata of OGDEXT_GEM_1 when a vintage was its newest: one resource for each vintage
    down to the first, the newest first.

    moment: of the last change, such as 2025-03-09T13:27:36; in March where none is given, as in all
    documents here.
    """
    return _layers("GEM", "Gemeinden", vintage, about, first, moment)


def districts(vintage: int, about: str, *, first: int = FIRST_LAYER, moment: str = "") -> bytes:
    """The same of OGDEXT_POLBEZ_1."""
    return _layers("POLBEZ", "Politische Bezirke", vintage, about, first, moment)


def _layers(kind: str, name: str, vintage: int, about: str, first: int, moment: str) -> bytes:
    options = "&outputFormat=SHAPE-ZIP&format_options=CHARSET:UTF-8"
    resources = [
        _resource(
            f"{SERVICE}STATISTIK_AUSTRIA_{kind}_{year}0101{options}",
            "wfs",
            f"{name} {year}-01-01",
            f"{year}-01-01",
            moment or changed(vintage),
        )
        for year in range(vintage, first - 1, -1)
    ]
    code = name.rstrip("n")
    return _written(
        f"OGDEXT_{kind}_1",
        f"Gliederung Österreichs in {name}",
        about,
        resources,
        f"ID:{code}code;NAME:{code}name",
        "nach Bedarf",
        vintage,
    )


def population(vintage: int, about: str, *, moment: str = "") -> bytes:
    """The metadata of BevStand: the data, the header, then one code list for each
    classification.
    """
    dataset = f"OGD_bevstandjbab2002_BevStand_{vintage}"
    moment = moment or changed(vintage)
    names = [
        dataset,
        f"{dataset}_HEADER",
        *(f"{dataset}_{field}" for field in FIELDS if field.startswith("C-")),
    ]
    resources = [
        _resource(f"{PORTAL}/data/{name}.csv", "csv", name, f"{vintage}-01-01", moment)
        for name in names
    ]
    attributes = ";".join(f"{field}:{title}" for field, title in FIELDS.items())
    return _written(
        dataset,
        f"Bevölkerung zu Jahresbeginn {vintage}",
        about,
        resources,
        attributes,
        "jährlich",
        vintage,
    )


def employment(vintage: int, about: str, *, moment: str = "") -> bytes:
    """The metadata of OGDEXT_AEST_GEMTAB_1, a single file without code lists."""
    dataset = "OGDEXT_AEST_GEMTAB_1"
    moment = moment or changed(vintage)
    resources = [_resource(f"{PORTAL}/data/{dataset}.csv", "csv", dataset, "2013-10-31", moment)]
    title = "Gemeindeergebnisse der Abgestimmten Erwerbsstatistik und Arbeitsstättenzählung"
    return _written(
        dataset,
        title,
        about,
        resources,
        "JAHR:Jahr;GCD:Gemeindecode;GEM_NAME:Gemeindename",
        "jährlich",
        vintage,
    )


def changed(vintage: int) -> str:
    """The moment at which everything of a vintage was last changed."""
    return f"{vintage}-03-09T13:27:36"


def _resource(url: str, kind: str, name: str, day: str, moment: str) -> dict[str, str]:
    return {
        "url": url,
        "format": kind,
        "name": name,
        "created": f"{day}T08:00:00",
        "last_modified": moment,
        "size": "",
        "language": "ger",
        "characterset": "utf8",
    }


def _written(
    dataset: str,
    title: str,
    about: str,
    resources: list[dict[str, str]],
    attributes: str,
    frequency: str,
    vintage: int,
) -> bytes:
    content: dict[str, Any] = {
        "title": title,
        "notes": about,
        "tags": ["Gemeinden"],
        "maintainer": "Statistik Austria, Guglgasse 13, 1110 Wien, Austria",
        "license": "Creative Commons Namensnennung 4.0 International",
        "maintainer_email": "open.data@statistik.gv.at",
        "resources": resources,
        "extras": _extras(dataset, attributes, frequency, vintage, resources[0]["last_modified"]),
        "state": "active",
    }
    return dumps(content, ensure_ascii=False, indent=2, separators=(",", ":")).encode()


def _extras(
    dataset: str, attributes: str, frequency: str, vintage: int, modified: str
) -> dict[str, Any]:
    return {
        "metadata_identifier": f"synthetic-{dataset}",
        "metadata_modified": modified,
        "metadata_linkage": [],
        "metadata_original_portal": f"{PORTAL}/web/meta.jsp?dataset={dataset}",
        "begin_datetime": f"{vintage}-01-01T08:00:00",
        "end_datetime": None,
        "categorization": ["Geographie und Planung"],
        "schema_name": "OGD Austria Metadata 2.3",
        "schema_language": "ger",
        "schema_characterset": "utf8",
        "attribute_description": attributes,
        "maintainer_link": "https://www.statistik.at/kontakt",
        "publisher": "Statistik Austria",
        "geographic_toponym": "",
        "geographic_bbox": "",
        "update_frequency": frequency,
        "lineage_quality": "",
        "en_title_and_desc": "",
        "license_citation": "Datenquelle: Statistik Austria - data.statistik.gv.at",
    }
