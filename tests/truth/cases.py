"""A case of the differential test: a file, how it is declared, and what must be loaded of it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import shapely
from psycopg2 import sql

from tasks.core.making.geometry import geometry_tables
from tasks.core.making.tables import staging_tables
from tasks.core.making.unpacking.archives import take_out
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Features, Table
from tasks.core.model.errors import GeodataError
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database

KEPT = Path(__file__).parent / "cases"
Row = tuple[Any, ...]


class Refused(Exception):
    """The file is not as declared, as an independent reader sees it: nothing may be loaded."""


class Undecided(Exception):
    """An independent reader cannot tell: nothing is compared."""


@dataclass(frozen=True, repr=False)
class Case:
    """A file in bytes with its declaration.

    columns: declared type of each column, by the target's name; each is called the same in the file
    unless `names` says otherwise. options: further fields of `Table` or `Features`. sound: the file
    is as declared, so that a refusal is an error too.
    """

    format: str
    content: bytes
    columns: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    sound: bool = False

    def __repr__(self) -> str:
        content = self.content[:400] if self.format in ("csv", "geojson") else len(self.content)
        return (
            f"{self.format} of {dict(self.columns)} {dict(self.names)} {self.options}: {content!r}"
        )

    def name_of(self, column: str) -> str:
        """The publisher's name of a column."""
        return self.names.get(column, column)

    @property
    def is_layer(self) -> bool:
        """Whether its rows have geometries."""
        return self.format in ("geojson", "gpkg", "shp.zip", "fgb")

    def reads(self) -> Table | Features:
        """The declaration."""
        declared = {
            name: Column((self.name_of(name),), kind) for name, kind in self.columns.items()
        }
        if self.is_layer:
            return Features(columns=declared, crs=4326, published_crs=4326, **self.options)
        return Table(columns=declared, **self.options)

    def as_json(self) -> str:
        """The case as a text to keep."""
        facts = dataclasses.asdict(self) | {"content": base64.b64encode(self.content).decode()}
        return json.dumps(facts, ensure_ascii=True, indent=1) + "\n"

    @classmethod
    def of_json(cls, content: str) -> Case:
        """Read a kept case."""
        facts = json.loads(content)
        tuples = ("key", "header_rows", "zero", "notes", "merged")
        options = facts["options"]
        options |= {name: tuple(options[name]) for name in tuples if options.get(name) is not None}
        return cls(**facts | {"content": base64.b64decode(facts["content"])})

    def keep(self, folder: Path = KEPT) -> Path:
        """Write the case among the regression cases, and give the file."""
        kept = self.as_json()
        digest = hashlib.sha256(kept.encode()).hexdigest()[:10]
        path = folder / f"{self.format.replace('.', '_')}_{digest}.json"
        path.write_text(kept, encoding="ascii")
        return path


def loaded(case: Case, database: Database, folder: Path) -> list[Row] | GeodataError:
    """Give the rows that the product puts into PostGIS, or its refusal."""
    path = folder / f"file.{case.format}"
    path.write_bytes(case.content)
    reads = case.reads()
    try:
        if case.format == "shp.zip":
            _, path = take_out(path, None, folder / "unpacked")
        if isinstance(reads, Features):
            geometry_tables.load(database, "truth", "loaded", str(path), reads)
        else:
            staging_tables.load(database, "truth", "loaded", path, reads)
    except GeodataError as error:
        return error
    return rows_of(case, database, "truth")


def rows_of(case: Case, database: Database, schema: str) -> list[Row]:
    """Give the rows of a case from the table `loaded`, as independent readers give them."""
    with database.session(schema) as cursor:
        found = [column.name for column in columns(cursor, "loaded")]
        wanted = [name for name in found if name in case.columns or name.endswith("_reason")]
        listed = [sql.Identifier(name) for name in wanted]
        if case.is_layer:
            listed.append(sql.SQL("ST_AsBinary(geom)"))
        cursor.execute(sql.SQL("SELECT {} FROM loaded").format(sql.SQL(", ").join(listed)))
        rows = cursor.fetchall()
    return [tuple(map(_plain, row)) for row in rows]


def _plain(value: Any) -> Any:
    return (
        shapely.from_wkb(bytes(value)).normalize().wkt if isinstance(value, memoryview) else value
    )


def in_order(rows: list[Row]) -> list[tuple[str, ...]]:
    """Give rows in an order and a form that can be compared: 1.0 is a double, 1 is not."""
    return sorted(tuple(map(_said, row)) for row in rows)


def _said(value: Any) -> str:
    if isinstance(value, float) and value == 0:
        return "0.0"  # below zero too
    if isinstance(value, Decimal):
        return f"decimal {value:f}"
    return value.isoformat() if isinstance(value, date) else repr(value)
