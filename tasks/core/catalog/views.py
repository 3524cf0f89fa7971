"""The stable views that readers select from: each reads its shelf, and shows one edition there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.shelving import showings
from tasks.core.catalog.shelving.readers import has_reader, open_schema, take_views
from tasks.core.catalog.shelving.shelves import put
from tasks.core.catalog.shelving.statements import (
    SELECT_EDITION_SHOWN,
    SELECT_SHELVES_READ,
)
from tasks.core.catalog.statements import (
    SELECT_LAYERS_DROPPED,
    SELECT_LAYERS_SHOWN_INSTEAD,
    SELECT_LAYERS_TO_SHOW,
)
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import records

# One that shows nothing to a snapshot says so where no row is looked at, too.
BRANCH = "SELECT {columns} FROM {shelf} WHERE _edition = {edition} AND {edition} IS NOT NULL"


@dataclass(frozen=True)
class Shown:
    """A view, and the table of an edition that it is to show."""

    dataset: str
    number: int
    schema: str
    layer: str
    view_schema: str
    view: str

    @property
    def name(self) -> str:
        """The view as SQL names it."""
        return f'"{self.view_schema}"."{self.view}"'

    @property
    def key(self) -> dict[str, str]:
        """The view as its showings name it."""
        return {"view_schema": self.view_schema, "view_name": self.view}


def show_edition(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Point the views of a vintage to an edition; those without a year too if it is newest.

    Views that read its shelves already are switched by their rows; raises InTheWay when others,
    which must be made anew, are held by readers.
    """
    shown = views_of(cursor, dataset, number)
    if not shown:
        raise CheckFailed(
            f"Edition {number} of {dataset} has no layer in the catalog, so nothing can be shown:"
            " seal its layers first."
        )
    edition = {"dataset": dataset, "vintage": vintage, "number": number}
    newest = any(each.view == each.layer for each in shown)
    dropped = [
        (shown[0].view_schema, view)
        for (layer,) in records(cursor, SELECT_LAYERS_DROPPED, **edition)
        for view in (f"{layer}_{vintage}", layer)[: 1 + newest]
    ]
    _switch(cursor, shown, dropped, "the layer is no longer made")


def views_of(cursor: Cursor, dataset: str, number: int) -> list[Shown]:
    """Return the views that are to show an edition."""
    return [
        Shown(dataset, number, each.schema_name, each.layer, each.published_schema, view)
        for each in records(cursor, SELECT_LAYERS_TO_SHOW, dataset=dataset, number=number)
        for view in (f"{each.layer}_{each.vintage}", each.layer)[: 1 + bool(each.newest)]
    ]


def widen(cursor: Cursor, view: Shown) -> bool:
    """Let a view of another shelf read that of an edition as well; return whether it had to.

    What it shows stays, and the edition can be shown by a row; a view whose columns are of another
    kind is left for the switch. Raises InTheWay when readers hold the view.
    """
    shelf = _shelf(cursor, view)
    state = _state(cursor, view)
    if shelf in state.shelves or state.shown not in state.shelves:
        return False
    shelves = [*dict.fromkeys([shelf, state.shown, *state.wanted])]
    take_views(cursor, [view.name])
    cursor.execute("SAVEPOINT view")
    try:
        cursor.execute(_definition(cursor, view, shelves, "CREATE OR REPLACE"))
    except (errors.InvalidTableDefinition, errors.DatatypeMismatch):
        cursor.execute("ROLLBACK TO SAVEPOINT view")
    cursor.execute("RELEASE SAVEPOINT view")
    return True


def narrow(cursor: Cursor, view: Shown) -> None:
    """Let a view read no shelf but that which it shows, once it shows another to nobody."""
    state = _state(cursor, view)
    if {state.shown} == {*state.wanted} < {*state.shelves}:
        take_views(cursor, [view.name])
        cursor.execute(_definition(cursor, view, [state.shown], "CREATE OR REPLACE"))


def views_instead(
    cursor: Cursor, dataset: str, vintage: int, number: int
) -> tuple[list[Shown], list[tuple[str, str]]]:
    """Return the views that show an older vintage once that of an edition goes, and its own."""
    edition = {"dataset": dataset, "number": number, "vintage": vintage}
    shown, dropped = [], []
    for each in records(cursor, SELECT_LAYERS_SHOWN_INSTEAD, **edition):
        dropped.append((each.published_schema, f"{each.layer}_{vintage}"))
        if each.vintage is None:
            dropped.append((each.published_schema, each.layer))
        elif each.vintage < vintage:
            place = (each.schema_name, each.layer, each.published_schema, each.layer)
            shown.append(Shown(dataset, each.number, *place))
    return shown, dropped


def hide_vintage(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Take a vintage's views away; raises InTheWay when readers hold them."""
    shown, dropped = views_instead(cursor, dataset, vintage, number)
    _switch(cursor, shown, dropped, f"the vintage {vintage} is withdrawn")


def _switch(
    cursor: Cursor, shown: list[Shown], dropped: list[tuple[str, str]], reason: str
) -> None:
    """Take views away and show others; those that must be made anew are all locked first."""
    shelves = {each: _shelf(cursor, each) for each in shown}
    anew = {each for each in shown if shelves[each] not in _state(cursor, each).shelves}
    held = [each.name for each in anew] + [f'"{schema}"."{view}"' for schema, view in dropped]
    take_views(cursor, held)
    for schema, view in dropped:
        hide_layer(cursor, schema, view, reason)
        showings.remove(cursor, {"view_schema": schema, "view_name": view})
    for each, shelf in shelves.items():
        if each in anew:
            _define(cursor, each, shelf)
            showings.remove(cursor, each.key)
        _show(cursor, each, shelf)


def _shelf(cursor: Cursor, view: Shown) -> str:
    return put(cursor, view.dataset, view.number, view.schema, view.layer)


def _state(cursor: Cursor, view: Shown) -> Any:
    names = {"view": view.name, "schema": view.view_schema, "name": view.view}
    return records(cursor, SELECT_SHELVES_READ, **names)[0]


def _show(cursor: Cursor, view: Shown, shelf: str) -> None:
    """Let a view that reads a shelf show an edition there, and say so in its comments."""
    showings.add(cursor, {"dataset": view.dataset, "number": view.number}, view.key, shelf)
    target = sql.Identifier(view.view_schema, view.view)
    _describe(cursor, view.schema, view.layer, target, columns(cursor, view.schema, view.layer))


def _define(cursor: Cursor, view: Shown, shelf: str) -> None:
    """Make a view that reads a shelf, for geodata_reader; views on it keep working."""
    open_schema(cursor, view.view_schema)
    cursor.execute("SAVEPOINT view")
    try:
        cursor.execute(_definition(cursor, view, [shelf], "CREATE OR REPLACE"))
    except errors.InvalidTableDefinition as error:  # its columns have changed
        cursor.execute("ROLLBACK TO SAVEPOINT view")
        hide_layer(cursor, view.view_schema, view.view, str(error).splitlines()[0])
        cursor.execute(_definition(cursor, view, [shelf], "CREATE"))
    cursor.execute("RELEASE SAVEPOINT view")
    if has_reader(cursor):
        granted = sql.SQL("GRANT SELECT ON {} TO geodata_reader")
        cursor.execute(granted.format(sql.Identifier(view.view_schema, view.view)))


def _definition(cursor: Cursor, view: Shown, shelves: list[str], create: str) -> sql.Composed:
    """Return the statement that makes a view of these shelves, with the columns of its edition."""
    described = columns(cursor, view.schema, view.layer)
    read = [_branch(cursor, view, shelf, shelves, described) for shelf in shelves]
    target = sql.Identifier(view.view_schema, view.view)
    union = sql.SQL(" UNION ALL ").join(read)
    return sql.SQL("{} VIEW {} AS {}").format(sql.SQL(create), target, union)


def _branch(
    cursor: Cursor, view: Shown, shelf: str, shelves: list[str], described: list[Any]
) -> sql.Composed:
    """Return the part of a view that reads one shelf; a column that it lacks is null."""
    there = {each.name for each in columns(cursor, *shelf.strip('"').split('"."'))}
    absent = sql.SQL("NULL::{} AS {}")
    names = [
        sql.Identifier(each.name)
        if each.name in there
        else absent.format(sql.SQL(each.data_type), sql.Identifier(each.name))
        for each in described
    ]
    changed = f"{view.view_schema}.{view.view} was changed after this transaction began"
    edition = sql.SQL(SELECT_EDITION_SHOWN).format(
        told=sql.Literal(f"{changed}: begin another ("),
        schema=sql.Literal(view.view_schema),
        name=sql.Literal(view.view),
        shelf=sql.Literal(shelf),
        shelves=sql.Literal(shelves),
    )
    listed = sql.SQL(", ").join(names)
    return sql.SQL(BRANCH).format(columns=listed, shelf=sql.SQL(shelf), edition=edition)


def hide_layer(cursor: Cursor, view_schema: str, view: str, reason: str) -> None:
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
    said = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
    whole = sql.SQL("COMMENT ON VIEW {} IS {}").format(target, sql.Literal(cursor.fetchall()[0][0]))
    of_columns = [
        said.format(target, sql.Identifier(each.name), sql.Literal(each.comment))
        for each in described
    ]
    cursor.execute(sql.SQL("; ").join([whole, *of_columns]))  # in one go, as readers may wait
