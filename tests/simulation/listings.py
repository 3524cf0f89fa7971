"""What publishers say of what they have: written for a day, from the releases that are out then.

The forms are those of the real documents: Statbel's DCAT in Turtle, the Census Bureau's indexes of
folders, the API of data.gouv.fr, the documents of Austria's portal, INSEE's pages; IGN's are in
simulation.atom.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from urllib.parse import parse_qs

from simulation import atom, france, sirene
from simulation.releases import Release
from simulation.world import World
from synthetic import austria_metadata

DCAT = "doc.statbel.be/publications/DCAT/DCAT_opendata_datasets.ttl"
HOSTS = ("https://doc.statbel.be",)  # those that have listings only
NOT_LISTED = ("statbel/incomes of 2015",)
ABOUT = "Synthetic data made by a program: nothing in it is official."
BEVSTAND = "OGD_bevstandjbab2002_BevStand_"
DATASETS = {  # of data.gouv.fr: how the addresses of their resources end
    "base-sirene-des-entreprises-et-de-leurs-etablissements-siren-siret": sirene.STOCK,
    "geolocalisation-des-etablissements-du-repertoire-sirene-pour-les-etudes-statistiques": (
        sirene.POSITIONS
    ),
    "base-officielle-des-codes-postaux": france.HEXASMAL,
}
STATISTICS, MOVEMENTS = "/fr/statistiques", "/fr/information/2560452"
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


@dataclass(frozen=True)
class Listed:
    """A document, how its name would end, and the releases that it tells of."""

    content: str
    ending: str
    releases: Sequence[Release]


def write(world: World, day: date, host: str, path: str, query: str) -> Listed | None:
    """Give the document at an address on a day, None where there is none."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    out = world.out(day)
    if f"{host}{path}" == DCAT:
        return dcat(world, [each for each in out.values() if each.group.startswith("statbel/")])
    if host == "data.geopf.fr":
        return _atom(world, [each for each in out.values() if each.group == "ign"], path, asked)
    if host == "www2.census.gov":
        return index(world, out, path)
    if host == "www.data.gouv.fr":
        return api(world, list(out.values()), path)
    if host == "data.statistik.gv.at" and path == "/ogd/json":
        return metadata(list(out.values()), asked.get("dataset", ""))
    return page(list(out.values()), path) if host == "www.insee.fr" else None


def dcat(world: World, releases: Sequence[Release]) -> Listed | None:
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


def _atom(
    world: World, releases: Sequence[Release], path: str, asked: Mapping[str, str]
) -> Listed | None:
    found = {each.name.removesuffix(".7z"): each for each in releases}
    above, _, name = path.rpartition("/")
    if path == atom.PATH:
        return Listed(atom.resource(found, asked), "xml", releases)
    if above == atom.PATH and name in found:
        size = world.path(found[name]).stat().st_size
        return Listed(atom.files(found[name], size), "xml", [found[name]])
    return None


def index(world: World, out: Mapping[str, Release], path: str) -> Listed | None:
    """An index of a folder as Apache writes it, with what is right in it."""
    folder = path.rstrip("/") + "/"
    begin = f"www2.census.gov{folder}"
    inside: dict[str, list[Release]] = defaultdict(list)
    for key, release in out.items():
        if key.startswith(begin):
            name, slash, _ = key.removeprefix(begin).partition("/")
            inside[name + slash].append(release)
    if not inside:
        return None
    rows = [_row(world, name, members) for name, members in sorted(inside.items())]
    head = f"<html>\n<head>\n<title>Index of {folder}</title>\n</head>\n<body>\n"
    table = '<tr><th><a href="?C=N;O=D">Name</a></th><th>Last modified</th><th>Size</th></tr>\n'
    content = f"{head}<h1>Index of {folder}</h1>\n<table>\n{table}{''.join(rows)}</table>\n"
    listed = [each for members in inside.values() for each in members]
    return Listed(f"{content}</body></html>\n", "html", listed)


def _row(world: World, name: str, members: Sequence[Release]) -> str:
    moment = max(each.moment for each in members)
    size = "-" if name.endswith("/") else _short(world.path(members[0]).stat().st_size)
    return (
        f'<tr><td><a href="{name}">{name}</a></td><td align="right">{moment:%Y-%m-%d %H:%M}  </td>'
        f'<td align="right">{size}</td></tr>\n'
    )


def _short(size: int) -> str:
    """A size as Apache writes it: 812, 1.2K, 34K, 5.6M."""
    value, unit = float(size), ""
    for unit in ("", "K", "M"):
        if value < 1024 or unit == "M":
            break
        value /= 1024
    return f"{value:.1f}{unit}" if unit and value < 10 else f"{value:.0f}{unit}"


def api(world: World, releases: Sequence[Release], path: str) -> Listed | None:
    """A dataset of data.gouv.fr, whose resources keep their addresses."""
    slug = path.removeprefix("/api/1/datasets/").rstrip("/")
    ending = DATASETS.get(slug, "nothing")
    found = [each for each in releases if each.address.endswith(ending)]
    if not found:
        return None
    changed = max(each.moment for each in found).isoformat()
    resources = [
        {
            "id": each.address.rpartition("/")[2],
            "title": each.title,
            "url": each.address,
            "latest": each.address,
            "format": "parquet" if "utf8" in each.title else "csv",
            "filesize": world.path(each).stat().st_size,
            "last_modified": each.moment.isoformat(),
            "created_at": each.moment.isoformat(),
        }
        for each in found
    ]
    content = {
        **{"id": slug, "slug": slug, "title": slug, "description": ABOUT, "license": "lov2"},
        **{"frequency": "monthly", "last_modified": changed, "last_update": changed},
        "resources": resources,
    }
    return Listed(json.dumps(content, indent=1), "json", found)


def metadata(releases: Sequence[Release], dataset: str) -> Listed | None:
    """What the portal of Statistik Austria says of a dataset, by its identifier."""
    kind = dataset.removeprefix("OGDEXT_").removesuffix("_1")
    if dataset.startswith(BEVSTAND):
        year = dataset.removeprefix(BEVSTAND)
        found = [each for each in releases if each.title.startswith(dataset) and year.isdigit()]
        make = austria_metadata.population
    elif dataset == "OGDEXT_AEST_GEMTAB_1":
        found = [each for each in releases if each.group == "austria/employment"]
        make = austria_metadata.employment
    else:
        found = [each for each in releases if each.group == f"austria/{kind}"]
        make = {"GEM": austria_metadata.municipalities}.get(kind, austria_metadata.districts)
    if not found:
        return None
    newest, first = max(each.vintage for each in found), min(each.vintage for each in found)
    moment = f"{max(each.moment for each in found):%Y-%m-%dT%H:%M:%S}"
    more = {"first": first} if kind in ("GEM", "POLBEZ") else {}
    content = make(newest, ABOUT, moment=moment, **more)
    return Listed(content.decode(), "json", found)


def page(releases: Sequence[Release], path: str) -> Listed | None:
    """A page of INSEE: that of a number has its files, the two above have those of all."""
    number, offered = path.rpartition("/")[2], [e for e in releases if e.group.startswith("insee/")]
    if path == STATISTICS:
        found = [each for each in offered if "v_mvt" not in each.name and "table-" not in each.name]
    elif path == MOVEMENTS:
        found = [each for each in offered if "v_mvt" in each.name]
    else:
        found = [each for each in offered if each.group == f"insee/{number}"]
    if not found:
        return None
    rows = "".join(
        f'<li><a class="fichier" href="{each.address.removeprefix("https://www.insee.fr")}">'
        f"{escape(each.title)}</a> <span>Paru le : {each.day:%d/%m/%Y}</span></li>\n"
        for each in found
    )
    head = '<!DOCTYPE html>\n<html lang="fr">\n<head><title>Insee</title></head>\n<body>\n'
    return Listed(f"{head}<ul>\n{rows}</ul>\n</body>\n</html>\n", "html", found)
