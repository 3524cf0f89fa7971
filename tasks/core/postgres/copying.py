"""Arrow record batches into PostgreSQL tables by binary COPY, over one connection or several."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from hashlib import md5
from threading import Lock

import psycopg2
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg2 import sql

from tasks.core.model.errors import ConfigurationError, GeodataError, SourceError
from tasks.core.postgres.database import Database
from tasks.core.postgres.outages import is_outage

UNFIT = ("08", "22", "23")  # SQLSTATE of values: a message cut short, data, constraints
MESSAGE = 1 << 18  # bytes sent at a time


def copy_batches(
    database: Database, schema: str, table: str, reader: pa.RecordBatchReader, streams: int = 1
) -> int:
    """Append every batch to an existing table; returns the number of rows.

    Columns are matched by name and must have the table's binary types: text, bigint (int64), double
    precision (float64), boolean, date (date32), numeric (decimal128), geometry (binary EWKB).
    streams: connections that share the batches; several are faster, and leave the rows in no order.
    As they commit one after the other, the table has its name only before and after that. Raises
    what reading the batches raises, SourceError on values that PostgreSQL does not take and
    ConfigurationError on rows wider than it bears; the driver's own error where the database was
    away.
    """
    try:
        with closing(_Batches(reader)) as batches:
            if streams == 1:
                return _copy(database, sql.Identifier(schema, table), batches, 1)
            with _unnamed(database, schema, table) as filled:
                return _copy(database, filled, batches, streams)
    except psycopg2.Error as error:
        if batches.failure:
            raise batches.failure from None
        if is_outage(error) or not error.pgcode:
            raise
        raise _fault(error, table) from None


@contextmanager
def _unnamed(database: Database, schema: str, table: str) -> Iterator[sql.Identifier]:
    """Take its name from a table, and give it back unless an error comes."""
    other = f"copying_{md5(table.encode(), usedforsecurity=False).hexdigest()}"
    named, unnamed = sql.Identifier(schema, table), sql.Identifier(schema, other)
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    with database.session() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(unnamed))  # of an earlier try
        cursor.execute(rename.format(named, sql.Identifier(other)))
    yield unnamed
    with database.session() as cursor:
        cursor.execute(rename.format(unnamed, sql.Identifier(table)))


def _copy(database: Database, table: sql.Identifier, batches: _Batches, streams: int) -> int:
    """Send all batches over several connections; raise the first error, when all have ended."""
    columns = sql.SQL(", ").join(map(sql.Identifier, batches.schema.names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, columns)
    with ExitStack() as sessions:
        cursors = [sessions.enter_context(database.session()) for _ in range(streams)]
        with ThreadPoolExecutor(streams, "copy") as workers:
            sent = [
                workers.submit(cursor.copy_expert, statement, _Messages(batches), MESSAGE)
                for cursor in cursors
            ]
            try:
                for each in as_completed(sent):
                    each.result()
            except BaseException:
                batches.end()
                raise
        return sum(cursor.rowcount for cursor in cursors)


class _Batches:
    """Batches of a reader, each for the stream that asks next; one is read ahead.

    failure: what ended the reading; each stream gets it too, and tells it in its driver's words.
    """

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self.schema: pa.Schema = reader.schema
        self.failure: BaseException | None = None
        self._rest: Iterator[pa.RecordBatch] = reader
        self._lock, self._worker = Lock(), ThreadPoolExecutor(1, "batches")
        self._coming = self._worker.submit(self._read)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._next()) is not None:
            yield batch

    def _next(self) -> pa.RecordBatch | None:
        with self._lock:
            if (batch := self._coming.result()) is not None:
                self._coming = self._worker.submit(self._read)
            return batch

    def _read(self) -> pa.RecordBatch | None:
        try:
            return next(self._rest, None)
        except BaseException as error:
            self.failure = error
            raise

    def end(self) -> None:
        """Leave what has not been read yet."""
        self._rest = iter(())

    def close(self) -> None:
        """Wait for the batch that is being read."""
        self._worker.shutdown()


class _Messages(io.RawIOBase):
    """Batches as a file from which the driver reads the bytes that it sends."""

    def __init__(self, batches: _Batches) -> None:
        self._parts, self._rest = _encoded(batches), memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            if (part := next(self._parts, None)) is None:
                return b""
            self._rest = memoryview(part)
        message, self._rest = self._rest[:size], self._rest[size:]
        return bytes(message)


def _encoded(batches: _Batches) -> Iterator[bytes]:
    encoder = ArrowToPostgresBinaryEncoder(batches.schema)
    yield encoder.write_header()
    yield from map(encoder.write_batch, batches)
    yield encoder.finish()


def _fault(error: psycopg2.Error, table: str) -> GeodataError:
    """Make the error for rows that the database refuses, however often they are sent."""
    said = str(error).strip().splitlines()[0]
    if (error.pgcode or "")[:2] in UNFIT:
        return SourceError(
            f"The rows of {table} were expected to fit its declared types; the database refuses"
            f" them ({said}): correct the declaration."
        )
    return ConfigurationError(
        f"The database does not take the rows of {table} ({said}): declare fewer columns where a"
        " row is too big, or look at the table."
    )
