"""Leaps: rows whose figure is suddenly another one, as where a part of a file is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes import bounds
from tasks.core.catalog.changes.column_changes import Figures
from tasks.core.catalog.changes.compared_layers import Pair
from tasks.core.catalog.changes.differences import Change, named
from tasks.core.catalog.changes.statements import SELECT_LEAPS


def of_leaps(cursor: Cursor, pair: Pair, before: Figures, after: Figures) -> list[Change]:
    """Tell and judge what share of a total is in rows whose figure leapt.

    Of each unit the column with the largest total is looked at, where single rows can be compared.
    """
    return [_of_column(cursor, pair, column) for column in _wholes(pair, before, after)]


def _wholes(pair: Pair, before: Figures, after: Figures) -> Iterator[str]:
    units: dict[str, str] = {}
    for name, total in before.totals.items() if pair.by_row else ():
        unit = pair.before.columns[name].unit
        if unit in bounds.GROUND_UNITS or not total or not after.totals.get(name):
            continue
        if unit not in units or total > before.totals[units[unit]]:
            units[unit] = name
    yield from units.values()


def _of_column(cursor: Cursor, pair: Pair, column: str) -> Change:
    query = sql.SQL(SELECT_LEAPS).format(
        old=sql.Identifier("o", column),
        new=sql.Identifier("n", column),
        key=pair.key_text("n"),
        before=pair.before.table,
        after=pair.after.table,
        joined=pair.joined(),
        leap=sql.Literal(bounds.LEAP),
        deviations=sql.Literal(bounds.DEVIATIONS),
        least=sql.Literal(bounds.LEAST_LEAP),
        named=sql.Literal(bounds.NAMED),
    )
    cursor.execute(query)
    share, count, keys = cursor.fetchall()[0]
    share, within = float(share or 0), float(share or 0) <= bounds.LEAPING
    which = f": {named(keys, count)}" if count else ""
    return Change(
        layer=pair.after.name,
        measure="leaps",
        subject=column,
        before="0",
        after=f"{share:.2%}",
        expected=f"at most {bounds.LEAPING:.2%}",
        within=within,
        sentence=(
            f"{count:,} {'row' if count == 1 else 'rows'} with {share:.2%} of"
            f" {pair.after.name}.{column} {'differs' if count == 1 else 'differ'} by more than"
            f" {bounds.LEAP:.0%} from {pair.before.edition}{which}; at most {bounds.LEAPING:.2%}"
            " was expected."
        ),
    )
