"""FlatGeobuf: a layer in one file that is read over HTTP by its own index."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tasks.core.exporting import gdal_files
from tasks.core.exporting.inscriptions import Inscription

MOST_INDEXED = 5_000_000  # rows; the index is made in memory, some 100 bytes a row


def write(path: Path, batches: pa.RecordBatchReader, told: Inscription, *, empty: int = 0) -> None:
    """Write a FlatGeobuf with title, description, provenance and what its columns mean.

    empty: rows without a place; the format's index, which also puts the rows in an order of its
    own, bears none. Without an index, as for more than five million rows, that of the key stays.
    Lists are JSON texts, days moments at midnight, exact decimals doubles (of 15 digits at most);
    an empty geometry comes back as none.
    """
    is_indexed = not empty and 0 < told.layer.row_count <= MOST_INDEXED
    options = {"TITLE": told.title, "DESCRIPTION": told.layer.description}
    options |= {"SPATIAL_INDEX": "YES" if is_indexed else "NO", "TEMPORARY_DIR": str(path.parent)}
    gdal_files.write(path, "FlatGeobuf", batches, told, layer=options)
