"""What row digests cost beside sealing a layer: `python tests/benchmark_row_digests.py [rows]`.

Makes a table of 11 columns with a point, in a private database in a folder of its own, and removes
both. Prints seconds, the ratio to sealing, the size of the files, and the most memory this process
held.
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

from tasks.core.catalog import layers, row_digests  # noqa: E402
from tasks.core.catalog.provenance import record_dataset  # noqa: E402
from tasks.core.model.declarations import Dataset  # noqa: E402
from tasks.core.model.handles import Staging  # noqa: E402
from tasks.core.postgres import cluster  # noqa: E402
from tasks.core.postgres.database import Database  # noqa: E402
from tasks.core.postgres.migrations import migrate  # noqa: E402
from tasks.running.gauges import peak_memory_mib  # noqa: E402

KEY = ("municipal_code", "code")
DATASET = Dataset(
    slug="testland", title="Testland", country="ZZ", schema="testland", layers={"points": KEY}
)
POINTS = """
CREATE SCHEMA testland_staging_1;
CREATE TABLE points AS
SELECT lpad((n::bigint * 7919 % 1000003)::text, 9, '0') AS code,
       lpad((n % 35000)::text, 5, '0') AS municipal_code, 'name of ' || n AS name,
       n % 100 AS staff, n * 1.5 AS amount, n * 0.1::double precision AS share,
       date '2020-01-01' + n % 1000 AS day, n % 2 = 0 AS active,
       'kind ' || n % 17 AS kind, n::bigint * 3 AS number,
       ST_SetSRID(ST_Point(n * 0.001, n * 0.002), 2154)::geometry(Point, 2154) AS geom
  FROM generate_series(1, current_setting('bench.rows')::integer) AS n;
COMMENT ON TABLE points IS 'Points';
INSERT INTO catalog.edition (dataset, number, vintage, code_revision, fingerprint, schema_name)
VALUES ('testland', 1, 2024, '', '', 'testland_staging_1');
"""


def prepare(database: Database, rows: int) -> Staging:
    migrate(database)
    with database.session("testland_staging_1") as cursor:
        record_dataset(cursor, DATASET)
        cursor.execute("SELECT set_config('bench.rows', %s, true)", (str(rows),))
        cursor.execute(POINTS)
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'points'::regclass AND attnum > 0"
        )
        for (column,) in cursor.fetchall():
            cursor.execute(
                f"COMMENT ON COLUMN points.{column} IS 'Made up [unit: -; aggregate: none; from:"
                " made up]'"
            )
    return Staging(dataset=DATASET, vintage=2024, schema="testland_staging_1", edition=1)


def timed(title: str, action: Callable[[], object], against: float = 0.0) -> float:
    start = time.perf_counter()
    action()
    seconds = time.perf_counter() - start
    ratio = f", {seconds / against:.2f} of sealing" if against else ""
    print(f"{title}: {seconds:.2f} s{ratio}; at most {peak_memory_mib():,.0f} MiB held")
    return seconds


def main(rows: int) -> None:
    database = cluster.database()
    staging = prepare(database, rows)
    print(f"{rows:,} rows; {peak_memory_mib():,.0f} MiB held before")
    sealing = timed("seal", lambda: layers.seal(database, staging, "points", KEY))
    timed(
        "content hash alone",
        lambda: database.value("SELECT geodata.content_hash('testland_staging_1.points', 2)"),
        sealing,
    )
    for columns in (KEY, KEY[:1]):
        path, by = Path(FOLDER.name) / "digests", ", ".join(columns)
        for _ in range(2):
            timed(
                f"write by {by}",
                lambda c=columns, p=path: row_digests.write(
                    database, staging.schema, "points", c, p
                ),
                sealing,
            )  # type: ignore[misc]
        timed(
            f"compare by {by}",
            lambda p=path: row_digests.compare(database, staging.schema, "points", p),
            sealing,
        )  # type: ignore[misc]
        print(f"file by {by}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    finally:
        cluster.stop()
