"""Geometries of GML and KML as their text has them, which GDAL reads with less care than is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import BLOCK_BYTES, SEAM_BYTES, opened_text
from tasks.core.model.errors import SourceError

MEMBERS = ("member", "featureMember", "featureMembers")
SHAPES = re.compile(
    r"(Multi|Composite)?(Point|LineString|Curve|Polygon|Surface|Geometry|Solid)|PolyhedralSurface"
    r"|Tin|TriangulatedSurface|OrientableCurve|OrientableSurface|LinearRing"
)
NUMBER = r"[+-]?[\d.]++(?:[eE][+-]?\d+)?"
# GDAL takes letters for 0, a comma for a blank, and a number alone for a point
NO_NUMBERS = rf"\s*+(?:{NUMBER}(?:\s++|\Z))*+([^\s].*)"
NO_POINTS = rf"\s*+(?:{NUMBER}\s*,\s*{NUMBER}(?:\s*,\s*{NUMBER})?+(?:\s++|\Z))*+([^\s].*)"
WRONG = {"pos": NO_NUMBERS, "posList": NO_NUMBERS, "coordinates": NO_POINTS}
OF_SHAPES = re.compile(r"\{[^}]*\b(?:gml|kml)\b[^}]*\}.*|[^{].*")  # also without a namespace
# quick, to look closer where one of them is found; \s and \d are slow in a set
ODD_NUMBERS = re.compile(
    rb"pos(?:List)?(?:\s[^>]*)?(?<!/)>(?:[ \t\r\n0-9.eE+]++|-(?=[0-9.]))*+[^<]"
)
OF_POINTS = NO_POINTS.replace(r"\Z", "(?=<)").removesuffix(r"([^\s].*)").encode()
ODD_POINTS = re.compile(rb"coordinates(?:\s[^>]*)?(?<!/)>" + OF_POINTS + rb"[^<]")
# a part that stands elsewhere, which GDAL leaves out of the whole
REFERENCE = re.compile(
    rb"<(?:\w+:)?((?:surface|polygon|curve|lineString|point|geometry)Member|exterior|interior"
    rb"|baseSurface|baseCurve)\s[^>]*\bhref\s*="
)

CRS_NAME = re.compile(rb"""\bsrsName\s*=\s*["']([^"']+)["']""")


def require_shapes_of_xml(place: Place) -> None:
    """Raise SourceError where coordinates have other than numbers, or a part stands elsewhere."""
    seam, doubtful = b"", False
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            whole, mark, rest = (seam + block).rpartition(b"<")
            text, seam = whole + mark, mark + rest
            if not doubtful and (ODD_NUMBERS.search(text) or ODD_POINTS.search(text)):
                doubtful = True
                _require_numbers(place)
            if found := REFERENCE.search(text):
                raise SourceError(
                    f"Whole geometries were expected in {place.name} and a part of one,"
                    f" {found[1].decode()}, stands elsewhere (xlink:href): ask the publisher for"
                    " geometries written out."
                )


def require_one_crs(place: Place) -> None:
    """Raise SourceError where geometries state several CRSs, of which GDAL then tells none."""
    names, seam = set[bytes](), b""
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            text = seam + block
            names.update(CRS_NAME.findall(text))
            seam = text[-SEAM_BYTES:]
    if len(names) > 1:
        told = ", ".join(sorted(name.decode("utf-8", "replace") for name in names))
        raise SourceError(
            f"One CRS was expected in {place.name} and its geometries state several, {told}: ask"
            " the publisher for the layer in one CRS."
        )


def _require_numbers(place: Place) -> None:
    """Raise SourceError at coordinates that are not; a property may bear the name of theirs."""
    number, path = 1, []
    # what is no XML is told of by GDAL
    with suppress(ElementTree.ParseError), opened_text(place) as file:
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            if event == "start":
                path.append(_local(element))
                continue
            name = path.pop()
            is_plain = not {"decimal", "cs", "ts"} & element.attrib.keys()
            wrong = WRONG.get(name) if is_plain and OF_SHAPES.fullmatch(element.tag) else None
            if wrong and (found := re.fullmatch(wrong, element.text or "", re.DOTALL)):
                raise SourceError(
                    f"Numbers were expected as coordinates in {place.name} and those of feature"
                    f" {number:,} have {found[1][:40]!r}: tell the publisher."
                )
            number += name == "Placemark" or bool(path and path[-1] in MEMBERS)
            element.clear()


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
    with suppress(ElementTree.ParseError), opened_text(place) as file:
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
