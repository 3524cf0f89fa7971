"""Statbel's catalogue: DCAT in Turtle, with a dataset for each year of a subject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from simulation.documents import ABOUT, Listed
from simulation.releases import Release
from simulation.world import World

NOT_LISTED = ("statbel/incomes of 2015",)
LICENCE = "https://statbel.fgov.be/sites/default/files/files/opendata/Licence%20open%20data_EN.pdf"
PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<http://data.gov.be/catalog/statbelopen> a dcat:Catalog ;
    dct:title "DCAT Statbel Open Data"@en ;
    dct:issued "2015-10-22"^^xsd:date ;
    dcat:dataset {datasets} ;
    foaf:homepage <https://statbel.fgov.be/en/open-data> .
"""
DATASET = """
<{node}> a dcat:Dataset ;
    dct:accessRights <http://publications.europa.eu/resource/authority/access-right/PUBLIC> ;
    dct:description "{about}"@en ;
    dct:identifier "NodeID{number}" ;
    dct:issued "{day}"^^xsd:date ;
    dct:modified "{day}"^^xsd:date ;
    dct:license [ a dct:LicenseDocument ;
            dct:title "The licence is fully available on {licence}"@en ] ;
    dct:temporal [ a dct:PeriodOfTime ;
            dcat:endDate "{year}-12-31"^^xsd:date ;
            dcat:startDate "{year}-01-01"^^xsd:date ] ;
    dct:title "{title}"@en ;
    dcat:distribution {distributions} .
"""
DISTRIBUTION = """
<{url}#distribution{number}> a dcat:Distribution ;
    dct:format <http://publications.europa.eu/resource/authority/file-type/{kind}> ;
    dct:modified "{day}"^^xsd:date ;
    dct:title "{name}"@en ;
    dcat:accessURL <{node}> ;
    dcat:byteSize {size} ;
    dcat:downloadURL <{url}> .
"""


def catalogue(world: World, releases: Sequence[Release]) -> Listed | None:
    """Statbel's catalogue: a dataset for each year of a subject, a distribution for each file."""
    of: dict[tuple[str, int], list[Release]] = defaultdict(list)
    for release in releases:
        if release.group not in NOT_LISTED:
            of[release.group, release.vintage].append(release)
    nodes, parts = [], []
    for number, members in enumerate(of.values(), 4001):
        nodes.append(f"<https://statbel.fgov.be/node/{number}>")
        parts.append(_dataset(world, number, members))
    content = PREFIXES.format(datasets=",\n        ".join(nodes)) + "".join(parts)
    return Listed(content, "ttl", [each for members in of.values() for each in members])


def _dataset(world: World, number: int, members: Sequence[Release]) -> str:
    node, day = f"https://statbel.fgov.be/node/{number}", max(each.day for each in members)
    distributions = [f"<{each.address}#distribution{number}>" for each in members]
    said = DATASET.format(
        **{"node": node, "number": number, "day": day, "about": ABOUT, "licence": LICENCE},
        **{"year": members[0].vintage, "title": members[0].title},
        distributions=",\n        ".join(distributions),
    )
    for each in members:
        said += DISTRIBUTION.format(
            **{"url": each.address, "number": number, "node": node, "day": each.day},
            kind="GEOJSON" if "geojson" in each.name else "TXT",
            name=each.name,
            size=world.path(each).stat().st_size,
        )
    return said
