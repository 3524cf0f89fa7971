"""The columns of a table, as PostgreSQL knows them."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.postgres.database import records

EDITION = "_edition"  # the number of its edition in a published table; no part of what is published
SELECT_COLUMNS = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS data_type,
       col_description(attrelid, attnum) AS comment, attidentity <> '' AS numbered
  FROM pg_attribute
 WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def columns(cursor: Cursor, *table: str) -> list[Any]:
    """Give every column in order: name, data_type, comment, and whether it numbers the rows.

    table: its schema and name, or its name alone where the search path leads to it; without such a
    table there are no columns.
    """
    found = records(cursor, SELECT_COLUMNS, table=sql.Identifier(*table).as_string(cursor))
    return [each for each in found if each.name != EDITION]
