"""What a sheet holds that its reader swallows: error values, formulas without a value, its extent.

A plain sheet is told by a search of its bytes; only one with something to tell is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from tasks.core.making.tables.headings import Range
from tasks.core.making.tables.workbook_parts import cell_name, column_number
from tasks.core.model.errors import SourceError

CHUNK = 1 << 20
MAX_CELLS = 64 << 20  # of the rectangle that the reader makes of a sheet, 24 bytes each
NO_VALUE = "="  # the marker of a formula whose value the workbook does not hold
ERRORS = frozenset(
    "#N/A #DIV/0! #REF! #VALUE! #NAME? #NULL! #NUM! #SPILL! #CALC! #GETTING_DATA".split()
)
KEPT = 64  # letters of a value, enough for any error's name
WIDE = re.compile(rb'r="([A-Z]{2,3})\d')
ROW = re.compile(rb'<row [^>]*?\br="(\d+)"')
EMPTY = rb"\s*(?:<v[^>]*/>|<v[^>]*>\s*</v>)?\s*</c>"
VALUELESS = [re.compile(end + EMPTY) for end in (rb"</f>", rb"<f\b[^>]*/>")]
CELL = re.compile(rb"<(?:\w+:)?c[ >]")
OVERLAP = 512  # bytes, so that nothing sought is cut
REFERENCE = re.compile(r"([A-Za-z]{1,3})([1-9]\d*)$")
ODS_TOLD = re.compile(rb'repeated="\d{4,}"')
ODS_SIGNS = (b":formula=", b'value-type="error"', b"spanned=")


@dataclass
class Census:
    """What a sheet holds, by position from 0.

    marks: the text of error values, and NO_VALUE, by column and row. merged: ranges, where the
    reader does not tell them. rows, columns: the extent of its filled cells; filled: how many.
    """

    marks: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    rows: int = 0
    columns: int = 0
    filled: int = 0

    def mark(self, row: int, column: int, text: str) -> None:
        """Keep an error value or a formula without one."""
        self.marks.setdefault(column, {})[row] = text

    def fill(self, row: int, column: int, rows: int = 1, columns: int = 1) -> None:
        """Count filled cells."""
        self.filled += rows * columns
        self.rows = max(self.rows, row + rows)
        self.columns = max(self.columns, column + columns)

    def require_bounded(self, sheet: str, label: str) -> None:
        """Raise SourceError where the cells are too far apart to be held in memory."""
        if self.rows * self.columns > MAX_CELLS:
            end = cell_name(self.rows - 1, self.columns - 1)
            raise SourceError(
                f"The sheet {sheet!r} of {label} was expected to fit in memory; its"
                f" {self.filled:,} filled cells reach to {end}, a rectangle of more than"
                f" {MAX_CELLS:,} cells: delete what stands apart from the table and hand the"
                " workbook in by the inbox."
            )


def census_of_xlsx(open_sheet: Callable[[], IO[bytes]]) -> Census:
    """Take the census of a worksheet's XML; raises ExpatError where it is damaged."""
    with open_sheet() as stream:
        if _is_plain(stream):
            return Census()
    with open_sheet() as stream:
        worksheet = _Worksheet()
        _parse(stream, worksheet)
        return worksheet.census


def census_of_ods(open_content: Callable[[], IO[bytes]]) -> dict[str, Census]:
    """Take the census of each sheet of an OpenDocument file; none if there is nothing to tell."""
    with open_content() as stream:
        if _is_plain_ods(stream):
            return {}
    sheets = _Content()
    with open_content() as stream:
        _parse(stream, sheets)
    return sheets.found


def _is_plain(stream: IO[bytes]) -> bool:
    """Tell that a worksheet has no error, no formula without value, and a small extent."""
    tail, rows, widths, formulas, start = b"", 1, {b"Z"}, False, True
    while chunk := stream.read(CHUNK):
        chunk = tail + chunk
        if start and (first := CELL.search(chunk)):
            start = False
            if not chunk.startswith(b'<c r="', first.start()):
                return False  # cells that do not name their place, or prefixed elements
        formulas = formulas or b"</f>" in chunk
        if b' t="e"' in chunk or (formulas and any(each.search(chunk) for each in VALUELESS)):
            return False
        rows = max([rows, *map(int, ROW.findall(chunk))])
        widths.update(WIDE.findall(chunk))
        tail = chunk[-OVERLAP:]
    columns = max(column_number(letters.decode()) for letters in widths) + 1
    return rows * columns <= MAX_CELLS


def _is_plain_ods(stream: IO[bytes]) -> bool:
    tail = b""
    while data := stream.read(CHUNK):
        chunk = tail + data
        if any(sign in chunk for sign in ODS_SIGNS) or ODS_TOLD.search(chunk):
            return False
        tail = chunk[-64:]
    return True


class _Worksheet:
    """Handles the elements of a worksheet, of either edition of the standard."""

    def __init__(self) -> None:
        self.census = Census()
        self._row, self._column = -1, -1
        self._kind, self._value, self._text = "", "", False
        self._formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name in {"v", "t"}:
            self._text = True
        elif name == "c":
            self._column += 1
            if place := REFERENCE.match(attributes.get("r", "")):
                self._row, self._column = int(place[2]) - 1, column_number(place[1])
            self._kind, self._value, self._formula = attributes.get("t", ""), "", False
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name in {"v", "t"}:
            self._text = False
        elif name == "c":
            if self._kind == "e":
                self.census.mark(self._row, self._column, self._value or "#VALUE!")
            elif self._formula and not self._value and self._kind != "str":
                self.census.mark(self._row, self._column, NO_VALUE)
            if self._value:
                self.census.fill(self._row, self._column)

    def text(self, data: str) -> None:
        if self._text and len(self._value) < KEPT:
            self._value += data


class _Content:
    """Handles the elements of an OpenDocument file's content, sheet by sheet."""

    def __init__(self) -> None:
        self.found: dict[str, Census] = {}
        self.census, self._is_inside = Census(), False
        self._row, self._rows, self._column, self._columns = 0, 1, 0, 1
        self._cell: dict[str, str] = {}
        self._value, self._text, self._notes = "", False, 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "table":
            self.census = self.found.setdefault(_local(attributes).get("name", ""), Census())
            self._is_inside, self._row = True, 0
        elif not self._is_inside:
            return
        elif name == "table-row":
            self._rows, self._column = _repeated(attributes, "number-rows-repeated"), 0
        elif name in {"table-cell", "covered-table-cell"}:
            self._cell, self._value = _local(attributes), ""
            self._columns = _repeated(attributes, "number-columns-repeated")
        elif name == "annotation":
            self._notes += 1
        elif name == "p":
            self._text = not self._notes

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "table":
            self._is_inside = False
        elif not self._is_inside:
            return
        elif name == "table-row":
            self._row += self._rows
        elif name in {"table-cell", "covered-table-cell"}:
            self._keep()
            self._column += self._columns
        elif name == "annotation":
            self._notes -= 1
        elif name == "p":
            self._text = False

    def text(self, data: str) -> None:
        if self._text and len(self._value) < KEPT:
            self._value += data

    def _keep(self) -> None:
        cell, row, column = self._cell, self._row, self._column
        down = int(cell.get("number-rows-spanned", 1))
        across = int(cell.get("number-columns-spanned", 1))
        if down > 1 or across > 1:
            self.census.merged.append(((row, column), (row + down - 1, column + across - 1)))
        if "value-type" in cell or self._value:
            self.census.fill(row, column, self._rows, self._columns)
        if mark := self._mark():
            for place in range(min(self._rows, 1 << 20) * min(self._columns, 1 << 14)):
                below, beside = divmod(place, self._columns)
                if place >= MAX_CELLS:
                    break
                self.census.mark(row + below, column + beside, mark)

    def _mark(self) -> str:
        has_formula, value = "formula" in self._cell, self._value.strip()
        is_error = value in ERRORS or value.startswith("Err:")
        if self._cell.get("value-type") == "error" or (has_formula and is_error):
            return value or "#VALUE!"
        return NO_VALUE if has_formula and "value-type" not in self._cell else ""


def _local(attributes: dict[str, str]) -> dict[str, str]:
    """Return attributes without their prefixes; what LibreOffice says of an error comes first."""
    local = {name.rpartition(":")[2]: value for name, value in attributes.items()}
    if "error" in (value for name, value in attributes.items() if name.endswith(":value-type")):
        local["value-type"] = "error"
    return local


def _repeated(attributes: dict[str, str], name: str) -> int:
    return int(_local(attributes).get(name, 1))


def _parse(stream: IO[bytes], handler: Any) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.ParseFile(stream)
