"""The stable views that readers select from: each reads its shelf, and shows one edition there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.readers import take_views
from tasks.core.catalog.shelves import put
from tasks.core.catalog.statements import (
    SELECT_LAYERS_DROPPED,
    SELECT_LAYERS_SHOWN_INSTEAD,
    SELECT_LAYERS_TO_SHOW,
    SELECT_WHETHER_READS,
)
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import records

# The edition that a view shows, by the reader's snapshot. One that is older than the view's shelf
# cannot be answered, and is told so; it must be told where no row is looked at, too.
EDITION = """
(SELECT CASE count(*) WHEN 1 THEN max(number) ELSE ({told} || count(*) || ')')::integer END
   FROM catalog.shown_view
  WHERE view_schema = {schema} AND view_name = {name} AND shelf = {shelf})
"""
VIEW = """
VIEW {view} AS SELECT {columns} FROM {shelf} WHERE _edition = {edition} AND {edition} IS NOT NULL
"""


@dataclass(frozen=True)
class Shown:
    """A view, and the table of an edition that it is to show."""

    dataset: str
    number: int
    vintage: int
    schema: str
    layer: str
    view_schema: str
    view: str

    @property
    def name(self) -> str:
        """The view as SQL names it."""
        return f'"{self.view_schema}"."{self.view}"'


def show_edition(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Point the views of a vintage to an edition; those without a year too if it is newest.

    Views that read its shelves already are switched by their rows; raises InTheWay when others,
    which must be made anew, are held by readers.
    """
    layers = records(cursor, SELECT_LAYERS_TO_SHOW, dataset=dataset, number=number)
    if not layers:
        raise CheckFailed(
            f"Edition {number} of {dataset} has no layer in the catalog, so nothing can be shown:"
            " seal its layers first."
        )
    shown = [
        Shown(dataset, number, vintage, each.schema_name, each.layer, each.published_schema, view)
        for each in layers
        for view in (f"{each.layer}_{vintage}", each.layer)[: 1 + bool(each.newest)]
    ]
    edition = {"dataset": dataset, "vintage": vintage, "number": number}
    dropped = [
        (layers[0].published_schema, view)
        for (layer,) in records(cursor, SELECT_LAYERS_DROPPED, **edition)
        for view in (f"{layer}_{vintage}", layer)[: 1 + layers[0].newest]
    ]
    _switch(cursor, shown, dropped, "the layer is no longer made")


def hide_vintage(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Take a vintage's views away; those without a year show the newest one left, if any.

    Raises InTheWay when readers hold them.
    """
    shown, dropped = [], []
    for each in records(cursor, SELECT_LAYERS_SHOWN_INSTEAD, dataset=dataset, number=number):
        dropped.append((each.published_schema, f"{each.layer}_{vintage}"))
        if each.vintage is None:
            dropped.append((each.published_schema, each.layer))
        elif each.vintage < vintage:
            place = (each.schema_name, each.layer, each.published_schema, each.layer)
            shown.append(Shown(dataset, each.number, each.vintage, *place))
    _switch(cursor, shown, dropped, f"the vintage {vintage} is withdrawn")


def _switch(
    cursor: Cursor, shown: list[Shown], dropped: list[tuple[str, str]], reason: str
) -> None:
    """Take views away and show others; those that must be made anew are all locked first."""
    shelves = {
        each: put(cursor, each.dataset, each.number, each.schema, each.layer) for each in shown
    }
    states = {each: _state(cursor, each, shelf) for each, shelf in shelves.items()}
    anew = [each.name for each in shown if not states[each].reads]
    take_views(cursor, [*anew, *(f'"{schema}"."{view}"' for schema, view in dropped)])
    for schema, view in dropped:
        hide_layer(cursor, schema, view, reason)
    for each, shelf in shelves.items():
        _show(cursor, each, shelf, anew=not states[each].reads)


def _state(cursor: Cursor, view: Shown, shelf: str) -> Any:
    return records(cursor, SELECT_WHETHER_READS, view=view.name, shelf=shelf)[0]


def _show(cursor: Cursor, view: Shown, shelf: str, *, anew: bool) -> None:
    """Let a view show the table of an edition, with comments, to geodata_reader."""
    described = columns(cursor, view.schema, view.layer)
    row: rows.Row = {
        "view_schema": view.view_schema,
        "view_name": view.view,
        "shelf": shelf,
        "number": view.number,
        "since": sql.SQL("pg_current_xact_id()"),
    }
    rows.upsert(cursor, "shown_view", row, ("view_schema", "view_name"))
    target = sql.Identifier(view.view_schema, view.view)
    if anew:
        _define(cursor, view, shelf, described)
    _describe(cursor, view.schema, view.layer, target, described)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'geodata_reader'")
    if anew and cursor.fetchall():
        within = sql.Identifier(view.view_schema)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO geodata_reader").format(within))
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO geodata_reader").format(target))


def _define(cursor: Cursor, view: Shown, shelf: str, described: list[Any]) -> None:
    """Make a view that reads a shelf; views on it keep working."""
    schema = sql.Identifier(view.view_schema)
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    told = (
        f"{view.view_schema}.{view.view} was changed after this transaction began: begin another ("
    )
    edition = sql.SQL(EDITION).format(
        told=sql.Literal(told),
        schema=sql.Literal(view.view_schema),
        name=sql.Literal(view.view),
        shelf=sql.Literal(shelf),
    )
    definition = sql.SQL(VIEW).format(
        view=sql.Identifier(view.view_schema, view.view),
        columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in described),
        shelf=sql.SQL(shelf),
        edition=edition,
    )
    cursor.execute("SAVEPOINT view")
    try:
        cursor.execute(sql.SQL("CREATE OR REPLACE {}").format(definition))
    except errors.InvalidTableDefinition as error:  # its columns have changed
        cursor.execute("ROLLBACK TO SAVEPOINT view")
        hide_layer(cursor, view.view_schema, view.view, str(error).splitlines()[0], forget=False)
        cursor.execute(sql.SQL("CREATE {}").format(definition))
    cursor.execute("RELEASE SAVEPOINT view")


def hide_layer(
    cursor: Cursor, view_schema: str, view: str, reason: str, *, forget: bool = True
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
    if forget:
        row = {"view_schema": view_schema, "view_name": view}
        rows.delete(cursor, "shown_view", row)


def _describe(
    cursor: Cursor, schema: str, layer: str, target: sql.Identifier, described: list[Any]
) -> None:
    cursor.execute("SELECT obj_description(%s::regclass)", (f'"{schema}"."{layer}"',))
    cursor.execute(sql.SQL("COMMENT ON VIEW {} IS %s").format(target), cursor.fetchall()[0])
    for column in described:
        said = sql.SQL("COMMENT ON COLUMN {}.{} IS %s")
        cursor.execute(said.format(target, sql.Identifier(column.name)), (column.comment,))
