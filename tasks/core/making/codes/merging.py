"""Merging: rows of a staging table under one code, areas dissolved and figures left as rows."""

from __future__ import annotations

from collections.abc import Collection

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.making.codes.statements import INSERT_MERGED
from tasks.core.making.topology.polygons import GEOMETRY
from tasks.core.model.errors import CheckFailed

PUBLISHED, CHANGE = "published_code", "code_change"


def named(statement: str, *names: str) -> sql.Composed:
    """Return a statement with these names of tables and columns, quoted."""
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def merge(
    cursor: Cursor, table: str, key: str, before: Collection[str], target: str, change: str
) -> int:
    """Give the rows of these codes another code; areas become one row, figures stay as they are."""
    if len(before) > 1:
        if GEOMETRY in column_types(cursor, table):
            return _dissolve(cursor, table, key, list(before), target, change)
        _drop_unique_indexes(cursor, table, key)
    statement = "UPDATE {0} SET {2} = coalesce({2}, {1}), {1} = %s, {3} = %s WHERE {1} = ANY (%s)"
    updated = named(statement, table, key, PUBLISHED, CHANGE)
    cursor.execute(updated, (target, change, list(before)))
    return cursor.rowcount


def _dissolve(
    cursor: Cursor, table: str, key: str, before: list[str], target: str, change: str
) -> int:
    """Make one row of several areas: their union, shared values, texts joined by a plus sign."""
    cursor.execute(named("SELECT count(*) FROM {} WHERE {} = ANY (%s)", table, key), (before,))
    if (rows := cursor.fetchall()[0][0]) != len(before):
        raise CheckFailed(
            f"One row for each of {', '.join(before)} was expected in {table} to be dissolved into"
            f" {target}, and it has {rows:,}: recode a table of areas by their own key, not by"
            f" {key}."
        )
    own = (key, PUBLISHED, CHANGE)
    kinds = {name: kind for name, kind in column_types(cursor, table).items() if name not in own}
    values = [_merged(name, kind, key) for name, kind in kinds.items()]
    statement = sql.SQL(INSERT_MERGED).format(
        *map(sql.Identifier, (table, *own)),
        names=sql.SQL(", ").join(map(sql.Identifier, kinds)),
        values=sql.SQL(", ").join(values),
    )
    cursor.execute(statement, (before, target, change))
    return len(before)


def _merged(name: str, kind: str, key: str) -> sql.Composable:
    column, order = sql.Identifier(name), sql.Identifier(key)
    if name == GEOMETRY:
        return sql.SQL("ST_Multi(ST_Union({}))").format(column)
    texts = "string_agg({0}, ' + ' ORDER BY {1})"
    joined = sql.SQL(texts if kind == "text" else "NULL").format(column, order)
    return sql.SQL(
        "CASE WHEN count(DISTINCT {0}) = 1 AND count({0}) = count(*) THEN (array_agg({0}))[1] ELSE"
        " {1} END"
    ).format(column, joined)


def add_columns(cursor: Cursor, table: str) -> None:
    """Give a table the columns of published codes and of changes, if it lacks them."""
    added = "ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} text, ADD COLUMN IF NOT EXISTS {} text"
    cursor.execute(named(added, table, PUBLISHED, CHANGE))


def _drop_unique_indexes(cursor: Cursor, table: str, key: str) -> None:
    """Drop the unique indexes on the key: until the join, several figures share a code."""
    cursor.execute(
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_attribute a ON a.attrelid ="
        " i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = to_regclass(%s) AND"
        " i.indisunique AND NOT i.indisprimary AND a.attname = %s",
        (f'"{table}"', key),
    )
    for (index,) in cursor.fetchall():
        cursor.execute(f"DROP INDEX {index}")


def column_types(cursor: Cursor, table: str) -> dict[str, str]:
    """Return the type of each column that a row is written with, in the table's order."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid ="
        " to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated"
        " = '' ORDER BY attnum",
        (f'"{table}"',),
    )
    return dict(cursor.fetchall())


def codes(cursor: Cursor, table: str, key: str) -> set[str]:
    """Return the codes in a table; raise CheckFailed when it has no such column."""
    if key not in (columns := column_types(cursor, table)):
        raise CheckFailed(
            f"The table {table} has no column {key} of codes: its columns are"
            f" {', '.join(columns) or 'none, it was not loaded'}."
        )
    cursor.execute(named("SELECT DISTINCT {} FROM {}", key, table))
    return {code for (code,) in cursor.fetchall()}
