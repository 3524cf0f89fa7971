"""Distributions of a layer in DCAT-AP: its view, the files of the site, and the terms of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from tasks.core.pages.twins import vocabularies as words
from tasks.core.pages.twins.addresses import Addresses, on_the_web
from tasks.core.pages.twins.facts import EditionFacts, moment
from tasks.core.pages.twins.files import SiteFile
from tasks.core.pages.twins.vocabularies import english, refer, said, typed

Node = dict[str, Any]


def of_layer(
    facts: EditionFacts, layer: Any, iri: Addresses, files: Sequence[SiteFile]
) -> list[Node]:
    """Return the view of a layer and the files that hold its rows, each with its terms."""
    own = [file for file in files if file.layer == layer.layer]
    terms = said(
        {
            "dct:license": _licence(facts, layer.layer, iri),
            "dct:rights": _rights(facts, layer.layer),
            "dct:conformsTo": words.reference_system(layer.srid) if layer.srid else None,
        }
    )
    made = [_view(facts, layer, iri), *(of_file(file, iri, facts.edition) for file in own)]
    return [each | terms for each in made]


def _view(facts: EditionFacts, layer: Any, iri: Addresses) -> Node:
    edition = facts.edition
    view = f"{edition.published_schema}.{layer.layer}_{edition.vintage}"
    return {
        "@type": "dcat:Distribution",
        "dct:title": english(f"The view {view} in PostgreSQL"),
        "dct:description": english(
            f"SELECT * FROM {view}: {layer.row_count:,} rows, for those who may read the database."
        ),
        "dcat:accessURL": refer(iri.page(edition)),
        "dcat:mediaType": words.media_type("application/sql"),
        "dct:issued": typed(moment(edition.published_at), "xsd:dateTime"),
    }


def of_file(file: SiteFile, iri: Addresses, edition: Any) -> Node:
    """Return a file of the site, with the hash of its bytes."""
    return {
        "@type": "dcat:Distribution",
        "dct:title": english(file.title),
        "dcat:accessURL": refer(iri.page(edition)),
        "dcat:downloadURL": refer(f"{iri.root}{quote(file.path)}"),
        "dcat:mediaType": words.media_type(file.media_type),
        "dcat:byteSize": typed(file.size_bytes, "xsd:nonNegativeInteger"),
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": words.SHA256,
            "spdx:checksumValue": typed(file.sha256, "xsd:hexBinary"),
        },
    }


def _licence(facts: EditionFacts, layer: str, iri: Addresses) -> Node | None:
    """Return the terms of a layer: one document, which names all where its originals have several.

    DCAT-AP allows one a distribution.
    """
    terms = {
        each.licence_url or each.licence: (each.licence_title, each.licence, each.licence_url)
        for each in facts.originals.get(layer, [])
    }
    if not terms:
        return None
    if len(terms) > 1:
        return {
            "@id": f"{iri.layer(facts.edition, layer)}-terms",
            "@type": "dct:LicenseDocument",
            "dct:title": [english(title) for title, _, _ in sorted(terms.values())],
            "rdfs:seeAlso": [refer(url) for key in sorted(terms) if (url := on_the_web(key))],
        }
    ((title, slug, url),) = terms.values()
    document = refer(on_the_web(url) or iri.licence(slug), "dct:LicenseDocument")
    return {**document, "dct:title": english(title)}


def _rights(facts: EditionFacts, layer: str) -> Node | None:
    sentences = facts.attributions.get(layer)
    return {"@type": "dct:RightsStatement", "rdfs:label": sentences} if sentences else None
