"""Coverage tables: a staging table's areas, read whole or by parent, and written where changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from adbc_driver_postgresql.dbapi import Connection
from psycopg2 import sql

from tasks.core.making.topology.coverage import Patch
from tasks.core.making.topology.differences import Changes
from tasks.core.making.topology.polygons import (
    Geometries,
    fill,
    from_column,
    side_table,
    stream,
)
from tasks.core.making.topology.statements import (
    SELECT_AREAS,
    SELECT_AREAS_WITH_NEIGHBOURS,
    UPDATE_AREAS,
)
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.database import Database

WRITTEN_TOGETHER = 2_000  # geometries turned to bytes at a time


@dataclass
class CoverageTable:
    """A table with a key and MultiPolygons in `geom`; neighbours are within `width` CRS units."""

    database: Database
    schema: str
    table: str
    key: str
    srid: int
    width: float
    whole: Patch | None = field(default=None, init=False)

    def require_keys(self) -> tuple[int, int]:
        """Count rows with and without geometry; raise CheckFailed on missing or repeated keys.

        Also where no row has a geometry: what is nothing is not clean.
        """
        counts = (
            "SELECT count(*), count({key}), count(DISTINCT {key}), count(*) FILTER (WHERE NOT"
            " ST_IsEmpty(geom)) FROM {table}"
        )
        rows, present, different, shaped = self.database.rows(self._query(counts))[0]
        if not rows == present == different:
            raise CheckFailed(
                f"The key {self.key} of {self.schema}.{self.table} must be unique and present, and"
                f" its {rows:,} rows have {different:,} different keys and {rows - present:,}"
                " without one: declare the right key column."
            )
        if not shaped:
            raise CheckFailed(
                f"The coverage {self.schema}.{self.table} was expected to have areas, and none of"
                f" its {rows:,} rows has one: look at the file that it was loaded from."
            )
        return shaped, rows - shaped

    def patches(self, parent: str | None, changes: Changes) -> Iterator[Patch]:
        """Yield the features as changed: all (kept in memory), or by parent with neighbours."""
        if parent is None:
            if self.whole is None:
                with arrow_connection(self.database) as connection:
                    self.whole = self._read(connection, self._query(SELECT_AREAS), changes)
            yield self.whole
            return
        names = {"parent": sql.Identifier(parent), "width": sql.Literal(self.width)}
        parents = self._query("SELECT DISTINCT {parent} FROM {table} ORDER BY 1", **names)
        values = self.database.rows(parents)
        with arrow_connection(self.database) as connection:
            for (value,) in values:
                same = sql.SQL("IS NULL" if value is None else "= {}").format(sql.Literal(value))
                areas = self._query(SELECT_AREAS_WITH_NEIGHBOURS, same=same, **names)
                yield self._read(connection, areas, changes)

    def write(self, changes: Changes) -> None:
        """Replace the shapes that changed, in one transaction; all other rows keep their bytes."""
        side = f"{self.table[:50]}_cleaned"
        with side_table(self.database, self.schema, side) as source:
            fill(self.database, self.schema, side, self.srid, _in_lots(changes.after))
            with self.database.session() as cursor:
                cursor.execute(self._query(UPDATE_AREAS, source=source))
                if cursor.rowcount != len(changes.after):
                    raise CheckFailed(
                        f"{len(changes.after):,} cleaned features belong in"
                        f" {self.schema}.{self.table} and {cursor.rowcount:,} rows have their keys:"
                        " another run is changing the table; start this one again."
                    )

    def _read(self, connection: Connection, query: sql.Composable, changes: Changes) -> Patch:
        keys: list[str] = []
        own: list[Any] = []
        shapes: list[Geometries] = []
        for batch in stream(self.database, connection, query):
            keys += batch.column(0).to_pylist()
            own += batch.column(1).to_pylist()
            shapes.append(from_column(batch.column(2)))
        geometries = np.concatenate(shapes) if shapes else np.zeros(0, object)
        for number, key in enumerate(keys):
            if (changed := changes.after.get(key)) is not None:
                geometries[number] = changed
        return Patch(np.array(keys, dtype=np.str_), geometries, np.array(own, dtype=np.bool_))

    def _query(self, text: str, **names: sql.Composable) -> sql.Composed:
        return sql.SQL(text).format(
            table=sql.Identifier(self.schema, self.table), key=sql.Identifier(self.key), **names
        )


def _in_lots(shapes: dict[str, shapely.Geometry]) -> Iterator[tuple[list[str], Geometries]]:
    keys = list(shapes)
    for start in range(0, len(keys), WRITTEN_TOGETHER):
        lot = keys[start : start + WRITTEN_TOGETHER]
        yield lot, np.array([shapes[key] for key in lot], dtype=object)
