"""Rows of the catalog, written by the names of their columns and never by position.

A value may also be an SQL expression (a psycopg2.sql.Composable), such as NOW.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.handles import Staging
from tasks.core.postgres.columns import columns

Row = Mapping[str, Any]
COMMA, NOW = sql.SQL(", "), sql.SQL("statement_timestamp()")
INSERT = "INSERT INTO {} ({}) VALUES ({})"
INSERT_JSON = "INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, %s) AS new"


def of_edition(staging: Staging) -> dict[str, Any]:
    """Return the columns that say to which edition a row belongs."""
    return {"dataset": staging.dataset.slug, "number": staging.edition}


def same(thing: object, names: str) -> dict[str, Any]:
    """Return the attributes of a thing that have the names of their columns."""
    return {name: getattr(thing, name) for name in names.split()}


def insert(cursor: Cursor, table: str, row: Row) -> None:
    """Add a row to a table of the catalog."""
    cursor.execute(_insertion(table, row))


def insert_returning(cursor: Cursor, table: str, row: Row, column: str) -> Any:
    """Add a row, and return a column that the table filled in, such as its row number."""
    returning = sql.SQL(" RETURNING {}").format(sql.Identifier(column))
    cursor.execute(_insertion(table, row) + returning)
    return cursor.fetchall()[0][0]


def insert_new(cursor: Cursor, table: str, row: Row) -> None:
    """Add a row, unless one with its key is there: that one stays as it is."""
    cursor.execute(_insertion(table, row) + sql.SQL(" ON CONFLICT DO NOTHING"))


def upsert(
    cursor: Cursor,
    table: str,
    row: Row,
    key: Collection[str],
    refreshed: Collection[str] | None = None,
) -> None:
    """Add a row, or give the one with its key these values: all of them, or those refreshed."""
    names = [name for name in refreshed or row if name not in key]
    conflict = sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(
        _listed(key),
        COMMA.join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names),
    )
    cursor.execute(_insertion(table, row) + conflict)


def update(cursor: Cursor, table: str, changes: Row, where: Row) -> None:
    """Change columns of the rows that have the values of `where`, in which None is null."""
    conditions = sql.SQL(" AND ").join(map(_condition, where.items()))
    assigned = COMMA.join(sql.SQL("{} = {}").format(*_pair(each)) for each in changes.items())
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(_table(table), assigned, conditions)
    cursor.execute(statement)


def delete(cursor: Cursor, table: str, where: Row) -> None:
    """Delete the rows that have the values of `where`, in which None is null."""
    conditions = sql.SQL(" AND ").join(map(_condition, where.items()))
    cursor.execute(sql.SQL("DELETE FROM {} WHERE {}").format(_table(table), conditions))


def insert_json(cursor: Cursor, table: str, rows: Sequence[Row], condition: str = "") -> None:
    """Add rows of JSON documents whose keys are new; row numbers are given anew.

    condition: SQL after FROM, in which the rows are called `new`. Columns that no document has get
    their defaults.
    """
    if not rows:
        return
    told = set().union(*rows)
    own = [each for each in columns(cursor, "catalog", table) if not each.numbered]
    names = _listed([each.name for each in own if each.name in told])
    statement = sql.SQL(f"{INSERT_JSON} {condition} ON CONFLICT DO NOTHING")
    cursor.execute(statement.format(_table(table), names), (as_json(rows),))


def as_json(value: Any) -> str:
    """Return JSON text of plain values; dates and the like by their text."""
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def _insertion(table: str, row: Row) -> sql.Composed:
    values = COMMA.join(map(_value, row.values()))
    return sql.SQL(INSERT).format(_table(table), _listed(row), values)


def _pair(item: tuple[str, Any]) -> tuple[sql.Identifier, sql.Composable]:
    return sql.Identifier(item[0]), _value(item[1])


def _condition(item: tuple[str, Any]) -> sql.Composed:
    return sql.SQL("{} IS {}" if item[1] is None else "{} = {}").format(*_pair(item))


def _value(value: Any) -> sql.Composable:
    if isinstance(value, sql.Composable):
        return value
    return sql.Literal(list(value) if isinstance(value, tuple) else value)


def _table(name: str) -> sql.Identifier:
    return sql.Identifier("catalog", name)


def _listed(names: Collection[str]) -> sql.Composed:
    return COMMA.join(map(sql.Identifier, names))
