"""Geometry files into staging tables of PostGIS: streamed, keyed, indexed and described."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import chain

import pyarrow as pa
from psycopg2 import sql

from tasks.core.making import descriptions
from tasks.core.making.fields import sql_type
from tasks.core.making.geometry.column_names import FEATURE, GEOMETRY
from tasks.core.making.geometry.coordinates import require_crs
from tasks.core.making.geometry.features import Layer, open_layer
from tasks.core.making.geometry.indexes import finish
from tasks.core.making.geometry.json_features import Strange
from tasks.core.making.geometry.remarks import Remarks
from tasks.core.making.geometry.shapefile_parts import require_shapes
from tasks.core.making.geometry.shapes import FeatureCounts, Shaping, geometry_kind
from tasks.core.making.markers import schema_fields
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError, Damaged, SourceError
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database

HAS_LZ4 = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"


def load(
    database: Database, schema: str, table: str, path: str, reads: Features, source: str = ""
) -> FeatureCounts:
    """Fill schema.table from a geometry file, replacing it; the rows keep the file's order.

    Columns are the declared ones (with markers declared, those of reasons too) and `geom`, in
    EPSG:`published_crs`; without a declared key also `feature`, the row's position. source: slug of
    the source, said in the comments in place of the file's name. Raises SourceError when the file
    is not as declared, CheckFailed when the key is not unique.
    """
    _require_key_declared(reads)
    try:
        return _load(database, schema, table, reads, source, open_layer(path, reads))
    except Strange:
        by_gdal = open_layer(path, reads, by_gdal=True)
        return _load(database, schema, table, reads, source, by_gdal)


def _load(
    database: Database,
    schema: str,
    table: str,
    reads: Features,
    source: str,
    opened: AbstractContextManager[Layer],
) -> FeatureCounts:
    """Fill schema.table from a layer, opened for the while."""
    with opened as layer:
        _require_present(layer, reads)
        require_crs(layer.crs, reads, layer.where, assumed=layer.crs_assumed)
        kind, batches = _first_kind(layer)
        is_json = bool(layer.stated and layer.stated.lists_at_most)
        shaping = Shaping(reads, kind, layer.where, layer.states_crs, is_json)
        _create(database, schema, table, reads, kind)
        _copy(database, schema, table, reads, batches, shaping)
        _require_all(layer, shaping.figures)
        shaping.figures.reasons = layer.reasons
        shaping.figures.remarks = _remarks(layer, shaping.figures)
        comments = descriptions.of_columns(reads.columns, layer.fields, source or layer.where)
        comments |= descriptions.of_reason_columns(reads, layer.fields, source or layer.where)
        comments[GEOMETRY] = descriptions.of_geometry(reads, kind, source or layer.where)
        finish(database, schema, table, reads, layer.where, comments)
    return shaping.figures


def _require_key_declared(reads: Features) -> None:
    column = reads.columns.get(reads.key) if reads.key else None
    if reads.key and (column is None or column.type != "text"):
        found = "it is not declared" if column is None else f"it is declared as {column.type}"
        raise ConfigurationError(
            f"The key {reads.key} must be a declared text column and {found}: the columns are"
            f" {', '.join(reads.columns)}."
        )


def _require_present(layer: Layer, reads: Features) -> None:
    """Raise SourceError when every declared column but the key is optional and absent."""
    others = [target for target in layer.fields if target != reads.key]
    if others and not set(others) - set(layer.absent):
        raise SourceError(
            f"The columns {', '.join(others)} were declared and {layer.where} has none of them:"
            " correct the names of its fields in the declaration."
        )


def _remarks(layer: Layer, figures: FeatureCounts) -> Remarks:
    """Return all that a person must hear of this layer."""
    remarks = layer.remarks
    if absent := layer.absent:
        remarks.say(
            f"The optional columns {', '.join(absent)} are not in {layer.where} and stay empty",
            absent=absent,
        )
    if count := figures.without_ground:
        remarks.say(
            f"Rings of fewer than four points, which enclose no ground, left out of {layer.where}:"
            f" {count:,}",
            rings_without_ground=count,
        )
    return remarks


def _first_kind(layer: Layer) -> tuple[str, Iterator[pa.RecordBatch]]:
    """Return the kind of geometry, from the first batch that has any, and all batches again."""
    waiting: list[pa.RecordBatch] = []
    for batch in layer.batches:
        waiting.append(batch)
        if kind := geometry_kind(batch[GEOMETRY], layer.where):
            return kind, chain(waiting, layer.batches)
    count = sum(map(len, waiting))
    raise SourceError(
        f"Geometries were expected in {layer.where} and it has {count:,} features, none with"
        " geometry: look at the download."
    )


def _create(database: Database, schema: str, table: str, reads: Features, kind: str) -> None:
    """Create an empty unlogged table; lz4, as the default compression doubles the load's time."""
    name = sql.Identifier(schema, table)
    types = {target: sql_type(column) for target, column in reads.columns.items()}
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(each.name), sql.SQL(types.get(each.name, "text")))
        for each in schema_fields(reads.columns, reasons=reads.missing)
    ]
    height = "Z" if reads.dimension == 3 else ""
    numbered = "{} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    with database.session(schema) as cursor:
        cursor.execute(HAS_LZ4)
        has_lz4 = cursor.fetchone() == (True,)
        typed = f"{{}} geometry({kind}{height}, {int(reads.published_crs)})"
        typed += " COMPRESSION lz4" if has_lz4 else ""
        columns.append(sql.SQL(typed).format(sql.Identifier(GEOMETRY)))
        if not reads.key:
            columns.append(sql.SQL(numbered).format(sql.Identifier(FEATURE)))
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
        joined = sql.SQL(", ").join(columns)
        cursor.execute(sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(name, joined))
        if not has_lz4:
            stored = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE EXTERNAL")
            cursor.execute(stored.format(name, sql.Identifier(GEOMETRY)))


def _copy(
    database: Database,
    schema: str,
    table: str,
    reads: Features,
    batches: Iterator[pa.RecordBatch],
    shaping: Shaping,
) -> None:
    """Stream the batches to the server, the next of them shaped meanwhile."""
    fields = schema_fields(reads.columns, reasons=reads.missing)
    schema_of_batches = pa.schema([*fields, pa.field(GEOMETRY, pa.binary())])

    def shaped() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            shapes = shaping.shape(batch[GEOMETRY])
            yield batch.set_column(batch.num_columns - 1, GEOMETRY, shapes)

    reader = pa.RecordBatchReader.from_batches(schema_of_batches, shaped())
    copy_batches(database, schema, table, reader)


def _require_all(layer: Layer, figures: FeatureCounts) -> None:
    if layer.features is not None and layer.features != figures.features:
        raise Damaged(
            f"The file states {layer.features:,} features in {layer.where} and {figures.features:,}"
            " could be read: download it again."
        )
    if layer.parts and figures.without_geometry:
        require_shapes(layer.parts, figures.without_geometry)
    if layer.stated:
        without, lists = figures.without_geometry, figures.lists_in_json
        layer.stated.require_all(figures.features, without, lists, layer.where)
