"""IGN's downloads as it lists them in Atom: pages of archives, and for each archive its file."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from simulation.releases import Release

PATH = "/telechargement/resource/CONTOURS-IRIS"
ROOT = f"https://data.geopf.fr{PATH}"
USUAL, MOST = 10, 50  # entries of a page
SPACES = (
    'xmlns="http://www.w3.org/2005/Atom"'
    ' xmlns:gpf_dl="https://data.geopf.fr/annexes/ressources/xsd/gpf_dl.xsd"'
)
ENTRY = """  <entry>
    <title>{name}</title>
    <id>{at}</id>
    <updated>{moment}</updated>
    <link rel="alternate" type="{kind}" href="{at}"{more}/>
    <gpf_dl:format term="GPKG" label="GPKG (GeoPackage)"/>
    <gpf_dl:editionDate>{year}-01-01</gpf_dl:editionDate>
  </entry>
"""


def resource(found: Mapping[str, Release], asked: Mapping[str, str]) -> str:
    """A page of the archives, the newest first; each leads to a list of its files."""
    names = sorted(found, key=lambda name: (-found[name].vintage, name))
    size = min(int(asked.get("limit", USUAL)), MOST)
    number, count = int(asked.get("page", 1)), max(1, -(-len(names) // size))
    entries = [
        _entry(name, f"{ROOT}/{name}", found[name], "application/atom+xml")
        for name in names[(number - 1) * size : number * size]
    ]
    pages = (
        f'gpf_dl:page="{number}" gpf_dl:pagesize="{size}" gpf_dl:pagecount="{count}"'
        f' gpf_dl:totalentries="{len(names)}"'
    )
    return _feed("CONTOURS-IRIS", pages, entries)


def files(release: Release, size: int) -> str:
    """The file of an archive, with its address and its size in bytes."""
    pages = 'gpf_dl:page="1" gpf_dl:pagesize="10" gpf_dl:pagecount="1" gpf_dl:totalentries="1"'
    more = f' gpf_dl:length="{size}" length="{size}"'
    kind = "application/x-7z-compressed"
    return _feed(release.title, pages, [_entry(release.name, release.address, release, kind, more)])


def _entry(name: str, at: str, release: Release, kind: str, more: str = "") -> str:
    return ENTRY.format(
        **{"name": escape(name), "at": at, "kind": kind, "more": more, "year": release.vintage},
        moment=release.moment.isoformat(),
    )


def _feed(title: str, pages: str, entries: list[str]) -> str:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<feed {SPACES} {pages}>\n'
    rights = "  <rights>Licence Ouverte / Open Licence 2.0</rights>\n"
    return f"{head}  <title>{escape(title)}</title>\n{rights}{''.join(entries)}</feed>\n"
