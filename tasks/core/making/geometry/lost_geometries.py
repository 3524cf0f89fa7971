"""Geometries that GDAL took for none, held to what the file itself says of each feature."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.core.making.geometry.esri_shapes import first_lost_of_esri
from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.stored_types import opened_database, quoted
from tasks.core.making.geometry.xml_shapes import first_lost_of_xml
from tasks.core.model.errors import SourceError

Batches = Iterator[tuple[pa.RecordBatch, pa.Array]]
INBOX = "lay a mended file into the inbox (GEODATA_INBOX_FIRST), or tell the publisher"


def held_to_file(
    straight: Batches, place: Place, layer: str, geometry: str, stated: int | None, where: str
) -> Batches:
    """Yield batches as they are; then raise SourceError where features or geometries were lost.

    geometry: name of its column, in a database. stated: the number of features that is stated.
    """
    read, nulls = 0, [np.empty(0, np.int64)]
    for batch, wkb in straight:
        if wkb.null_count:
            nulls.append(np.flatnonzero(wkb.is_null()) + read)
        read += len(batch)
        yield batch, wkb
    absent = np.concatenate(nulls)
    if place.kind == "xml" and stated is not None and read < stated:
        raise SourceError(
            f"All {stated:,} features of {where} were expected and reading ends at feature"
            f" {read + 1:,}, whose geometry is not written as XML has them: {INBOX}."
        )
    if len(absent) and (lost := _first_lost(place, layer, geometry, read, absent)):
        raise SourceError(
            f"A geometry was expected in {where} for {lost}, which has one written, and none can"
            f" be made of it: {INBOX}."
        )


def _first_lost(
    place: Place, layer: str, geometry: str, read: int, absent: npt.NDArray[np.int64]
) -> str | None:
    """Name the first feature that was read without the geometry that it has written."""
    lost = None
    if place.kind == "sqlite":
        return _first_lost_of_database(place, layer, geometry, absent)
    if place.kind == "xml":
        lost = first_lost_of_xml(place, layer, read, absent)
    if place.kind == "json":
        lost = first_lost_of_esri(place, read, absent)
    return None if lost is None else f"feature {lost + 1:,}"


def _first_lost_of_database(
    place: Place, layer: str, geometry: str, absent: npt.NDArray[np.int64]
) -> str | None:
    """Name the first row whose geometry is not NULL though it was read as none."""
    missing = set(absent.tolist())
    with suppress(sqlite3.Error), closing(opened_database(place)) as database:
        table = quoted(layer)
        described = database.execute(f"PRAGMA table_info({table})").fetchall()
        key = next((name for _, name, *_, is_key in described if is_key == 1), None)
        value = quoted(key) if key else "NULL"
        rows = database.execute(f"SELECT {value}, {quoted(geometry)} IS NULL FROM {table}")
        for row, (number, is_null) in enumerate(rows):
            if row in missing and not is_null:
                return f"feature {row + 1:,}" + f" ({key} {number})" * bool(key)
    return None
