"""Layers of geometries in the declared format, by the ending of the file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas
import pandas
import pyogrio
import shapely
from synthetic.declared.codes import spelled
from synthetic.declared.rows import Row, numbers_of

from tasks.core.model.columns import Column
from tasks.core.model.declarations import Features

DRIVERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".shp": ("ESRI Shapefile", {}),
    ".gpkg": ("GPKG", {}),
    ".geojson": ("GeoJSON", {}),
    ".json": ("GeoJSON", {}),
    ".fgb": ("FlatGeobuf", {}),
    ".sqlite": ("SQLite", {"dataset_options": {"SPATIALITE": "YES"}}),
    ".db": ("SQLite", {}),
    ".gml": ("GML", {"dataset_options": {"XSISCHEMA": "OFF"}}),
    ".kml": ("LIBKML", {}),
}
PARQUET = (".parquet", ".geoparquet")
LAYERED = (".gpkg", ".sqlite", ".db")
SHAPEFILE_NAME = 10  # characters of the name of a field
HEIGHT = 5.0  # metres, where heights are kept


def write_layer(path: Path, reads: Features, rows: Sequence[Row], crs: int, day: date) -> None:
    """The rows with their `geom` in a file, under the publisher's names of the declared columns;
    where a layer is declared by name, another comes before it.
    """
    suffix = path.suffix.lower()
    frame = _frame(reads, rows, crs, suffix)
    if suffix in PARQUET:
        frame.to_parquet(path)
        return
    driver, options = DRIVERS[suffix]
    if driver == "ESRI Shapefile":
        options = {"encoding": reads.encoding or "UTF-8"}
        options["layer_options"] = {"DBF_DATE_LAST_UPDATE": day.isoformat()}
    layers = {path.stem.replace("-", "_"): frame}
    if reads.layer and suffix in LAYERED:
        layers = {"other": frame[:1], spelled(reads.layer, 1): frame}
    with _on(day):
        for name, each in layers.items():
            mode = "a" if path.exists() else "w"
            each.to_file(path, driver=driver, layer=name, mode=mode, **options)


@contextmanager
def _on(day: date) -> Iterator[None]:
    """Let GDAL write a day of ours for today's, and say nothing where a file is to have no CRS."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{day.isoformat()}T00:00:00.000Z"})
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _frame(reads: Features, rows: Sequence[Row], crs: int, suffix: str) -> geopandas.GeoDataFrame:
    columns = {
        _field(column, suffix): _values([row[name] for row in rows], column, suffix)
        for name, column in reads.columns.items()
    }
    shapes = [row["geom"] for row in rows]
    if reads.dimension == 3:
        shapes = shapely.force_3d(shapes, HEIGHT)
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs=None if reads.crs_missing else crs)


def _field(column: Column, suffix: str) -> str:
    """The newest of a column's names; in a Shapefile the newest that is short enough."""
    short = [name for name in column.names if len(name) <= SHAPEFILE_NAME]
    return short[0] if suffix == ".shp" and short else column.names[0]


def _values(values: Sequence[Any], column: Column, suffix: str) -> Any:
    """The values of a column: numbers where all of its markers are such, else texts."""
    plain = [_plain(value, suffix) for value in values]
    markers = {value for value in values if isinstance(value, str)}
    if column.type == "text" or not (markers or None in values):
        return plain
    if column.type not in ("date", "boolean") and len(numbers_of(markers)) == len(markers):
        numbers = [None if value is None else float(value) for value in plain]
        return pandas.array(numbers, "Int64" if column.type == "integer" else "Float64")
    return [None if value is None else _written(value) for value in plain]


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any, suffix: str) -> Any:
    """Amounts as numbers, and days as text where the format has no way of its own that all drivers
    keep.
    """
    if isinstance(value, date) and suffix not in PARQUET:
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
