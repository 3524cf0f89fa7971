"""Arrow record batches into PostgreSQL tables by binary COPY, in a stream."""

from __future__ import annotations

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from tasks.core.model.errors import ConfigurationError, GeodataError, SourceError
from tasks.core.postgres.database import NOTICE_LOSS, Database
from tasks.core.postgres.outages import is_outage

UNFIT = ("08", "22", "23")  # SQLSTATE of values: a message cut short, data, constraints


def copy_batches(database: Database, schema: str, table: str, reader: pa.RecordBatchReader) -> int:
    """Append every batch to an existing table; returns the number of rows.

    Columns are matched by name and must have the table's binary types: text, bigint (int64), double
    precision (float64), boolean, date (date32), numeric (decimal128), geometry (binary EWKB).
    Raises SourceError on values that PostgreSQL does not take and ConfigurationError on rows wider
    than it bears; the driver's own error where the database was away.
    """
    try:
        with dbapi.connect(database.libpq_uri) as connection, connection.cursor() as cursor:
            cursor.execute(NOTICE_LOSS)
            cursor.fetchall()
            count: int = cursor.adbc_ingest(table, reader, mode="append", db_schema_name=schema)
            connection.commit()
    except adbc_driver_manager.Error as error:
        if not error.sqlstate or is_outage(error):  # the first is of the stream of batches, too
            raise
        raise _fault(error, table) from None
    return count


def _fault(error: adbc_driver_manager.Error, table: str) -> GeodataError:
    """Make the error for rows that the database refuses, however often they are sent."""
    said = str(error).strip().splitlines()[0]
    if (error.sqlstate or "")[:2] in UNFIT:
        return SourceError(
            f"The rows of {table} were expected to fit its declared types; the database refuses"
            f" them ({said}): correct the declaration."
        )
    return ConfigurationError(
        f"The database does not take the rows of {table} ({said}): declare fewer columns where a"
        " row is too big, or look at the table."
    )
