"""Trends: the figures of earlier editions shown, from which those of the next are expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.core.catalog.changes.bounds import EARLIER, growth
from tasks.core.catalog.changes.compared_layers import Compared
from tasks.core.catalog.changes.statements import SELECT_EARLIER_ROWS, SELECT_EARLIER_TOTALS
from tasks.core.postgres.database import Database

Series = list[tuple[int, float]]  # vintage and figure, the newest first


@dataclass(frozen=True)
class Trends:
    """Figures of the vintages before an edition: rows by layer, totals by layer and column."""

    rows: Mapping[str, Series]
    totals: Mapping[tuple[str, str], Series]

    def of_rows(self, layer: str, vintage: int, rows: float) -> float:
        """Return the growth of a layer's rows a year, up to a vintage, as a share."""
        return _growth(self.rows.get(layer, []), vintage, rows)

    def of_total(self, layer: str, column: str, vintage: int, total: float) -> float:
        """Return the growth of a column's total a year, up to a vintage, as a share."""
        return _growth(self.totals.get((layer, column), []), vintage, total)


def trends(database: Database, before: Compared) -> Trends:
    """Return what is known of the vintages before an edition, as far as they are shown."""
    edition = {"dataset": before.dataset, "number": before.number}
    rows: dict[str, Series] = {}
    for layer, vintage, count in database.records(SELECT_EARLIER_ROWS, **edition):
        rows.setdefault(layer, []).append((vintage, float(count)))
    totals: dict[tuple[str, str], Series] = {}
    for layer, column, vintage, total in database.records(SELECT_EARLIER_TOTALS, **edition):
        totals.setdefault((layer, column), []).append((vintage, float(total)))
    return Trends(rows, totals)


def _growth(earlier: Series, vintage: int, figure: float) -> float:
    return growth([*reversed(earlier[: EARLIER - 1]), (vintage, figure)])
