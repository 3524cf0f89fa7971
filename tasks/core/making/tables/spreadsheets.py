"""Sheets of XLSX, XLS and ODS workbooks, read as blocks of strings."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import itemgetter
from pathlib import Path
from struct import error as StructError
from typing import BinaryIO
from xml.parsers.expat import ExpatError

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from tasks.core.making.tables.blocks import Block
from tasks.core.making.tables.cell_texts import as_strings, written
from tasks.core.making.tables.code_formats import require_as_shown
from tasks.core.making.tables.headings import Range, find_heading, join_titles, titled
from tasks.core.making.tables.marked_cells import MarkedCells
from tasks.core.making.tables.merged_cells import MergedCells
from tasks.core.making.tables.ods_census import census_of_ods
from tasks.core.making.tables.sheet_census import Census, census_of_xlsx
from tasks.core.making.tables.workbook_parts import CONTENT, DAMAGED, Parts, with_sound_dimension
from tasks.core.making.tables.xls_census import census_of_xls
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError, Damaged, SourceError

ROWS = 5_000
UNKNOWN_ERROR = "cell error value"  # what the library says of #SPILL! and #GETTING_DATA


class Spreadsheet:
    """A sheet whose headings have been read; held in memory, as its format requires (1M rows).

    Hidden rows and columns are data. Error values and formulas without a value are looked for in
    XLSX, ODS and XLS; merged cells are those that the file states.
    """

    rows_are = "row"
    blank = 0
    notes: tuple[tuple[int, str], ...] = ()

    def __init__(self, path: Path, reads: Table, label: str) -> None:
        self._path, self._reads, self._label = path, reads, label
        _require_known(reads)
        sheet, self._census = _open_sheet(path, reads, label)
        self._sheet, self._left = sheet.name, sheet.start[1] if sheet.start else 0
        self._ranges = _ranges(sheet, self._census, self._left)
        self._rows = sheet.iter_rows()
        self._first_row = max(reads.header_rows) + reads.skip_rows_after_header
        rows = islice(self._rows, self._first_row)
        head = [[written(cell, "", ".") or "" for cell in row] for row in rows]
        if len(head) < max(reads.header_rows):
            raise SourceError(
                f"The sheet {sheet.name!r} of {label} was expected to have its headings on row"
                f" {max(reads.header_rows)}; it has {len(head)} rows: declare the sheet and the"
                " header rows it has now."
            )
        self.headings = join_titles(titled(head, self._ranges, reads.header_rows))

    def blocks(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        first = self._first_row
        where = (self._sheet, self._label, self._left)
        names = self._names()
        self._require_codes_as_shown(
            {index: name for index, name in names.items() if index in wanted}
        )
        named = {index: names.get(index, self.headings[index]) for index in wanted}
        data = [each for each in self._ranges if each[1][0] >= first]
        merged = MergedCells(data, named, self._reads.merged, where)
        marked = MarkedCells(self._census.marks, self._reads, self.headings, where)
        kinds = {index: wanted[index] for index in names if index in wanted}
        while rows := list(islice(self._rows, ROWS)):
            columns = {*wanted, *merged.origins}
            held = {index: list(map(itemgetter(index), rows)) for index in columns}
            merged.fill(held, first)
            cells = {}
            for index, kind in wanted.items():
                marks = marked.texts(index, kind, first, len(rows))
                cells[index] = as_strings(held[index], kind, self._reads.decimal_point, marks)
            block = Block(
                cells,
                lambda row, first=first: first + row + 1,  # type: ignore[misc]
                lambda picked, rows=rows: [  # type: ignore[misc]
                    [written(cell, "text", ".") or "" for cell in rows[row]] for row in picked
                ],
            )
            marked.require_sound(block, held, first, kinds)
            yield block
            first += len(rows)
        marked.require_none_after(first, wanted)

    def _require_codes_as_shown(self, names: Mapping[int, str]) -> None:
        columns = {index: self._reads.columns[name] for index, name in names.items()}
        codes = {
            index: column.names
            for index, column in columns.items()
            if column.type == "text" and not column.widths
        }
        require_as_shown(self._path, self._label, self._sheet, self._left, codes)

    def _names(self) -> dict[int, str]:
        """Return the declared name of each column that is not wanted for a filter only."""
        found: dict[int, str] = {}
        for target, column in self._reads.columns.items():
            names = [(name,) for name in column.names] if column.widths else [column.names]
            places = (find_heading(each, self.headings, self._label) for each in names)
            found |= {place: target for place in places if place is not None}
        return found


def _open_sheet(path: Path, reads: Table, label: str) -> tuple[CalamineSheet, Census]:
    try:
        # A file's kind is told by its bytes; a path's by an ending that is sometimes wrong.
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                file.seek(0)
                book = CalamineWorkbook.from_filelike(file)
                name = _sheet_name(book, reads.sheet, label)
                file.seek(0)
                census = census_of_xls(file, book.sheet_names.index(name))
                return book.get_sheet_by_name(name), census
            return _open_zipped(Parts(file, label), file, reads.sheet)
    except PasswordError:
        raise SourceError(
            f"The workbook {label} is encrypted, while open data have no password: look at what the"
            " publisher sent."
        ) from None
    except (CalamineError, ExpatError, StructError, *DAMAGED) as error:
        if UNKNOWN_ERROR in str(error):
            raise SourceError(
                f"The cells of {label} were expected to hold values; {error}, which is not read:"
                " replace it in an office program and hand the workbook in by the inbox."
            ) from None
        raise Damaged(
            f"The workbook {label} cannot be read ({error}): it is damaged; download it again."
        ) from None


def _open_zipped(parts: Parts, file: BinaryIO, wanted: str | None) -> tuple[CalamineSheet, Census]:
    """Take the census of a sheet before the library makes a rectangle of it in memory.

    Of an OpenDocument file the library makes those of all sheets as it opens it.
    """
    counted = census_of_ods(lambda: parts.open(CONTENT)) if parts.is_ods else {}
    for sheet, census in counted.items():
        census.require_sound(sheet, parts.label)
    file.seek(0)
    book = CalamineWorkbook.from_filelike(file)
    name = _sheet_name(book, wanted, parts.label)
    part = parts.sheet(name)
    if part is None or parts.is_ods:
        return book.get_sheet_by_name(name), counted.get(name, Census())
    census = census_of_xlsx(lambda: parts.open(part))
    census.require_sound(name, parts.label)
    sound = with_sound_dimension(parts, part, file)
    if sound is not file:
        book = CalamineWorkbook.from_filelike(sound)
    return book.get_sheet_by_name(name), census


def _sheet_name(book: CalamineWorkbook, wanted: str | None, label: str) -> str:
    """Return the sheet declared, or the first one with cells that is shown."""
    charts = [each.name for each in book.sheets_metadata if each.typ is SheetTypeEnum.ChartSheet]
    names = [name for name in book.sheet_names if name not in charts]
    if wanted is None and names:
        visible = SheetVisibleEnum.Visible
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible is visible]
        return next((name for name in shown if name in names), names[0])
    found = [name for name in names if name == wanted]
    found = found or [name for name in names if _loosely(name) == _loosely(wanted or "")]
    if len(found) != 1:
        offered = ", ".join(map(repr, names)) or "no sheet of cells"
        raise SourceError(
            f"The workbook {label} was expected to have the sheet {wanted or 'of the table'!r};"
            f" it has {offered}: declare the one it is now."
        )
    return found[0]


def _ranges(sheet: CalamineSheet, census: Census, left: int) -> list[Range]:
    """Return the merged ranges by position in the rows, whose empty left columns are omitted."""
    ranges = sheet.merged_cell_ranges or census.merged
    return [((top, start - left), (low, end - left)) for (top, start), (low, end) in ranges]


def _require_known(reads: Table) -> None:
    if unknown := [name for name in reads.merged if name not in reads.columns]:
        raise ConfigurationError(
            f"The merged column {', '.join(unknown)} of a table is not among its declared columns,"
            f" {', '.join(reads.columns)}: declare it, or correct its name."
        )


def _loosely(name: str) -> str:
    return re.sub(r"\s+", " ", name).strip().casefold()
