"""Streams: the rows of a layer as Arrow batches, in the order of its key.

with read_layer(database, "belgium.sectors", columns=("sector_code", "geom"), crs=4326) as batches:
    for batch in batches: ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from tasks.core.exporting.figures import decimal_types
from tasks.core.exporting.formats import Form
from tasks.core.exporting.projections import Change, changed, crs_change
from tasks.core.exporting.shown_layers import LayerColumn, ShownLayer, shown_layer
from tasks.core.exporting.snapshots import Snapshot, snapshot
from tasks.core.exporting.statements import (
    SELECT_EDITION_SHOWN,
    SELECT_STREAM,
    SELECT_WHETHER_BYTEWISE,
)
from tasks.core.model.errors import CheckFailed, ConfigurationError, WorkLost
from tasks.core.postgres.database import Database

PLAIN = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "double precision": pa.float64(),
    "real": pa.float32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "timestamp without time zone": pa.timestamp("us"),
}
LISTED = ("text", "bigint", "integer", "smallint", "double precision", "real", "boolean", "date")
FIRST_DAY, LAST_DAY = -719162, 2932896  # of the years 1 to 9999, from 1970 on
INFINITY = re.compile(r"double precision|real")


@contextmanager
def read_layer(
    database: Database,
    name: str,
    vintage: int | None = None,
    *,
    columns: Sequence[str] = (),
    crs: int | None = None,
    form: Form = "exact",
) -> Iterator[pa.RecordBatchReader]:
    """Stream the rows of a layer that is shown, such as belgium.sectors, in the order of its key.

    columns: names of those wanted, all without any. crs: EPSG code of the geometries, which are
    little-endian WKB; the layer's own without one. form: of figures (numeric), as exact decimals,
    as doubles, or all values as text. Batches have some 8 MiB; memory does not grow with the rows.
    Raises ConfigurationError for a layer, vintage, column or CRS that there is not, CheckFailed for
    values that the form or the CRS cannot hold.
    """
    with snapshot(database) as state:
        layer = shown_layer(state, name, vintage)
        with open_stream(state, layer, columns, crs, form) as batches:
            yield batches


@contextmanager
def open_stream(
    state: Snapshot,
    layer: ShownLayer,
    columns: Sequence[str] = (),
    crs: int | None = None,
    form: Form = "exact",
) -> Iterator[pa.RecordBatchReader]:
    """Stream the rows of a layer as read_layer() does, in the state of a snapshot.

    Raises CheckFailed at the end where other than the catalog's number of rows have come.
    """
    chosen = _chosen(layer, columns)
    schema = pa.schema(_fields(state, layer, chosen, form))
    change, _ = crs_change(layer.srid, crs or layer.srid) if layer.srid else (None, "")
    (order,) = state.records(SELECT_WHETHER_BYTEWISE)
    query = sql.SQL(SELECT_STREAM).format(
        columns=sql.SQL(", ").join(_expression(each, form) for each in chosen),
        view=layer.view,
        key=sql.SQL(", ").join(
            _ordered(layer, name, bytewise=order.bytewise) for name in layer.key_columns
        ),
    )
    _require_edition(state, layer)
    with state.batches(query) as rows:
        typed = _typed(rows, schema, layer, change)
        yield pa.RecordBatchReader.from_batches(schema, _counted(typed, layer))


def _chosen(layer: ShownLayer, names: Sequence[str]) -> list[LayerColumn]:
    known = {column.name: column for column in layer.columns}
    if unknown := [name for name in names if name not in known]:
        raise ConfigurationError(
            f"Columns of {layer.name} {layer.vintage} were expected, found {', '.join(unknown)}:"
            f" choose among {', '.join(known)}."
        )
    return [known[name] for name in names or known]


def _fields(
    state: Snapshot, layer: ShownLayer, chosen: list[LayerColumn], form: Form
) -> Iterator[pa.Field]:
    """Give the fields of the columns: type, and what a reader must know as metadata."""
    decimals = decimal_types(state, layer, chosen, form)
    for column in chosen:
        told = {"description": column.description, "unit": column.unit, "origin": column.origin}
        told |= {"aggregation": column.aggregation, "postgresql_type": column.data_type}
        kind = decimals.get(column.name) or _arrow_type(column, form)
        yield pa.field(column.name, kind, metadata=told)


def _arrow_type(column: LayerColumn, form: Form) -> pa.DataType:
    if column.is_geometry:
        return pa.binary()
    if form == "exact" and _element(column) in LISTED:
        return pa.list_(PLAIN[_element(column)])
    return pa.string() if form == "text" else PLAIN.get(column.data_type, pa.string())


def _element(column: LayerColumn) -> str:
    """Return the type of the elements of an array; empty where it is none."""
    return column.data_type.removesuffix("[]") if column.data_type.endswith("[]") else ""


def _expression(column: LayerColumn, form: Form) -> sql.Composed:
    """Return what is selected of a column, so that the driver gives it in the type of its field."""
    name = sql.Identifier(column.name)
    return sql.SQL("{} AS {}").format(sql.SQL(_selected(column, form)).format(name), name)


def _selected(column: LayerColumn, form: Form) -> str:
    kind = column.data_type
    if column.is_geometry:
        return "ST_AsBinary({}, 'NDR')"
    if _element(column):
        return "{}" if form == "exact" and _element(column) in LISTED else "to_json({})::text"
    if form == "double" and kind.startswith("numeric"):
        return "{}::double precision"
    if form == "text" and INFINITY.fullmatch(kind):  # as XML Schema writes it
        return "replace({}::text, 'Infinity', 'INF')"
    if form == "text" and kind.startswith("timestamp"):
        return "to_json({})#>>'{{}}'"
    return "{}" if form != "text" and kind in PLAIN else "{}::text"


def _ordered(layer: ShownLayer, name: str, *, bytewise: bool) -> sql.Composable:
    """Return a column of the key to order by: a text by its bytes, in no server's language."""
    kind = next(each.data_type for each in layer.columns if each.name == name)
    is_text = kind == "text" or kind.startswith("character")
    collated = '{} COLLATE "C"' if is_text and not bytewise else "{}"
    return sql.SQL(collated).format(sql.Identifier(name))


def _typed(
    rows: pa.RecordBatchReader, schema: pa.Schema, layer: ShownLayer, change: Change | None
) -> Iterator[pa.RecordBatch]:
    geometry = layer.geometry.name if layer.geometry else None
    for batch in rows:
        _require_days(batch, layer)
        arrays = [
            changed(column, change, layer.name)
            if field.name == geometry and change
            else column.cast(field.type)
            for field, column in zip(schema, batch.columns, strict=True)
        ]
        yield pa.record_batch(arrays, schema=schema)


def _require_days(batch: pa.RecordBatch, layer: ShownLayer) -> None:
    """Refuse days and moments that no calendar has: the driver makes numbers of an infinite one."""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_temporal(field.type) and len(column) > column.null_count:
            days = pc.min_max(column.cast(pa.date32()).cast(pa.int32())).as_py()
            if days["min"] < FIRST_DAY or days["max"] > LAST_DAY:
                raise CheckFailed(
                    f"Days from year 1 to 9999 were expected in {field.name} of {layer.name}"
                    f" {layer.vintage}, found others, or infinite ones: export it as csv."
                )


def _counted(batches: Iterator[pa.RecordBatch], layer: ShownLayer) -> Iterator[pa.RecordBatch]:
    """Pass batches on, and hold their rows to the catalog's number in the end."""
    found = 0
    for batch in batches:
        found += batch.num_rows
        yield batch
    if found != layer.row_count:
        raise CheckFailed(
            f"The view of {layer.name} {layer.vintage} was expected to give the"
            f" {layer.row_count:,} rows of edition {layer.edition} in the catalog, found {found:,}:"
            " nothing was written; look at catalog.layer, and run the flow of"
            f" {layer.dataset} with --rebuild."
        )


def _require_edition(state: Snapshot, layer: ShownLayer) -> None:
    """Hold the edition that a stream beside the snapshot is shown to that of the catalog."""
    query = sql.SQL(SELECT_EDITION_SHOWN).format(
        schema=sql.Literal(layer.schema), view=sql.Literal(f"{layer.layer}_{layer.vintage}")
    )
    with state.batches(query) as rows:
        shown = rows.read_all().column("number").to_pylist()
    if shown != [layer.edition]:
        raise WorkLost(
            f"The view of {layer.name} {layer.vintage} was expected to show edition"
            f" {layer.edition}, found {shown}: it was switched in this moment; export again."
        )
