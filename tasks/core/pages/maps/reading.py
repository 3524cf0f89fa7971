"""Rows of a layer as arrays, in one transaction: one edition, whatever is published meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg2 import sql

from tasks.core.model.errors import WorkLost
from tasks.core.pages.maps.layers import GEOMETRY, ShownLayer
from tasks.core.pages.maps.statements import (
    SELECT_AREAS,
    SELECT_DECIMALS,
    SELECT_EDITION_SHOWN,
    SELECT_FIGURES,
    SELECT_POINTS,
)
from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.database import Database

Floats = npt.NDArray[np.float64]
BATCH_BYTES = "8388608"


@dataclass(frozen=True)
class Areas:
    """What the rows of a layer are called, in the order of codes; a row's place is its number."""

    codes: npt.NDArray[Any]
    labels: npt.NDArray[Any]


class Reader:
    """Reads one layer within one transaction."""

    def __init__(self, database: Database, cursor: Any, layer: ShownLayer) -> None:
        self.database, self.cursor, self.layer = database, cursor, layer

    def areas(self) -> tuple[Areas, npt.NDArray[Any]]:
        """Read codes and names, and shapes as WKB in the layer's CRS, None where there is none."""
        names = {"label": self.layer.label, "geometry": sql.Identifier(GEOMETRY)}
        table = self._table(SELECT_AREAS, **names)
        order = np.argsort(_texts(table["code"]), kind="stable")
        shapes = table["shape"].to_numpy()[order]
        return Areas(_texts(table["code"])[order], _texts(table["label"])[order]), shapes

    def points(self) -> Iterator[tuple[Floats, Floats]]:
        """Stream x and y of all points, a batch of rows at a time."""
        geometry = sql.Identifier(GEOMETRY)
        self.cursor.execute(self._written(SELECT_POINTS, geometry=geometry))
        for batch in self.cursor.fetch_record_batch():
            yield batch["x"].to_numpy(), batch["y"].to_numpy()

    def figures(self, expressions: Mapping[str, sql.Composable]) -> pa.Table:
        """Read named expressions of all rows, in the order of the codes."""
        written = [  # named by their places: a column may be called code
            sql.SQL("{} AS {}").format(each, sql.Identifier(f"figure {place}"))
            for place, each in enumerate(expressions.values())
        ]
        table = self._table(SELECT_FIGURES, figures=sql.SQL(", ").join(written))
        ordered = table.take(np.argsort(_texts(table["code"]), kind="stable"))
        return ordered.remove_column(0).rename_columns([*expressions])

    def decimals(self, names: list[str]) -> dict[str, int]:
        """Count the decimals that the values of numeric columns have at most."""
        if not names:
            return {}
        asked = [sql.SQL("max(scale({}))").format(sql.Identifier(name)) for name in names]
        self.cursor.execute(self._written(SELECT_DECIMALS, scales=sql.SQL(", ").join(asked)))
        return dict(zip(names, (most or 0 for most in self.cursor.fetchone()), strict=True))

    def _table(self, statement: str, **parts: sql.Composable) -> pa.Table:
        self.cursor.execute(self._written(statement, **parts))
        return self.cursor.fetch_arrow_table()

    def _written(self, statement: str, **parts: sql.Composable) -> str:
        known = {"code": self.layer.code, "view": self.layer.relation}
        with self.database.session() as quoting:
            return sql.SQL(statement).format(**known, **parts).as_string(quoting)


@contextmanager
def reader(database: Database, layer: ShownLayer) -> Iterator[Reader]:
    """Open a transaction on a layer; raises WorkLost where another edition is shown by now."""
    with arrow_connection(database) as connection, connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": BATCH_BYTES})
        cursor.execute(SELECT_EDITION_SHOWN, (layer.dataset, layer.vintage))
        found = cursor.fetchone()
        if found is None or found[0] != layer.number:
            now = f"edition {found[0]}" if found else "none"
            raise WorkLost(
                f"The map of {layer.dataset}.{layer.layer} {layer.vintage} was to be of edition"
                f" {layer.number}, and {now} is shown by now: draw it again."
            )
        yield Reader(database, cursor, layer)


def _texts(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return np.asarray(column.to_numpy(), dtype=object)
