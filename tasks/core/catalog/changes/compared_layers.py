"""Layers of two editions side by side: where they are, and what the catalog says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes.statements import (
    SELECT_COLUMNS,
    SELECT_EDITION,
    SELECT_LAYERS,
    SELECT_PRECEDENT,
)
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
COMPARABLE = (*NUMBERS, "text", "character", "boolean", "date", "timestamp", "time", "uuid")
TEXTS = ("text", "character")


@dataclass(frozen=True)
class Compared:
    """An edition whose tables are in a schema: still a staging, or kept."""

    dataset: str
    number: int
    vintage: int
    schema: str

    def __str__(self) -> str:
        return f"edition {self.number} of {self.vintage}"


class Precedent(Compared):
    """The edition that a new one is compared with."""


@dataclass(frozen=True)
class Column:
    """What the catalog says of a column."""

    name: str
    data_type: str
    unit: str
    aggregation: str
    origin: str

    @property
    def summed(self) -> bool:
        """Whether the sum over all rows is a total."""
        return self.aggregation.startswith("sum") and self.data_type.startswith(NUMBERS)


@dataclass(frozen=True)
class Layer:
    """A table of an edition, as the catalog describes it."""

    edition: Compared
    name: str
    key: tuple[str, ...]
    row_count: int
    geometry_type: str
    srid: int | None
    extent: tuple[float, ...]
    columns: Mapping[str, Column]

    @property
    def table(self) -> sql.Identifier:
        """Its table, quoted."""
        return sql.Identifier(self.edition.schema, self.name)

    @property
    def has_areas(self) -> bool:
        """Whether its rows are polygons."""
        return "POLYGON" in self.geometry_type


@dataclass(frozen=True)
class Pair:
    """A layer before and after; key: the columns by which rows or groups of rows are told apart.

    key is empty where no row can be told to be the same.
    """

    before: Layer
    after: Layer
    key: tuple[str, ...]

    @property
    def years(self) -> int:
        """Years from one vintage to the other; those of one vintage are as if a year apart."""
        return max(1, abs(self.after.edition.vintage - self.before.edition.vintage))

    @property
    def by_row(self) -> bool:
        """Whether the key tells single rows apart."""
        return bool(self.key) and self.key == self.before.key == self.after.key

    @property
    def common(self) -> list[str]:
        """The columns that both have, in the order of the later one."""
        return [name for name in self.after.columns if name in self.before.columns]

    @property
    def have_areas(self) -> bool:
        """Whether both are of polygons."""
        return self.before.has_areas and self.after.has_areas

    def shape(self, alias: str, *, old: bool) -> sql.Composable:
        """Return the geometry of a row in the CRS of the later layer."""
        geometry = sql.Identifier(alias, "geom")
        if not old or self.before.srid == self.after.srid:
            return geometry
        transformed = sql.SQL("ST_Transform({}, {})")
        return transformed.format(geometry, sql.Literal(self.after.srid))

    def differing(self, name: str) -> sql.Composed:
        """Return the condition that a column differs between rows o (before) and n (after)."""
        types = {each.columns[name].data_type for each in (self.before, self.after)}
        told = "{0} IS DISTINCT FROM {1}"
        if name == "geom":
            told = "ST_AsEWKB({0}) IS DISTINCT FROM ST_AsEWKB({1})"
        elif len(types) > 1 or not types.pop().startswith(COMPARABLE):
            told = "{0}::text IS DISTINCT FROM {1}::text"
        return sql.SQL(told).format(sql.Identifier("o", name), sql.Identifier("n", name))

    def joined(self) -> sql.Composed:
        """Return the condition that rows o and n have the same key."""
        told = []
        for name in self.key:
            types = {each.columns[name].data_type for each in (self.before, self.after)}
            equal = sql.SQL("{} = {}" if len(types) == 1 else "{}::text = {}::text")
            told.append(equal.format(sql.Identifier("o", name), sql.Identifier("n", name)))
        return sql.SQL(" AND ").join(told)

    def key_text(self, alias: str) -> sql.Composed:
        """Return the key of a row as one text."""
        parts = [sql.SQL("{}::text").format(sql.Identifier(alias, name)) for name in self.key]
        return sql.SQL("concat_ws('/', {})").format(sql.SQL(", ").join(parts))


def precedent(database: Database, staging: Staging) -> Precedent | None:
    """Return the edition to compare a staging with: the one shown of its vintage, or before it.

    Official data are compared with official data, others with those of the same mirror or, where
    there are none, with official data; the tables must still be there. None where there is no such
    edition.
    """
    found = database.records(
        SELECT_PRECEDENT,
        dataset=staging.dataset.slug,
        number=staging.edition,
        vintage=staging.vintage,
        mirror=staging.mirror,
    )
    return next((Precedent(*each) for each in found), None)


def kept(database: Database, dataset: str, number: int) -> Precedent:
    """Return an edition by its number; raise ConfigurationError unless its tables are there."""
    found = database.records(SELECT_EDITION, dataset=dataset)
    for each in found:
        if each.number == number:
            return Precedent(*each)
    there = ", ".join(f"{each.number} of {each.vintage}" for each in found) or "none"
    raise ConfigurationError(
        f"Edition {number} of {dataset!r} was to be compared, and its tables are not in"
        f" {database}; those whose tables are there: {there}: choose two of these."
    )


def of_staging(staging: Staging) -> Compared:
    """Return a staging as an edition that can be compared."""
    return Compared(staging.dataset.slug, staging.edition, staging.vintage, staging.schema)


def layers(cursor: Cursor, edition: Compared) -> dict[str, Layer]:
    """Return the layers of an edition whose tables are there, by name."""
    cursor.execute(SELECT_COLUMNS, (edition.dataset, edition.number))
    columns: dict[str, dict[str, Column]] = {}
    for layer, *told in cursor.fetchall():
        columns.setdefault(layer, {})[told[0]] = Column(*told)
    cursor.execute(SELECT_LAYERS, (edition.dataset, edition.number))
    return {each.name: each for each in _layers(cursor.fetchall(), edition, columns, cursor)}


def _layers(
    found: list[tuple[Any, ...]],
    edition: Compared,
    columns: Mapping[str, Mapping[str, Column]],
    cursor: Cursor,
) -> Iterator[Layer]:
    for name, key, row_count, geometry_type, srid, extent in found:
        table = sql.Identifier(edition.schema, name).as_string(cursor)
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))
        if cursor.fetchall()[0][0]:
            facts = (row_count, geometry_type or "", srid, tuple(extent or ()))
            yield Layer(edition, name, tuple(key), *facts, columns.get(name, {}))
