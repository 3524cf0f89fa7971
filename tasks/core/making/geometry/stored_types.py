"""Values of a GeoPackage held to the types of their columns, which SQLite does not do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.model.errors import SourceError

WHOLE = "typeof({0}) IN ('integer', 'null')"
WITHOUT_NUL = "(typeof({0}) <> 'text' OR instr({0}, char(0)) = 0)"  # GDAL ends a text there
LARGEST = {"MEDIUMINT": 2**31 - 1, "SMALLINT": 2**15 - 1}
FITTING = {
    **dict.fromkeys(("INT", "INTEGER", "TINYINT", "BOOLEAN"), WHOLE),
    **{name: f"{WHOLE} AND abs(ifnull({{0}}, 0)) <= {most}" for name, most in LARGEST.items()},
    **dict.fromkeys(("REAL", "DOUBLE", "FLOAT"), "typeof({0}) IN ('real', 'integer', 'null')"),
    "TEXT": f"typeof({{0}}) IN ('text', 'null') AND {WITHOUT_NUL}",
    "DATE": "ifnull(date({0}, '+0 days') = {0}, {0} IS NULL)",
    "DATETIME": "ifnull(date(substr({0}, 1, 10), '+0 days') = substr({0}, 1, 10), {0} IS NULL)"
    f" AND {WITHOUT_NUL}",
}


def require_stored_types(place: Place, layer: str, fields: Iterable[str | None]) -> None:
    """Raise SourceError at a value that GDAL would make into one of the column's type."""
    if place.kind != "sqlite" or place.archive:
        return
    table, wanted = quoted(layer), {field for field in fields if field}
    # a database that cannot be read so is told of by GDAL
    with (
        suppress(sqlite3.Error),
        closing(opened_database(place)) as database,
    ):
        for _, name, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
            fits = FITTING.get(kind.upper().split("(")[0].strip(), WITHOUT_NUL)
            if name in wanted:
                _require_fitting(database, table, name, kind, fits, place.name)


def _require_fitting(
    database: sqlite3.Connection, table: str, name: str, kind: str, fits: str, where: str
) -> None:
    column = quoted(name)
    wrong = f"NOT ({fits.format(column)})"
    database.text_factory = bytes
    found = database.execute(f"SELECT {column} FROM {table} WHERE {wrong} LIMIT 1").fetchone()
    database.text_factory = str
    if found:
        value = found[0].decode("utf-8", "replace") if isinstance(found[0], bytes) else found[0]
        if "\0" in str(value):
            kind = f"{kind} without a NUL character, which no text has,"
        raise SourceError(
            f"Values of the type {kind} were expected in {name} of {where}, as it states, and a"
            f" feature has {value!r}: tell the publisher, or leave the column out."
        )


def opened_database(place: Place) -> sqlite3.Connection:
    """Open a file's database for reading; raise sqlite3.Error where it is none."""
    return sqlite3.connect(f"file:{_escaped(place.path)}?mode=ro", uri=True)


def quoted(name: str) -> str:
    """Return a name as SQLite's statements have it."""
    return '"' + name.replace('"', '""') + '"'


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
