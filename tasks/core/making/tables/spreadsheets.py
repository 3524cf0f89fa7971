"""Sheets of XLSX, XLS and ODS workbooks, read as blocks of strings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetVisibleEnum,
)

from tasks.core.making.tables.blocks import Block
from tasks.core.making.tables.headings import carry_titles, fill_merged, join_titles
from tasks.core.model.declarations import Table
from tasks.core.model.errors import SourceError

ROWS = 10_000
WHOLE_NUMBERS_END = 1e15  # a spreadsheet keeps fifteen digits


class Spreadsheet:
    """A sheet whose headings have been read; held in memory, as its format requires (1M rows)."""

    rows_are = "row"
    blank = 0
    notes: tuple[tuple[int, str], ...] = ()

    def __init__(self, path: Path, reads: Table, label: str) -> None:
        self._point = reads.decimal_point
        sheet = _open_sheet(path, reads, label)
        self._rows = sheet.iter_rows()
        self._first_row = max(reads.header_rows) + reads.skip_rows_after_header
        rows = islice(self._rows, self._first_row)
        head = [[written(cell, "text", ".") or "" for cell in row] for row in rows]
        if len(head) < max(reads.header_rows):
            raise SourceError(
                f"The sheet {sheet.name!r} of {label} was expected to have its headings on row"
                f" {max(reads.header_rows)}; it has {len(head)} rows: declare the sheet and the"
                " header rows it has now."
            )
        self.headings = _headings(head, sheet, reads.header_rows)

    def blocks(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        first = self._first_row
        while rows := list(islice(self._rows, ROWS)):
            cells = {}
            for index, kind in wanted.items():
                texts = [written(row[index], kind, self._point) for row in rows]
                cells[index] = pa.array(texts, pa.string())
            yield Block(
                cells,
                lambda row, first=first: first + row + 1,  # type: ignore[misc]
                lambda picked, rows=rows: [  # type: ignore[misc]
                    [written(cell, "text", ".") or "" for cell in rows[row]] for row in picked
                ],
            )
            first += len(rows)


def written(cell: Any, kind: str, point: str) -> str | None:
    """Write a cell as text: codes without ".0", dates as 2025-12-31, None for an empty one.

    kind: the declared type; an amount has the fifteen digits a spreadsheet shows, a number every
    digit it holds.
    """
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < WHOLE_NUMBERS_END:
            return str(int(cell))
        number = f"{cell:.15g}" if kind.startswith("decimal") else repr(cell)
        return number if kind == "text" or point == "." else number.replace(".", point)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _open_sheet(path: Path, reads: Table, label: str) -> CalamineSheet:
    try:
        # A file's kind is told by its bytes; a path's by an ending that is sometimes wrong.
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
            return book.get_sheet_by_name(_sheet_name(book, reads.sheet, label))
    except PasswordError:
        raise SourceError(
            f"The workbook {label} is encrypted, while open data have no password: look at what the"
            " publisher sent."
        ) from None
    except CalamineError as error:
        raise SourceError(
            f"The workbook {label} cannot be read ({error}): it is damaged; download it again."
        ) from None


def _sheet_name(book: CalamineWorkbook, wanted: str | None, label: str) -> str:
    """Return the sheet declared, or the first one that is shown."""
    if wanted is None:
        visible = SheetVisibleEnum.Visible
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible is visible]
        return (shown or book.sheet_names)[0]
    if wanted in book.sheet_names:
        return wanted
    found = [name for name in book.sheet_names if _loosely(name) == _loosely(wanted)]
    if not found:
        offered = ", ".join(map(repr, book.sheet_names))
        raise SourceError(
            f"The workbook {label} was expected to have the sheet {wanted!r}; it has {offered}:"
            " declare the one it is now."
        )
    return found[0]


def _headings(
    head: list[list[str]], sheet: CalamineSheet, header_rows: tuple[int, ...]
) -> list[str]:
    """Return the headings, known merges filled; the reader omits empty columns at the left."""
    left = sheet.start[1] if sheet.start else 0
    ranges = [
        ((top, start - left), (bottom, end - left))
        for (top, start), (bottom, end) in sheet.merged_cell_ranges or ()
    ]
    is_known = any(top < row <= last + 1 for (top, _), (last, _) in ranges for row in header_rows)
    rows = [fill_merged(head, ranges)[number - 1] for number in header_rows]
    return join_titles(rows if is_known else carry_titles(rows))


def _loosely(name: str) -> str:
    return re.sub(r"\s+", " ", name).strip().casefold()
