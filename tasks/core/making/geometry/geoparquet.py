"""GeoParquet files: geometry column and CRS, from the footer's `geo` text (geoparquet.org)."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.unpacking.zips import open_packed
from tasks.core.model.errors import SourceError

DEFAULT_CRS = "OGC:CRS84"  # what the specification says of a file without the key crs


@dataclass(frozen=True)
class GeometryFacts:
    """The name of the geometry column and its CRS, None where the file says it is not known."""

    column: str
    crs: CRS | None


@contextmanager
def open_file(place: Place) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file for batches; one in a zip is unpacked first, as its footer comes last."""
    try:
        if not place.archive:
            with pq.ParquetFile(place.path) as file:
                yield file
            return
        with tempfile.NamedTemporaryFile(suffix=".parquet") as unpacked:
            with open_packed(place.archive, place.member) as packed:
                shutil.copyfileobj(packed, unpacked, 2**20)
            unpacked.flush()
            with pq.ParquetFile(unpacked.name) as file:
                yield file
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"A Parquet file was expected and {place.name} cannot be read as such ({error}): look"
            " at what was downloaded."
        ) from None


def geometry_facts(file: pq.ParquetFile, where: str) -> GeometryFacts:
    """Return the primary geometry column and its CRS; raise SourceError unless it is WKB."""
    stated = (file.schema_arrow.metadata or {}).get(b"geo")
    if stated is None:
        raise SourceError(
            f"A GeoParquet file was expected and {where} has no geo metadata, only columns"
            f" {', '.join(file.schema_arrow.names)}."
        )
    geo = json.loads(stated)
    name = geo["primary_column"]
    column = geo["columns"][name]
    if column["encoding"] != "WKB":
        raise SourceError(
            f"Geometries as WKB were expected in {where} and its column {name} is encoded as"
            f" {column['encoding']}: convert it first."
        )
    crs = column.get("crs", DEFAULT_CRS)
    return GeometryFacts(name, CRS.from_user_input(crs) if crs else None)


def plain_binary(values: pa.Array) -> pa.Array:
    """Return a geometry column as plain binary, also where Arrow has an extension type."""
    return (values.storage if isinstance(values, pa.ExtensionArray) else values).cast(pa.binary())
