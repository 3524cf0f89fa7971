"""Columns of a GeoPackage that GDAL leaves out: of types that it has not, and its row numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.stored_types import opened_database, quoted
from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError


def require_read(place: Place, layer: str, fields: Collection[str], reads: Features) -> None:
    """Raise SourceError for a declared column that is in the table and that GDAL does not give."""
    if place.kind != "sqlite" or place.archive:
        return
    columns: list[tuple[str, str, int]] = []
    # a database that cannot be read so is told of by GDAL
    with suppress(sqlite3.Error), closing(opened_database(place)) as database:
        found = database.execute(f"PRAGMA table_info({quoted(layer)})").fetchall()
        columns = [(each[1], each[2], each[5]) for each in found if each[1] not in fields]
    for name, kind, is_key in columns:
        meant = [each for each in reads.columns.values() if name in each.names]
        if any(not {*each.names} & {*fields} for each in meant):
            what = "is the number of the row" if is_key else f"has the type {kind}, not read there"
            raise SourceError(
                f"The column {name} was declared and in {place.name} it {what}, so that it is no"
                " field: ask the publisher for a field, or leave the column out."
            )
