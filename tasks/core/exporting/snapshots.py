"""One state of the database, in small rows and in streams, whatever is published meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from adbc_driver_postgresql import StatementOptions
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.database import Database, records

ONE_STATE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
BATCH_BYTES = 8 * 2**20


class Snapshot:
    """A read-only transaction, and others beside it that see the same state."""

    def __init__(self, database: Database, cursor: Cursor) -> None:
        self._database, self._cursor = database, cursor

    def records(self, query: str | sql.Composable, **parameters: Any) -> list[Any]:
        """Give all rows of a small query with parameters %(name)s, each with its columns' names."""
        return records(self._cursor, query, **parameters)

    @contextmanager
    def batches(self, query: sql.Composable) -> Iterator[pa.RecordBatchReader]:
        """Stream the rows of a query as Arrow batches of some 8 MiB, by binary COPY."""
        (exported,) = self.records("SELECT pg_export_snapshot() AS name")
        named = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(exported.name))
        size = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)}
        with (
            arrow_connection(self._database) as connection,
            connection.cursor(adbc_stmt_kwargs=size) as cursor,
        ):
            cursor.execute(ONE_STATE)
            cursor.execute(named.as_string(self._cursor))
            cursor.execute(query.as_string(self._cursor))
            yield cursor.fetch_record_batch()


@contextmanager
def snapshot(database: Database) -> Iterator[Snapshot]:
    """Begin a transaction that sees one state of the database to its end, and writes nothing."""
    with database.session() as cursor:
        cursor.execute(ONE_STATE)
        yield Snapshot(database, cursor)
