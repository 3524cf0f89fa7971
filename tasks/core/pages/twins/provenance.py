"""The provenance of an edition in PROV-O: what its layers were derived from, by what, when.

https://www.w3.org/TR/prov-o/. Originals are named by the hash of their bytes and layers by that of
their rows, so that equal names are equal data, also across editions. Machines, parameters and
persons are not told.
"""

from __future__ import annotations

from typing import Any

from tasks.core.pages.twins.addresses import Addresses, named_by_hash, on_the_web
from tasks.core.pages.twins.facts import EditionFacts, moment
from tasks.core.pages.twins.vocabularies import english, refer, said, typed

Node = dict[str, Any]


def nodes(facts: EditionFacts, iri: Addresses) -> list[Node]:
    """Return entities (originals, layers), activities (the edition, its steps) and agents."""
    return [
        *(_original(each, iri) for each in _by_content(facts)),
        *(_layer(facts, each, iri) for each in facts.layers),
        *(_stood_on(each, iri) for each in facts.stood_on),
        _making(facts, iri),
        *(_step(facts, each, iri) for each in facts.steps),
        *_agents(facts, iri),
    ]


def _by_content(facts: EditionFacts) -> list[Any]:
    """Return each original once: two sources may be members of one file."""
    found = {each.sha256: each for each in facts.distinct_originals()}
    return [found[sha256] for sha256 in sorted(found)]


def _original(original: Any, iri: Addresses) -> Node:
    address = on_the_web(original.url)
    return said(
        {
            "@id": named_by_hash(original.sha256),
            "@type": "prov:Entity",
            "dct:title": original.title,
            "dct:identifier": f"sha256:{original.sha256}",
            "dct:extent": f"{original.size_bytes} bytes",
            "prov:generatedAtTime": _at(original.retrieved_at),
            "prov:hadPrimarySource": refer(address, "prov:Entity") if address else None,
            "prov:wasAttributedTo": refer(iri.publisher(original.publisher)),
        }
    )


def _layer(facts: EditionFacts, layer: Any, iri: Addresses) -> Node:
    edition, originals = facts.edition, facts.originals.get(layer.layer, [])
    derived = sorted({named_by_hash(each.sha256) for each in originals})
    return {
        "@id": iri.content(edition, layer.layer, layer.content_hash),
        "@type": "prov:Entity",
        "dct:title": english(f"{edition.title}, {edition.vintage}: {layer.layer}"),
        "dct:identifier": layer.content_hash,
        "dct:extent": f"{layer.row_count} rows",
        "prov:specializationOf": refer(iri.layer(edition, layer.layer), "prov:Entity"),
        "prov:generatedAtTime": _at(edition.published_at),
        "prov:wasGeneratedBy": refer(iri.part(edition, "")),
        "prov:wasAttributedTo": refer(iri.code(edition.code_revision)),
        "prov:wasDerivedFrom": [refer(each) for each in derived],
    }


def _stood_on(layer: Any, iri: Addresses) -> Node:
    """Return a layer of another edition, whose own document says what it is derived from."""
    return {
        "@id": iri.content(layer, layer.layer, layer.content_hash),
        "@type": "prov:Entity",
        "dct:title": f"{layer.dataset} {layer.vintage}: {layer.layer}",
        "dct:identifier": layer.content_hash,
        "rdfs:seeAlso": refer(f"{iri.page(layer)}prov.jsonld"),
    }


def _making(facts: EditionFacts, iri: Addresses) -> Node:
    """Return the making of the edition as a whole, of which its steps are parts."""
    edition = facts.edition
    used = sorted({named_by_hash(each.sha256) for each in facts.inputs})
    used += [iri.content(each, each.layer, each.content_hash) for each in facts.stood_on]
    return {
        "@id": iri.part(edition, ""),
        "@type": "prov:Activity",
        "dct:title": english(f"Edition {edition.number} of {edition.dataset} {edition.vintage}"),
        "prov:startedAtTime": _at(edition.started_at),
        "prov:endedAtTime": _at(edition.published_at),
        "prov:used": [refer(each) for each in used],
        "prov:wasAssociatedWith": refer(iri.code(edition.code_revision)),
    }


def _step(facts: EditionFacts, step: Any, iri: Addresses) -> Node:
    edition = facts.edition
    return {
        "@id": iri.part(edition, f"-step-{step.ordinal}"),
        "@type": "prov:Activity",
        "dct:title": english(f"{step.verb} {step.subject}"),
        "dct:description": english(step.sentence),
        "dct:isPartOf": refer(iri.part(edition, "")),
        "prov:startedAtTime": _at(step.began_at),
        "prov:endedAtTime": _at(step.ended_at),
        "prov:wasAssociatedWith": refer(iri.code(edition.code_revision)),
    }


def _agents(facts: EditionFacts, iri: Addresses) -> list[Node]:
    offices = {each.publisher: each.publisher_name for each in facts.distinct_originals()}
    revision = facts.edition.code_revision
    return [
        {
            "@id": iri.code(revision),
            "@type": ["prov:Agent", "prov:SoftwareAgent"],
            "foaf:name": f"geodata-flows {revision}".strip(),
        },
        *(
            {
                "@id": iri.publisher(slug),
                "@type": ["prov:Agent", "prov:Organization"],
                "foaf:name": name,
            }
            for slug, name in sorted(offices.items())
        ),
    ]


def _at(time: Any) -> dict[str, str]:
    return typed(moment(time), "xsd:dateTime")
