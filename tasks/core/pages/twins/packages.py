"""An edition as a Frictionless data package: its layers as the CSV files that an export writes.

https://datapackage.org/standard/data-package/, version 2. The package stands beside no data: it
describes `make export FORMAT=csv`, whose files are put beside it under the names it gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.core.pages.twins.addresses import Addresses, on_the_web
from tasks.core.pages.twins.facts import EditionFacts, moment
from tasks.core.pages.twins.vocabularies import said

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
TYPES = {  # of Table Schema, by that of PostgreSQL without its size
    "text": "string",
    "character varying": "string",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "real": "number",
    "double precision": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp with time zone": "datetime",
    "geometry": "string",
}


def package(facts: EditionFacts, iri: Addresses) -> dict[str, Any]:
    """Return the descriptor of an edition; each layer has its own licences and sources."""
    edition, originals = facts.edition, facts.distinct_originals()
    return said(
        {
            "$schema": PROFILE,
            "name": f"{edition.dataset}-{edition.vintage}",
            "id": iri.vintage(edition),
            "title": f"{edition.title}, {edition.vintage}",
            "description": _warning(edition.mirror),
            "homepage": on_the_web(iri.page(edition)),
            "version": f"{edition.vintage}-e{edition.number}",
            "created": moment(edition.published_at),
            "keywords": [each.layer for each in facts.layers],
            "contributors": [*_offices(originals), _ourselves()],
            "licenses": _licences(originals),
            "sources": _sources(originals),
            "resources": [_resource(facts, each) for each in facts.layers],
        }
    )


def export_name(edition: Any, layer: str, ending: str) -> str:
    """Return the name that an export gives the file of a layer (belgium.sectors-2025-e3.csv)."""
    return f"{edition.published_schema}.{layer}-{edition.vintage}-e{edition.number}.{ending}"


def _resource(facts: EditionFacts, layer: Any) -> dict[str, Any]:
    edition, originals = facts.edition, facts.originals.get(layer.layer, [])
    return said(
        {
            "name": layer.layer,
            "path": export_name(edition, layer.layer, "csv"),
            "title": layer.layer.replace("_", " ").capitalize(),
            "description": layer.description,
            "scheme": "file",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "view": f"{edition.published_schema}.{layer.layer}_{edition.vintage}",
            "rows": layer.row_count,
            "contentHash": layer.content_hash,
            "crs": f"EPSG:{layer.srid}" if layer.srid else None,
            "attributions": facts.attributions.get(layer.layer),
            "licenses": _licences(originals),
            "sources": _sources(originals),
            "schema": {
                "fields": [
                    _field(each, layer.key_columns) for each in facts.columns.get(layer.layer, [])
                ],
                "primaryKey": layer.key_columns,
                "missingValues": [""],
            },
        }
    )


def _field(column: Any, key: list[str]) -> dict[str, Any]:
    kind = column.data_type.split("(")[0]
    return said(
        {
            "name": column.name,
            "type": TYPES.get(kind, "any"),
            "title": column.name.replace("_", " ").capitalize(),
            "description": column.description,
            "unit": column.unit,
            "aggregation": column.aggregation,
            "origin": column.origin,
            "constraints": {"required": True} if column.name in key else None,
        }
    )


def _licences(originals: Iterable[Any]) -> list[dict[str, Any]]:
    """Return each licence once; one without an address has its short name instead."""
    found = {(each.licence_title, each.licence_url): each.licence for each in originals}
    return [
        said({"title": title, "path": on_the_web(url), "name": "" if on_the_web(url) else slug})
        for (title, url), slug in sorted(found.items())
    ]


def _sources(originals: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        said(
            {
                "title": each.title,
                "path": on_the_web(each.url) or on_the_web(each.landing_page),
                "version": str(each.source_vintage),
                "hash": f"sha256:{each.sha256}",
                "bytes": each.size_bytes,
                "retrieved": moment(each.retrieved_at),
                "refersTo": each.day.isoformat(),
            }
        )
        for each in originals
    ]


def _offices(originals: Iterable[Any]) -> list[dict[str, Any]]:
    found = {(each.publisher_name, each.publisher_url) for each in originals}
    return [
        said({"title": name, "path": on_the_web(url), "roles": ["creator"]})
        for name, url in sorted(found)
    ]


def _ourselves() -> dict[str, Any]:
    return {"title": "geodata-flows", "roles": ["contributor"]}


def _warning(mirror: str) -> str:
    return f"NOT OFFICIAL DATA (mirror {mirror})." if mirror else ""
