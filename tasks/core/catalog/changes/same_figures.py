"""Same figures: whether what should be of another year is the file of the year before."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes import bounds
from tasks.core.catalog.changes.column_changes import Figures
from tasks.core.catalog.changes.compared_layers import Pair
from tasks.core.catalog.changes.differences import Change
from tasks.core.catalog.changes.statements import SELECT_SAME_FIGURES


def of_same_figures(
    cursor: Cursor, pair: Pair, before: Figures, after: Figures, renewed: set[str]
) -> list[Change]:
    """Tell and judge what share of a total is in rows whose figure is that of the edition before.

    Of each source that both editions have of different days (renewed) the column with the largest
    total is looked at, where single rows can be compared; small figures say nothing. So a file
    under a new name is told also where borders, other figures or a few rows are new.
    """
    if not pair.by_row or pair.before.edition.vintage == pair.after.edition.vintage:
        return []
    wholes = _wholes(pair, before, after, renewed)
    return [_of_column(cursor, pair, source, column) for source, column in wholes]


def _wholes(
    pair: Pair, before: Figures, after: Figures, renewed: set[str]
) -> Iterator[tuple[str, str]]:
    found: dict[str, str] = {}
    for name, total in after.totals.items():
        column = pair.after.columns[name]
        source = column.origin.split(".")[0]
        if source not in renewed or column.unit in bounds.GROUND_UNITS:
            continue
        if not total or not before.totals.get(name):
            continue
        if source not in found or total > after.totals[found[source]]:
            found[source] = name
    yield from found.items()


def _of_column(cursor: Cursor, pair: Pair, source: str, column: str) -> Change:
    query = sql.SQL(SELECT_SAME_FIGURES).format(
        old=sql.Identifier("o", column),
        new=sql.Identifier("n", column),
        before=pair.before.table,
        after=pair.after.table,
        joined=pair.joined(),
        telling=sql.Literal(bounds.TELLING),
    )
    cursor.execute(query)
    share, same, common = cursor.fetchall()[0]
    within = float(share) <= bounds.IDENTICAL
    looks = "" if within else f": {source} looks like the file of the year before under a new name"
    return Change(
        layer=pair.after.name,
        measure="keys",
        subject="same",
        before=f"{common}",
        after=f"{same}",
        expected=f"at most {bounds.IDENTICAL:.0%} of the total",
        within=within,
        sentence=(
            f"{same:,} of {common:,} common rows of {bounds.TELLING} or more, with"
            f" {float(share):.2%} of {pair.after.name}.{column}, have the figure of"
            f" {pair.before.edition}; at most {bounds.IDENTICAL:.0%} was expected of figures of"
            f" another day{looks}."
        ),
    )
