"""CSV: a layer as text, with what the text cannot say in small files beside it.

-metadata.json   CSV on the Web: meaning and type of each column, licence, provenance
.csvt            types for GDAL and QGIS, so that codes keep their zeros and WKT becomes geometry
.prj             the CRS for GDAL and QGIS
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import shapely
from pyproj import CRS
from pyproj.enums import WktVersion

from tasks.core.exporting.inscriptions import Inscription
from tasks.core.exporting.shown_layers import LayerColumn

DECIMALS = 40  # at most: as many as a coordinate needs to come back as it was
WKT = {"@id": "http://www.opengis.net/ont/geosparql#wktLiteral", "base": "string"}
DATATYPES: dict[str, Any] = {  # of CSV on the Web, by the PostgreSQL type without its digits
    "bigint": "long",
    "integer": "int",
    "smallint": "short",
    "numeric": "decimal",
    "double precision": "double",
    "real": "float",
    "boolean": "boolean",
    "date": "date",
    "timestamp with time zone": "dateTimeStamp",
    "timestamp without time zone": "dateTime",
}
OGR_TYPES = {
    "bigint": "Integer64",
    "integer": "Integer",
    "smallint": "Integer",
    "numeric": "Real",
    "double precision": "Real",
    "real": "Real",
    "boolean": "Integer(Boolean)",
    "date": "Date",
    "timestamp with time zone": "DateTime",
    "timestamp without time zone": "DateTime",
}


def write(path: Path, batches: pa.RecordBatchReader, told: Inscription) -> None:
    """Write a CSV file in UTF-8 with headings, and those beside it.

    Texts are in quotes, and so an empty text differs from NULL, which is nothing at all; lists are
    JSON, geometries WKT whose coordinates are exact.
    """
    columns = [_named(told, name) for name in batches.schema.names]
    with path.open("wb") as file:
        file.write(",".join(_quoted(column.name) for column in columns).encode() + b"\n")
        for batch in batches:
            file.write(_lines(batch, columns))
    beside = path.with_name(f"{path.name}-metadata.json")
    beside.write_text(json.dumps(_metadata(path.name, columns, told), ensure_ascii=False, indent=1))
    types = ",".join(f'"{_ogr_type(column)}"' for column in columns)
    path.with_suffix(".csvt").write_text(f"{types}\n")
    if told.crs:
        wkt = CRS.from_epsg(told.crs).to_wkt(WktVersion.WKT1_ESRI)
        path.with_suffix(".prj").write_text(wkt)


def _named(told: Inscription, name: str) -> LayerColumn:
    return next(column for column in told.layer.columns if column.name == name)


def _lines(batch: pa.RecordBatch, columns: list[LayerColumn]) -> bytes:
    """Return the lines of a batch, each with its end."""
    cells = [_cells(array, column) for array, column in zip(batch.columns, columns, strict=True)]
    lines = pc.binary_join_element_wise(*cells, ",")
    whole = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")
    return bytes(whole[0].as_buffer()) + b"\n" if len(lines) else b""


def _cells(array: pa.Array, column: LayerColumn) -> pa.Array:
    """Return the cells of a column: texts in quotes, numbers bare, NULL as nothing."""
    if column.is_geometry:
        shapes = shapely.from_wkb(array.to_numpy(zero_copy_only=False))
        array = pa.array(shapely.to_wkt(shapes, rounding_precision=DECIMALS), pa.string())
    if _base(column) not in DATATYPES:
        doubled = pc.replace_substring(array, '"', '""')
        array = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.fill_null(array, "")


def _base(column: LayerColumn) -> str:
    """Return the type of a column without its digits."""
    return re.sub(r"\([^)]*\)", "", column.data_type)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _ogr_type(column: LayerColumn) -> str:
    return "WKT" if column.is_geometry else OGR_TYPES.get(_base(column), "String")


def _metadata(name: str, columns: list[LayerColumn], told: Inscription) -> dict[str, Any]:
    """Return the description of a table of CSV on the Web."""
    key = [each for each in told.layer.key_columns if each in {column.name for column in columns}]
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": name,
        "dc:title": told.title,
        "dc:description": told.layer.description,
        "dc:license": [
            {"@id": url} for url in dict.fromkeys(each.url for each in told.layer.licences)
        ],
        "dc:rights": list(told.attributions),
        "dc:provenance": told.facts,
        "dialect": {"delimiter": ",", "quoteChar": '"', "header": True, "encoding": "utf-8"},
        "tableSchema": {
            "columns": [_described(column) for column in columns],
            "primaryKey": key,
        },
    }


def _described(column: LayerColumn) -> dict[str, Any]:
    datatype = WKT if column.is_geometry else DATATYPES.get(_base(column), "string")
    if column.data_type.endswith("[]"):
        datatype = "json"
    said = {"name": column.name, "titles": column.name, "dc:description": column.told}
    return said | {"datatype": datatype, "dc:source": column.origin}
