"""Code lists of publishers: kept in the catalog, and held against the codes that are used."""

from __future__ import annotations

from collections.abc import Collection

from psycopg2 import sql

from tasks.core.catalog import rows
from tasks.core.catalog.column_rules import column_comments, parse
from tasks.core.making.codes.statements import INSERT_CODE_LABELS
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

NAMED = 10


def keep(database: Database, staging: Staging, table: str) -> int:
    """Copy a code list of the staging schema to catalog.code_label; return its number of codes."""
    with database.session(staging.schema) as cursor:
        statement = sql.SQL(INSERT_CODE_LABELS).format(table=sql.Identifier(table))
        cursor.execute(statement, rows.of_edition(staging) | {"code_list": table})
        return cursor.rowcount


def without_codes(
    database: Database, schema: str, table: str, columns: Collection[str]
) -> list[str]:
    """Return the columns that a file has and in which there is no code, so that none is held."""
    comments = column_comments(database, schema, table)
    rules = {name: parse(comments.get(name)) for name in columns}
    origins = {name: rule.origin if rule else comments.get(name) for name, rule in rules.items()}
    held = [name for name, origin in origins.items() if not (origin or "").startswith("not in ")]
    counts = [sql.SQL("count({})").format(sql.Identifier(name)) for name in held]
    asked = sql.SQL(", ").join([sql.SQL("count(*)"), *counts])
    _, *found = database.rows(
        sql.SQL("SELECT {} FROM {}").format(asked, sql.Identifier(schema, table))
    )[0]
    return [name for name, count in zip(held, found, strict=True) if not count]


def unknown(database: Database, schema: str, table: str, column: str, code_list: str) -> list[str]:
    """Return the codes of a column that the list lacks, at most ten."""
    query = sql.SQL(
        "SELECT DISTINCT {column} FROM {table} t WHERE {column} IS NOT NULL AND NOT EXISTS (SELECT"
        " FROM {list} l WHERE l.code = t.{column}) ORDER BY 1 LIMIT {named}"
    )
    names = {
        "column": sql.Identifier(column),
        "table": sql.Identifier(schema, table),
        "list": sql.Identifier(schema, code_list),
    }
    return [str(code) for (code,) in database.rows(query.format(named=sql.Literal(NAMED), **names))]


def unlisted_headings(database: Database, schema: str, table: str, code_list: str) -> list[str]:
    """Return the publisher's names, from the columns' comments, that the list of headings lacks."""
    rules = {
        comment: parse(comment) for comment in column_comments(database, schema, table).values()
    }
    origins = {rule.origin if rule else comment or "" for comment, rule in rules.items()}
    headings = {origin.partition(".")[2] for origin in origins} - {""}
    listed = database.rows(sql.SQL("SELECT code FROM {}").format(sql.Identifier(schema, code_list)))
    return sorted(headings - {str(code) for (code,) in listed})
