"""What a comparison of two editions costs: `python tests/benchmark_changes.py [areas] [points]`.

Makes areas with some 200 vertices and 30 columns, of which after a reform 38 % have other codes,
every twentieth is divided and all borders are drawn more exactly; and a register of points, in a
private database in a folder of its own. Removes both, and prints seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="geodata-benchmark-")
os.chmod(FOLDER.name, 0o755)  # the database server keeps its files there
os.environ["GEODATA_DATA"] = FOLDER.name

import numpy as np  # noqa: E402
import shapely  # noqa: E402

from tasks.core.catalog import layers  # noqa: E402
from tasks.core.catalog.changes.compared_layers import Precedent  # noqa: E402
from tasks.core.catalog.changes.comparison import compare, judge  # noqa: E402
from tasks.core.catalog.provenance import record_dataset  # noqa: E402
from tasks.core.model.declarations import Dataset  # noqa: E402
from tasks.core.model.handles import Staging  # noqa: E402
from tasks.core.postgres import cluster  # noqa: E402
from tasks.core.postgres.database import Database  # noqa: E402
from tasks.core.postgres.migrations import migrate  # noqa: E402

SIDE = 1_000.0  # metres
FIGURES = 27
RULE = "COMMENT ON COLUMN {} IS 'C [unit: {}; aggregate: {}; from: made up]';"
POINTS = """
SELECT lpad((n % 101)::text, 3, '0') AS departement_code, lpad(n::text, 14, '0') AS siret,
       'name of ' || n AS name, n % 100 AS staff, n * 1.5 AS amount, 'kind ' || n % 17 AS kind,
       ST_SetSRID(ST_Point(n * 1e-6, 46), 4326)::geometry(Point, 4326) AS geom
  FROM generate_series(1, {}) AS n
"""


def areas(count: int, reform: bool) -> Iterator[tuple[str, bytes]]:
    """Give codes and shapes: squares with wavy borders that neighbours share."""
    across = int(np.sqrt(count))
    drawn = 13.0 if reform else 12.0

    def wave(points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        moved = np.column_stack([np.sin(y / 37) * drawn, np.sin(x / 41) * drawn])
        return np.asarray(points + moved)

    for number in range(count):
        x, y = number % across * SIDE, number // across * SIDE
        code = f"{'B' if reform and number % 100 < 38 else 'A'}{number:06}"
        divided = reform and number % 20 == 0
        middle = x + SIDE / 2 if divided else x + SIDE
        boxes = [(code, shapely.box(x, y, middle, y + SIDE))]
        if divided:
            boxes.append((f"{code}-", shapely.box(middle, y, x + SIDE, y + SIDE)))
        for each, box in boxes:
            yield each, shapely.to_wkb(shapely.transform(shapely.segmentize(box, 20), wave))


def fill(database: Database, staging: Staging, count: int, points: int, reform: bool) -> None:
    rows = list(areas(count, reform))
    figures = ", ".join(f"n * {n + 1} AS figure_{n}" for n in range(FIGURES))
    with database.session(staging.schema) as cursor:
        cursor.execute(f"CREATE SCHEMA {staging.schema}")
        cursor.execute(
            "INSERT INTO catalog.edition (dataset, number, vintage, code_revision, fingerprint,"
            " schema_name) VALUES ('testland', %s, %s, '', '', %s)",
            (staging.edition, staging.vintage, staging.schema),
        )
        cursor.execute(
            f"CREATE TABLE areas AS SELECT code, 'name ' || code AS name, {figures},"
            " ST_GeomFromWKB(wkb, 31370)::geometry(Polygon, 31370) AS geom FROM unnest(%s::text[],"
            " %s::bytea[]) WITH ORDINALITY AS t (code, wkb, n)",
            ([code for code, _ in rows], [wkb for _, wkb in rows]),
        )
        cursor.execute(f"CREATE TABLE points AS {POINTS.format(points + 1000 * reform)}")
        for table in ("areas", "points"):
            cursor.execute(f"COMMENT ON TABLE {table} IS 'T'")
            cursor.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0",
                (table,),
            )
            for (name,) in cursor.fetchall():
                rule = "sum" if name.startswith("figure") else "none"
                cursor.execute(RULE.format(f"{table}.{name}", "persons", rule))
    for layer, key in staging.dataset.layers.items():
        layers.seal(database, staging, layer, key)


def main(count: int, points: int) -> None:
    keys = {"areas": ("code",), "points": ("departement_code", "siret")}
    database = cluster.database()
    migrate(database)
    dataset = Dataset(slug="testland", title="", country="ZZ", schema="testland", layers=keys)
    with database.session() as cursor:
        record_dataset(cursor, dataset)
    stagings = [
        Staging(
            dataset=dataset, vintage=2024 + n, schema=f"testland_staging_{n + 1}", edition=n + 1
        )
        for n in range(2)
    ]
    for reform, staging in enumerate(stagings):
        fill(database, staging, count, points, bool(reform))
    before = Precedent("testland", 1, 2024, stagings[0].schema)
    began = time.monotonic()
    changes, drafts = compare(database, stagings[1], before)
    print(f"{count:,} areas and {points:,} points: {time.monotonic() - began:.1f} s")
    print(f"{len(drafts):,} drafts; outside: {len(judge(changes))} of {len(changes)}")
    for change in changes:
        if change.measure != "total":
            print(change.within, change.sentence[:220])


if __name__ == "__main__":
    try:
        main(*(int(sys.argv[n]) if len(sys.argv) > n else 20_000 for n in (1, 2)))
    finally:
        cluster.stop()
        FOLDER.cleanup()
        assert not Path(FOLDER.name).exists()
