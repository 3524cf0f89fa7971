"""Draws the map of a layer: its files, and the description that the page reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tasks.core.pages.maps.ground import Projection, degrees
from tasks.core.pages.maps.indicators import default, indicators
from tasks.core.pages.maps.layers import ShownLayer
from tasks.core.pages.maps.missing import Reasons
from tasks.core.pages.maps.names import AT_ONCE, keep_names
from tasks.core.pages.maps.reading import Reader, reader
from tasks.core.pages.maps.tiles import Tiled, tile
from tasks.core.pages.maps.values import Place, keep_details, keep_values, read
from tasks.core.postgres.database import Database

FORMAT = 1
Description = dict[str, Any]


def draw(
    database: Database,
    layer: ShownLayer,
    folder: Path,
    scratch: Path,
    coarser: Sequence[Description] = (),
) -> Description:
    """Draw the map of a layer: files of its own into folder, named by their content.

    scratch: on the same disk. coarser: descriptions of the layers of fewer rows that are drawn
    already; one of them is shown at the zooms at which this one has too many areas. Raises WorkLost
    where another edition is shown by now.
    """
    with reader(database, layer) as source:
        return _draw_areas(source, folder, scratch, coarser)


def draw_all(
    database: Database, layers: Sequence[ShownLayer], folder: Path, scratch: Path
) -> dict[str, Description]:
    """Draw the maps of the layers of an edition, the coarsest first; keyed by layer."""
    drawn: dict[str, Description] = {}
    for layer in sorted(layers, key=lambda each: each.row_count):
        drawn[layer.layer] = draw(database, layer, folder, scratch, list(drawn.values()))
    return drawn


def _draw_areas(
    source: Reader, folder: Path, scratch: Path, coarser: Sequence[Description]
) -> Description:
    layer = source.layer
    areas = source.areas()
    shapes = Projection(layer.srid).shapes(areas.shapes)
    bounds = degrees(shapely.bounds(shapes))
    table, shown = read(source, indicators(layer))
    first = default(shown)
    below = _stand_ins(coarser, [each.name for each in shown], layer.row_count)
    tiled = tile(shapes, folder, scratch, layer.layer, has_coarser=bool(below))
    del shapes
    reasons, place = Reasons(layer, table), Place(areas, bounds)
    details = [keep_values(table, each, reasons, place, folder) for each in shown]
    listed = [
        {
            "name": each.name,
            "description": each.column.description,
            "unit": each.column.unit,
            "aggregation": each.column.aggregation,
            "details": keep_details(detail, folder),
        }
        for each, detail in zip(shown, details, strict=True)
    ]
    return {
        "format": FORMAT,
        **{name: getattr(layer, name) for name in ("dataset", "vintage", "number", "layer")},
        "kind": "areas",
        "areas": len(areas.codes),
        "without_geometry": int(np.isnan(bounds).any(axis=1).sum()),
        "names": {"files": keep_names(areas, bounds, folder), "at_once": AT_ONCE},
        **_ground(tiled),
        "indicators": listed,
        "default": first,
        "details": next((each for each in details if each["name"] == first), None),
        "coarser": below,
    }


def _ground(tiled: Tiled) -> Description:
    return {
        "tiles": tiled.file,
        "zooms": list(tiled.zooms),
        "view": tiled.view,
        "bounds": tiled.bounds,
    }


def _stand_ins(coarser: Sequence[Description], wanted: list[str], areas: int) -> list[Description]:
    """Say of each coarser layer what a map needs to show it, for the indicators that both have."""
    found = []
    for each in coarser:
        shared = _details(each, set(wanted))
        if each["kind"] == "areas" and each["areas"] < areas and shared:
            kept = ("layer", "areas", "tiles", "zooms", "names")
            found.append({**{name: each[name] for name in kept}, "details": shared})
    return found


def _details(drawn: Mapping[str, Any], wanted: set[str]) -> dict[str, str]:
    return {each["name"]: each["details"] for each in drawn["indicators"] if each["name"] in wanted}
