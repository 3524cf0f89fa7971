"""GeoParquet 1.1: a layer in columns, exact, with a box beside each geometry to search by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from tasks.core.exporting.inscriptions import Inscription

VERSION = "1.1.0"
BOX, SIDES = "bbox", ("xmin", "ymin", "xmax", "ymax")
GROUP_ROWS, GROUP_BYTES = 100_000, 32 * 2**20  # of a row group, at most


def write(path: Path, batches: pa.RecordBatchReader, told: Inscription) -> None:
    """Write a GeoParquet, or a Parquet file where the layer has no geometry.

    Lists stay lists, and decimals exact. What a column means is in the metadata of its field.
    """
    geometry = told.layer.geometry.name if told.layer.geometry else ""
    found = Places(geometry)
    schema = found.widened(batches.schema)
    with pq.ParquetWriter(path, schema, compression="zstd", write_statistics=True) as writer:
        for table in _groups(found.beside(batches, schema), schema):
            writer.write_table(table, row_group_size=GROUP_ROWS)
        document = json.dumps(told.document, ensure_ascii=False)
        known = told.facts | {"geodata": document}
        if geometry:
            known["geo"] = json.dumps(found.geo(told.crs))
        writer.add_key_value_metadata(known)


def _groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Give tables as large as row groups may be; one without rows where there are no rows."""
    held, rows, size = list[pa.RecordBatch](), 0, 0
    for batch in batches:
        held, rows, size = [*held, batch], rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, schema)


class Places:
    """Where geometries lie: a box for each, the box and the types of all."""

    def __init__(self, geometry: str) -> None:
        """Look at the column of that name; at none without a name."""
        self.geometry = geometry
        self.box = [np.inf, np.inf, -np.inf, -np.inf]
        self.types: set[str] = set()
        self.column = BOX

    def widened(self, schema: pa.Schema) -> pa.Schema:
        """Return a schema with the column of boxes, under a name that is free."""
        if not self.geometry:
            return schema
        while self.column in schema.names:
            self.column = f"_{self.column}"
        sides = pa.struct([pa.field(side, pa.float64()) for side in SIDES])
        said = {"description": f"Box around {self.geometry}, in its CRS"}
        return schema.append(pa.field(self.column, sides, metadata=said))

    def beside(self, batches: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Give batches with the boxes of their geometries."""
        for batch in batches:
            if self.geometry:
                boxes = self._boxes(batch.column(self.geometry))
                batch = pa.record_batch([*batch.columns, boxes], schema=schema)
            yield batch

    def geo(self, crs: int) -> dict[str, Any]:
        """Return what GeoParquet says of a file with the geometries looked at."""
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": sorted(self.types),
            "crs": CRS.from_epsg(crs).to_json_dict(),
            "edges": "planar",
            "covering": {"bbox": {side: [self.column, side] for side in SIDES}},
        }
        if np.isfinite(self.box).all():
            column["bbox"] = [float(side) for side in self.box]
        return {
            "version": VERSION,
            "primary_column": self.geometry,
            "columns": {self.geometry: column},
        }

    def _boxes(self, geometries: pa.Array) -> pa.Array:
        shapes = shapely.from_wkb(geometries.to_numpy(zero_copy_only=False))
        bounds = shapely.bounds(shapes)
        nowhere = np.isnan(bounds[:, 0])
        kinds = shapely.get_type_id(shapes)
        self.types |= {TYPES[kind] for kind in np.unique(kinds[kinds >= 0])}
        if not nowhere.all():
            low, high = np.nanmin(bounds[:, :2], axis=0), np.nanmax(bounds[:, 2:], axis=0)
            self.box = [*np.minimum(self.box[:2], low), *np.maximum(self.box[2:], high)]
        sides = [pa.array(bounds[:, place]) for place in range(4)]
        return pa.StructArray.from_arrays(sides, SIDES, mask=pa.array(nowhere))


TYPES = {
    0: "Point",
    1: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
    7: "GeometryCollection",
}
