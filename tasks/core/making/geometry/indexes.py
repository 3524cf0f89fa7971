"""What a loaded layer needs to be used: its key, spatial index, comments and statistics."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import sql
from psycopg2.errors import CheckViolation, NotNullViolation, UniqueViolation

from tasks.core.catalog.column_rules import write_comments
from tasks.core.making.geometry.column_names import GEOMETRY
from tasks.core.model.declarations import Features
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.database import Database

DUPLICATES_NAMED = 5


def finish(
    database: Database,
    schema: str,
    table: str,
    reads: Features,
    where: str,
    comments: Mapping[str, str],
) -> None:
    """Add the key, the spatial index, the comments and the statistics."""
    name = sql.Identifier(schema, table)
    try:
        with database.session(schema) as cursor:
            if reads.key:
                keyed = sql.SQL("ALTER TABLE {0} ADD PRIMARY KEY ({1}), ADD CHECK ({1} <> '')")
                cursor.execute(keyed.format(name, sql.Identifier(reads.key)))
            indexed = sql.SQL("CREATE INDEX ON {} USING gist ({})")
            cursor.execute(indexed.format(name, sql.Identifier(GEOMETRY)))
            write_comments(cursor, name, comments)
            cursor.execute(sql.SQL("ANALYZE {}").format(name))
    except (UniqueViolation, NotNullViolation, CheckViolation):
        raise CheckFailed(_faulty_keys(database, name, str(reads.key), where)) from None


def _faulty_keys(database: Database, name: sql.Identifier, key: str, where: str) -> str:
    column = sql.Identifier(key)
    empty = sql.SQL("SELECT count(*) FROM {} WHERE coalesce({}, '') = ''")
    missing = database.value(empty.format(name, column))
    repeated = database.rows(
        sql.SQL(
            "SELECT {0}, count(*) FROM {1} WHERE {0} <> '' GROUP BY {0} HAVING count(*) > 1 ORDER"
            " BY {0}"
        ).format(column, name)
    )
    named = ", ".join(f"{value} ({count} times)" for value, count in repeated[:DUPLICATES_NAMED])
    found = [f"{len(repeated):,} values repeated: {named}"] if repeated else []
    found += [f"{missing:,} rows without one"] if missing else []
    return (
        f"The key {key} of {where} must be unique and present, and it has {' and '.join(found)}:"
        " declare the right key column."
    )
