"""One synthetic layer of made-up sectors, written in every format a publisher uses.

Five sectors in EPSG:31370 with all that goes wrong in real ones: codes with leading zeros and a
trailing hyphen, umlauts, heights, single and multiple areas in one file, a hole, a feature without
geometry. Nothing here is official data.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from fiona.crs import CRS as FionaCRS

from tasks.core.model.columns import integer, number, text
from tasks.core.model.declarations import Features

CRS = 31370
BOUNDS = (22_000.0, 21_200.0, 295_200.0, 244_000.0)
FIELDS = ("cd_sector", "tx_sector_descr_de", "ms_area_ha", "population")
CODES = ["01001A00-", "01001A01-", "01001A1MJ", "02000B00-", "02000ZZZZ"]
NAMES = ["Lüttich Süd", "Übergrün", "Straße 1", "L'Écluse", "ohne Ort"]
AREAS = [100.0, 96.0, 50.5, 200.0, 0.0]
PEOPLE = [1200, 0, 35, 999999, 7]
SQUARE_METRES = [1_000_000.0, 960_000.0, 505_000.0, 2_000_000.0, None]


def square(
    x: float, y: float, width: float, height: float = 1000.0, hole: float = 0.0
) -> shapely.Polygon:
    """A rectangle at 5 m of height, with a square hole in its middle if asked."""
    middle_x, middle_y, half = x + width / 2, y + height / 2, hole / 2
    area = shapely.box(x, y, x + width, y + height)
    return shapely.force_3d(
        (
            area - shapely.box(middle_x - half, middle_y - half, middle_x + half, middle_y + half)
            if hole
            else area
        ),
        5.0,
    )


def geometries() -> list[Any]:
    """The shapes of the sectors, the last of them missing."""
    pair = shapely.MultiPolygon([square(153_000, 170_000, 500), square(154_000, 170_000, 5)])
    alone = shapely.MultiPolygon([square(150_000, 171_000, 2000)])
    return [
        square(150_000, 170_000, 1000),
        square(151_000, 170_000, 1000, hole=200),
        pair,
        alone,
        None,
    ]


def reads(**changes: Any) -> Features:
    """How the layer is declared in every format."""
    columns = {
        "sector": text("cd_sector"),
        "name_de": text("tx_sector_descr_de"),
        "hectares": number("ms_area_ha"),
        "people": integer("population"),
    }
    declared: dict[str, Any] = {
        "columns": columns,
        "crs": CRS,
        "published_crs": CRS,
        "key": "sector",
        "bounds": BOUNDS,
    }
    return Features(**(declared | changes))


def in_wgs84() -> list[Any]:
    """The same shapes in degrees, for the formats that know no other CRS."""
    transformer = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)

    def degrees(x: Any, y: Any, z: Any) -> Any:
        return *transformer.transform(x, y), z

    return [
        shape and shapely.transform(shape, degrees, include_z=True, interleaved=False)
        for shape in geometries()
    ]


def _columns() -> list[np.ndarray]:
    return [np.array(CODES, object), np.array(NAMES, object), np.array(AREAS), np.array(PEOPLE)]


def with_gdal(
    driver: str,
    kind: str = "Unknown",
    crs: int | None = CRS,
    shapes: Callable[[], list[Any]] = geometries,
    **options: Any,
) -> Callable[[Path], Path]:
    """A writer of the layer with one of GDAL's drivers."""

    def write(path: Path) -> Path:
        wkb = shapely.to_wkb(np.array(shapes(), object), flavor="iso")
        stated = f"EPSG:{crs}" if crs else None
        with warnings.catch_warnings():  # shapefiles cut names, and a missing CRS is meant
            warnings.filterwarnings("ignore", "Normalized/laundered|'crs' was not provided")
            pyogrio.raw.write(
                str(path),
                wkb,
                _columns(),
                list(FIELDS),
                geometry_type=kind,
                crs=stated,
                driver=driver,
                **options,
            )
        return path

    return write


def geojson(path: Path) -> Path:
    """GeoJSON as Statbel publishes it: an old-style crs member, one feature a line, written by
    fiona.
    """
    schema = {
        "geometry": "Unknown",
        "properties": {
            "cd_sector": "str",
            "tx_sector_descr_de": "str",
            "ms_area_ha": "float",
            "population": "int",
        },
    }
    with fiona.open(
        path, "w", driver="GeoJSON", crs=FionaCRS.from_epsg(CRS), schema=schema
    ) as layer:
        for shape, *values in zip(geometries(), CODES, NAMES, AREAS, PEOPLE, strict=True):
            layer.write(
                {
                    "geometry": shape and shapely.geometry.mapping(shape),
                    "properties": dict(zip(FIELDS, values, strict=True)),
                }
            )
    return path


def geoparquet(
    path: Path, crs: Any = CRS, shapes: Callable[[], list[Any]] = geometries, encoding: str = "WKB"
) -> Path:
    """GeoParquet 1.1 in row groups of two; `crs` an EPSG code, None for "not known", "" for a file
    that does not say.
    """
    column: dict[str, Any] = {"encoding": encoding, "geometry_types": []}
    if crs != "":
        column["crs"] = crs and pyproj.CRS.from_epsg(crs).to_json_dict()
    wkb = pa.array(shapely.to_wkb(np.array(shapes(), object), flavor="iso"), pa.binary())
    table = pa.table(
        [*map(pa.array, (CODES, NAMES, AREAS, PEOPLE)), wkb], names=[*FIELDS, "geometry"]
    )
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path, row_group_size=2)
    return path


def topojson(path: Path) -> Path:
    """TopoJSON, which states no CRS; one arc a ring."""
    arcs: list[Any] = []

    def ring(line: Any) -> list[int]:
        arcs.append([list(point) for point in shapely.get_coordinates(line).tolist()])
        return [len(arcs) - 1]

    def polygon(area: Any) -> list[list[int]]:
        return [ring(area.exterior), *map(ring, area.interiors)]

    def geometry(shape: Any) -> dict[str, Any]:
        if shape is None:
            return {"type": None}
        if shape.geom_type == "Polygon":
            return {"type": "Polygon", "arcs": polygon(shape)}
        return {"type": "MultiPolygon", "arcs": [polygon(part) for part in shape.geoms]}

    rows = zip(geometries(), CODES, NAMES, AREAS, PEOPLE, strict=True)
    features = [
        geometry(shape) | {"properties": dict(zip(FIELDS, values, strict=True))}
        for shape, *values in rows
    ]
    path.write_text(
        json.dumps(
            {
                "type": "Topology",
                "objects": {"sectors": {"type": "GeometryCollection", "geometries": features}},
                "arcs": arcs,
            }
        )
    )
    return path


def zipped(path: Path) -> Path:
    """A dataset and the files beside it (a shapefile's), in a zip under a folder of the same name,
    as Statbel does.
    """
    into = path.with_suffix(path.suffix + ".zip")
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in sorted(path.parent.glob(f"{path.stem}.*")):
            if member != into:
                archive.write(member, f"{path.name}/{member.name}")
    return into


FORMATS: dict[str, tuple[str, Callable[[Path], Path], dict[str, Any]]] = {
    "GeoJSON": ("sectors.geojson", geojson, {}),
    "Shapefile": ("sectors.shp", with_gdal("ESRI Shapefile", "Polygon Z", encoding="UTF-8"), {}),
    "GeoPackage": ("sectors.gpkg", with_gdal("GPKG"), {}),
    "SpatiaLite": (
        "sectors.sqlite",
        with_gdal("SQLite", dataset_options={"SPATIALITE": "YES"}),
        {},
    ),
    "SQLite": ("sectors.db", with_gdal("SQLite"), {}),
    "FlatGeobuf": (
        "sectors.fgb",
        with_gdal("FlatGeobuf", layer_options={"SPATIAL_INDEX": "NO"}),
        {},
    ),
    "GML": ("sectors.gml", with_gdal("GML"), {}),
    "KML": (
        "sectors.kml",
        with_gdal("LIBKML", crs=4326, shapes=in_wgs84),
        {"crs": 4326, "bounds": (2.5, 49.4, 6.5, 51.6)},
    ),
    "GeoParquet": ("sectors.parquet", geoparquet, {}),
    "TopoJSON": ("sectors.topojson", topojson, {"crs_missing": True}),
}
