"""Arrow record batches into PostgreSQL tables by binary COPY, in a stream."""

from __future__ import annotations

import pyarrow as pa
from adbc_driver_postgresql import dbapi

from tasks.core.postgres.database import Database


def copy_batches(database: Database, schema: str, table: str, reader: pa.RecordBatchReader) -> int:
    """Append every batch to an existing table; returns the number of rows.

    Columns are matched by name and must have the table's binary types: text, bigint (int64), double
    precision (float64), boolean, date (date32), numeric (decimal128), geometry (binary EWKB).
    """
    with dbapi.connect(database.libpq_uri) as connection, connection.cursor() as cursor:
        count: int = cursor.adbc_ingest(table, reader, mode="append", db_schema_name=schema)
        connection.commit()
    return count
