"""What publishers say of what they have: written for a day, from the releases that are out then.

The forms are those of the real documents: Statbel's DCAT in Turtle, the Census Bureau's indexes of
folders, the API of data.gouv.fr, the documents of Austria's portal, INSEE's pages; IGN's are in
simulation.atom.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from urllib.parse import parse_qs

from simulation import atom, dcat, france, sirene
from simulation.documents import ABOUT, Listed
from simulation.releases import Release
from simulation.world import World
from synthetic import austria_metadata

DCAT = "doc.statbel.be/publications/DCAT/DCAT_opendata_datasets.ttl"
HOSTS = ("https://doc.statbel.be",)  # those that have listings only
BEVSTAND = "OGD_bevstandjbab2002_BevStand_"
DATASETS = {  # of data.gouv.fr: how the addresses of their resources end
    "base-sirene-des-entreprises-et-de-leurs-etablissements-siren-siret": sirene.STOCK,
    "geolocalisation-des-etablissements-du-repertoire-sirene-pour-les-etudes-statistiques": (
        sirene.POSITIONS
    ),
    "base-officielle-des-codes-postaux": france.HEXASMAL,
}
INSEE = "https://www.insee.fr"
STATISTICS, INFORMATION = "/fr/statistiques", "/fr/information"
FIGURES = f"{STATISTICS}/2383389"  # leads to a page for each release of figures
MOVEMENTS = f"{INFORMATION}/2560452"  # leads to a page for each year


def write(world: World, day: date, host: str, path: str, query: str) -> Listed | None:
    """Give the document at an address on a day, None where there is none."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    out = world.out(day)
    if f"{host}{path}" == DCAT:
        return dcat.catalogue(
            world, [each for each in out.values() if each.group.startswith("statbel/")]
        )
    if host == "data.geopf.fr":
        return _atom(world, [each for each in out.values() if each.group == "ign"], path, asked)
    if host == "www2.census.gov":
        return index(world, out, path)
    if host == "www.data.gouv.fr":
        return api(world, list(out.values()), path)
    if host == "data.statistik.gv.at" and path == "/ogd/json":
        return metadata(list(out.values()), asked.get("dataset", ""))
    return page(list(out.values()), path) if host == "www.insee.fr" else None


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
    """A page of INSEE: two lead to the pages of each release, which link to its files.

    The page of a census leads to that of a newer one too.
    """
    folder, _, number = path.rpartition("/")
    offered = [each for each in releases if each.group.startswith("insee/")]
    found = [each for each in offered if each.group == f"insee/{number}"]
    if path in (FIGURES, MOVEMENTS):
        wanted = "v_mvt" if path == MOVEMENTS else "base"
        found = [each for each in offered if wanted in each.name.lower()]
        links = [(_page_of(each), each.title, each.day) for each in found]
    else:
        links = [(each.address.removeprefix(INSEE), each.title, each.day) for each in found]
        for newer in _newer(found, offered):
            links.append((_page_of(newer), f"Version plus récente : {newer.title}", newer.day))
            found = [*found, newer]
    if not found or folder not in (STATISTICS, INFORMATION):
        return None
    rows = "".join(
        f'<li><a href="{address}">{escape(title)}</a> <span>Paru le : {day:%d/%m/%Y}</span></li>\n'
        for address, title, day in links
    )
    head = '<!DOCTYPE html>\n<html lang="fr">\n<head><title>Insee</title></head>\n<body>\n'
    return Listed(f"{head}<ul>\n{rows}</ul>\n</body>\n</html>\n", "html", found)


def _page_of(release: Release) -> str:
    """The path of a release's page: tables of areas are information, figures are statistics."""
    kind = STATISTICS if "base" in release.name.lower() else INFORMATION
    return f"{kind}/{release.group.removeprefix('insee/')}"


def _newer(found: Sequence[Release], offered: Sequence[Release]) -> list[Release]:
    """The newest release of the same subject as that of a page, where the page's is older."""
    subjects = {each.title.partition(": ")[2] for each in found} - {""}
    same = [each for each in offered if each.title.partition(": ")[2] in subjects]
    newest = max(same, key=lambda each: each.vintage, default=None)
    return [newest] if newest is not None and newest not in found else []
