"""GeoPackages: a layer in SQLite, as QGIS and GDAL open it, with its provenance in their tables."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.exporting import gdal_files
from tasks.core.exporting.inscriptions import Inscription
from tasks.core.exporting.qgis_metadata import layer_metadata
from tasks.core.exporting.statements import INSERT_GPKG_METADATA, INSERT_GPKG_METADATA_REFERENCE
from tasks.core.model.errors import CheckFailed

VERSION = "1.3"  # newer ones make GDAL before 3.7 warn
QGIS, PROVENANCE = "http://mrcc.com/qgis.dtd", "http://www.w3.org/ns/prov#"
ROW_NUMBER = "fid"


def write(path: Path, batches: pa.RecordBatchReader, told: Inscription) -> None:
    """Write a GeoPackage: one table, its geometries indexed, or none where the layer has none.

    Lists are JSON texts, moments texts, exact decimals doubles (of 15 digits at most). Raises
    CheckFailed for NaN, which SQLite would keep as NULL.
    """
    options = {"FID": _free_name(batches.schema), "IDENTIFIER": told.title}
    options |= {"DESCRIPTION": f"{told.layer.description} {told.attribution}"}
    if told.layer.geometry:
        options |= {"GEOMETRY_NAME": told.layer.geometry.name}

    def look(batch: pa.RecordBatch) -> None:
        _require_numbers(batch, told)

    gdal_files.write(
        path, "GPKG", batches, told, dataset={"VERSION": VERSION}, layer=options, look=look
    )
    with closing(sqlite3.connect(path)) as database, database:
        for standard, mime, text in (
            (QGIS, "text/xml", layer_metadata(told)),
            (PROVENANCE, "application/json", json.dumps(told.document, ensure_ascii=False)),
        ):
            made = database.execute(INSERT_GPKG_METADATA, (standard, mime, text))
            day = f"{told.layer.published_at:%Y-%m-%dT%H:%M:%S.000Z}"
            of_table = (told.layer.layer, day, made.lastrowid)
            database.execute(INSERT_GPKG_METADATA_REFERENCE, of_table)


def _free_name(schema: pa.Schema) -> str:
    """Return a name for the row numbers that no column has; SQLite knows no case."""
    taken, name = {each.lower() for each in schema.names}, ROW_NUMBER
    while name in taken:
        name += "_"
    return name


def _require_numbers(batch: pa.RecordBatch, told: Inscription) -> None:
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_floating(field.type) and pc.any(pc.is_nan(column)).as_py():
            raise CheckFailed(
                f"Numbers were expected in {field.name} of {told.layer.name} {told.layer.vintage},"
                " found NaN, which a GeoPackage would keep as empty: export it as geoparquet, fgb"
                " or csv."
            )
