"""The layers of areas as the publisher's GeoServer answers a WFS request for GeoJSON: one line, the
code in the feature's id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json import dumps

import shapely
from synthetic import austria_places as places
from synthetic.austria_country import EPSG, Country, dissolved


@dataclass(frozen=True)
class Area:
    """An area of a layer: g_id, g_name and its shape."""

    code: str
    name: str
    shape: shapely.MultiPolygon


def municipalities(country: Country, vintage: int, vienna_twice: bool) -> list[Area]:
    """The layer GEM: municipalities and Vienna's districts, with Vienna as one beside them (90001)
    where that is wanted.
    """
    areas = [
        Area(each.code, each.name, dissolved(country.shapes, each.pieces))
        for each in country.at(vintage)
    ]
    return sorted(
        [
            *areas,
            *_vienna(country, places.VIENNA, places.municipality_name(places.VIENNA), vienna_twice),
        ],
        key=_code,
    )


def districts(country: Country, vintage: int, vienna_twice: bool) -> list[Area]:
    """The layer POLBEZ: political districts, always without faults, with Vienna as one beside its
    districts (900) where that is wanted.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for each in country.at(vintage):
        members[each.district].extend(each.pieces)
    areas = [
        Area(code, places.district_name(code), dissolved(country.clean_shapes, pieces))
        for code, pieces in members.items()
    ]
    return sorted(
        [
            *areas,
            *_vienna(
                country,
                places.VIENNA_DISTRICT,
                places.district_name(places.VIENNA_DISTRICT),
                vienna_twice,
            ),
        ],
        key=_code,
    )


def geojson(layer: str, areas: list[Area], answered: str) -> bytes:
    """The answer of the service; answered: the moment in UTC, 2025-03-09T13:27:36.000Z."""
    return "".join(_parts(layer, areas, answered)).encode()


def _parts(layer: str, areas: list[Area], answered: str) -> Iterator[str]:
    texts = shapely.to_geojson([area.shape for area in areas])
    yield '{"type":"FeatureCollection","features":['
    for number, (area, text) in enumerate(zip(areas, texts, strict=True)):
        properties = dumps(
            {"g_id": area.code, "g_name": area.name}, ensure_ascii=False, separators=(",", ":")
        )
        yield (
            "," * (number > 0) + f'{{"type":"Feature","id":"{layer}.{area.code}","geometry":{text},'
            '"geometry_name":"geom",'
        )
        yield f'"properties":{properties},"bbox":{_numbers(area.shape.bounds)}}}'
    count, crs = len(areas), f"urn:ogc:def:crs:EPSG::{EPSG}"
    yield f'],"totalFeatures":{count},"numberMatched":{count},"numberReturned":{count},'
    bounds = shapely.total_bounds([area.shape for area in areas])
    yield f'"timeStamp":"{answered}","crs":{{"type":"name","properties":{{"name":"{crs}"}}}},'
    yield f'"bbox":{_numbers(bounds)}}}'


def _numbers(values: Iterable[float]) -> str:
    return dumps([round(float(value), 3) for value in values], separators=(",", ":"))


def _vienna(country: Country, code: str, name: str, wanted: bool) -> list[Area]:
    pieces = [
        number for number, piece in enumerate(country.pieces) if piece.code_2015.startswith("9")
    ]
    return [Area(code, name, dissolved(country.clean_shapes, pieces))] if wanted else []


def _code(area: Area) -> str:
    return area.code
