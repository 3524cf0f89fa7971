"""What the sheets of an OpenDocument file hold that their reader swallows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import IO

from tasks.core.making.tables.sheet_census import (
    CHUNK,
    KEPT,
    MAX_CELLS,
    NO_VALUE,
    Census,
    parse,
)

ERRORS = frozenset(
    "#N/A #DIV/0! #REF! #VALUE! #NAME? #NULL! #NUM! #SPILL! #CALC! #GETTING_DATA".split()
)
ODS_TOLD = re.compile(rb'repeated="\d{4,}"')
ODS_SIGNS = (b":formula=", b'value-type="error"', b"spanned=")


def census_of_ods(open_content: Callable[[], IO[bytes]]) -> dict[str, Census]:
    """Take the census of each sheet of an OpenDocument file; none if there is nothing to tell."""
    with open_content() as stream:
        if _is_plain_ods(stream):
            return {}
    sheets = Content()
    with open_content() as stream:
        parse(stream, sheets)
    return sheets.found


def _is_plain_ods(stream: IO[bytes]) -> bool:
    tail = b""
    while data := stream.read(CHUNK):
        chunk = tail + data
        if any(sign in chunk for sign in ODS_SIGNS) or ODS_TOLD.search(chunk):
            return False
        tail = chunk[-64:]
    return True


class Content:
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
            self.census = self.found.setdefault(local(attributes).get("name", ""), Census())
            self._is_inside, self._row = True, 0
        elif not self._is_inside:
            return
        elif name == "table-row":
            self._rows, self._column = _repeated(attributes, "number-rows-repeated"), 0
        elif name in {"table-cell", "covered-table-cell"}:
            self._cell, self._value = local(attributes), ""
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


def local(attributes: dict[str, str]) -> dict[str, str]:
    """Return attributes without their prefixes; what LibreOffice says of an error comes first."""
    local = {name.rpartition(":")[2]: value for name, value in attributes.items()}
    if "error" in (value for name, value in attributes.items() if name.endswith(":value-type")):
        local["value-type"] = "error"
    return local


def _repeated(attributes: dict[str, str], name: str) -> int:
    return int(local(attributes).get(name, 1))
