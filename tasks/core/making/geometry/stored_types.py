"""Values of a GeoPackage held to the types of their columns, which SQLite does not do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Any

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.model.errors import SourceError

WHOLE = "typeof({0}) IN ('integer', 'null')"
LARGEST = {"MEDIUMINT": 2**31 - 1, "SMALLINT": 2**15 - 1}
FITTING = {
    **dict.fromkeys(("INT", "INTEGER", "TINYINT", "BOOLEAN"), WHOLE),
    **{name: f"{WHOLE} AND abs(ifnull({{0}}, 0)) <= {most}" for name, most in LARGEST.items()},
    **dict.fromkeys(("REAL", "DOUBLE", "FLOAT"), "typeof({0}) IN ('real', 'integer', 'null')"),
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
        columns = database.execute(f"PRAGMA table_info({table})").fetchall()
        kinds = {name: kind for _, name, kind, *_ in columns if name in wanted}
        wrong = {name: f"NOT ({_fits(kind).format(_quoted(name))})" for name, kind in kinds.items()}
        # all in one pass over the file; which it is matters only where there is one
        if _first(database, table, "1", " OR ".join(wrong.values()) or "0"):
            for name, condition in wrong.items():
                if found := _first(database, table, _quoted(name), condition):
                    raise _unfit(found[0], name, kinds[name], place.name)


def _fits(kind: str) -> str:
    """Return the condition on a column that its type sets, true of all for a type not known."""
    return FITTING.get(kind.upper().split("(")[0].strip(), "1")


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
    return SourceError(
        f"Values of the type {kind} were expected in {name} of {where}, as it states, and a"
        f" feature has {found!r}: tell the publisher, or leave the column out."
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
