"""Words of others: prefixes of the vocabularies, and the European lists of values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LISTS = "http://publications.europa.eu/resource/authority"
PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geosparql": "http://www.opengis.net/ont/geosparql#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
COUNTRIES = {"AT": "AUT", "BE": "BEL", "FR": "FRA", "US": "USA"}  # as the European list has them
RHYTHMS = {"yearly": "ANNUAL", "monthly": "MONTHLY", "twice a year": "ANNUAL_2"}
ENGLISH = {"@id": f"{LISTS}/language/ENG", "@type": "dct:LinguisticSystem"}
REGIONS = {
    "@id": f"{LISTS}/data-theme/REGI",
    "@type": "skos:Concept",
    "skos:prefLabel": {"@value": "Regions and cities", "@language": "en"},
}
THEMES = {
    "@id": f"{LISTS}/data-theme",
    "@type": "skos:ConceptScheme",
    "dct:title": {"@value": "Data themes", "@language": "en"},
}
SHA256 = {"@id": "spdx:checksumAlgorithm_sha256", "@type": "spdx:ChecksumAlgorithm"}
PROFILE = {"@id": "http://data.europa.eu/r5r/", "@type": "dct:Standard"}


def english(text: str) -> dict[str, str]:
    """Return a text and that it is English."""
    return {"@value": text, "@language": "en"}


def typed(value: object, kind: str) -> dict[str, str]:
    """Return a value of a type of XML Schema or GeoSPARQL."""
    return {"@value": str(value), "@type": kind}


def refer(iri: str, kind: str = "") -> dict[str, str]:
    """Return a reference to a thing, and what kind of thing it is."""
    return {"@id": iri} | ({"@type": kind} if kind else {})


def country(code: str) -> list[dict[str, str]]:
    """Return a country by its two letters, where the European list is known to have it."""
    letters = COUNTRIES.get(code)
    return [refer(f"{LISTS}/country/{letters}", "dct:Location")] if letters else []


def rhythm(released: Iterable[str]) -> dict[str, str] | None:
    """Return how often files are released, where all are as often, else None.

    released: as declared ("yearly, autumn").
    """
    found = {RHYTHMS.get(each.split(",")[0]) for each in released}
    code = found.pop() if len(found) == 1 else None
    return refer(f"{LISTS}/frequency/{code}", "dct:Frequency") if code else None


def reference_system(srid: int) -> dict[str, str]:
    """Return a reference system of coordinates by its EPSG code."""
    return refer(f"http://www.opengis.net/def/crs/EPSG/0/{srid}", "dct:Standard")


def media_type(name: str) -> dict[str, str]:
    """Return a media type as registered with IANA."""
    return refer(f"https://www.iana.org/assignments/media-types/{name}", "dct:MediaType")


def said(properties: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known: None, and what is empty."""
    return {name: value for name, value in properties.items() if value not in (None, "", [], {})}
