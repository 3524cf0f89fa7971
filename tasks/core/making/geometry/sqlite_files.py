"""SQLite files, GeoPackage and SpatiaLite: read as they are and never written beside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

MAGIC = b"SQLite format 3\0"
WRITE_AHEAD = b"\x02\x02"  # bytes 18 and 19 of a file whose changes stand in a -wal beside it
NAMES = {
    "gpkg_geometry_columns": "SELECT table_name FROM gpkg_geometry_columns",
    "geometry_columns": "SELECT f_table_name FROM geometry_columns",
}


def needs_care(path: Path) -> bool:
    """Tell whether opening this file would write a -wal and a -shm beside it, having none."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(20)
    is_write_ahead = head.startswith(MAGIC) and head[18:20] == WRITE_AHEAD
    real = path.resolve()
    return is_write_ahead and not real.with_name(real.name + "-wal").exists()


def layers(path: Path) -> list[str]:
    """List the tables with geometry of a file that nothing may be written beside."""
    uri = f"file:{quote(str(path.resolve()))}?immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for table, query in NAMES.items():
            if table in tables:
                return [str(name) for (name,) in connection.execute(query)]
    return []
