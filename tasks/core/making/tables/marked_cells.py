"""Cells of a sheet that are no values: errors such as #N/A, formulas without one, spoilt codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks.core.making.tables.blocks import Block, keep_like
from tasks.core.making.tables.cell_texts import are_kept, wrong_amount, wrong_code
from tasks.core.making.tables.headings import find_heading
from tasks.core.making.tables.sheet_census import NO_VALUE
from tasks.core.making.tables.workbook_parts import cell_name
from tasks.core.model.declarations import Table
from tasks.core.model.errors import SourceError

Marks = Mapping[int, Mapping[int, str]]
_FAULTS = {"text": wrong_code, "decimal": wrong_amount}  # by the declared type


class MarkedCells:
    """What the census found in a sheet, handed on as text where `missing` or `zero` declares it.

    Raises SourceError, naming the cell, where it does not; but not in rows that `where` leaves out.
    """

    def __init__(
        self, marks: Marks, reads: Table, headings: Sequence[str], where: tuple[str, str, int]
    ) -> None:
        self._sheet, self._label, self._left = where
        self._marks = {column - self._left: dict(sorted(marks[column].items())) for column in marks}
        self._declared = {marker.strip() for marker in (*reads.missing, *reads.zero)}
        places = {find_heading((n,), headings, self._label): p for n, p in reads.where.items()}
        self._filters = {place: p for place, p in places.items() if place is not None}

    def texts(self, index: int, kind: str, first: int, rows: int) -> dict[int, str | None]:
        """Return what stands in rows of a block; a declared marker among codes is no code."""
        marks = self._marks.get(index, {})
        found = (
            (row, marks[first + row]) for row in range(rows if marks else 0) if first + row in marks
        )
        is_text = kind == "text"
        return {row: None if is_text and text in self._declared else text for row, text in found}

    def require_sound(
        self, block: Block, held: Mapping[int, list[Any]], first: int, kinds: Mapping[int, str]
    ) -> None:
        """Raise SourceError at the first cell, of a row that is kept, that cannot be read."""
        faults = sorted([*self._undeclared(block, first), *_spoilt(held, first, kinds)])
        if not faults:
            return
        kept = keep_like(block, self._filters)
        lines = {kept.line(row) for row in range(len(kept))}
        for row, column, fault in faults:
            if row + 1 in lines:
                raise self._refused(row, column, fault)

    def require_none_after(self, end: int, wanted: Mapping[int, str]) -> None:
        """Raise SourceError at a formula without value below the rows that hold any value."""
        for index in wanted:
            for row, text in self._marks.get(index, {}).items():
                if row >= end and text not in self._declared:
                    raise self._refused(row, index, text)

    def _undeclared(self, block: Block, first: int) -> Iterator[tuple[int, int, str]]:
        for index in block.cells:
            marks = self._marks.get(index, {})
            for row in range(first, first + len(block) if marks else first):
                if marks.get(row, "") not in {"", *self._declared}:
                    yield row, index, marks[row]

    def _refused(self, row: int, index: int, fault: str) -> SourceError:
        name = cell_name(row, index + self._left)
        where = f"the cell {name} of the sheet {self._sheet!r} of {self._label}"
        if fault == NO_VALUE:
            return SourceError(
                f"A value was expected in {where}; it has a formula whose value the workbook does"
                " not hold: open and save it in an office program and hand it in by the inbox, or"
                f" declare {NO_VALUE!r} in `missing` with the reason."
            )
        if fault.startswith(("#", "Err:")):
            return SourceError(
                f"A value was expected in {where}; it has the error {fault}: declare {fault!r} in"
                " `missing` with the reason."
            )
        if fault.startswith("the amount"):
            return SourceError(
                f"An amount kept exactly was expected in {where}; it has {fault}: declare the"
                " column as a number, which need not be exact."
            )
        return SourceError(
            f"A code kept as text was expected in {where}; it has {fault}: declare the column's"
            " type, or ask the publisher for a file that keeps codes as text."
        )


def _spoilt(
    held: Mapping[int, list[Any]], first: int, kinds: Mapping[int, str]
) -> Iterator[tuple[int, int, str]]:
    for index, kind in kinds.items():
        fault_of = _FAULTS.get(kind.partition("(")[0])
        if not fault_of or are_kept(held[index], set(map(type, held[index])), kind):
            continue
        for row, cell in enumerate(held[index]):
            if type(cell) is not str and (fault := fault_of(cell)):
                yield first + row, index, fault
                break
