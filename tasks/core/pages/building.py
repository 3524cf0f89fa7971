"""The whole site, built in a folder of this machine before any of it is shown."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.core.catalog.reports.editions import PICTURE
from tasks.core.pages import gathering, maps, searching, storing
from tasks.core.pages.builds import Build
from tasks.core.pages.edition_pages import write_edition
from tasks.core.pages.gathering import Row
from tasks.core.pages.maps.files import as_json, keep
from tasks.core.pages.maps.layers import ShownLayer
from tasks.core.pages.rendering import HERE
from tasks.core.pages.status_pages import write_status
from tasks.core.postgres.database import Database

SEARCH = "search.json"
HEAVY = ("maps", "searching.py")  # code by which data files are made, not pages


@dataclass(frozen=True)
class Site:
    """A site that was built: its files, and what the next one needs to know of it."""

    made: dict[str, Any]
    pages: int
    drawn: tuple[str, ...]
    reused: tuple[str, ...]


def build(
    database: Database,
    folder: Path,
    scratch: Path,
    before: Mapping[str, Any],
    next_runs: Mapping[str, datetime],
    base: str = "",
) -> Site:
    """Build the site of all that is shown now into an empty folder.

    before: storing.Place.record() of the site that is there, whose maps are used again where
    nothing that they show has changed. next_runs: moment of the next planned run by dataset. base:
    address at which people open the site, for the twins that machines read. Raises WorkLost where
    other editions are shown at its end: pages are of one state of the catalog or not shown.
    """
    known, held = before.get("made", {}), before.get("files", {})
    under_way = Build(database, folder, scratch, known, held)
    assets = under_way.once(_code("assets", "maps"), "assets", _write_assets)
    editions = gathering.shown(database)
    shown = [_data(under_way, each) for each in editions]
    _search(under_way, editions, shown)
    common = {"assets": assets, "search": SEARCH}
    pages = write_status(under_way, next_runs, common, base)
    for each, drawn in zip(editions, shown, strict=True):
        pages += write_edition(under_way, each, drawn, editions, common, base)
    gathering.require_same(editions, gathering.shown(database))
    made = {"files": under_way.files, "made": under_way.made}
    return Site(made, pages, tuple(under_way.drawn), tuple(under_way.reused))


@lru_cache(maxsize=2)
def _code(*names: str) -> str:
    """Return a hash of our own files of these names, a folder with all that it holds."""
    digest = hashlib.sha256()
    for name in names:
        chosen = HERE / name
        for path in sorted(chosen.rglob("*")) if chosen.is_dir() else [chosen]:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _data(build: Build, edition: Row) -> dict[str, Any]:
    """Return the maps and shards of an edition, drawn where they are not there yet."""
    layers = maps.shown(build.database, edition["dataset"], edition["vintage"])
    printed = gathering.attributions(build.database, edition["dataset"], edition["vintage"])
    facts = [repr(layer).encode() for layer in layers] + [as_json(printed)]
    key = hashlib.sha256(b"".join([_code(*HEAVY).encode(), *facts])).hexdigest()
    place = f"data/{edition['dataset']}-{edition['vintage']}"
    picture = f"{edition['dataset']}/{edition['vintage']}/{PICTURE}"
    found: dict[str, Any] = build.once(
        key, place, lambda path: _drawn(build, layers, path, build.folder / picture), picture
    )
    return found


def _drawn(build: Build, layers: Sequence[ShownLayer], path: Path, picture: Path) -> dict[str, Any]:
    """Draw the maps of the layers of an edition, and write what is searched of their areas.

    picture: where that of the layer of most rows also lies, under a name that stays.
    """
    described = maps.draw_all(build.database, layers, path, build.scratch)
    if pictured := [each["picture"]["file"] for each in described.values() if each["picture"]]:
        picture.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path / pictured[-1], picture)
    return {
        "maps": {
            name: {
                "file": keep(path, "map", "json", as_json(each)),
                "picture": each["picture"],
                "tiles": _facts(path / each["tiles"]) if each.get("tiles") else None,
            }
            for name, each in described.items()
        },
        "areas": {
            layer.layer: searching.write_areas(build.database, layer, path)
            for layer in layers
            if not layer.is_points
        },
    }


def _facts(path: Path) -> dict[str, Any]:
    facts = {"sha256": storing.digest(path), "size_bytes": path.stat().st_size}
    return {"path": f"data/{path.parent.name}/{path.name}", **facts}


def _write_assets(path: Path) -> dict[str, str]:
    """Write what all pages need; return the names of scripts and styles at the site."""
    ours = {
        name: keep(
            path, Path(name).stem, Path(name).suffix[1:], (HERE / "assets" / name).read_bytes()
        )
        for name in ("site.js", "site.css")
    }
    map_ = maps.keep_assets(path)
    ours |= {"map.js": map_["script"], "map.css": map_["style"]}
    return {name: f"assets/{kept}" for name, kept in ours.items()}


def _search(build: Build, editions: Sequence[Row], shown: Sequence[Mapping[str, Any]]) -> None:
    """Write what the search box reads of the newest vintage of each dataset."""
    datasets: dict[str, Row] = {}
    layers = []
    for each, drawn in zip(editions, shown, strict=True):
        slug, place = each["dataset"], f"{each['dataset']}/"
        if slug not in datasets:
            document = gathering.columns(build.database, slug, each["number"])
            datasets[slug] = {
                "slug": slug,
                "title": each["title"],
                "place": place,
                "layers": document,
            }
            folder = f"data/{slug}-{each['vintage']}/"
            layers += [
                {
                    "name": name,
                    "layer": f"{slug}.{name}",
                    "place": place,
                    "folder": folder,
                    "names": names,
                }
                for name, names in drawn["areas"].items()
            ]
    build.add(SEARCH, searching.index(datasets.values(), layers))
