"""Geometries of a TopoJSON held to its arcs: GDAL makes empty ones of what refers to none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import opened_text
from tasks.core.making.geometry.remarks import Remarks
from tasks.core.model.errors import SourceError

# how deep arcs, or numbers of points, are nested in each type
DEPTHS = {
    **{"Point": 1, "MultiPoint": 2},
    **{"LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3},
}
OF_POINTS = ("Point", "MultiPoint")


class _Topology(Struct):
    type: str
    objects: dict[str, dict[str, Any]]
    arcs: list[Any]


def require_topology(place: Place, layer: str, where: str, remarks: Remarks) -> None:
    """Raise SourceError at a geometry of other arcs than there are; say what has no geometry."""
    if place.kind != "json" or b'"Topology"' not in place.head:
        return
    with opened_text(place) as file:
        try:
            found = msgspec.json.decode(file.read(), type=_Topology)
        except msgspec.DecodeError:
            return  # told of by GDAL
    meant = [found.objects[layer]] if layer in found.objects else [*found.objects.values()]
    without = 0
    for number, geometry in enumerate(_geometries(meant), 1):
        without += geometry.get("type") is None
        if geometry.get("type") is not None and not _is_of_arcs(geometry, len(found.arcs)):
            raise SourceError(
                f"A geometry of the {len(found.arcs):,} arcs was expected in {where} for feature"
                f" {number:,}, a {geometry.get('type')}, and it refers to others or is not nested"
                " as its type is: tell the publisher."
            )
    if without:
        remarks.say(
            f"Features of {where} that have no geometry, which are not read of a TopoJSON:"
            f" {without:,}",
            left_out_without_geometry=without,
        )


def _geometries(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in objects:
        parts = each.get("geometries")
        yield from parts if isinstance(parts, list) else [each]


def _is_of_arcs(geometry: dict[str, Any], arcs: int) -> bool:
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        return all(_is_of_arcs(part, arcs) for part in geometry.get("geometries", ()))
    held = geometry.get("coordinates" if kind in OF_POINTS else "arcs")
    if kind not in DEPTHS or not isinstance(held, list):
        return False
    leaves = _leaves(held, DEPTHS[kind])
    if kind in OF_POINTS:
        return all(isinstance(each, int | float) for each in leaves)
    return all(isinstance(arc, int) and -arcs <= arc < arcs for arc in leaves)


def _leaves(held: Any, depth: int) -> Iterator[Any]:
    """Yield what is nested so deep; None for what is not."""
    if depth == 0 or not isinstance(held, list):
        yield None if depth else held
        return
    for part in held:
        yield from _leaves(part, depth - 1)
