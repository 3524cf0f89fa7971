"""How fast tables of figures are loaded, against a ready-made binary COPY of the same rows: `python
tests/benchmark_tables.py [--rows 3000000] [--rounds 3] [--only register.csv …]`.

Two synthetic tables: a register of 50 columns of which twelve are kept, as CSV and Parquet, and
20,000 rows of 30 columns, as CSV and XLSX. Each way fills a table of a private database, in turn;
medians, the ratio to the floor and the seconds of processors of this process and of the server are
printed. DuckDB needs its extension postgres, polars its package: one that is not there is named.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
from workbooks import write_xlsx

from tasks.core.making.tables.staging_tables import load
from tasks.core.making.tables.tabular import Figures
from tasks.core.model.columns import Column, decimal, integer, number, text
from tasks.core.model.declarations import Table
from tasks.core.postgres.database import Database, engine

COLUMNS, SMALL_ROWS, MESSAGE = 50, 20_000, 1 << 18
REGISTER = Table(
    columns={
        "siret": text("c0"),
        "siren": text("c1"),
        "street": text("c2"),
        "staff": integer("c3"),
        "revenue": decimal("c4"),
        "opened": Column(("c5",), "date"),
        "commune": text("c6"),
        "commune_name": text("c7"),
        "category": integer("c8"),
        "status": text("c9"),
        "state": text("c10"),
        "longitude": number("c11"),
    }
)
SMALL_KINDS = [text] * 6 + [integer] * 10 + [decimal] * 8 + [number] * 5
SMALL = Table(
    columns={f"c{place}": kind(f"c{place}") for place, kind in enumerate(SMALL_KINDS)}
    | {"c29": Column(("c29",), "date")},
    key=("c0",),
)
TYPED = {"c3": pa.int64(), "c4": pa.decimal128(18, 2), "c5": pa.date32(), "c8": pa.int64()}
Way = Callable[[], object]


def write_register(path: Path, rows: int) -> Path:
    """A synthetic register: twelve columns that vary, 38 that a flow does not keep."""
    rest = "".join(f",{value}" for value in (["x1", "", "NN", "", ""] * COLUMNS)[: COLUMNS - 12])
    with path.open("w") as file:
        file.write(",".join(f"c{index}" for index in range(COLUMNS)) + "\n")
        for row in range(rows):
            file.write(
                f'{row:014},{row % 1_000_000:09},"RUE, DU'
                f' {row % 977}",{row % 37},{row * 7.25:.2f},2020-{row % 12 + 1:02}'
                f"-{row % 28 + 1:02},{row % 100_000:05},Commune"
                f" {row % 36_000},{row % 3},O,A,{row / 7:.4f}{rest}\n"
            )
    return path


def as_parquet(register: Path, path: Path) -> Path:
    """The register as Parquet, with the types of its figures."""
    texts = {f"c{index}": pa.string() for index in range(COLUMNS)}
    types = texts | TYPED | {"c11": pa.float64()}
    convert = arrow_csv.ConvertOptions(column_types=types)
    with (
        arrow_csv.open_csv(register, convert_options=convert) as rows,
        parquet.ParquetWriter(path, rows.schema) as file,
    ):
        for batch in rows:
            file.write_batch(batch)
    return path


def small_rows() -> list[list[Any]]:
    """Rows of the small table: six columns of text, ten of whole numbers, eight of amounts, five of
    numbers and one of days.
    """
    chosen = random.Random(1)
    making: dict[Any, Callable[[int, int], Any]] = {
        text: lambda row, place: f"N{row:06d} {place}",
        integer: lambda *_: chosen.randint(0, 100_000),
        decimal: lambda *_: chosen.randint(0, 10**7) / 100,
        number: lambda *_: chosen.random() * 1000,
    }
    return [
        [making[kind](row, place) for place, kind in enumerate(SMALL_KINDS)]
        + [date(2020, 1, 1) + timedelta(row % 3000)]
        for row in range(SMALL_ROWS)
    ]


def write_small(folder: Path) -> tuple[Path, Path]:
    """The small table as CSV and as XLSX."""
    rows, headings = small_rows(), list(SMALL.columns)
    with (folder / "small.csv").open("w", newline="") as file:
        csv.writer(file).writerows([headings, *rows])
    return folder / "small.csv", write_xlsx(folder / "small.xlsx", {"Table": [headings, *rows]})


@contextmanager
def fresh_table(database: Database, name: str, like: str) -> Iterator[Any]:
    """A cursor, in one transaction, beside a new unlogged table bench.<name> like another one."""
    with database.session() as cursor:
        cursor.execute(
            f"DROP TABLE IF EXISTS bench.{name};"
            f"CREATE UNLOGGED TABLE bench.{name} (LIKE bench.{like})"
        )
        yield cursor


def make_ready(database: Database, path: Path, reads: Table, like: str, ready: Path) -> None:
    """Load a file once: bench.<like> has its columns, and `ready` its rows for a binary COPY."""
    load(database, "bench", "loaded", path, reads)
    with database.session() as cursor, ready.open("wb") as file:
        cursor.execute(f"CREATE TABLE bench.{like} (LIKE bench.loaded)")
        cursor.copy_expert("COPY bench.loaded TO STDOUT (FORMAT binary)", file)


def copy_ready(database: Database, ready: Path, like: str) -> None:
    """The floor: the kept columns, ready-made, by binary COPY."""
    with fresh_table(database, "floor", like) as cursor, ready.open("rb") as file:
        cursor.copy_expert("COPY bench.floor FROM STDIN (FORMAT binary)", file, size=MESSAGE)


def copy_text(database: Database, path: Path, like: str) -> None:
    r"""As \copy does: the bytes of a CSV whose columns are those of the table."""
    with fresh_table(database, "copied", like) as cursor, path.open("rb") as file:
        cursor.copy_expert("COPY bench.copied FROM STDIN (FORMAT csv, HEADER)", file, size=MESSAGE)


def load_ours(database: Database, path: Path, reads: Table) -> None:
    """What load_table does: read, type, check, send, key and analyze."""
    load(database, "bench", "ours", path, reads)


def load_by_duckdb(database: Database, path: Path, reads: Table, like: str) -> None:
    """DuckDB reads the kept columns and inserts them through its extension postgres."""
    import duckdb

    names = ", ".join(f"{column.names[0]} AS {name}" for name, column in reads.columns.items())
    types = [f"'{c.names[0]}': 'VARCHAR'" for c in reads.columns.values() if c.type == "text"]
    source = f"read_parquet('{path}')"
    if path.suffix == ".csv":
        source = f"read_csv('{path}', types = {{{', '.join(types)}}})"
    with fresh_table(database, "duck", like):
        pass
    with duckdb.connect() as connection:
        connection.execute("INSTALL postgres; LOAD postgres")
        connection.execute(f"ATTACH '{database.libpq_uri}' AS server (TYPE postgres)")
        connection.execute(f"INSERT INTO server.bench.duck SELECT {names} FROM {source}")


def load_by_polars(database: Database, path: Path, reads: Table) -> None:
    """Polars reads all columns and writes those kept by ADBC, in types that it finds itself."""
    import polars

    reading: dict[str, Callable[[Path], Any]] = {
        ".csv": polars.read_csv,
        ".parquet": polars.read_parquet,
        ".xlsx": polars.read_excel,
    }
    names = [column.names[0] for column in reads.columns.values()]
    with database.session() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench.polars")
    reading[path.suffix](path).select(names).write_database(
        "bench.polars", database.libpq_uri, engine="adbc", if_table_exists="replace"
    )


def ways(database: Database, folder: Path, rows: int) -> dict[str, dict[str, Way]]:
    """Write the files, load each once, and give for each file the ways to be measured: its floor
    comes first.
    """
    register = write_register(folder / "register.csv", rows)
    as_columns = as_parquet(register, folder / "register.parquet")
    with database.session() as cursor:
        cursor.execute("CREATE SCHEMA bench")
    found: dict[str, dict[str, Way]] = {}
    files = [(path, REGISTER, "register") for path in (register, as_columns)]
    files += [(path, SMALL, "small") for path in write_small(folder)]
    for path, reads, like in files:
        ready = folder / f"{like}.copy"
        if not ready.exists():
            make_ready(database, path, reads, like, ready)
        found[path.name] = _ways(database, path, reads, like, ready)
    return found


def _ways(database: Database, path: Path, reads: Table, like: str, ready: Path) -> dict[str, Way]:
    each: dict[str, Way] = {
        "floor: ready-made binary COPY": lambda: copy_ready(database, ready, like),
        "load_table": lambda: load_ours(database, path, reads),
        "read and type only": lambda: sum(map(len, Figures(path, reads, path.name).batches())),
        "polars, ADBC": lambda: load_by_polars(database, path, reads),
    }
    if path.suffix != ".xlsx":
        each["DuckDB"] = lambda: load_by_duckdb(database, path, reads, like)
    if path.name == "small.csv":
        each["\\copy"] = lambda: copy_text(database, path, like)
    return each


def processor_seconds(database: Database) -> tuple[float, float]:
    """Seconds of processors: of this process, and of the server's processes that have ended."""
    engine(database).dispose()
    time.sleep(0.2)  # until they have
    data = Path(str(database.value("SHOW data_directory")))
    ended = psutil.Process(int((data / "postmaster.pid").read_text().split()[0])).cpu_times()
    own = psutil.Process().cpu_times()
    return own.user + own.system, ended.children_user + ended.children_system


def measure(database: Database, each: dict[str, Way], rounds: int) -> None:
    """Try each way in turn, and print its median."""
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in each}
    for _ in range(rounds):
        for name, way in each.items():
            if name not in taken:
                continue
            own, server = processor_seconds(database)
            started = time.perf_counter()
            try:
                way()
            except Exception as error:  # whatever a peer raises where a part of it is missing
                if name.startswith(("floor", "load_table", "read")):
                    raise
                print(f"{name:32} is not there: {str(error).splitlines()[0][:100]}")
                del taken[name]
                continue
            seconds, (own_after, server_after) = (
                time.perf_counter() - started,
                processor_seconds(database),
            )
            taken[name].append((seconds, own_after - own, server_after - server))
    floor = statistics.median(seconds for seconds, *_ in next(iter(taken.values())))
    for name, figures in taken.items():
        seconds, own, server = map(statistics.median, zip(*figures, strict=True))
        print(
            f"{name:32} {seconds:7.2f} s {seconds / floor:6.2f} x floor, processors {own:6.2f} s"
            f" here, {server:6.2f} s in the server"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geodata-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the database server keeps its files there
        os.environ["GEODATA_DATA"] = str(folder / "data")
        os.environ.pop("GEODATA_DATABASE_URL", None)
        from tasks.core.postgres import cluster
        from tasks.running.gauges import peak_memory_mib

        try:
            for file, each in ways(cluster.database(), folder, chosen.rows).items():
                if chosen.only and file not in chosen.only:
                    continue
                print(f"== {file}, {(folder / file).stat().st_size >> 20:,} MiB")
                measure(cluster.database(), each, chosen.rounds)
            print(f"most memory of this process: {peak_memory_mib():.0f} MiB")
        finally:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
