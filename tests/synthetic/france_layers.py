"""The layers of areas of contours-administratifs: communes, municipal arrondissements, EPCI,
départements and regions, generalised to 1000 m.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any

import numpy as np
import shapely
from synthetic import france_places as places
from synthetic.coverage import Geometries, Integers
from synthetic.france_country import Country, degrees, dissolved
from synthetic.france_ground import TERRITORIES

TOLERANCE = 1000.0  # metres
# of the degrees of the layers at 1000 m; where three would make a shape cross itself
DIGITS, FINER = (3, 6)
COMMUNES_IN_AN_EPCI = 28
Properties = dict[str, Any]


@dataclass(frozen=True)
class Unit:
    """A commune or a municipal arrondissement of one vintage: code, name, EPCI ("" for none) and
    the position of its shape.
    """

    code: str
    name: str
    epci: str
    position: int

    @property
    def department(self) -> str:
        """The code of its département."""
        return places.department(self.code)

    @property
    def region(self) -> str:
        """The code of its region."""
        return places.departments()[self.department]["region"]


@dataclass(frozen=True)
class Ground:
    """The units of a vintage with their generalised shapes in metres and the territories these lie
    in.
    """

    units: tuple[Unit, ...]
    shapes: Geometries
    territory: Integers


def ground(country: Country, vintage: int) -> Ground:
    """Communes and municipal arrondissements of 1 January, always without faults."""
    irises = country.at(vintage)
    members: dict[str, list[int]] = defaultdict(list)
    names = {iris.commune: iris.commune_name for iris in irises}
    for iris in irises:
        members[iris.commune].extend(iris.pieces)
    territory = np.array([country.pieces[numbers[0]].territory for numbers in members.values()])
    shapes = dissolved(country.clean_shapes, list(members.values()))
    for position in range(len(TERRITORIES)):
        there = territory == position
        shapes[there] = shapely.coverage_simplify(shapes[there], TOLERANCE)
    epci = _epci(list(members), shapely.centroid(shapes))
    units = tuple(
        Unit(code, names[code], epci.get(places.city(code), ""), position)
        for position, code in enumerate(members)
    )
    return Ground(units, shapes, territory)


def communes(land: Ground, arrondissements_twice: bool) -> list[tuple[Properties, Any]]:
    """Communes, Paris, Lyon and Marseille as one each; with their arrondissements beside them where
    that is wanted.
    """
    found = _layer(land, lambda unit: places.city(unit.code), _commune)
    if not arrondissements_twice:
        return found
    for properties, _ in found:
        if properties["code"] in dict(places.CITIES.values()):
            properties["plm"] = True
    return sorted([*found, *arrondissements(land)], key=lambda each: str(each[0]["code"]))


def arrondissements(land: Ground) -> list[tuple[Properties, Any]]:
    """The municipal arrondissements of Paris, Lyon and Marseille."""
    chosen = tuple(unit for unit in land.units if places.city(unit.code) != unit.code)
    return _layer(
        Ground(chosen, land.shapes, land.territory), lambda unit: unit.code, _arrondissement
    )


def epci(land: Ground) -> list[tuple[Properties, Any]]:
    """The groupings of communes, each named after its first commune."""
    return _layer(
        land,
        lambda unit: unit.epci,
        lambda code, unit: {
            "code": code,
            "nom": f"CC de {_commune(places.city(unit.code), unit)['nom']}",
        },
    )


def departements(land: Ground) -> list[tuple[Properties, Any]]:
    """The départements."""
    names = {code: facts["name"] for code, facts in places.departments().items()}
    return _layer(
        land,
        lambda unit: unit.department,
        lambda code, unit: {"code": code, "nom": names[code], "region": unit.region},
    )


def regions(land: Ground) -> list[tuple[Properties, Any]]:
    """The regions."""
    return _layer(
        land,
        lambda unit: unit.region,
        lambda code, unit: {"code": code, "nom": places.REGIONS[code]},
    )


def geojson(features: Sequence[tuple[Properties, Any]]) -> bytes:
    """A feature collection on one line, without a crs member."""
    texts = shapely.to_geojson([shape for _, shape in features])
    said = [
        dumps(properties, ensure_ascii=False, separators=(",", ":")) for properties, _ in features
    ]
    lines = (
        f'{{"type":"Feature","properties":{properties},"geometry":{text}}}'
        for properties, text in zip(said, texts, strict=True)
    )
    return ('{"type":"FeatureCollection","features":[' + ",".join(lines) + "]}").encode()


def _layer(
    land: Ground, group: Callable[[Unit], str], describe: Callable[[str, Unit], Properties]
) -> list[tuple[Properties, Any]]:
    members: dict[str, list[Unit]] = defaultdict(list)
    for unit in land.units:
        if code := group(unit):
            members[code].append(unit)
    codes = sorted(members)
    shapes = dissolved(land.shapes, [[unit.position for unit in members[code]] for code in codes])
    shapes = _rounded(
        degrees(shapes, land.territory[[members[code][0].position for code in codes]], 12)
    )
    return [
        (describe(code, members[code][0]), shape) for code, shape in zip(codes, shapes, strict=True)
    ]


def _commune(code: str, unit: Unit) -> Properties:
    name = dict(places.CITIES.values()).get(code, unit.name)
    return {"code": code, "nom": name, "departement": unit.department, "region": unit.region} | (
        {"epci": unit.epci} if unit.epci else {}
    )


def _arrondissement(code: str, unit: Unit) -> Properties:
    return {
        "code": code,
        "nom": unit.name,
        "departement": unit.department,
        "region": unit.region,
        "commune": places.city(code),
    }


def _epci(codes: Sequence[str], centres: Geometries) -> Mapping[str, str]:
    """The SIREN of each commune's EPCI: communes of a département that lie in one direction from
    its middle; some islands have none.
    """
    of_department: dict[str, dict[str, Any]] = defaultdict(dict)
    for code, centre in zip(codes, centres, strict=True):
        of_department[places.department(code)].setdefault(places.city(code), centre)
    found = {}
    for number, code in enumerate(places.departments()):
        members = of_department.get(code, {})
        place = shapely.get_coordinates(list(members.values())).reshape(-1, 2)
        away = place - place.mean(axis=0) if len(place) else place
        turn = np.argsort(
            np.argsort(np.arctan2(away[:, 1], away[:, 0]), kind="stable"), kind="stable"
        )
        parts = max(1, round(len(members) / COMMUNES_IN_AN_EPCI))
        found |= {
            commune: f"200{number:03d}{turn[index] * parts // len(members):03d}"
            for index, commune in enumerate(members)
        }
    return {
        commune: siren for commune, siren in found.items() if commune not in places.WITHOUT_EPCI
    }


def _rounded(shapes: Geometries) -> Geometries:
    """Coordinates of three digits, and of six around the shapes that would cross themselves; a
    vertex is the same in all its shapes.
    """
    exact = shapely.get_coordinates(shapes)
    owner = np.repeat(np.arange(len(shapes)), shapely.get_num_coordinates(shapes))
    _, vertex = np.unique(exact, axis=0, return_inverse=True)
    fine = np.zeros(vertex.max() + 1, dtype=bool)
    while True:
        coordinates = np.where(
            fine[vertex][:, None], np.round(exact, FINER), np.round(exact, DIGITS)
        )
        made = shapely.set_coordinates(shapes.copy(), coordinates)
        wrong = ~shapely.is_valid(made)
        if fine[vertex[wrong[owner]]].all():
            return made
        fine[vertex[wrong[owner]]] = True
