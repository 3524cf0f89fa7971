"""Tables into PostgreSQL: three million rows of 50 columns, 12 of them kept, and small ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import benchmark_tables as tables
from peers.turns import Way
from peers.works import FLOOR, OURS, Target, Work, library

from tasks.core.model.declarations import Table
from tasks.core.postgres.database import Database

ROWS = 3_000_000
FLOORS = {"register": 1.12, "small.csv": 1.26, "small.xlsx": 2.37}  # of a ready-made COPY's time
TITLES = {".csv": "CSV", ".parquet": "Parquet", ".xlsx": "XLSX"}
TYPES = {"text": "VARCHAR", "integer": "BIGINT", "date": "DATE"}


def works(folder: Path, database: Database, opened: ExitStack, scale: float) -> list[Work]:
    """Write the files, and ready-made COPY files of what they become."""
    with database.session() as cursor:
        cursor.execute("CREATE SCHEMA bench")
    register = tables.write_register(folder / "register.csv", round(ROWS * scale))
    columns = tables.as_parquet(register, folder / "register.parquet")
    found = []
    for like, reads, paths in (
        ("register", tables.REGISTER, (register, columns)),
        ("small", tables.SMALL, tables.write_small(folder)),
    ):
        ready = folder / f"{like}.copy"
        tables.make_ready(database, paths[0], reads, like, ready)
        found += [_work(path, reads, like, ready, database) for path in paths]
    return found


def _work(path: Path, reads: Table, like: str, ready: Path, database: Database) -> Work:
    ways = [
        Way(FLOOR, finished, ("floor", tables.copy_ready, database, ready, like)),
        Way(OURS, tables.load_ours, (database, path, reads)),
    ]
    away = {}
    if path.suffix == ".xlsx":
        away["DuckDB"] = "it reads workbooks with an extension, which no package source has"
    else:
        given = "duckdb", by_duckdb, database, path, reads
        ways.append(Way("DuckDB", finished, given, library("duckdb")))
    if version := library("polars"):
        given = "polars", tables.load_by_polars, database, path, reads
        ways.append(Way("polars", finished, given, version))
    else:
        away["polars"] = "it could not be fetched"
    if path.name == "small.csv":
        ways.append(Way("\\copy", finished, ("copied", tables.copy_text, database, path, like)))
    is_large = like == "register"
    return Work(
        f"{'A register' if is_large else '20,000 rows × 30'}, {TITLES[path.suffix]}",
        tuple(ways),
        Target("floor", FLOORS[like if is_large else path.name]),
        rounds=0 if is_large else 2,
        away=away,
        notes="The floor is a ready-made file of binary COPY; DuckDB and polars send by ADBC. All"
        " end with ANALYZE, and the small ones with a key.",
    )


def finished(table: str, work: Callable[..., None], database: Database, *given: Any) -> None:
    """Do a work, and give its table what ours has: statistics, and a key where it is small."""
    work(database, *given)
    with database.session() as cursor:
        if given[-1] in ("small", tables.SMALL):
            cursor.execute(f"CREATE UNIQUE INDEX ON bench.{table} (c0)")
        cursor.execute(f"ANALYZE bench.{table}")


def by_duckdb(database: Database, path: Path, reads: Table) -> None:
    """Read by DuckDB, typed by its names of types, and send by ADBC."""
    import duckdb
    from adbc_driver_postgresql import dbapi

    columns = ", ".join(
        f"CAST({column.names[0]} AS {TYPES.get(column.type, 'DOUBLE')}) AS {name}"
        for name, column in reads.columns.items()
    )
    source = f"read_csv('{path}', all_varchar=true)" if path.suffix == ".csv" else f"'{path}'"
    with (
        duckdb.connect() as memory,
        dbapi.connect(database.libpq_uri) as server,
        server.cursor() as cursor,
    ):
        rows = memory.sql(f"SELECT {columns} FROM {source}").to_arrow_reader(100_000)
        cursor.adbc_ingest("duckdb", rows, mode="replace", db_schema_name="bench")
        server.commit()
