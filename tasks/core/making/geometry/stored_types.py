"""Values of a GeoPackage held to the types of their columns, which SQLite does not do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.model.errors import SourceError

WHOLE = "typeof({0}) IN ('integer', 'null')"
# not of the standard, and read all the same
WITH_BITS = [f"{name}{bits}" for name in ("INT", "INTEGER") for bits in (8, 16, 32, 64)]
LARGEST = {"MEDIUMINT": 2**31 - 1, "SMALLINT": 2**15 - 1}
FITTING = {
    **dict.fromkeys(("INT", "INTEGER", "TINYINT", *WITH_BITS), WHOLE),
    "BOOLEAN": f"{WHOLE} AND ifnull({{0}}, 0) IN (0, 1)",
    **{name: f"{WHOLE} AND abs(ifnull({{0}}, 0)) <= {most}" for name, most in LARGEST.items()},
    **dict.fromkeys(
        ("REAL", "DOUBLE", "FLOAT", "NUMERIC"), "typeof({0}) IN ('real', 'integer', 'null')"
    ),
    "TEXT": "typeof({0}) IN ('text', 'null')",
    "DATE": "ifnull(date({0}, '+0 days') = {0}, {0} IS NULL)",
    "DATETIME": "ifnull(date(substr({0}, 1, 10), '+0 days') = substr({0}, 1, 10), {0} IS NULL)",
}


def require_stored_types(place: Place, layer: str, fields: Iterable[str | None]) -> None:
    """Raise SourceError at a value that GDAL would make into one of the column's type."""
    if place.kind != "sqlite" or place.archive:
        return
    table, wanted = _quoted(layer), {field for field in fields if field}
    # a database that cannot be read so is told of by GDAL
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{_escaped(place.path)}?mode=ro", uri=True)) as database,
    ):
        for _, name, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
            fits = FITTING.get(kind.upper().split("(")[0].strip())
            if fits and name in wanted:
                _require_fitting(database, table, name, kind, fits, place.name)


def _require_fitting(
    database: sqlite3.Connection, table: str, name: str, kind: str, fits: str, where: str
) -> None:
    column = _quoted(name)
    wrong = f"NOT ({fits.format(column)})"
    database.text_factory = bytes
    found = database.execute(f"SELECT {column} FROM {table} WHERE {wrong} LIMIT 1").fetchone()
    database.text_factory = str
    if found:
        value = found[0].decode("utf-8", "replace") if isinstance(found[0], bytes) else found[0]
        raise SourceError(
            f"Values of the type {kind} were expected in {name} of {where}, as it states, and a"
            f" feature has {value!r}: tell the publisher, or leave the column out."
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
