"""What it costs to know that a staging is whole, and a file as it was unpacked: `python
tests/benchmark_staging.py [rows]`.

Loads a table of ten columns into logged and unlogged tables and seals them, in a private database
in a folder of its own, with the log as a private cluster keeps it and as a standby needs it;
proves a staging; hashes a file. Prints seconds, of the better of two turns, and the bytes of log.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="geodata-benchmark-")
os.chmod(FOLDER.name, 0o755)  # the database server keeps its files there
os.environ["GEODATA_DATA"] = FOLDER.name

import crashes  # noqa: E402
import pyarrow as pa  # noqa: E402

from tasks.core.archive.copies import digest, sync, verify_once  # noqa: E402
from tasks.core.catalog.wholeness import begin_proof, require_whole  # noqa: E402
from tasks.core.model.declarations import Dataset  # noqa: E402
from tasks.core.model.handles import Staging  # noqa: E402
from tasks.core.postgres import cluster  # noqa: E402
from tasks.core.postgres.copying import copy_batches  # noqa: E402
from tasks.core.postgres.database import Database  # noqa: E402
from tasks.core.postgres.migrations import migrate  # noqa: E402

BATCH, PROOFS, MIB = 100_000, 200, 1 << 20
LEVELS = {"minimal": "0", "replica": "10"}  # wal_level, and how many may receive the log
DATASET = Dataset(slug="bench", title="Bench", country="ZZ", schema="bench", layers={})
STAGING = Staging(dataset=DATASET, vintage=2024, schema="bench_staging_1", edition=1)


def batches(rows: int) -> pa.RecordBatchReader:
    """Rows of ten columns, five of them text."""
    numbers = pa.array(range(BATCH), pa.int64())
    texts = pa.array([f"{number:014}" for number in range(BATCH)])
    names = [f"c{place}" for place in range(10)]
    batch = pa.record_batch([texts, numbers] * 5, names=names)
    return pa.RecordBatchReader.from_batches(batch.schema, [batch] * (rows // BATCH))


def fill(database: Database, kind: str, rows: int) -> None:
    columns = ", ".join(f"c{place} {'bigint' if place % 2 else 'text'}" for place in range(10))
    with database.session() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_staging_1.loaded")
        cursor.execute(f"CREATE {kind} TABLE bench_staging_1.loaded ({columns})")
    copy_batches(database, STAGING.schema, "loaded", batches(rows))


def seal(database: Database) -> None:
    with database.session() as cursor:
        cursor.execute("ALTER TABLE bench_staging_1.loaded SET LOGGED")


def prove(database: Database) -> None:
    with database.session() as cursor:
        require_whole(cursor, STAGING)


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def logged(database: Database, action: Callable[[], object]) -> tuple[float, int]:
    """The time an action takes, and the bytes that it adds to the server's log."""
    before = database.value("SELECT pg_current_wal_lsn()")
    took = seconds(action)
    return took, int(database.value("SELECT pg_current_wal_lsn() - %s::pg_lsn", before))


def measure_tables(database: Database, rows: int) -> None:
    for level, senders in LEVELS.items():
        database.outside_transaction(f"ALTER SYSTEM SET wal_level = {level}")
        database.outside_transaction(f"ALTER SYSTEM SET max_wal_senders = {senders}")
        crashes.restart("fast")
        ways: dict[str, Callable[[], object]] = {
            "load, unlogged": lambda: fill(database, "UNLOGGED", rows),
            "then seal it": lambda: seal(database),
            "load, logged": lambda: fill(database, "", rows),
        }
        turns = [{name: logged(database, way) for name, way in ways.items()} for _ in range(2)]
        for name in ways:
            took, size = min(turn[name] for turn in turns)
            print(f"wal_level {level:8} {name:16} {took:7.2f} s {size / MIB:7,.0f} MiB of log")


def measure_proofs(database: Database) -> None:
    prove(database)
    took = seconds(lambda: [prove(database) for _ in range(PROOFS)])
    print(f"proof of a staging {took / PROOFS * 1000:.2f} ms")


def measure_hashes(size: int) -> None:
    path, block = Path(FOLDER.name) / "unpacked", os.urandom(MIB)

    def write() -> None:
        with path.open("wb") as file:
            for _ in range(size):
                file.write(block)

    written, synced = seconds(write), seconds(lambda: sync(path))
    took = min(seconds(lambda: digest(path)) for _ in range(2))
    sha256 = digest(path)
    verify_once(path, sha256, "", "")
    known = seconds(lambda: verify_once(path, sha256, "", ""))
    print(
        f"a file of {size:,} MiB: written in {written:.2f} s, synced in {synced:.2f} s, hashed in"
        f" {took:.2f} s, known again in {known * 1000:.2f} ms"
    )


def main(rows: int) -> None:
    database = cluster.database()
    try:
        migrate(database)
        with database.session() as cursor:
            cursor.execute("CREATE SCHEMA bench_staging_1")
            begin_proof(cursor, STAGING)
        print(f"{rows:,} rows × 10 columns")
        measure_tables(database, rows)
        measure_proofs(database)
        measure_hashes(512)
    finally:
        cluster.stop()
        FOLDER.cleanup()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000)
