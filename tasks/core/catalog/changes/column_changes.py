"""Columns: those that came, went or changed type, their totals, and how much of them is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes import bounds
from tasks.core.catalog.changes.compared_layers import Column, Layer, Pair
from tasks.core.catalog.changes.differences import Change, figure, per_cent, plain
from tasks.core.catalog.changes.statements import SELECT_FIGURES
from tasks.core.catalog.changes.trends import Trends


@dataclass(frozen=True)
class Figures:
    """What one scan of a layer gives: rows, values that are there, and totals, by column."""

    rows: int
    filled: Mapping[str, int]
    totals: Mapping[str, Any]

    def missing(self, column: str) -> float:
        """Return the share of rows without a value; of a layer without rows, none."""
        return 1 - self.filled[column] / self.rows if self.rows else 0.0


def figures(cursor: Cursor, layer: Layer) -> Figures:
    """Count and add up all columns of a layer in one scan."""
    names = [*layer.columns]
    summed = [name for name, column in layer.columns.items() if column.summed]
    wanted = [sql.SQL("count({})").format(sql.Identifier("t", name)) for name in names]
    wanted += [sql.SQL("sum({})").format(sql.Identifier("t", name)) for name in summed]
    query = sql.SQL(SELECT_FIGURES).format(figures=sql.SQL(", ").join(wanted), table=layer.table)
    cursor.execute(query)
    rows, *found = cursor.fetchall()[0]
    filled, totals = found[: len(names)], found[len(names) :]
    return Figures(
        rows, dict(zip(names, filled, strict=True)), dict(zip(summed, totals, strict=True))
    )


def of_columns(pair: Pair) -> list[Change]:
    """Tell which columns are new, and which are gone or of another type, which nobody expects."""
    old, new = pair.before.columns, pair.after.columns
    return [
        *(_of_column(pair, old[name], None) for name in old if name not in new),
        *(_of_column(pair, None, new[name]) for name in new if name not in old),
        *(
            _of_column(pair, old[name], new[name])
            for name in pair.common
            if old[name].data_type != new[name].data_type
        ),
    ]


def _of_column(pair: Pair, old: Column | None, new: Column | None) -> Change:
    name = (new or old).name  # type: ignore[union-attr]
    before, after = (each.data_type if each else "" for each in (old, new))
    where = f"{pair.after.name}.{name}"
    edition = pair.before.edition
    if old is None:
        said = f"The column {where} ({after}) is new: {edition} does not have it."
    elif new is None:
        said = f"The column {where} ({before}) of {edition} is gone, and was expected again."
    else:
        said = f"The column {where} is of type {after}, and {before} was expected, as in {edition}."
    return Change(
        layer=pair.after.name,
        measure="columns",
        subject=name,
        before=before,
        after=after,
        expected=before,
        within=None if old is None else False,
        sentence=said,
    )


def of_missing(pair: Pair, before: Figures, after: Figures, new_codes: int = 0) -> list[Change]:
    """Tell and judge how much is missing of each column of which something is or was missing.

    new_codes: those that took the place of others, which figures of earlier days cannot know.
    """
    if not before.rows or not after.rows:
        return []
    rise = bounds.MISSING_RISE + new_codes / after.rows
    shares = {name: (before.missing(name), after.missing(name)) for name in pair.common}
    return [_of_missing(pair, name, *told, rise) for name, told in shares.items() if any(told)]


def _of_missing(pair: Pair, column: str, before: float, after: float, rise: float) -> Change:
    most = min(1.0, before + rise)
    emptied = after >= 1 and before < bounds.ALMOST_ALL
    told = "every value" if emptied else f"{after:.2%} of the values"
    expected = "some values" if emptied and most >= 1 else f"at most {most:.2%}"
    return Change(
        layer=pair.after.name,
        measure="missing",
        subject=column,
        before=f"{before:.2%}",
        after=f"{after:.2%}",
        expected=expected,
        within=not emptied and after <= most + 1e-9,
        sentence=(
            f"{pair.after.name}.{column} lacks {told}, and {before:.2%} in {pair.before.edition};"
            f" {expected} {'were' if expected == 'some values' else 'was'} expected."
        ),
    )


def of_totals(pair: Pair, before: Figures, after: Figures, trends: Trends) -> list[Change]:
    """Tell and judge the total of each column that is added up in both editions."""
    names = [name for name in before.totals if name in after.totals]
    units = {name: pair.before.columns[name].unit for name in names}
    wholes: dict[str, float] = {}
    for name in names:
        wholes[units[name]] = max(wholes.get(units[name], 0.0), _number(before.totals[name]))
    changes = []
    for name in names:
        old = before.totals[name]
        trend = trends.of_total(pair.after.name, name, pair.before.edition.vintage, _number(old))
        expected = _expected(units[name], old, trend, pair.years, wholes[units[name]])
        changes.append(_of_total(pair, name, old, after.totals[name], expected))
    return changes


def _number(total: Any) -> float:
    return 0.0 if total is None else float(total)


def _expected(
    unit: str, before: Any, trend: float, years: int, whole: float
) -> bounds.Range | None:
    """Return what is expected of a total; the largest of a unit is the whole of the others."""
    total = _number(before)
    if not whole or before is None:
        return None
    band = bounds.UNITS.get(unit, bounds.COUNTS)
    if band is bounds.GROUND:
        return bounds.expected(total, band, trend, years)
    if unit == "persons" and total == whole:
        return bounds.expected(total, band, trend, years)
    part = bounds.PARTS if total < whole else band
    return bounds.expected_of_part(total, part, trend, years, whole)


def _of_total(
    pair: Pair, column: str, before: Any, after: Any, expected: bounds.Range | None
) -> Change:
    unit = pair.after.columns[column].unit
    old, new = (
        f"{figure(each)} {unit}" if each is not None else "none" for each in (before, after)
    )
    grown = "" if before is None or after is None else per_cent(before, after)
    hoped = f"{expected} were expected" if expected else "nothing says what to expect"
    return Change(
        layer=pair.after.name,
        measure="total",
        subject=column,
        before=plain(before),
        after=plain(after),
        expected=str(expected or ""),
        within=(after is not None and expected.has(float(after))) if expected else None,
        sentence=(
            f"The total of {pair.after.name}.{column} is {new}, and {old} in"
            f" {pair.before.edition}{grown}; {hoped}."
        ),
    )
