"""How load_table compares with the server's own COPY of the same file, all columns as text: `python
tests/benchmark_tables.py [rows]`.

Makes a synthetic file of 50 columns in the manner of the SIRENE register in a folder of its own,
with a private database, and removes both. Prints seconds, the ratio to the server's COPY, and the
most memory this process held.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="geodata-benchmark-")
os.chmod(FOLDER.name, 0o755)  # the database server reads the file too
os.environ["GEODATA_DATA"] = FOLDER.name

from tasks.core.making.tables.staging_tables import load  # noqa: E402
from tasks.core.making.tables.tabular import Figures  # noqa: E402
from tasks.core.model.columns import Column, decimal, integer, number, text  # noqa: E402
from tasks.core.model.declarations import Table  # noqa: E402
from tasks.core.postgres import cluster  # noqa: E402
from tasks.core.postgres.database import Database  # noqa: E402
from tasks.running.gauges import peak_memory_mib  # noqa: E402

COLUMNS = 50
KEPT = {
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


def write_register(path: Path, rows: int) -> None:
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


def copy_by_server(database: Database, path: Path) -> None:
    """The floor: the server reads the file itself, every column as text."""
    columns = ", ".join(f"c{index} text" for index in range(COLUMNS))
    with database.session() as cursor:
        cursor.execute(
            f"DROP TABLE IF EXISTS bench.floor; CREATE UNLOGGED TABLE bench.floor ({columns})"
        )
        cursor.execute("COPY bench.floor FROM %s (FORMAT csv, HEADER)", (str(path),))


def seconds(action: Callable[[], object]) -> float:
    """The time an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main(rows: int) -> None:
    """Run each way twice, interleaved, and print the better time of each."""
    database, path = cluster.database(), Path(FOLDER.name) / "register.csv"
    plain, keyed, marked = (
        Table(columns=KEPT),
        Table(columns=KEPT, key=("siret",)),
        Table(columns=KEPT, missing={"*": "suppressed"}),
    )
    ways: dict[str, Callable[[], object]] = {
        "server-side COPY, all text": lambda: copy_by_server(database, path),
        "read and type only": lambda: sum(map(len, Figures(path, plain, "register").batches())),
        "load_table's work": lambda: load(database, "bench", "t", path, plain),
        "with a unique key": lambda: load(database, "bench", "t", path, keyed),
        "with reasons of missing values": lambda: load(database, "bench", "t", path, marked),
    }
    try:
        with database.session() as cursor:
            cursor.execute("CREATE SCHEMA bench")
        write_register(path, rows)
        print(
            f"{rows:,} rows × {COLUMNS} columns, {path.stat().st_size / 2**20:,.0f} MiB;"
            f" {len(KEPT)} columns kept"
        )
        before = peak_memory_mib()
        times = [{name: seconds(way) for name, way in ways.items()} for _ in range(2)]
        floor = min(each["server-side COPY, all text"] for each in times)
        for name in ways:
            best = min(each[name] for each in times)
            print(f"{name:32} {best:7.2f} s   {best / floor:5.2f} × the server's COPY")
        print(
            f"most memory {peak_memory_mib():.0f} MiB, of which {before:.0f} before the first row"
        )
    finally:
        cluster.stop()
        FOLDER.cleanup()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000)
