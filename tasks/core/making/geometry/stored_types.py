"""A database held to the types of its columns and to the count it states: SQLite does neither."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Any

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.model.errors import SourceError

WHOLE = "typeof({0}) IN ('integer', 'null')"
WITHOUT_NUL = "(typeof({0}) <> 'text' OR instr({0}, char(0)) = 0)"  # GDAL ends a text there
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
    "TEXT": f"typeof({{0}}) IN ('text', 'null') AND {WITHOUT_NUL}",
    "DATE": "ifnull(date({0}, '+0 days') = {0}, {0} IS NULL)",
    "DATETIME": "ifnull(date(substr({0}, 1, 10), '+0 days') = substr({0}, 1, 10), {0} IS NULL)"
    f" AND {WITHOUT_NUL}",
}


def require_stored(
    place: Place, layer: str, fields: Iterable[str | None], stated: int | None, where: str
) -> None:
    """Raise SourceError at a value that GDAL would make into one of the column's type, and where a
    database states another number of features than its table has: GDAL may give rows twice then.
    """
    if place.kind != "sqlite" or place.archive:
        return
    table, wanted = quoted(layer), {field for field in fields if field}
    # a database that cannot be read so, or is cut, is told of by GDAL
    with suppress(sqlite3.Error), closing(opened_database(place)) as database:
        columns = database.execute(f"PRAGMA table_info({table})").fetchall()
        kinds = {name: kind for _, name, kind, *_ in columns if name in wanted}
        wrong = {name: f"NOT ({_fits(kind).format(quoted(name))})" for name, kind in kinds.items()}
        # all in one pass over the file; which it is matters only where there is one
        query = f"SELECT count(*), total({' OR '.join(wrong.values()) or 0}) FROM {table}"
        rows, unfit = database.execute(query).fetchone()
        for name, condition in wrong.items() if unfit else ():
            if found := _first(database, table, quoted(name), condition):
                raise _unfit(found[0], name, kinds[name], place.name)
        if stated not in (None, rows):
            raise SourceError(
                f"As many features as its gpkg_ogr_contents states, {stated:,}, were expected in"
                f" {where} and its table has {rows:,}: ask the publisher which is right, or write"
                " the file anew (ogr2ogr) and lay it into the inbox (GEODATA_INBOX_FIRST)."
            )


def _fits(kind: str) -> str:
    """Return the condition that a column's type sets on its values."""
    return FITTING.get(kind.upper().split("(")[0].strip(), WITHOUT_NUL)


def _first(
    database: sqlite3.Connection, table: str, column: str, condition: str
) -> tuple[Any, ...] | None:
    """Return the first value where the condition holds, text in bytes."""
    database.text_factory = bytes
    query = f"SELECT {column} FROM {table} WHERE {condition} LIMIT 1"
    found: tuple[Any, ...] | None = database.execute(query).fetchone()
    return found


def _unfit(value: object, name: str, kind: str, where: str) -> SourceError:
    found = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if "\0" in str(found):
        kind = f"{kind} without a NUL character, which no text has,"
    return SourceError(
        f"Values of the type {kind} were expected in {name} of {where}, as it states, and a"
        f" feature has {found!r}: tell the publisher, or leave the column out."
    )


def opened_database(place: Place) -> sqlite3.Connection:
    """Open a file's database for reading; raise sqlite3.Error where it is none."""
    return sqlite3.connect(f"file:{_escaped(place.path)}?mode=ro", uri=True)


def quoted(name: str) -> str:
    """Return a name as SQLite's statements have it."""
    return '"' + name.replace('"', '""') + '"'


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
