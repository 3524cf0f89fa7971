"""Fullness: whether a series has a year, and has it as whole as the year before."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tasks.core.making.tables.tabular import Figures
from tasks.core.model.declarations import Table

AS_FULL = 0.98  # of the values of a column in the year before; areas that merge are fewer


def is_as_full(path: Path, later: Table, earlier: Table, label: str) -> bool:
    """Tell whether the rows of a year are there, and each column about as full as a year before.

    later, earlier: how the rows of either are read, by another `where`. The newest year of a series
    is often there in part.
    """
    found, before = _known(path, later, label), _known(path, earlier, label)
    return any(found.values()) and all(
        found[column] >= AS_FULL * known for column, known in before.items()
    )


def _known(path: Path, reads: Table, label: str) -> Counter[str]:
    """Count the values of each column that are known."""
    known: Counter[str] = Counter()
    for batch in Figures(path, reads, label).batches():
        for column in reads.columns:
            cells = batch.column(column)
            known[column] += len(cells) - cells.null_count
    return known
