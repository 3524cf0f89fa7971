"""What a sheet holds that its reader swallows: error values, formulas without a value, its extent.

A plain sheet is told by a search of its bytes; only one with something to tell is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from tasks.core.making.tables.cell_order import Order
from tasks.core.making.tables.headings import Range
from tasks.core.making.tables.workbook_parts import cell_name, column_number
from tasks.core.model.errors import SourceError

CHUNK = 1 << 20
MAX_CELLS = 64 << 20  # of the rectangle that the reader makes of a sheet, 24 bytes each
NO_VALUE = "="  # the marker of a formula whose value the workbook does not hold
KEPT = 64  # letters of a value, enough for any error's name
EMPTY = rb"\s*(?:<v[^>]*/>|<v[^>]*>\s*</v>)?\s*</c>"
VALUELESS = [re.compile(end + EMPTY) for end in (rb"</f\s*>", rb"<f\b[^>]*/>")]
CELL = re.compile(rb"<(?:\w+:)?c[ >]")
OVERLAP = 512  # bytes, so that nothing sought is cut
ROW = re.compile(r"[1-9]\d*$")
REFERENCE = re.compile(r"([A-Za-z]{1,3})([1-9]\d*)$")


@dataclass
class Census:
    """What a sheet holds, by position from 0.

    marks: the text of error values, and NO_VALUE, by column and row. merged: ranges, where the
    reader does not tell them. rows, columns: the extent of its filled cells; filled: how many.
    disorder: the first cell or row that states a place at or before that of another before it.
    """

    marks: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    rows: int = 0
    columns: int = 0
    filled: int = 0
    disorder: str = ""

    def mark(self, row: int, column: int, text: str) -> None:
        """Keep an error value or a formula without one."""
        self.marks.setdefault(column, {})[row] = text

    def fill(self, row: int, column: int, rows: int = 1, columns: int = 1) -> None:
        """Count filled cells."""
        self.filled += rows * columns
        self.rows = max(self.rows, row + rows)
        self.columns = max(self.columns, column + columns)

    def require_sound(self, sheet: str, label: str) -> None:
        """Raise SourceError on places stated twice, or cells too far apart to be held in memory."""
        if self.disorder:
            raise SourceError(
                f"The sheet {sheet!r} of {label} was expected to state each row and cell once, in"
                f" order; {self.disorder} stands twice or behind a later one, so that one would"
                " replace the other: have the publisher mend it, or number the rows of its XML"
                " anew and hand the workbook in by the inbox."
            )
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
        parse(stream, worksheet)
        return worksheet.census


def _is_plain(stream: IO[bytes]) -> bool:
    """Tell that a worksheet has no error, no formula without value, a small extent and order."""
    order, formulas, start = Order(), False, True
    for part in _parts(stream):
        if start and (first := CELL.search(part)):
            start = False
            if not part.startswith(b'<c r="', first.start()):
                return False  # cells that do not name their place, or prefixed elements
        formulas = formulas or b"<f" in part
        if b' t="e"' in part or (formulas and any(each.search(part) for each in VALUELESS)):
            return False
        if not order.follow(part):
            return False
    return order.rows * order.columns <= MAX_CELLS


def _parts(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a worksheet's XML, divided where a row or a cell begins."""
    held = b""
    while chunk := stream.read(CHUNK):
        held += chunk
        if (end := max(held.rfind(b"<c "), held.rfind(b"<row"))) > 0:
            yield held[:end]
            held = held[end:]
        elif len(held) > CHUNK:  # what follows the cells
            yield held
            held = held[-OVERLAP:]
    yield held


class _Worksheet:
    """Handles the elements of a worksheet, of either edition of the standard."""

    def __init__(self) -> None:
        self.census = Census()
        self._row, self._column = -1, -1
        self._last = (-1, -1)  # row and cell
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
            self._follow(self._row, self._column, cell_name(self._row, self._column))
            self._kind, self._value, self._formula = attributes.get("t", ""), "", False
        elif name == "f":
            self._formula = True
        elif name == "row":
            stated = ROW.match(attributes.get("r", ""))
            self._row = int(stated[0]) - 1 if stated else self._row + 1
            self._column = -1
            if stated:
                self._follow(self._row, -1, f"row {self._row + 1}")

    def _follow(self, row: int, column: int, name: str) -> None:
        if (row, column) <= self._last:
            self.census.disorder = self.census.disorder or name
        self._last = (row, column)

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


def parse(stream: IO[bytes], handler: Any) -> None:
    """Hand the elements of a stream of XML to a handler; raises ExpatError where it is damaged."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.ParseFile(stream)
