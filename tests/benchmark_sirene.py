"""Seconds and memory of a stock of establishments: loading it, finding its IRIS, counting, and
asking for a map of it.

    python tests/benchmark_sirene.py 1000000 [--csv] [--rounds 3] [--iris 49000] [--keep FOLDER]

Makes a synthetic France and a synthetic stock in INSEE's layout, 54 columns as Parquet or, with
--csv, as CSV in a zip, and a private database, in a folder of its own, and removes them. A folder
to keep has them ready for the next run. Loading is set beside PostgreSQL's COPY of a ready-made
file of the same rows and kept columns into the same table, in turn; each load has a process of its
own, whose peak of memory is told. The joins are timed statement by statement, as they stand in
sql/sirene_points.sql and sql/sirene.sql, with the locating between them; the hashes tell whether
two ways of it agree. benchmark_points.py compares the locating with other programs.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import geopandas
import shapely
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from synthetic import france, sirene, sirene_ground
from synthetic.defects import Defects
from synthetic.sirene_layout import LOCATION_NAME, STOCK_NAME

from flows.offices import sirene as register
from tasks.core.making.joining.locations import locate
from tasks.core.making.joining.scripts import compress
from tasks.core.making.tables.staging_tables import load
from tasks.core.making.tables.tabular import Figures
from tasks.core.model.declarations import Table
from tasks.core.model.settings import SQL
from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database
from tasks.core.postgres.migrations import migrate
from tasks.running.gauges import peak_memory_mib

YEAR, SCHEMA = 2026, "bench"
FILES = {"stock": STOCK_NAME, "positions": LOCATION_NAME}
VERTICES = (
    120  # added to the border of an IRIS, which then has 189 on average as the real ones have
)
SHORT = 0.05  # seconds under which a statement is only added to the rest
MAP = """
EXPLAIN (ANALYZE, BUFFERS, COSTS off, SUMMARY on)
SELECT siret, name, head_count_band, geom FROM {}
 WHERE geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326) AND naf_division = '56'
"""
PUBLISHING = (
    "ALTER TABLE establishments ADD PRIMARY KEY (departement_code, siret)",
    "CREATE INDEX ON establishments USING gist (geom)",
    "ANALYZE establishments",
    "SELECT geodata.content_hash('establishments', 2)",
)
Measure = tuple[
    float, float, float
]  # seconds, peak of memory, memory before the first row, both in MiB


def seconds(action: Callable[[], object]) -> float:
    """The time an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def declaration(table: str, zipped: bool) -> Table:
    """How the flow reads a file; the CSV of positions has semicolons."""
    source = register.stock(YEAR) if table == "stock" else register.geolocation(YEAR)
    assert isinstance(source.reads, Table)
    return replace(source.reads, delimiter=";") if zipped and table == "positions" else source.reads


def measure_read(path: Path, reads: Table, member: str) -> Measure:
    """Read and type a file in this process, and do nothing with it."""
    before = peak_memory_mib()
    took = seconds(lambda: sum(map(len, Figures(path, reads, path.name, member).batches())))
    return took, peak_memory_mib(), before


def measure_load(database: Database, table: str, path: Path, reads: Table, member: str) -> Measure:
    """Load a file in this process as load_table does."""
    database.value("SELECT 1")
    before = peak_memory_mib()
    took = seconds(lambda: load(database, SCHEMA, table, path, reads, member=member))
    return took, peak_memory_mib(), before


def alone(action: Callable[..., Measure], *arguments: object) -> Measure:
    """What an action measures in a new process, which holds nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(action, *arguments).result()


def measure_copy(database: Database, table: str, file: Path, finish: bool) -> Measure:
    """The floor: the server reads a ready-made file itself; finish: and makes the key and the
    statistics that load_table makes.
    """

    def copy() -> None:
        with database.session(SCHEMA) as cursor:
            cursor.execute(
                sql.SQL("DROP TABLE IF EXISTS floor; CREATE UNLOGGED TABLE floor (LIKE {})").format(
                    sql.Identifier(table)
                )
            )
            cursor.execute(f"COPY floor FROM %s WITH (FORMAT {file.suffix[1:]})", (str(file),))
        if finish:
            with database.session(SCHEMA) as cursor:
                cursor.execute("CREATE UNIQUE INDEX ON floor (siret); ANALYZE floor")

    return seconds(copy), 0.0, 0.0


def ready_files(database: Database, table: str, folder: Path) -> dict[str, Path]:
    """The rows of a loaded table as files that COPY reads, in its binary format and as text."""
    files = {form: folder / f"{table}.{form}" for form in ("binary", "text")}
    for form, path in files.items():
        with database.session(SCHEMA) as cursor, path.open("wb") as file:
            cursor.copy_expert(
                sql.SQL("COPY {} TO STDOUT WITH (FORMAT {})").format(
                    sql.Identifier(table), sql.SQL(form)
                ),
                file,
            )
    return files


def compare_loads(database: Database, table: str, path: Path, rounds: int, folder: Path) -> None:
    """Print the best time of each way to fill a table, with the ratio to the server's COPY, and
    memory.
    """
    zipped = path.suffix == ".zip"
    reads, member = declaration(table, zipped), f"{FILES[table]}.csv" if zipped else ""
    whole = measure_load, database, table, path, reads, member
    alone(*whole)
    files = ready_files(database, table, folder)
    ways: dict[str, Callable[[], Measure]] = {
        "COPY, binary": lambda: measure_copy(database, table, files["binary"], finish=False),
        "COPY, text": lambda: measure_copy(database, table, files["text"], finish=False),
        "read and type only": lambda: alone(measure_read, path, reads, member),
        "load_table, no key": lambda: alone(
            measure_load, database, table, path, replace(reads, key=()), member
        ),
        "COPY, binary, then key": lambda: measure_copy(
            database, table, files["binary"], finish=True
        ),
        "load_table": lambda: alone(*whole),
    }
    measures = [{name: way() for name, way in ways.items()} for _ in range(rounds)]
    read, kept = rows_of(path, table, database)
    print(
        f"\n{table}: {read:,} rows in {path.name} ({path.stat().st_size / 2**20:,.0f} MiB),"
        f" {kept:,} loaded, {len(reads.columns)} columns of them"
    )
    for name in ways:
        best, peak, before = (
            pick(each[name][part] for each in measures) for part, pick in enumerate((min, max, max))
        )
        floor = min(
            each["COPY, binary, then key" if name == "load_table" else "COPY, binary"][0]
            for each in measures
        )
        memory = f"peak {peak:4.0f} MiB, {before:.0f} before the first row" if peak else ""
        print(
            f"  {name:24} {best:7.2f} s {best / floor:6.2f} × {read / best:12,.0f} rows read/s"
            f" {kept / best:12,.0f} loaded/s  {memory}",
            flush=True,
        )
    for file in files.values():
        file.unlink()


def rows_of(path: Path, table: str, database: Database) -> tuple[int, int]:
    """The rows of a file, told in the description beside it, and those of the table made of it."""
    counts = json.loads((path.parent / "counts.json").read_text())
    return counts["establishments" if table == "stock" else "located"], int(
        database.value(f"SELECT count(*) FROM {SCHEMA}.{table}")
    )


def load_iris(database: Database, areas: geopandas.GeoDataFrame) -> None:
    """A table of the shape of france.iris, with the codes that the join reads; its borders have as
    many vertices as the real ones.
    """
    shapes = shapely.make_valid(areas.geometry.to_numpy())
    shapes = shapely.segmentize(shapes, shapely.length(shapes) / VERTICES)
    rows = zip(
        areas["code_iris"],
        areas["code_insee"],
        shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True),
        strict=True,
    )
    with database.session(SCHEMA) as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE shapes (iris_code text, municipal_code text, geom geometry)"
        )
        cursor.copy_expert(
            "COPY shapes FROM STDIN", io.StringIO("".join("\t".join(row) + "\n" for row in rows))
        )
        cursor.execute("""
            CREATE TABLE france_iris AS
            SELECT iris_code, municipal_code,
                   CASE left(municipal_code, 3) WHEN '751' THEN '75056' WHEN '132' THEN '13055'
                   WHEN '693' THEN '69123' ELSE municipal_code END AS commune_code,
                   left(municipal_code, CASE WHEN municipal_code < '97' THEN 2 ELSE 3 END)
                       AS departement_code,
                   ST_Multi(ST_CollectionExtract(geom, 3))::geometry(MultiPolygon, 4326) AS geom
              FROM shapes ORDER BY iris_code""")
        cursor.execute(
            "ALTER TABLE france_iris ADD PRIMARY KEY (iris_code); CREATE INDEX ON france_iris USING"
            " gist (geom); ANALYZE france_iris"
        )
    print(
        f"{len(areas):,} IRIS with {shapely.get_num_coordinates(shapes).mean():.0f} vertices on"
        " average"
    )


def statements(text: str) -> Iterator[str]:
    """The statements of a file, one after another; those within $$ are one."""
    statement = ""
    for line in re.sub(r"^--.*\n", "", text, flags=re.MULTILINE).splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and statement.count("$$") % 2 == 0:
            yield statement.strip()
            statement = ""


def time_statements(cursor: Cursor, found: Iterable[str]) -> None:
    """Run statements and print the seconds of those that take long."""
    whole = rest = 0.0
    for statement in found:
        took = seconds(lambda statement=statement: cursor.execute(statement))
        whole += took
        if took >= SHORT:
            print(f"  {took:8.2f} s  {' '.join(statement.split())[:100]}", flush=True)
        else:
            rest += took
    print(f"  {rest:8.2f} s  the other statements\n  {whole:8.2f} s  all of them")


def run_script(database: Database, name: str) -> None:
    """A join as its verb runs it, in one transaction."""
    print(f"\n{name}, statement by statement")
    with database.session(SCHEMA) as cursor:
        cursor.execute("SELECT set_config('geodata.vintage', %s, true)", (str(YEAR),))
        compress(cursor)
        time_statements(cursor, statements((SQL / name).read_text(encoding="utf-8")))


def measure_locating(database: Database) -> Measure:
    """Locate the points in this process."""
    before = peak_memory_mib()
    names = ("public_stock", "france_iris", "found", "siret", "iris_code")
    return seconds(lambda: locate(database, SCHEMA, *names)), peak_memory_mib(), before


def join(database: Database) -> None:
    """Everything from the loaded tables on, then what publishing adds: key, spatial index,
    statistics, hashes.
    """
    run_script(database, "sirene_points.sql")
    took, peak, before = alone(measure_locating, database)
    found = database.value(f"SELECT count(*) FROM {SCHEMA}.found")
    print(f"\nlocate: {found:,} points in {took:.2f} s, peak {peak:.0f} MiB, {before:.0f} before")
    run_script(database, "sirene.sql")
    with database.session(SCHEMA) as cursor:
        print("\nPublishing")
        time_statements(cursor, PUBLISHING)
        for table in ("establishments", "counts_by_iris", "counts_by_commune"):
            cursor.execute("SELECT geodata.content_hash(%s::regclass, 2)", (table,))
            print(f"  {table}: {cursor.fetchone()[0]}")
        cursor.execute(
            "SELECT coalesce(iris_by, 'not found'), count(*) FROM establishments GROUP BY 1 ORDER"
            " BY 2 DESC"
        )
        print("  IRIS found by: " + ", ".join(f"{way} {count:,}" for way, count in cursor))


def show_map(database: Database, areas: geopandas.GeoDataFrame) -> None:
    """The plan of a map query around Paris, on the published order and on the order of the
    numbers.
    """
    west, south, east, north = areas[
        areas["code_insee"].str.startswith("751")
    ].total_bounds.tolist()
    x, y = (west + east) / 2, (south + north) / 2
    with database.session(SCHEMA) as cursor:
        cursor.execute("CREATE TABLE by_number AS SELECT * FROM establishments ORDER BY siret")
        cursor.execute(
            "CREATE INDEX ON by_number USING gist (geom); CREATE INDEX ON by_number (naf_code);"
            " ANALYZE by_number"
        )
    for table in ("establishments", "by_number"):
        with database.session(SCHEMA) as cursor:
            print(f"\nMap of {table}, 0.1 degree around {x:.2f}, {y:.2f}")
            for _ in range(2):  # the second time from memory
                cursor.execute(MAP.format(table), (x - 0.05, y - 0.05, x + 0.05, y + 0.05))
                plan = "\n".join(line for (line,) in cursor)
            print(shortened(plan))


def shortened(plan: str) -> str:
    """A plan without the partitions in which nothing was found, and without the digits of the
    box.
    """
    first, *nodes = re.split(r"\n(?= *->)", re.sub(r"'0103[0-9A-F]+'", "'…'", plan))
    *nodes, last = nodes
    last, planning, times = last.partition("\nPlanning")
    found = [node for node in (*nodes, last) if "rows=0 " not in node]
    return (
        f"{first}\n"
        + "\n".join(found)
        + f"\n({len(nodes) + 1 - len(found)} partitions with nothing in the box){planning}{times}"
    )


def made_files(
    folder: Path, rows: int, iris: int, form: str
) -> tuple[geopandas.GeoDataFrame, Path]:
    """The IRIS of a synthetic France and the folder of a stock within them, made unless they are
    there.
    """
    country, stock = folder / f"france-{iris}", folder / f"sirene-{rows}-{form}"
    if not (country / "mirror.json").exists():
        france.write(country, iris, defects=Defects.each(max(1, iris // 200)))
    areas = sirene_ground.read_layer(country).to_crs(4326)
    if not (stock / "mirror.json").exists():
        sirene.write(stock, rows, areas, formats=(form,))
    return areas, stock


def measure(folder: Path, chosen: argparse.Namespace) -> None:
    """Everything, in a folder that the database server can read."""
    form = "csv" if chosen.csv else "parquet"
    areas, stock = made_files(chosen.keep or folder, chosen.rows, chosen.iris, form)
    database = cluster.database()
    migrate(database)
    with database.session() as cursor:
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
    for table, name in FILES.items():
        path = stock / f"{name}.{'zip' if chosen.csv else 'parquet'}"
        compare_loads(database, table, path, chosen.rounds, folder)
    load_iris(database, areas)
    with database.session(SCHEMA) as cursor:  # as recode leaves it
        cursor.execute(
            "DROP TABLE floor; ALTER TABLE stock ADD published_code text, ADD code_change text"
        )
    join(database)
    show_map(database, areas)


def main() -> None:
    """Read the command line, measure, and remove what was made."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "rows",
        type=int,
        nargs="?",
        default=1_000_000,
        help="establishments, of which four in ten are active",
    )
    parser.add_argument("--csv", action="store_true", help="CSV in a zip instead of Parquet")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iris", type=int, default=49_000)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the files there, once")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geodata-benchmark-") as name:
        os.chmod(name, 0o755)  # the database server reads the files too
        os.environ["GEODATA_DATA"] = name
        try:
            measure(Path(name), chosen)
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
