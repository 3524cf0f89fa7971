"""INSEE's table of communes: the workbook table-appartenance-geo-communes, whose headings are on
the sixth row of each sheet, with communes, municipal arrondissements and the areas above them.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from synthetic import france_places as places
from synthetic.coverage import Geometries
from synthetic.formats import write_zip
from synthetic.france_country import Country, dissolved
from workbooks import write_xlsx

COMMUNES_IN_AN_EPCI = 28
NO_EPCI = "ZZZZZZZZZ"
COMMUNES = ("CODGEO", "LIBGEO", "DEP", "REG", "EPCI", "NATURE_EPCI")
ARRONDISSEMENTS = ("CODGEO", "LIBGEO", "DEP", "REG", "EPCI", "COM")
AREAS = ("NIVGEO", "CODGEO", "LIBGEO", "NB_COM")
EXPLAINED = {"CODGEO": "Code géographique", "LIBGEO": "Libellé géographique"}
Row = tuple[str, ...]


@dataclass(frozen=True)
class Unit:
    """A commune or a municipal arrondissement of one vintage: code, name and EPCI."""

    code: str
    name: str
    epci: str

    @property
    def department(self) -> str:
        """The code of its département."""
        return places.department(self.code)

    @property
    def region(self) -> str:
        """The code of its region."""
        return places.departments()[self.department]["region"]


def units(country: Country, vintage: int) -> tuple[Unit, ...]:
    """Communes and municipal arrondissements of 1 January."""
    irises = country.at(vintage)
    members: dict[str, list[int]] = defaultdict(list)
    names = {iris.commune: iris.commune_name for iris in irises}
    for iris in irises:
        members[iris.commune].extend(iris.pieces)
    shapes = dissolved(country.clean_shapes, list(members.values()))
    epci = _epci(list(members), shapely.centroid(shapes))
    return tuple(Unit(code, names[code], epci.get(places.city(code), NO_EPCI)) for code in members)


def communes(found: Sequence[Unit]) -> list[Row]:
    """Communes, Paris, Lyon and Marseille as one each."""
    names, rows = dict(places.CITIES.values()), {}
    for unit in found:
        code = places.city(unit.code)
        kind = "ZZ" if unit.epci == NO_EPCI else "CC"
        name = names.get(code, unit.name)
        rows[code] = (code, name, unit.department, unit.region, unit.epci, kind)
    return [rows[code] for code in sorted(rows)]


def arrondissements(found: Sequence[Unit]) -> list[Row]:
    """The municipal arrondissements of Paris, Lyon and Marseille."""
    return sorted(
        (unit.code, unit.name, unit.department, unit.region, unit.epci, places.city(unit.code))
        for unit in found
        if places.city(unit.code) != unit.code
    )


def areas(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Arrondissements, départements, EPCI, each named after its first commune, and regions."""
    first: dict[str, str] = {}
    for _, name, _, _, epci, _ in rows:
        first.setdefault(epci, f"CC de {name}")
    first[NO_EPCI] = "Sans objet"
    names = {code: facts["name"] for code, facts in places.departments().items()}
    levels = (("DEP", 2, names), ("EPCI", 4, first), ("REG", 3, places.REGIONS))
    made: list[tuple[Any, ...]] = [("ARR", "011", "Belley", 1)]
    for level, place, known in levels:
        counted = Counter(row[place] for row in rows)
        made += [(level, code, known[code], float(counted[code])) for code in sorted(counted)]
    return made


def write(path: Path, country: Country, vintage: int) -> None:
    """Write the zip with the workbook in it."""
    found = units(country, vintage)
    rows, day = communes(found), date(vintage, 3, 15)
    sheets = {
        "COM": _sheet(COMMUNES, rows, vintage),
        "ARM": _sheet(ARRONDISSEMENTS, arrondissements(found), vintage),
        "Zones_supra_communales": _sheet(AREAS, areas(rows), vintage),
    }
    with tempfile.TemporaryDirectory() as folder:
        packed, dated = Path(folder) / "packed.xlsx", Path(folder) / "dated.xlsx"
        with zipfile.ZipFile(write_xlsx(packed, sheets)) as book:
            write_zip(dated, [(name, [book.read(name)]) for name in book.namelist()], day)
        write_zip(path, [(path.with_suffix(".xlsx").name, [dated.read_bytes()])], day)


def _sheet(headings: Row, rows: Sequence[Sequence[Any]], vintage: int) -> list[Sequence[Any]]:
    titles: list[Sequence[Any]] = [
        (f"Table d'appartenance géographique des communes au 01/01/{vintage}",),
        (f"Mise en ligne le 15/03/{vintage}      Géographie au 01/01/{vintage}",),
        ("Source : Insee",),
        (None,),
        tuple(EXPLAINED.get(heading, heading.title()) for heading in headings),
    ]
    return [*titles, headings, *rows]


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
