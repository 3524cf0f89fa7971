"""Geometries of GML and KML as their text has them, which GDAL reads with less care than is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import BLOCK_BYTES, ENDS_BYTES, opened_text
from tasks.core.model.errors import SourceError

MEMBERS = ("member", "featureMember", "featureMembers")
SHAPES = re.compile(
    r"(Multi|Composite)?(Point|LineString|Curve|Polygon|Surface|Geometry|Solid)|PolyhedralSurface"
    r"|Tin|TriangulatedSurface|OrientableCurve|OrientableSurface|LinearRing"
)
# what no number has, within coordinates: GDAL takes letters for 0 and a comma for a blank
NO_NUMBER = re.compile(
    rb"<(?:\w+:)?(?:pos|posList)\b(?![^>]*/>)[^>]*>[\s\d.eE+-]*([^\s\d.eE+&<-][^<]*)"
    rb"|<(?:\w+:)?coordinates\b(?![^>]*/>)[^>]*>[\s\d.,;eE+-]*([^\s\d.,;eE+&<-][^<]*)"
)
# a part that stands elsewhere, which GDAL leaves out of the whole
REFERENCE = re.compile(
    rb"<(?:\w+:)?((?:surface|polygon|curve|lineString|point|geometry)Member|exterior|interior"
    rb"|baseSurface|baseCurve)\s[^>]*\bhref\s*="
)


def require_shapes_of_xml(place: Place) -> None:
    """Raise SourceError where coordinates have other than numbers, or a part stands elsewhere."""
    seam = b""
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            text = seam + block
            if found := NO_NUMBER.search(text):
                value = (found[1] or found[2])[:40].decode("utf-8", "replace")
                raise SourceError(
                    f"Numbers were expected as coordinates in {place.name} and one list of them"
                    f" has {value!r}: tell the publisher."
                )
            if found := REFERENCE.search(text):
                raise SourceError(
                    f"Whole geometries were expected in {place.name} and a part of one,"
                    f" {found[1].decode()}, stands elsewhere (xlink:href): ask the publisher for"
                    " geometries written out."
                )
            seam = text[max(text.rfind(b"<", -ENDS_BYTES), len(text) - ENDS_BYTES, 0) :]


def first_lost_of_xml(
    place: Place, layer: str, read: int, absent: npt.NDArray[np.int64]
) -> int | None:
    """Return the position of the first feature read without the geometry that it has written."""
    wanted, count = set(absent.tolist()), 0
    of_shapes: set[str] = set()
    doubtful: dict[int, set[str]] = {}
    for feature in _features(place, layer):
        if count in wanted:
            doubtful[count] = {_local(part) for part in feature if _is_filled(part)}
        named = {_local(part) for part in feature if any(map(_is_shape, part.iter()))}
        of_shapes |= named
        count += 1
    if count != read:
        return None  # of several layers, which are not told apart here
    return next((number for number, names in doubtful.items() if names & of_shapes), None)


def _features(place: Place, layer: str) -> Iterator[ElementTree.Element]:
    """Yield the features of a layer, each forgotten afterwards."""
    path: list[ElementTree.Element] = []
    with opened_text(place) as file:
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            if event == "start":
                path.append(element)
                continue
            path.pop()
            if path and _is_feature(element, path[-1], layer):
                yield element
                element.clear()
                path[-1].clear()


def _is_feature(element: ElementTree.Element, parent: ElementTree.Element, layer: str) -> bool:
    name = _local(element)
    return name == "Placemark" or (_local(parent) in MEMBERS and layer.endswith(name))


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _is_shape(element: ElementTree.Element) -> bool:
    return bool(SHAPES.fullmatch(_local(element)))


def _is_filled(element: ElementTree.Element) -> bool:
    """Tell whether a member of a feature holds or names anything but that nothing is known."""
    if _is_shape(element):
        return True
    is_reference = any(name.rpartition("}")[2] == "href" for name in element.attrib)
    return is_reference or any(_local(part) != "Null" for part in element)
