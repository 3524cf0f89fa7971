"""Tables into PostgreSQL: three million rows of 50 columns, 12 of them kept, and small ones."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path

import benchmark_tables as tables
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
from peers.turns import Way
from peers.works import FLOOR, OURS, Target, Work, library, program
from psycopg2.extensions import cursor as Cursor
from pyarrow import csv

from tasks.core.making.tables.staging_tables import load
from tasks.core.model.columns import integer, number, text
from tasks.core.model.declarations import Table
from tasks.core.postgres.database import Database

ROWS, SMALL, WIDTH = 3_000_000, 20_000, 30
MAKERS = (text, integer, number)  # of the columns of a small table, in turn
NUMBERED = Table(
    columns={f"c{place}": MAKERS[place % 3](f"c{place}") for place in range(WIDTH)}, key=("c0",)
)
TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "date": "DATE",
}


def works(folder: Path, database: Database, opened: ExitStack, scale: float) -> list[Work]:
    """Write the files, and a ready-made COPY file of what they become."""
    with database.session() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS tables")
    register, wide = folder / "register.csv", Table(columns=tables.KEPT)
    rows = round(ROWS * scale)
    tables.write_register(register, rows)
    small = write_small(folder / "small.csv")
    large = f"{rows / 1_000_000:g} M rows × {tables.COLUMNS}"
    narrow = f"{SMALL:,} rows × {WIDTH}"
    return [
        _work(f"{large}, CSV", register, wide, database, 1.12),
        _work(f"{large}, Parquet", as_parquet(register), wide, database, 1.12),
        _work(f"{narrow}, CSV", small, NUMBERED, database, 1.26),
        _work(f"{narrow}, XLSX", as_xlsx(small), NUMBERED, database, 2.37),
    ]


def _work(title: str, path: Path, reads: Table, database: Database, at_most: float) -> Work:
    """Load a file once, and keep what it becomes for the floor."""
    ready, pattern = (
        path.with_suffix(f"{path.suffix}.copy"),
        f"tables.{path.suffix[1:]}_{path.stem}",
    )
    ours(database, path, reads)
    with database.session() as cursor, ready.open("wb") as file:
        cursor.execute(f"CREATE TABLE {pattern} (LIKE tables.ours)")
        cursor.copy_expert("COPY tables.ours TO STDOUT (FORMAT binary)", file)
    uri, is_large = database.libpq_uri, reads is not NUMBERED
    peers = {"DuckDB": by_duckdb, "polars": by_polars}
    peers |= {} if is_large or path.suffix != ".csv" else {"psql": by_psql}
    away = {"DuckDB": "it reads no workbook without an extension"} if path.suffix == ".xlsx" else {}
    ways = [Way(FLOOR, floor, (uri, ready, pattern)), Way(OURS, ours, (database, path, reads))]
    for peer, work in peers.items():
        version = (program if peer == "psql" else library)(peer.lower())
        if version and peer not in away:
            ways.append(Way(peer, work, (uri, path, reads), version))
        else:
            away = {peer: "it could not be fetched"} | away
    return Work(
        title,
        tuple(ways),
        Target("floor", at_most),
        rounds=2 if is_large else 3,
        away=away,
        notes="The floor is a ready-made file of binary COPY; DuckDB and polars send by ADBC.",
    )


def ours(database: Database, path: Path, reads: Table) -> None:
    """Load a file as a flow does."""
    load(database, "tables", "ours", path, reads)


def floor(uri: str, ready: Path, pattern: str) -> None:
    """Let the server take what it stores in the end."""
    connection = psycopg2.connect(uri)
    with connection, connection.cursor() as cursor, ready.open("rb") as file:
        cursor.execute(
            "DROP TABLE IF EXISTS tables.floor;"
            f" CREATE UNLOGGED TABLE tables.floor (LIKE {pattern})"
        )
        cursor.copy_expert("COPY tables.floor FROM STDIN (FORMAT binary)", file, size=2**18)
        finish(cursor, "floor", keyed="small" in pattern)
    connection.close()


def by_duckdb(uri: str, path: Path, reads: Table) -> None:
    """Read by DuckDB, typed by its names of types, and send by ADBC."""
    import duckdb

    columns = ", ".join(
        f"CAST({column.names[0]} AS {TYPES.get(column.type, 'DOUBLE')}) AS {name}"
        for name, column in reads.columns.items()
    )
    source = f"read_csv('{path}', all_varchar=true)" if path.suffix == ".csv" else f"'{path}'"
    with duckdb.connect() as connection:
        rows = connection.sql(f"SELECT {columns} FROM {source}")
        send(uri, "duckdb", rows.to_arrow_reader(100_000), keyed=bool(reads.key))


def by_polars(uri: str, path: Path, reads: Table) -> None:
    """Read by polars, typed by its names of types, and send by ADBC."""
    library("polars")
    import polars

    kinds = {"text": polars.String, "integer": polars.Int64}
    columns = []
    for name, column in reads.columns.items():
        cells = polars.col(column.names[0])
        is_day = column.type == "date"
        typed = (
            cells.str.to_date() if is_day else cells.cast(kinds.get(column.type, polars.Float64))
        )
        columns.append(typed.alias(name))
    if path.suffix == ".xlsx":
        frame = polars.read_excel(path).select(columns)
    elif path.suffix == ".parquet":
        frame = polars.scan_parquet(path).select(columns).collect()
    else:
        frame = polars.scan_csv(path, infer_schema=False).select(columns).collect()
    send(uri, "polars", frame.to_arrow().to_reader(), keyed=bool(reads.key))


def by_psql(uri: str, path: Path, reads: Table) -> None:
    """Let PostgreSQL's own program send the file to a table of the declared types."""
    create = f"CREATE UNLOGGED TABLE tables.psql (LIKE tables.csv_{path.stem})"
    copy = f"\\copy tables.psql FROM '{path}' (FORMAT csv, HEADER)"
    ended = "ALTER TABLE tables.psql ADD UNIQUE (c0); ANALYZE tables.psql"
    orders = ("DROP TABLE IF EXISTS tables.psql", create, copy, ended)
    asked = [word for order in orders for word in ("-c", order)]
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", uri, *asked], check=True)


def send(uri: str, table: str, rows: pa.RecordBatchReader, *, keyed: bool) -> None:
    """Send rows by ADBC into a table made for them, then give it what all tables have."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(table, rows, mode="replace", db_schema_name="tables")
        connection.commit()
    server = psycopg2.connect(uri)
    with server, server.cursor() as cursor:
        finish(cursor, table, keyed=keyed)
    server.close()


def finish(cursor: Cursor, table: str, *, keyed: bool) -> None:
    """Add the key of a small table, and statistics."""
    if keyed:
        cursor.execute(f"ALTER TABLE tables.{table} ADD UNIQUE (c0)")
    cursor.execute(f"ANALYZE tables.{table}")


def write_small(path: Path) -> Path:
    """Write a small table: texts, whole numbers and numbers in turn."""
    cells = (lambda row: f"{row:05}", lambda row: str(row * 7), lambda row: f"{row / 7:.4f}")
    with path.open("w") as file:
        file.write(",".join(f"c{place}" for place in range(WIDTH)) + "\n")
        for row in range(SMALL):
            file.write(",".join(cells[place % 3](row + place) for place in range(WIDTH)) + "\n")
    return path


def as_parquet(path: Path) -> Path:
    """Write a CSV of text as Parquet of text."""
    made = path.with_suffix(".parquet")
    names = [f"c{place}" for place in range(tables.COLUMNS)]
    options = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    with (
        csv.open_csv(path, convert_options=options) as rows,
        pq.ParquetWriter(made, rows.schema) as file,
    ):
        for batch in rows:
            file.write_batch(batch)
    return made


def as_xlsx(path: Path) -> Path:
    """Write a small CSV as a workbook: codes as text, numbers as numbers."""
    import openpyxl

    made = path.with_suffix(".xlsx")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    with path.open() as file:
        sheet.append(next(file).rstrip().split(","))
        for line in file:
            cells = line.rstrip().split(",")
            sheet.append(
                [cell if place % 3 == 0 else float(cell) for place, cell in enumerate(cells)]
            )
    book.save(made)
    return made
