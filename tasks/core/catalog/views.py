"""The stable views that readers select from: each is a plain SELECT of one table of one edition."""

from __future__ import annotations

from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.statements import (
    SELECT_LAYERS_DROPPED,
    SELECT_LAYERS_SHOWN_INSTEAD,
    SELECT_LAYERS_TO_SHOW,
)
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import records


def show_edition(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Point the views of a vintage to an edition; those without a year too if it is newest."""
    layers = records(cursor, SELECT_LAYERS_TO_SHOW, dataset=dataset, number=number)
    if not layers:
        raise CheckFailed(
            f"Edition {number} of {dataset} has no layer in the catalog, so nothing can be shown:"
            " seal its layers first."
        )
    _hide_dropped_layers(cursor, dataset, vintage, number, layers[0])
    for each in layers:
        for view in (f"{each.layer}_{vintage}", each.layer)[: 1 + bool(each.newest)]:
            show_layer(cursor, each.schema_name, each.layer, each.published_schema, view)


def hide_vintage(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Take a vintage's views away; those without a year show the newest one left, if any."""
    reason = f"the vintage {vintage} is withdrawn"
    for each in records(cursor, SELECT_LAYERS_SHOWN_INSTEAD, dataset=dataset, number=number):
        hide_layer(cursor, each.published_schema, f"{each.layer}_{vintage}", reason)
        if each.vintage is None:
            hide_layer(cursor, each.published_schema, each.layer, reason)
        elif each.vintage < vintage:
            show_layer(cursor, each.schema_name, each.layer, each.published_schema, each.layer)


def _hide_dropped_layers(
    cursor: Cursor, dataset: str, vintage: int, number: int, shown: Any
) -> None:
    """Take away the views of layers that only earlier editions of the vintage had."""
    edition = {"dataset": dataset, "vintage": vintage, "number": number}
    for (layer,) in records(cursor, SELECT_LAYERS_DROPPED, **edition):
        for view in (f"{layer}_{vintage}", layer)[: 1 + shown.newest]:
            hide_layer(cursor, shown.published_schema, view)


def show_layer(cursor: Cursor, schema: str, layer: str, view_schema: str, view: str) -> None:
    """Point a view, with comments, to a table for geodata_reader; views on it keep working."""
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(view_schema)))
    described = columns(cursor, schema, layer)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in described)
    target = sql.Identifier(view_schema, view)
    definition = sql.SQL("VIEW {} AS SELECT {} FROM {}").format(
        target, names, sql.Identifier(schema, layer)
    )
    cursor.execute("SAVEPOINT view")
    try:
        cursor.execute(sql.SQL("CREATE OR REPLACE {}").format(definition))
    except errors.InvalidTableDefinition as error:  # its columns have changed
        cursor.execute("ROLLBACK TO SAVEPOINT view")
        hide_layer(cursor, view_schema, view, str(error).splitlines()[0])
        cursor.execute(sql.SQL("CREATE {}").format(definition))
    cursor.execute("RELEASE SAVEPOINT view")
    _describe(cursor, schema, layer, target, described)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'geodata_reader'")
    if cursor.fetchall():
        within = sql.Identifier(view_schema)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO geodata_reader").format(within))
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO geodata_reader").format(target))


def hide_layer(
    cursor: Cursor, view_schema: str, view: str, reason: str = "the layer is no longer made"
) -> None:
    """Take a view away; raise CheckFailed naming the readers' views that select from it."""
    try:
        cursor.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier(view_schema, view)))
    except errors.DependentObjectsStillExist as error:
        raise CheckFailed(
            f"The view {view_schema}.{view} must change ({reason}) while views of readers depend"
            f" on it ({error.diag.message_detail}): drop or change those views, then run again;"
            " nothing was switched."
        ) from None


def _describe(
    cursor: Cursor, schema: str, layer: str, target: sql.Identifier, described: list[Any]
) -> None:
    cursor.execute("SELECT obj_description(%s::regclass)", (f'"{schema}"."{layer}"',))
    cursor.execute(sql.SQL("COMMENT ON VIEW {} IS %s").format(target), cursor.fetchall()[0])
    for column in described:
        said = sql.SQL("COMMENT ON COLUMN {}.{} IS %s")
        cursor.execute(said.format(target, sql.Identifier(column.name)), (column.comment,))
