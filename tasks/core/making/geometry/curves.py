"""What GDAL reads, batch by batch: broken files told in a sentence, curves replaced by lines."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyogrio.errors import DataLayerError, DataSourceError

from tasks.core.model.errors import Damaged, SourceError

UNREADABLE = (DataSourceError, DataLayerError)
TOO_LARGE = re.compile(r"Unrecognized number: (-?\d[\d.eE+-]*)")  # as GDAL says it of a JSON
CURVES = range(8, 13)  # WKB types CircularString to MultiSurface


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Turn what GDAL says of a broken file into Damaged, of a number too large into SourceError."""
    try:
        yield
    except (*UNREADABLE, pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if too_large := TOO_LARGE.search(str(error)):
            raise SourceError(
                f"A number of 64 bits at most was expected in {where} and it has"
                f" {too_large[1]}: ask the publisher for text in quotes if it is a code, or lay a"
                " mended file into the inbox (GEODATA_INBOX_FIRST)."
            ) from None
        raise Damaged(
            f"The geometries of {where} were expected to be readable and are not ({error}): look at"
            " what was downloaded."
        ) from None


def straightened(
    reader: pa.RecordBatchReader, geometry: str, read_again: Any, where: str
) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Yield batches and, apart, their geometries, curves replaced by lines.

    GDAL streams curves as they are and nothing here reads them; only its other way of reading makes
    lines of them, so that a batch with curves is read a second time, the same features by their
    position.
    """
    start = 0
    while True:
        with readable(where):
            batch = next(reader, None)
        if batch is None:
            return
        place = batch.schema.get_all_field_indices(geometry)[-1]  # behind a field of that name
        batch, wkb = batch.remove_column(place), batch.column(place)
        if _has_curves(wkb):
            wkb = pa.array(read_again(skip_features=start, max_features=len(batch))[2], pa.binary())
        start += len(batch)
        yield batch, wkb


def _has_curves(wkb: pa.Array) -> bool:
    heads = pc.binary_slice(wkb, 0, 5).unique().drop_null().to_pylist()
    return any(
        struct.unpack("<I", head[1:])[0] % 1000 in CURVES for head in heads if len(head) == 5
    )
