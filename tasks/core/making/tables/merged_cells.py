"""Merged cells among the rows of a sheet: filled where declared, refused elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.making.tables.headings import Range
from tasks.core.making.tables.workbook_parts import cell_name
from tasks.core.model.errors import SourceError

Columns = dict[int, list[Any]]


class MergedCells:
    """The merged ranges that touch the wanted columns, block after block.

    ranges: by position in the rows as read, both ends included. names: the declared name of each
    wanted column; filled: those to fill. left: columns that the reader leaves out.
    """

    def __init__(
        self,
        ranges: Sequence[Range],
        names: Mapping[int, str],
        filled: Sequence[str],
        where: tuple[str, str, int],
    ) -> None:
        self._names, self._filled, self._where = names, set(filled), where
        touching = (each for each in ranges if self._columns(each))
        self._ranges = sorted(touching, key=lambda each: each[0][0])
        self._values: dict[Range, Any] = {}

    @property
    def origins(self) -> set[int]:
        """The columns that hold the values of ranges, wanted or not."""
        return {left for (_, left), _ in self._ranges}

    def fill(self, cells: Columns, first: int) -> None:
        """Fill the block that begins at row `first`; raises SourceError at an undeclared range."""
        rows = len(next(iter(cells.values())))
        for each in self._ranges:
            (top, left), (bottom, _) = each
            if top >= first + rows:
                break
            if bottom < first:
                continue
            inside = range(max(top, first) - first, min(bottom, first + rows - 1) - first + 1)
            columns = self._columns(each)
            if all(self._names[column] in self._filled for column in columns):
                self._fill(cells, each, inside, first)
            elif (top, [left]) != (bottom, columns) and not self._is_apart(cells, columns, inside):
                raise self._refused(each, columns)
        self._ranges = [each for each in self._ranges if each[1][0] >= first + rows]

    def _fill(self, cells: Columns, each: Range, inside: range, first: int) -> None:
        (top, left), _ = each
        columns = self._columns(each)
        if top >= first:
            self._values[each] = cells[left][top - first]
        for column in columns:
            for row in inside:
                cells[column][row] = self._values.get(each, cells[column][row])

    def _columns(self, each: Range) -> list[int]:
        (_, left), (_, right) = each
        return [column for column in self._names if left <= column <= right]

    def _is_apart(self, cells: Columns, columns: Sequence[int], inside: range) -> bool:
        """Tell that nothing else stands in these rows: a title or a note, not data."""
        others = [column for column in self._names if column not in columns]
        return not any(str(cells[column][row]).strip() for column in others for row in inside) and (
            bool(others) or len(columns) > 1
        )

    def _refused(self, each: Range, columns: Sequence[int]) -> SourceError:
        sheet, label, left = self._where
        (top, start), (bottom, end) = each
        said = f"{cell_name(top, start + left)}:{cell_name(bottom, end + left)}"
        names = ", ".join(self._names[column] for column in columns)
        return SourceError(
            f"The sheet {sheet!r} of {label} was expected to have one cell a value; {said} is"
            f" merged, in {names}: declare the column in `merged` if its cell holds for every"
            " row or column that it covers."
        )
