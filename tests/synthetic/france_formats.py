"""The file formats of IGN and INSEE, written so that the same input gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.raw
import shapely
from pyproj import CRS
from synthetic.coverage import Floats, Geometries

Columns = Mapping[str, Sequence[str]]
QUICK = [{"id": py7zr.FILTER_LZMA2, "preset": 1}]
LINES = 4096  # of a table written at once


def seven_zip(path: Path, folder: Path, day: date) -> None:
    """A 7z of all files of a folder, every file dated the same."""
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    with py7zr.SevenZipFile(path, "w", filters=QUICK) as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            file.chmod(0o644)
            os.utime(file, (moment, moment))
            archive.write(file, file.relative_to(folder).as_posix())


def geopackage(
    path: Path,
    layer: str,
    geometry: str,
    columns: Columns,
    shapes: Geometries,
    day: date,
    epsg: int = 4326,
) -> None:
    """A GeoPackage of one layer of MultiPolygons."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{day.isoformat()}T00:00:00.000Z"})
    try:
        _write(
            path,
            columns,
            shapes,
            epsg,
            driver="GPKG",
            layer=layer,
            layer_options={"GEOMETRY_NAME": geometry},
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def shapefile(path: Path, columns: Columns, shapes: Geometries, epsg: int, day: date) -> None:
    """A Shapefile of polygons, UTF-8 stated in .cpg, with the Esri .prj that GDAL writes, without
    an EPSG code.
    """
    _write(
        path,
        columns,
        shapes,
        epsg,
        driver="ESRI Shapefile",
        encoding="UTF-8",
        layer_options={"DBF_DATE_LAST_UPDATE": day.isoformat()},
    )


def geoparquet(path: Path, geometry: str, columns: Columns, shapes: Geometries) -> None:
    """A GeoParquet 1.0 file of one geometry column in EPSG:4326, as WKB, with the box of each."""
    column = {
        "encoding": "WKB",
        "geometry_types": ["MultiPolygon"],
        "crs": CRS.from_epsg(4326).to_json_dict(),
        "bbox": [round(float(bound), 9) for bound in shapely.total_bounds(shapes)],
    }
    facts = {"version": "1.0.0", "primary_column": geometry, "columns": {geometry: column}}
    sides = zip(("xmin", "ymin", "xmax", "ymax"), shapely.bounds(shapes).T, strict=True)
    arrays = [
        *(pa.array(list(values), pa.string()) for values in columns.values()),
        pa.array(shapely.to_wkb(shapes), pa.binary()),
        pa.StructArray.from_arrays(
            *zip(*((pa.array(side), name) for name, side in sides), strict=True)
        ),
    ]
    table = pa.Table.from_arrays(arrays, names=[*columns, geometry, f"{geometry}_bbox"])
    pq.write_table(
        table.replace_schema_metadata({"geo": json.dumps(facts)}), path, compression="snappy"
    )


def csv_text(
    rows: Iterable[Sequence[Any]],
    delimiter: str = ";",
    line_end: str = "\n",
    encoding: str = "utf-8",
) -> bytes:
    """A text table, quoted only where it must be; None is empty."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return buffer.getvalue().encode(encoding)


def numbers(
    columns: Sequence[str], labels: Iterable[Sequence[str]], values: Floats
) -> Iterator[bytes]:
    """A table as the census has it: labels, then numbers of up to 15 digits with a point,
    semicolons between them.
    """
    yield (";".join(columns) + "\n").encode()
    labels, written = list(labels), ";".join(["%.15g"] * values.shape[1])
    for start in range(0, len(labels), LINES):
        rows = zip(
            labels[start : start + LINES], values[start : start + LINES].tolist(), strict=True
        )
        yield "".join(f"{';'.join(label)};{written % tuple(row)}\n" for label, row in rows).encode()


def as_written(values: Floats) -> Floats:
    """Numbers as a reader of the table gets them."""
    return np.array([float(f"{value:.15g}") for value in values.ravel().tolist()]).reshape(
        values.shape
    )


def _write(path: Path, columns: Columns, shapes: Geometries, epsg: int, **options: Any) -> None:
    fields = [np.array(list(values), dtype=object) for values in columns.values()]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes),
        fields,
        list(columns),
        geometry_type="MultiPolygon",
        crs=f"EPSG:{epsg}",
        **options,
    )
