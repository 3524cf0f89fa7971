"""Draws the map of a layer: its files, and the description that the page reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from tasks.core.pages.maps.classes import classify
from tasks.core.pages.maps.ground import Projection, degrees
from tasks.core.pages.maps.indicators import Indicator, default, indicators
from tasks.core.pages.maps.layers import ShownLayer, attribution
from tasks.core.pages.maps.names import AT_ONCE, keep_names
from tasks.core.pages.maps.pictures import Plate, keep_picture
from tasks.core.pages.maps.reading import Reader, reader
from tasks.core.pages.maps.squares import count, draw_squares
from tasks.core.pages.maps.tiles import Tiled, tile
from tasks.core.pages.maps.values import Place, keep_details, keep_values, read, read_reasons
from tasks.core.postgres.database import Database

FORMAT = 1
MOST_PICTURED = 60_000  # areas, where a coarser layer can stand in
NO_CLASSES = {"breaks": [], "counts": [0], "zero": False, "zeros": 0, "diverging": -1}
Description = dict[str, Any]
Values = npt.NDArray[np.float64]


def draw(
    database: Database,
    layer: ShownLayer,
    folder: Path,
    scratch: Path,
    coarser: Sequence[Description] = (),
) -> Description:
    """Draw the map of a layer: files of its own into folder, named by their content.

    scratch: for files under way. coarser: descriptions of the layers of fewer rows that are drawn
    already; one of them is shown at the zooms at which this one has too many areas. Raises WorkLost
    where another edition is shown by now.
    """
    with reader(database, layer) as source:
        if layer.is_points:
            return _draw_points(source, folder, scratch)
        return _draw_areas(source, folder, scratch, coarser)


def draw_all(
    database: Database, layers: Sequence[ShownLayer], folder: Path, scratch: Path
) -> dict[str, Description]:
    """Draw the maps of the layers of an edition, the coarsest first; keyed by layer."""
    drawn: dict[str, Description] = {}
    for layer in sorted(layers, key=lambda each: each.row_count):
        drawn[layer.layer] = draw(database, layer, folder, scratch, list(drawn.values()))
    return drawn


def _draw_points(source: Reader, folder: Path, scratch: Path) -> Description:
    layer = source.layer
    found = count(source.points(), layer.srid)
    unit = layer.layer.replace("_", " ")
    described = {
        **_heading(layer, "squares"),
        "areas": layer.row_count,
        "without_geometry": layer.row_count - int(found.count.sum()),
        "names": None,
        "tiles": None,
        "picture": None,
        # a page describes it in its own language
        "indicators": [{"name": "count", "description": "", "unit": unit, "aggregation": "sum"}],
        "default": "count",
        "details": None,
        "coarser": [],
    }
    if not len(found.count):
        return described
    drawn = draw_squares(found, folder, scratch, layer.layer)
    plate = Plate(
        shapes=np.asarray(shapely.box(*drawn.pictured.bounds.T)),
        values=drawn.pictured.count.astype(float),
        classes=classify(drawn.pictured.count.astype(float)).as_json(),
        seen=drawn.seen,
        title=f"{_title(layer)}: number in squares of {drawn.metres / 1000:.2g} km",
        source=attribution(source.database, layer),
    )
    picture = {**keep_picture(plate, folder, layer.layer), "layer": layer.layer}
    return described | drawn.told | {"picture": picture | {"indicator": "count"}}


def _title(layer: ShownLayer) -> str:
    return f"{layer.dataset}.{layer.layer} {layer.vintage}"


def _draw_areas(
    source: Reader, folder: Path, scratch: Path, coarser: Sequence[Description]
) -> Description:
    layer = source.layer
    areas, wkb = source.areas()
    shapes = Projection(layer.srid).shapes(wkb)
    del wkb
    bounds = degrees(shapely.bounds(shapes))
    lost = np.isnan(bounds).any(axis=1)
    figures, values = _figures(source, Place(areas, bounds), folder)
    below = _stand_ins(coarser, figures["indicators"], layer.row_count)
    described = {
        **_heading(layer, "areas"),
        "areas": len(areas.codes),
        "without_geometry": int(lost.sum()),
        "names": {"files": keep_names(areas, bounds, folder), "at_once": AT_ONCE},
        "tiles": None,
        "picture": None,
        **figures,
        "coarser": [],
    }
    if lost.all():
        return described
    tiled = tile(shapes, folder, scratch, layer.layer, has_coarser=bool(below))
    described |= {"tiles": tiled.file, "zooms": list(tiled.zooms)}
    described |= {"view": tiled.view, "bounds": tiled.bounds}
    described["coarser"] = _chain(below, tiled.zooms[0])
    described["picture"] = _picture(source, described, values, tiled, folder, coarser)
    return described


def _figures(source: Reader, place: Place, folder: Path) -> tuple[Description, Values | None]:
    """Write the files of all indicators; return their part, and the values of the first one."""
    shown, reasons = indicators(source.layer), read_reasons(source)
    first, of_first, details_of_first = default(shown), None, None
    listed = []
    for each, values in read(source, shown):
        details = keep_values(values, each, reasons, place, folder)
        listed.append(_listed(each, keep_details(details, folder)))
        if each.name == first:
            of_first, details_of_first = values, details
    return {"indicators": listed, "default": first, "details": details_of_first}, of_first


def _heading(layer: ShownLayer, kind: str) -> Description:
    named = ("dataset", "vintage", "number", "layer")
    return {"format": FORMAT, **{name: getattr(layer, name) for name in named}, "kind": kind}


def _listed(indicator: Indicator, details: str) -> Description:
    column = indicator.column
    return {
        "name": column.name,
        "description": column.description,
        "unit": column.unit,
        "aggregation": column.aggregation,
        "details": details,
    }


def _picture(
    source: Reader,
    described: Description,
    values: Values | None,
    tiled: Tiled,
    folder: Path,
    coarser: Sequence[Description],
) -> Description | None:
    """Draw the first indicator, or take the picture of the layer that stands in for this one."""
    layer, name = source.layer, described["default"]
    stands = [each for each in coarser if each["picture"] and each["zooms"][0] < tiled.zooms[0]]
    alike = [each for each in stands if each["default"] == name]
    if len(tiled.outlines) > MOST_PICTURED and alike:
        return dict(max(alike, key=lambda each: each["areas"])["picture"])
    listed = {each["name"]: each for each in described["indicators"]}.get(name, {})
    about = f"{listed['description']} ({listed['unit']})" if listed else "borders"
    plate = Plate(
        shapes=tiled.outlines,
        values=np.full(len(tiled.outlines), np.nan) if values is None else values,
        classes=described["details"]["classes"] if name else NO_CLASSES,
        seen=tiled.seen,
        title=f"{_title(layer)}: {about}",
        source=attribution(source.database, layer),
    )
    return {**keep_picture(plate, folder, layer.layer), "layer": layer.layer, "indicator": name}


def _stand_ins(
    coarser: Sequence[Description], shown: Sequence[Description], areas: int
) -> list[Description]:
    """Say of each coarser layer what a map needs to show it, for the indicators that both have."""
    wanted = {each["name"] for each in shown}
    found = []
    for each in coarser:
        shared = _details(each, wanted)
        if each["kind"] == "areas" and each["tiles"] and each["areas"] < areas and shared:
            kept = ("layer", "areas", "tiles", "zooms", "names")
            found.append({**{name: each[name] for name in kept}, "details": shared})
    return found


def _chain(below: Sequence[Description], first: int) -> list[Description]:
    """Choose which layers stand in at the zooms before the first: the most areas that are there."""
    found: list[Description] = []
    while under := [each for each in below if each["zooms"][0] < first]:
        found.append(max(under, key=lambda each: each["areas"]))
        first = found[-1]["zooms"][0]
    return found


def _details(drawn: Mapping[str, Any], wanted: set[str]) -> dict[str, str]:
    return {each["name"]: each["details"] for each in drawn["indicators"] if each["name"] in wanted}
