"""The archives CONTOURS-IRIS of IGN: a GeoPackage or a GeoParquet of all France in degrees, or a
Shapefile for each territory in metres.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import shapely
from synthetic import france_formats as formats
from synthetic.coverage import Geometries, Integers
from synthetic.france_country import Country, Iris, degrees, dissolved
from synthetic.france_ground import TERRITORIES

GEOMETRY = "geometrie"
LAYER = "contours_iris"
DELIVERY = "1_DONNEES_LIVRAISON"
ARCHIVES = {  # layout: name of the archive without its end, pattern of the file in it
    "gpkg": ("CONTOURS-IRIS_3-0__GPKG_WGS84G_FRA_{}-01-01", "*/contours-iris.gpkg"),
    "shp": ("CONTOURS-IRIS_2-1__SHP__FRA_{}-01-01", "*/CONTOURS-IRIS.shp"),
    "geoparquet": ("CONTOURS-IRIS_3-0__GEOPARQUET_WGS84G_FRA_{}-01-01", "*/contours-iris.parquet"),
}


def archive(country: Country, vintage: int, layout: str, into: Path) -> str:
    """Write the 7z of a vintage in a layout (gpkg, shp, geoparquet) into a folder; returns its
    name.
    """
    name = ARCHIVES[layout][0].format(vintage)
    irises = country.at(vintage)
    shapes = _multipolygons(dissolved(country.shapes, [iris.pieces for iris in irises]))
    with tempfile.TemporaryDirectory() as folder:
        WRITERS[layout](
            Path(folder) / name / "CONTOURS-IRIS",
            irises,
            shapes,
            country.territory(irises),
            vintage,
        )
        formats.seven_zip(into / f"{name}.7z", Path(folder), date(vintage, 6, 15))
    return f"{name}.7z"


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
    folder: Path, irises: Sequence[Iris], shapes: Geometries, territory: Integers, vintage: int
) -> None:
    path = _made(
        folder
        / f"{DELIVERY}_{vintage}-12-00163"
        / f"CONTOURS-IRIS_3-0_GPKG_WGS84G_FRA-ED{vintage}-01-01"
        / "contours-iris.gpkg"
    )
    formats.geopackage(
        path, LAYER, GEOMETRY, columns(irises), degrees(shapes, territory), date(vintage, 6, 15)
    )


def _geoparquet(
    folder: Path, irises: Sequence[Iris], shapes: Geometries, territory: Integers, vintage: int
) -> None:
    path = _made(
        folder
        / f"{DELIVERY}_{vintage}-12-00163"
        / f"CONTOURS-IRIS_3-0_GEOPARQUET_WGS84G_FRA-ED{vintage}-01-01"
        / "contours-iris.parquet"
    )
    formats.geoparquet(path, GEOMETRY, columns(irises), degrees(shapes, territory))


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


WRITERS: dict[str, Callable[[Path, Sequence[Iris], Geometries, Integers, int], None]] = {
    "gpkg": _geopackage,
    "shp": _shapefiles,
    "geoparquet": _geoparquet,
}


def _multipolygons(shapes: Geometries) -> Geometries:
    """Each shape as a MultiPolygon."""
    made = shapes.copy()
    single = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    made[single] = shapely.multipolygons(shapes[single][:, None])
    return made


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path
