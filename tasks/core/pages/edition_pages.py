"""The pages of an edition, and what they are for machines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.pages import gathering, twins
from tasks.core.pages.builds import Build
from tasks.core.pages.editions import edition_values
from tasks.core.pages.gathering import Row
from tasks.core.pages.maps.files import DIGITS, as_json
from tasks.core.pages.rendering import LANGUAGES, render

# what is a page of its own where it has so many rows: its name on the page, title and part
LONG = {"columns": 25, "attributions": 12}
LONG_PARTS = (("told", "Columns of", "columns"), ("printed", "To print beside", "attributions"))


def write_edition(
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
        for name, title, part in LONG_PARTS:
            layer[name] = _fragment(build, layer, f"data/{dataset}-{vintage}/", title, part)
    build.add(place + "edition.json", as_json(values.pop("document")))
    values |= {"vintages": vintages, "twins": sorted(documents), "drawn": drawn["maps"]}
    values |= {"data": f"data/{dataset}-{vintage}/", "own": place, **common}
    places = [place, f"{dataset}/"] if vintage == max(vintages) else [place]
    return sum(build.write("edition.html", each, values) for each in places)


def _fragment(build: Build, layer: Row, place: str, title: str, part: str) -> dict[str, str]:
    """Write a long part of a layer as pages of their own; return their names by language."""
    if len(layer[part]) < LONG[part]:
        return {}
    found = {}
    for language in LANGUAGES:
        values = {"layer": layer, "title": title, "part": f"{part}.html"}
        content = render("fragment.html", language, values)
        digest = hashlib.sha256(content).hexdigest()[:DIGITS]
        found[language] = f"{place}{part}-{layer['layer']}.{digest}.{language}.html"
        build.add(found[language], content)
    return found
