"""The whole site, built in a folder of this machine before any of it is shown."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.core.catalog.reports.editions import PICTURE
from tasks.core.model.revision import code_revision
from tasks.core.pages import gathering, graphs, maps, searching, storing, twins
from tasks.core.pages.editions import edition_values
from tasks.core.pages.gathering import STANDINGS, Row
from tasks.core.pages.maps.files import DIGITS, as_json, keep
from tasks.core.pages.maps.layers import ShownLayer
from tasks.core.pages.rendering import HERE, LANGUAGES, render
from tasks.core.postgres.database import Database

SEARCH = "search.json"
HEAVY = ("maps", "searching.py")  # code by which data files are made, not pages
LONG = 60  # columns, from which on their table is a page of its own
OTHER = {"en": "fr", "fr": "en"}


@dataclass(frozen=True)
class Site:
    """A site that was built: its files, and what the next one needs to know of it."""

    made: dict[str, Any]
    pages: int
    drawn: tuple[str, ...]
    reused: tuple[str, ...]


@dataclass
class Build:
    """A site under way. known: what was made for the site before, by what it was made from."""

    database: Database
    folder: Path
    scratch: Path
    known: dict[str, Any]
    held: dict[str, str]
    made: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    drawn: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)

    def once(self, key: str, folder: str, make: Callable[[Path], Any], beside: str = "") -> Any:
        """Return what is made from a key, with its files; made anew only where it is not there.

        folder: of these files, at the site. beside: one that make() may add elsewhere.
        """
        found = self.known.get(key)
        if found and all(name in self.held for name in found["files"]):
            self.reused.append(folder)
        else:
            path = self.folder / folder
            path.mkdir(parents=True, exist_ok=True)
            value = make(path)
            files = {f"{folder}/{name}": sha256 for name, sha256 in storing.digests(path).items()}
            if beside and (self.folder / beside).exists():
                files[beside] = storing.digest(self.folder / beside)
            self.drawn.append(folder)
            found = {"value": value, "files": [*files]}
            self.files |= files
        self.files |= {name: self.held[name] for name in found["files"] if name in self.held}
        self.made[key] = found
        return found["value"]

    def add(self, name: str, content: bytes) -> None:
        """Add a file under its own name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files[name] = hashlib.sha256(content).hexdigest()


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
    pages = _status(under_way, next_runs, common, base)
    for each, drawn in zip(editions, shown, strict=True):
        pages += _edition(under_way, each, drawn, editions, common, base)
    gathering.require_same(editions, gathering.shown(database))
    made = {"files": under_way.files, "made": under_way.made}
    return Site(made, pages, tuple(under_way.drawn), tuple(under_way.reused))


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
    facts = [repr(layer).encode() for layer in layers]
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


def _status(
    build: Build, next_runs: Mapping[str, datetime], common: Mapping[str, Any], base: str
) -> int:
    """Write the page that says how all datasets stand, and the catalog for machines."""
    rows = gathering.status(build.database, next_runs)
    for name, content in twins.of_catalog(build.database, base).items():
        build.add(name, content)
    values = {
        "rows": rows,
        "standings": STANDINGS,
        "tally": {word: sum(row["standing"] == word for row in rows) for word in STANDINGS},
        "graph": _graph(build, rows),
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": code_revision(),
    }
    return _write(build, "status.html", "", values | dict(common))


def _graph(build: Build, rows: Sequence[Row]) -> str:
    """Draw publishers, the datasets from their files, and those that stand on others."""
    publishers, foundations = gathering.origins(build.database)
    nodes = {
        row["from"]: graphs.Node(row["from"], "publisher", says=row["name"]) for row in publishers
    }
    for row in rows:
        kind, link = row["standing"].replace(" ", "-"), f"{row['slug']}/" if row["number"] else ""
        nodes[row["slug"]] = graphs.Node(
            row["slug"], kind, link, f"{row['title']}: {row['standing']}"
        )
    arrows = [(row["from"], row["dataset"]) for row in (*publishers, *foundations)]
    return graphs.draw([*nodes.values()], arrows, "Publishers and datasets")


def _edition(
    build: Build,
    edition: Row,
    drawn: Mapping[str, Any],
    editions: Sequence[Row],
    common: Mapping[str, Any],
    base: str,
) -> int:
    """Write the page of a vintage, that of its dataset where it is the newest, and its twins."""
    dataset, vintage, number = edition["dataset"], edition["vintage"], edition["number"]
    vintages = [each["vintage"] for each in editions if each["dataset"] == dataset]
    tiles = [
        twins.files.tiles(layer, **each["tiles"])
        for layer, each in drawn["maps"].items()
        if each["tiles"]
    ]
    documents = twins.of_edition(build.database, dataset, number, base, tiles)
    place = f"{dataset}/{vintage}/"
    for name, content in documents.items():
        build.add(place + name, content)
    values = edition_values(gathering.edition(build.database, dataset, vintage, number))
    for layer in values["layers"]:
        layer["fragment"] = _fragment(build, layer, f"data/{dataset}-{vintage}/")
    build.add(place + "edition.json", as_json(values.pop("document")))
    values |= {"vintages": vintages, "twins": sorted(documents), "drawn": drawn["maps"]}
    values |= {"data": f"data/{dataset}-{vintage}/", "own": place, **common}
    places = [place, f"{dataset}/"] if vintage == max(vintages) else [place]
    return sum(_write(build, "edition.html", each, values) for each in places)


def _fragment(build: Build, layer: Row, place: str) -> dict[str, str]:
    """Write a long table of columns as pages of their own; return their names by language."""
    if len(layer["columns"]) < LONG:
        return {}
    found = {}
    for language in LANGUAGES:
        content = render("fragment.html", language, {"layer": layer})
        digest = hashlib.sha256(content).hexdigest()[:DIGITS]
        found[language] = f"{place}columns-{layer['layer']}.{digest}.{language}.html"
        build.add(found[language], content)
    return found


def _write(build: Build, template: str, place: str, values: Mapping[str, Any]) -> int:
    """Write a page in each language; return how many these are."""
    depth = place.count("/")
    for language in LANGUAGES:
        inside = "" if language == "en" else f"{language}/"
        root = "../" * (depth + inside.count("/"))
        other = root + ("" if OTHER[language] == "en" else f"{OTHER[language]}/") + place
        around = {"root": root, "home": root + inside or "./", "other": other or "./"}
        build.add(f"{inside}{place}index.html", render(template, language, {**values, **around}))
    return len(LANGUAGES)
