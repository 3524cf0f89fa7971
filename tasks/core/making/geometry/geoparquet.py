"""GeoParquet files: geometry column and CRS, from the footer's `geo` text (geoparquet.org)."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.tables.parquet import require_counts
from tasks.core.making.unpacking.zips import open_packed
from tasks.core.model.errors import Damaged, SourceError
from tasks.core.model.scratch import workplace

GEOARROW = ("point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon")
BUFFER = 2**18  # bytes read at a time; reading ahead would keep the whole file
DEFAULT_CRS = "OGC:CRS84"  # what the specification says of a file without the key crs


@dataclass(frozen=True)
class GeometryFacts:
    """The name of the geometry column and its CRS, None where the file says it is not known."""

    column: str
    crs: CRS | None


@contextmanager
def open_file(place: Place) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file for batches; one in a zip is unpacked first, as its footer comes last."""
    if not place.archive:
        with _parquet(place.path, place.name) as file:
            yield file
        return
    with tempfile.NamedTemporaryFile(dir=workplace(), suffix=".parquet") as unpacked:
        with open_packed(place.archive, place.member) as packed:
            shutil.copyfileobj(packed, unpacked, 2**20)
        unpacked.flush()
        with _parquet(unpacked.name, place.name) as file:
            yield file


def _parquet(path: str, name: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER)
    except (pa.ArrowException, OSError) as error:
        raise Damaged(
            f"A Parquet file was expected and {name} cannot be read as such ({error}): look at what"
            " was downloaded."
        ) from None


def geometry_facts(file: pq.ParquetFile, where: str) -> GeometryFacts:
    """Return the primary geometry column and its CRS; raise SourceError unless it is WKB."""
    stated = (file.schema_arrow.metadata or {}).get(b"geo")
    if stated is None:
        raise SourceError(
            f"A GeoParquet file was expected and {where} has no geo metadata, only columns"
            f" {', '.join(file.schema_arrow.names)}."
        )
    geo = _object(stated)
    stated_columns = geo.get("columns")
    columns = stated_columns if isinstance(stated_columns, dict) else {}
    # older files name no primary column, and one alone is it
    name = str(geo.get("primary_column") or (next(iter(columns)) if len(columns) == 1 else ""))
    column = columns.get(name)
    names = file.schema_arrow.names
    if not isinstance(column, dict) or name not in names:
        raise SourceError(
            f"The geo metadata of {where} must name its geometry column and name"
            f" {name or 'none'}, of {', '.join(columns) or 'no geometry columns'}; the file has"
            f" {', '.join(names)}: tell the publisher."
        )
    _require_wkb(file, column.get("encoding"), name, where)
    return GeometryFacts(name, _crs(column, where))


def _object(stated: bytes) -> dict[str, Any]:
    try:
        geo = json.loads(stated)
    except ValueError:
        return {}
    return geo if isinstance(geo, dict) else {}


def _require_wkb(file: pq.ParquetFile, encoding: object, name: str, where: str) -> None:
    kind = file.schema_arrow.field(name).type
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    if encoding != "WKB" or not _is_binary(kind):
        stated = f"encoded as {encoding}" if encoding else "of no stated encoding"
        stated += " (GeoArrow)" * (str(encoding).lower() in GEOARROW)
        raise SourceError(
            f"Geometries as WKB were expected in {where} and its column {name} is {stated} and"
            f" holds {str(kind)[:60]}: ask the publisher for WKB, or convert it."
        )


def _is_binary(kind: pa.DataType) -> bool:
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(is_of_kind(kind) for is_of_kind in kinds)


def _crs(column: dict[str, Any], where: str) -> CRS | None:
    crs = column.get("crs", DEFAULT_CRS)
    try:
        return CRS.from_user_input(crs) if crs else None
    except (CRSError, TypeError) as error:
        raise SourceError(
            f"The CRS of {where} was expected as PROJJSON and is not ({error}): tell the publisher."
        ) from None


def unpacked_size(file: pq.ParquetFile) -> int:
    """Return the bytes of all values as the footer states them, unpacked."""
    groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
    return sum(group.total_byte_size for group in groups)


def with_geometry(
    file: pq.ParquetFile, names: Sequence[str], size: int, where: str
) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Yield batches of some columns, the first of which is the geometry, with their geometries;
    raise Damaged where the file is.
    """
    try:
        for batch in file.iter_batches(batch_size=size, columns=names):
            yield batch, plain_binary(batch[names[0]])
        require_counts(file, names, where)
    except (pa.ArrowException, OSError) as error:
        raise Damaged(
            f"The rows of {where} were expected to be readable and are not ({error}): download it"
            " again."
        ) from None


def plain_binary(values: pa.Array) -> pa.Array:
    """Return a geometry column as plain binary, also where Arrow has an extension type."""
    return (values.storage if isinstance(values, pa.ExtensionArray) else values).cast(pa.binary())
