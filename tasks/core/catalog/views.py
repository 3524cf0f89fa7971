"""The stable views that readers select from: each is a plain SELECT of one table of one edition."""

from __future__ import annotations

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.errors import CheckFailed


def show_layer(cursor: Cursor, schema: str, layer: str, view_schema: str, view: str) -> None:
    """Point a view to a table, with the table's comments, readable by geodata_reader; views of
    others on top keep working.
    """
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(view_schema)))
    columns = _columns(cursor, schema, layer)
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
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
    _describe(cursor, schema, layer, target, columns)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'geodata_reader'")
    if cursor.fetchall():
        cursor.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO geodata_reader").format(
                sql.Identifier(view_schema)
            )
        )
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO geodata_reader").format(target))


def hide_layer(
    cursor: Cursor, view_schema: str, view: str, reason: str = "the layer is no longer made"
) -> None:
    """Take a view away; raises CheckFailed naming the views of readers that stand on it."""
    try:
        cursor.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier(view_schema, view)))
    except errors.DependentObjectsStillExist as error:
        raise CheckFailed(
            f"The view {view_schema}.{view} must change ({reason}) while views of readers stand on"
            f" it ({error.diag.message_detail}): drop or change those views, then run again;"
            " nothing was switched."
        ) from None


def _columns(cursor: Cursor, schema: str, layer: str) -> list[tuple[str, str | None]]:
    cursor.execute(
        "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute JOIN pg_class c ON"
        " c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND"
        " relname = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (schema, layer),
    )
    return cursor.fetchall()


def _describe(
    cursor: Cursor,
    schema: str,
    layer: str,
    target: sql.Identifier,
    columns: list[tuple[str, str | None]],
) -> None:
    cursor.execute("SELECT obj_description(%s::regclass)", (f'"{schema}"."{layer}"',))
    cursor.execute(sql.SQL("COMMENT ON VIEW {} IS %s").format(target), cursor.fetchall()[0])
    for name, comment in columns:
        cursor.execute(
            sql.SQL("COMMENT ON COLUMN {}.{} IS %s").format(target, sql.Identifier(name)),
            (comment,),
        )
