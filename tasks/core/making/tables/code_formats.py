"""Codes that a workbook keeps as numbers and shows with zeros before them, by their format."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from tasks.core.making.tables.ods_census import Content, local
from tasks.core.making.tables.sheet_census import parse
from tasks.core.making.tables.workbook_parts import (
    CONTENT,
    DAMAGED,
    MAX_LISTING,
    Parts,
    cell_name,
    column_number,
)
from tasks.core.model.errors import Damaged, SourceError

STYLES = "xl/styles.xml"
ZEROS = re.compile(r"(?:\[[^\]]*\])*(0{2,})(?:;.*)?")  # a format such as 00000
CELL = (
    rb'<(?:\w+:)?c\b(?=[^>]*\bs="(?:%s)")(?![^>]*\bt="[^n])[^>]*\br="([A-Z]+)(\d+)"[^>]*>'
    rb"(?:<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>))?<(?:\w+:)?v>(\d+)(?:\.0*)?</"
)
SHOWN_IN_ODS = re.compile(rb'office:value="\d+"[^>]*><text:p>0\d+<')
CHUNK, OVERLAP = 1 << 20, 512


class Shown(NamedTuple):
    """A number with fewer digits than its format shows."""

    row: int
    number: str
    digits: int


def require_as_shown(
    path: Path, label: str, sheet: str, left: int, codes: Mapping[int, Sequence[str]]
) -> None:
    """Raise SourceError at a code without the zeros that an XLSX or ODS workbook shows before it.

    left: columns that the reader leaves out; codes: the publisher's names of the text columns, by
    their position.
    """
    if not codes or not zipfile.is_zipfile(path):
        return
    try:
        with path.open("rb") as file:
            found = _shown(Parts(file, label), sheet)
    except (ExpatError, *DAMAGED) as error:
        raise Damaged(
            f"The workbook {label} cannot be read ({error}): it is damaged; download it again."
        ) from None
    for column, (row, number, digits) in found.items():
        if names := codes.get(column - left):
            raise SourceError(
                f"A code kept as text was expected in the cell {cell_name(row, column)} of the"
                f" sheet {sheet!r} of {label}; it has the number {number}, which its format shows"
                f" as {number.zfill(digits)}: declare code(({names[0]!r}, {digits}))."
            )


def _shown(parts: Parts, sheet: str) -> dict[int, Shown]:
    if parts.is_ods:
        return _shown_in_ods(parts, sheet)
    part = parts.sheet(sheet) if STYLES in parts.names else None
    formats = _formats(parts) if part else {}
    if not part or not formats:
        return {}
    with parts.open(part) as stream:
        return _first_shown(stream, formats)


def _shown_in_ods(parts: Parts, sheet: str) -> dict[int, Shown]:
    with parts.open(CONTENT) as stream:
        tail, is_shown = b"", False
        while not is_shown and (chunk := stream.read(CHUNK)):
            is_shown = bool(SHOWN_IN_ODS.search(tail + chunk))
            tail = chunk[-OVERLAP:]
    if not is_shown:
        return {}
    content = _ShownContent()
    with parts.open(CONTENT) as stream:
        parse(stream, content)
    return content.shown.get(sheet, {})


class _ShownContent(Content):
    """Finds the first number of each column that is shown with zeros before it, sheet by sheet."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, dict[int, Shown]] = {}

    def _keep(self) -> None:
        number, text = local(self._cell).get("value", ""), self._value.strip()
        if len(text) > len(number) and text.isdigit() and text.lstrip("0") == number:
            found = self.shown.setdefault(next(reversed(self.found)), {})
            found.setdefault(self._column, Shown(self._row, number, len(text)))


def _formats(parts: Parts) -> dict[bytes, int]:
    """Return the digits that each style of a cell shows at least, where these are two or more."""
    with parts.open(STYLES) as file:
        tree = ElementTree.fromstring(file.read(MAX_LISTING))
    digits = {
        each.get("numFmtId"): len(zeros[1])
        for each in tree.iterfind("{*}numFmts/{*}numFmt")
        if (zeros := ZEROS.fullmatch(each.get("formatCode", "").replace("\\", "")))
    }
    styles = enumerate(tree.iterfind("{*}cellXfs/{*}xf"))
    shown = {b"%d" % place: digits.get(each.get("numFmtId"), 0) for place, each in styles}
    return {style: count for style, count in shown.items() if count}


def _first_shown(stream: IO[bytes], formats: Mapping[bytes, int]) -> dict[int, Shown]:
    """Find the first number of each column that is shown with zeros before it."""
    cells = re.compile(CELL % b"|".join(formats))
    style, tail, found = re.compile(rb'\bs="(\d+)"'), b"", dict[int, Shown]()
    while chunk := stream.read(CHUNK):
        chunk = tail + chunk
        for cell in cells.finditer(chunk):
            digits = formats[style.findall(cell[0])[0]]
            column = column_number(cell[1].decode())
            if len(cell[3]) < digits and column not in found:
                found[column] = Shown(int(cell[2]) - 1, cell[3].decode(), digits)
        tail = chunk[-OVERLAP:]
    return found
