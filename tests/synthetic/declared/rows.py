"""Rows of a made-up country by the declaration of a source: a value of the declared type for each
column, figures that are 0 or hidden among them, and what they add up to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import count, product
from random import Random
from typing import Any

import shapely
from synthetic.declared.codes import key_of, spelled
from synthetic.declared.ground import ground_in
from synthetic.declared.world import INSIDE, World

from tasks.core.model.columns import Column
from tasks.core.model.declarations import Features, Source, Table

Row = dict[str, Any]  # by the names of the declared columns; in a figure's place, text is a marker
ZERO, HIDDEN, EVERY = 3, 7, 10  # of ten figures one is 0, and one hidden where the source hides
FEW = 3  # values of a key column that is no area: sexes, classes, years


class MadeRows:
    """The rows of one table of a source, for some of the areas of a world; those of geometries have
    their `geom` in a CRS, a territory with one of its own where that is in use.
    """

    def __init__(
        self,
        world: World,
        source: Source,
        reads: Features | Table,
        values: Mapping[str, Any],
        crs: int,
        territory: str,
    ) -> None:
        self.world, self.source, self.reads = world, source, reads
        is_apart = territory and crs != getattr(reads, "crs", crs)
        self.crs, self.ground = crs, ground_in(crs) if is_apart else world.ground
        self.values = {**{name: tuple(kinds) for name, kinds in source.counts.items()}, **values}
        self.where = reads.where if isinstance(reads, Table) else {}
        self.hidden = count()

    def made(self, areas: range, random: Random) -> list[Row]:
        """A row for each area, or each larger area, and each value of the other key columns."""
        known = self.world.levels.keys() & set(key_of(self.reads) or self.reads.columns)
        step = INSIDE ** min((self.world.levels[name] for name in known), default=0)
        others = [name for name in key_of(self.reads) if name not in self.world.levels]
        chosen = product(*map(self._kinds, others))
        wholes = [areas[start : start + step] for start in range(0, len(areas), step)]
        return [
            self._row(number, whole, dict(zip(others, kinds, strict=True)), random)
            for number, (kinds, whole) in enumerate(product(chosen, wholes))
        ]

    def _row(self, number: int, whole: range, fixed: Row, random: Random) -> Row:
        row = {
            name: fixed[name]
            if name in fixed
            else self._value(name, column, number, whole[0], random)
            for name, column in self.reads.columns.items()
        }
        if isinstance(self.reads, Features):
            squares = [self.ground.square(area, self.crs) for area in whole]
            row["geom"] = shapely.union_all(squares)
        return row

    def _value(self, name: str, column: Column, number: int, area: int, random: Random) -> Any:
        if column.type == "text" and name in self.world.levels:
            return self.world.code(name, area)
        if name in self.values:
            return self.values[name][number % len(self.values[name])]
        if column.type == "text":
            spell = self.world.code if self.world.is_code(name) else self.world.name
            return spell(name, area)
        if (wanted := self._wanted(column)) is not None:
            return wanted
        turn = (number + list(self.reads.columns).index(name)) % EVERY
        if turn == HIDDEN and (markers := self._markers(column)):
            return markers[next(self.hidden) % len(markers)]
        return _figure(column.type, turn == ZERO, self.source.reference_date, random)

    def _markers(self, column: Column) -> tuple[str | None, ...]:
        """What may stand in a figure's place; a day or a truth value cannot be 0."""
        if not self.reads.missing:
            return ()
        zero = self.reads.zero if isinstance(self.reads, Table) else ()
        no_zero = zero if column.type in ("date", "boolean") else ()
        return (*(marker for marker in self.reads.missing if marker not in no_zero), None)

    def _wanted(self, column: Column) -> str | int | None:
        """The one value that the rows are chosen by, where the column is a filter."""
        for pattern in (self.where[heading] for heading in column.names if heading in self.where):
            return spelled(pattern) if column.type == "text" else int(spelled(pattern))
        return None

    def _kinds(self, name: str) -> Sequence[Any]:
        """The values of a key column that holds no areas."""
        if name in self.values:
            return self.values[name]
        column = self.reads.columns[name]
        if (wanted := self._wanted(column)) is not None:
            return [wanted]
        if column.type == "text":
            return [self.world.code(name, number) for number in range(FEW)]
        return range(self.source.vintage - FEW + 1, self.source.vintage + 1)


def _figure(kind: str, zero: bool, day: date, random: Random) -> Any:
    """A value whose sums are exact, whatever the order they are added in."""
    if kind == "date":
        return day - timedelta(days=random.randrange(4000))
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "number":
        return 0.0 if zero else random.randrange(1, 20_000) / 4
    if kind == "integer":
        return 0 if zero else random.randrange(1, 5_000)
    precision, scale = map(int, kind.removeprefix("decimal(").rstrip(")").split(","))
    return Decimal(0 if zero else random.randrange(1, 10 ** min(precision, 7))).scaleb(-scale)


def as_read(value: Any, reads: Features | Table, name: str) -> Any:
    """A value as it must be in the database: a marker is null, or 0 where it is said to be one; a
    number is the marker that equals it.
    """
    if reads.columns[name].type == "text" or isinstance(value, bool | None):
        return value
    if isinstance(value, str):
        return 0 if isinstance(reads, Table) and value in reads.zero else None
    return None if value in numbers_of(reads.missing) else value


def numbers_of(markers: Iterable[str]) -> set[float]:
    """The markers that are numbers."""
    return {float(marker) for marker in markers if re.fullmatch(r"[+-]?\d+(\.\d*)?", marker)}


def stated(source: Source, reads: Features | Table, rows: Sequence[Row]) -> dict[str, Any]:
    """What the mirror says of the rows: their number, and the true totals, different values and
    kinds of the columns for which the declaration states any.
    """
    read = {
        name: [as_read(row[name], reads, name) for row in rows]
        for name in {*source.totals, *source.distinct} & reads.columns.keys()
    }
    totals = {
        name: float(sum(value for value in read[name] if not isinstance(value, str | None)))
        for name in source.totals
        if name in read
    }
    distinct = {name: len({*read[name]} - {None}) for name in source.distinct if name in read}
    counts = {
        name: {kind: sum(row[name] == kind for row in rows) for kind in kinds}
        for name, kinds in source.counts.items()
        if name in reads.columns
    }
    found = {"totals": totals, "distinct": distinct, "counts": counts}
    return {"rows": len(rows), **{name: numbers for name, numbers in found.items() if numbers}}


def other_than(pattern: str) -> str:
    """A text that does not match a shell pattern, for the rows that `where` leaves out."""
    return next(text for text in ("0", "9", "x", "") if not fnmatchcase(text, pattern))
