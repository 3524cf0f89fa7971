"""The file formats Statbel publishes in, written so that the same input gives the same bytes."""

from __future__ import annotations

import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from json import dumps
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from synthetic.coverage import Geometries

BYTE_ORDER_MARK = "\ufeff"
SCHEMA_2011 = (  # SQLite keeps these statements letter for letter
    "CREATE TABLE spatial_ref_sys (srid INTEGER NOT NULL PRIMARY KEY, auth_name TEXT NOT NULL, "
    "auth_srid INTEGER NOT NULL,\n"
    "    ref_sys_name TEXT NOT NULL DEFAULT 'Unknown', proj4text TEXT NOT NULL, srtext TEXT "
    "NOT NULL DEFAULT 'Undefined');\n"
    "CREATE TABLE geometry_columns (f_table_name TEXT NOT NULL, f_geometry_column TEXT NOT "
    "NULL, geometry_type INTEGER NOT NULL,\n"
    "    coord_dimension INTEGER NOT NULL, srid INTEGER NOT NULL, spatial_index_enabled "
    "INTEGER NOT NULL);\n"
    "INSERT INTO spatial_ref_sys VALUES (-1, 'NONE', -1, 'Undefined - Cartesian', '', "
    "'Undefined');\n"
)


def write_zip(path: Path, members: Iterable[tuple[str, Iterable[bytes]]], day: date) -> None:
    """A zip whose members all carry one date, so that it does not change from one day to the
    next.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, blocks in members:
            entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 12, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o644 << 16,
            )
            # ZipFile.open has no argument for it
            entry._compresslevel = 3  # type: ignore[attr-defined]
            with archive.open(entry, "w", force_zip64=False) as member:
                for block in blocks:
                    member.write(block)


def delimited(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A text table as Statbel writes it: pipes, no quotes, a byte order mark, CRLF; None is
    empty.
    """
    lines = [columns, *rows]
    text = "".join(
        "|".join("" if cell is None else str(cell) for cell in line) + "\r\n" for line in lines
    )
    if text.count("|") != len(lines) * (len(columns) - 1) or text.count("\n") != len(lines):
        raise ValueError(
            "A cell holds a pipe or a line end, or a row has not as many cells as the header: this"
            " format cannot quote it."
        )
    return (BYTE_ORDER_MARK + text).encode()


def geojson(
    name: str, properties: Iterable[Mapping[str, Any]], shapes: Iterable[str], epsg: int
) -> Iterator[bytes]:
    """A feature collection with an old-style crs member, one feature a line; shapes are GeoJSON
    geometries.
    """
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    yield (
        f'{{\n"type": "FeatureCollection",\n"name": "{name}",\n"crs":'
        f' {dumps(crs)},\n"features": [\n'.encode()
    )
    separator = ""
    for row, shape in zip(properties, shapes, strict=True):
        yield (
            f'{separator}{{ "type": "Feature", "properties": {dumps(row, ensure_ascii=False)},'
            f' "geometry": {shape} }}'.encode()
        )
        separator = ",\n"
    yield b"\n]\n}\n"


def shapefile(
    name: str, columns: Mapping[str, Sequence[Any]], shapes: Geometries, epsg: int, day: date
) -> Iterator[tuple[str, list[bytes]]]:
    """The files of a Shapefile: polygons with Z = 0, UTF-8 stated in .cpg, the Esri .prj that GDAL
    writes, without an EPSG code.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.shp"
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapely.force_3d(shapes)),
            [
                np.array(values, dtype=float if isinstance(values[0], float) else object)
                for values in columns.values()
            ],
            list(columns),
            geometry_type="Polygon Z",
            crs=f"EPSG:{epsg}",
            driver="ESRI Shapefile",
            encoding="UTF-8",
            layer_options={"DBF_DATE_LAST_UPDATE": day.isoformat()},
        )
        for file in sorted(Path(folder).iterdir()):
            yield file.name, [file.read_bytes()]


def spatialite(table: str, columns: Mapping[str, Sequence[Any]], shapes: Geometries) -> bytes:
    """A SpatiaLite database of one table with a MultiPolygon column GEOMETRY whose CRS is not
    declared.
    """
    names = ", ".join(
        f'"{name}" {"DOUBLE" if isinstance(values[0], float) else "TEXT"}'
        for name, values in columns.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sectors.sqlite"
        connection = sqlite3.connect(path)
        connection.executescript(SCHEMA_2011)
        connection.execute(
            f'CREATE TABLE "{table}" (ogc_fid INTEGER PRIMARY KEY, {names}, "GEOMETRY"'
            " MULTIPOLYGON)"
        )
        connection.execute(
            "INSERT INTO geometry_columns VALUES (?, 'geometry', 6, 2, -1, 0)", (table,)
        )
        marks = ", ".join("?" * (len(columns) + 1))
        rows = zip(*columns.values(), map(_blob, shapes), strict=True)
        connection.executemany(f'INSERT INTO "{table}" VALUES (NULL, {marks})', rows)
        connection.commit()
        connection.close()
        return path.read_bytes()


def _blob(shape: shapely.Polygon) -> bytes:
    """A polygon as SpatiaLite stores a MultiPolygon: a header with the bounds, then WKB whose inner
    byte order mark is 0x69.
    """
    body = bytearray(shapely.to_wkb(shapely.multipolygons([shape]), byte_order=1))
    body[9] = 0x69
    return b"\x00\x01" + pack("<i4d", -1, *shape.bounds) + b"\x7c" + bytes(body[1:]) + b"\xfe"
