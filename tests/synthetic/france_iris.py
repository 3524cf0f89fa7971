"""The files CONTOURS-IRIS of IGN: a GeoPackage for each territory in metres, or since 2026 one of
all France in degrees, packed; a Shapefile for each territory; or a GeoParquet, not packed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from synthetic import france_formats as formats
from synthetic.coverage import Geometries, Integers
from synthetic.france_country import Country, Iris, degrees, dissolved
from synthetic.france_ground import TERRITORIES

GEOMETRY = "geometrie"
LAYER = "contours_iris"
DELIVERY = "1_DONNEES_LIVRAISON"
LAYOUTS = ("gpkg", "shp", "geoparquet")
TOGETHER = 2026  # the first year of one GeoPackage
RENAMED = 2025  # contours-iris.gpkg is iris.gpkg since


@dataclass(frozen=True)
class Delivered:
    """A file of IGN: the end of its slug, its name, what of the mirror's entry is peculiar to it,
    and the IRIS in it.
    """

    slug: str
    name: str
    entry: dict[str, Any]
    irises: Sequence[Iris]


def deliver(country: Country, vintage: int, layout: str, into: Path) -> list[Delivered]:
    """Write the files of a vintage in a layout (gpkg, shp, geoparquet) into a folder."""
    irises, territory = country.at(vintage), country.territory(country.at(vintage))
    shapes = _multipolygons(dissolved(country.shapes, [iris.pieces for iris in irises]))
    if layout == "geoparquet":
        name = f"CONTOURS-IRIS_3-0__GEOPARQUET_WGS84G_FRA_{vintage}-01-01.parquet"
        formats.geoparquet(into / name, GEOMETRY, columns(irises), degrees(shapes, territory))
        return [Delivered("iris", name, {"container": "parquet", "member": None}, irises)]
    if layout == "shp":
        name = f"CONTOURS-IRIS_2-1__SHP__FRA_{vintage}-01-01"
        _pack(into, name, vintage, lambda at: _shapefiles(at, irises, shapes, territory, vintage))
        return [Delivered("iris", f"{name}.7z", _packed("*/CONTOURS-IRIS.shp"), irises)]
    if vintage >= TOGETHER:
        made = degrees(shapes, territory)
        return [_geopackage("iris", "WGS84G_FRA", 4326, irises, made, vintage, into)]
    delivered = []
    for position, (name, epsg, _) in enumerate(TERRITORIES):
        there = np.flatnonzero(territory == position)
        slug = "iris" if position == 0 else f"iris-{name[-3:].lower()}"
        part = [irises[number] for number in there]
        delivered.append(_geopackage(slug, name, epsg, part, shapes[there], vintage, into))
    return delivered


def counts(country: Country, vintage: int) -> dict[str, int]:
    """The number of IRIS of each territory, by the name of its projection."""
    found = np.bincount(country.territory(country.at(vintage)), minlength=len(TERRITORIES))
    return {name: int(number) for (name, _, _), number in zip(TERRITORIES, found, strict=True)}


def columns(irises: Sequence[Iris]) -> dict[str, list[str]]:
    """The columns of edition 3.0."""
    return {
        "cleabs": [f"IRIS____{iris.code:0>16}" for iris in irises],
        "code_insee": [iris.commune for iris in irises],
        "nom_commune": [iris.commune_name for iris in irises],
        "iris": [iris.code[5:] for iris in irises],
        "code_iris": [iris.code for iris in irises],
        "nom_iris": [iris.name for iris in irises],
        "type_iris": [iris.kind for iris in irises],
    }


def older_columns(irises: Sequence[Iris]) -> dict[str, list[str]]:
    """The columns of edition 2.1."""
    named = columns(irises)
    renamed = ("INSEE_COM", "NOM_COM", "IRIS", "CODE_IRIS", "NOM_IRIS", "TYP_IRIS")
    return dict(zip(renamed, list(named.values())[1:], strict=True))


def _geopackage(
    slug: str,
    projection: str,
    epsg: int,
    irises: Sequence[Iris],
    shapes: Geometries,
    vintage: int,
    into: Path,
) -> Delivered:
    file = "iris.gpkg" if vintage >= RENAMED else "contours-iris.gpkg"
    name = f"CONTOURS-IRIS_3-0__GPKG_{projection}_{vintage}-01-01"
    delivery = f"CONTOURS-IRIS_3-0_GPKG_{projection}-ED{vintage}-01-01"

    def write(folder: Path) -> None:
        path = _made(folder / f"{DELIVERY}_{vintage}-12-00163" / delivery / file)
        day = date(vintage, 6, 15)
        formats.geopackage(path, LAYER, GEOMETRY, columns(irises), shapes, day, epsg)

    _pack(into, name, vintage, write)
    return Delivered(slug, f"{name}.7z", _packed(file), irises)


def _pack(into: Path, name: str, vintage: int, write: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name / "CONTOURS-IRIS")
        formats.seven_zip(into / f"{name}.7z", Path(folder), date(vintage, 6, 15))


def _packed(member: str) -> dict[str, Any]:
    return {"container": "7z", "member": member}


def _shapefiles(
    folder: Path, irises: Sequence[Iris], shapes: Geometries, territory: Integers, vintage: int
) -> None:
    """A folder for each territory, and in it beside the IRIS the extent of the delivery,
    EMPRISE.shp.
    """
    for position, (name, epsg, _) in enumerate(TERRITORIES):
        there = np.flatnonzero(territory == position)
        path = _made(
            folder
            / f"{DELIVERY}_{vintage}-06-00217"
            / f"CONTOURS-IRIS_2-1_SHP_{name}-{vintage}"
            / "CONTOURS-IRIS.shp"
        )
        formats.shapefile(
            path,
            older_columns([irises[number] for number in there]),
            shapes[there],
            epsg,
            date(vintage, 6, 15),
        )
        extent = _multipolygons(np.array([shapely.box(*shapely.total_bounds(shapes[there]))]))
        formats.shapefile(
            path.with_name("EMPRISE.shp"), {"NOM": [name]}, extent, epsg, date(vintage, 6, 15)
        )


def _multipolygons(shapes: Geometries) -> Geometries:
    """Each shape as a MultiPolygon."""
    made = shapes.copy()
    single = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    made[single] = shapely.multipolygons(shapes[single][:, None])
    return made


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path
