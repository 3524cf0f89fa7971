"""The catalogue in DCAT-AP 3: series, vintages and layers as datasets, with their distributions.

https://semiceu.github.io/DCAT-AP/releases/3.0.0/. A layer is a dataset of its own within its
vintage, since its licences are its own. What makes files on demand has no address to give: listed
are the view, the data package and the tiles. A database that is reached from within only is no
dcat:DataService, whose address is mandatory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.core.pages.twins import distributions, extents
from tasks.core.pages.twins import vocabularies as words
from tasks.core.pages.twins.addresses import Addresses, on_the_web
from tasks.core.pages.twins.facts import EditionFacts, moment
from tasks.core.pages.twins.files import SiteFile
from tasks.core.pages.twins.vocabularies import english, refer, said, typed

Node = dict[str, Any]
CATALOG_TITLE = "Geodata of official statistics, joined and checked"


def nodes_of_edition(
    facts: EditionFacts, iri: Addresses, files: Sequence[SiteFile] = ()
) -> list[Node]:
    """Return a vintage as the edition shows it: its series, itself, its layers and their offices.

    files: what the site has of it; one without a layer is of the vintage.
    """
    layers = [_layer(facts, layer, iri, files) for layer in facts.layers]
    return [_series(facts, iri), _vintage(facts, iri, files), *layers, *_agents(facts, iri)]


def nodes_of_catalog(editions: Sequence[EditionFacts], iri: Addresses) -> list[Node]:
    """Return the catalogue and all that is in it, each thing once."""
    found = {
        node["@id"]: node
        for facts in editions  # the newest vintage of a dataset last: it names the series
        for node in nodes_of_edition(facts, iri)
    }
    described = [each for each in found.values() if "dcat:Dataset" in each["@type"]]
    catalog = {
        "@id": iri.catalog(),
        "@type": "dcat:Catalog",
        "dct:title": english(CATALOG_TITLE),
        "dct:description": english(
            "Areas, figures and points of statistics offices as they are shown now, each layer with"
            " its originals, licences and checks."
        ),
        "dct:publisher": refer(iri.ourselves()),
        "dct:language": words.ENGLISH,
        "dct:conformsTo": words.PROFILE,
        "dcat:themeTaxonomy": words.THEMES,
        "dct:modified": _latest(editions),
        "foaf:homepage": refer(iri.root, "foaf:Document"),
        "dcat:dataset": [refer(each["@id"]) for each in described],
    }
    return [said(catalog), *(found.values() if found else [_ourselves(iri)])]


def _series(facts: EditionFacts, iri: Addresses) -> Node:
    edition = facts.edition
    return said(
        {
            "@id": iri.series(edition.dataset),
            "@type": ["dcat:DatasetSeries", "dcat:Dataset"],
            "dct:title": english(edition.title),
            "dct:description": english(f"{edition.title}: all vintages."),
            "dct:identifier": edition.dataset,
            "dct:publisher": refer(iri.ourselves()),
            "dct:accrualPeriodicity": words.rhythm(
                each.released for each in facts.distinct_originals()
            ),
            "dct:spatial": words.country(edition.country),
            "dcat:theme": words.REGIONS,
        }
    )


def _vintage(facts: EditionFacts, iri: Addresses, files: Sequence[SiteFile]) -> Node:
    edition = facts.edition
    return said(
        {
            "@id": iri.vintage(edition),
            "@type": "dcat:Dataset",
            "dct:title": english(f"{edition.title}, {edition.vintage}"),
            "dct:description": english(_description(facts)),
            "dct:identifier": f"{edition.dataset}/{edition.vintage}",
            "dcat:version": str(edition.number),
            "dcat:inSeries": refer(iri.series(edition.dataset)),
            "dct:hasPart": [refer(iri.layer(edition, each.layer)) for each in facts.layers],
            "dct:spatial": words.country(edition.country),
            "dct:temporal": extents.period(facts.distinct_originals()),
            "dct:provenance": _provenance(facts, iri),
            "dcat:distribution": [
                distributions.of_file(file, iri, edition) for file in files if not file.layer
            ],
            **_of_edition(facts, iri, facts.distinct_originals()),
        }
    )


def _layer(facts: EditionFacts, layer: Any, iri: Addresses, files: Sequence[SiteFile]) -> Node:
    edition, originals = facts.edition, facts.originals.get(layer.layer, [])
    return said(
        {
            "@id": iri.layer(edition, layer.layer),
            "@type": "dcat:Dataset",
            "dct:title": english(f"{edition.title}, {edition.vintage}: {layer.layer}"),
            "dct:description": english(layer.description),
            "dct:identifier": f"{edition.dataset}/{edition.vintage}/{layer.layer}",
            "dct:isPartOf": refer(iri.vintage(edition)),
            "dcat:version": str(edition.number),
            "adms:identifier": {
                "@type": "adms:Identifier",
                "skos:notation": f"content hash {layer.content_hash}",
            },
            "dct:spatial": [*words.country(edition.country), *extents.extent(layer)],
            "dct:temporal": extents.period(originals),
            "dct:provenance": _provenance(facts, iri),
            "dcat:distribution": distributions.of_layer(facts, layer, iri, files),
            **_of_edition(facts, iri, originals),
        }
    )


def _of_edition(facts: EditionFacts, iri: Addresses, originals: Sequence[Any]) -> Node:
    """Return what a vintage and its layers have in common."""
    edition = facts.edition
    return {
        "dct:publisher": refer(iri.ourselves()),
        "dct:creator": [refer(iri.publisher(slug)) for slug in _publishers(originals)],
        "dct:issued": _published(facts),
        "dct:modified": _published(facts),
        "dct:language": words.ENGLISH,
        "dcat:theme": words.REGIONS,
        "dcat:landingPage": refer(iri.page(edition), "foaf:Document"),
    }


def _provenance(facts: EditionFacts, iri: Addresses) -> Node:
    edition = facts.edition
    return {
        "@type": "dct:ProvenanceStatement",
        "rdfs:label": english(
            f"Edition {edition.number}, made in {len(facts.steps)} steps from"
            f" {len(facts.distinct_originals())} originals by the code of revision"
            f" {edition.code_revision or 'unknown'}."
        ),
        "rdfs:seeAlso": refer(f"{iri.page(edition)}prov.jsonld"),
    }


def _description(facts: EditionFacts) -> str:
    """Return what a vintage holds; of a mirror, first of all that it is not official."""
    mirror = facts.edition.mirror
    warning = f"NOT OFFICIAL DATA (mirror {mirror}). " if mirror else ""
    layers = ", ".join(f"{each.layer} ({each.row_count:,} rows)" for each in facts.layers)
    return f"{warning}{facts.edition.title}, {facts.edition.vintage}. Layers: {layers}."


def _latest(editions: Sequence[EditionFacts]) -> dict[str, str] | None:
    newest = max((facts.edition.published_at for facts in editions), default=None)
    return typed(moment(newest), "xsd:dateTime") if newest else None


def _published(facts: EditionFacts) -> dict[str, str]:
    return typed(moment(facts.edition.published_at), "xsd:dateTime")


def _publishers(originals: Sequence[Any]) -> list[str]:
    return sorted({each.publisher for each in originals})


def _agents(facts: EditionFacts, iri: Addresses) -> list[Node]:
    """Return the offices that the originals are from, and ourselves."""
    offices = {each.publisher: each for each in facts.distinct_originals()}
    return [
        _ourselves(iri),
        *(
            said(
                {
                    "@id": iri.publisher(slug),
                    "@type": "foaf:Agent",
                    "foaf:name": office.publisher_name,
                    "foaf:homepage": _homepage(office.publisher_url),
                }
            )
            for slug, office in sorted(offices.items())
        ),
    ]


def _ourselves(iri: Addresses) -> Node:
    return {"@id": iri.ourselves(), "@type": "foaf:Agent", "foaf:name": "geodata-flows"}


def _homepage(url: str) -> Node | None:
    return refer(on_the_web(url), "foaf:Document") if on_the_web(url) else None
