"""Workbooks written by openpyxl and in OpenDocument's XML, read by openpyxl and as XML."""

from __future__ import annotations

import io
import re
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
from hypothesis import strategies as st
from workbooks import OASIS, write_ods

from truth import figures
from truth.cases import Case, Refused, Row, Undecided
from truth.conversion import midnight, row_of
from truth.text_files import is_noted

ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!")
DIGITS = 15  # a workbook keeps no more


@st.composite
def cases(draw: Any, format: str) -> Case:
    """Workbooks that are as declared."""
    alphabet = figures.letters() + '"'
    content = draw(figures.contents(alphabet, figures.letters().replace("*", "")))
    rows: list[list[Any]] = [list(content.names.values())]
    rows += [
        [_cell(draw, row[name], kind) for name, kind in content.columns.items()]
        for row in content.rows
    ]
    title = draw(st.integers(0, 2))
    rows[:0] = [["Population légale"]] * title
    missing = draw(st.sampled_from(({}, figures.MARKERS)))
    options = {"key": ("code",), "missing": missing, "header_rows": (title + 1,), "notes": ()}
    write = _xlsx if format == "xlsx" else _ods
    return Case(format, write(rows), content.columns, content.names, options, True)


@st.composite
def strange(draw: Any) -> Case:
    """XLSX with what makes readers guess: formulas, errors, merges, numbers as codes, notes."""
    case = draw(cases("xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(case.content))
    sheet, first = book.active, max(case.options["header_rows"]) + 1
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(first, max(first, sheet.max_row)))
        column = draw(st.integers(1, len(case.columns)))
        fault = draw(
            st.sampled_from(("formula", "error", "merge", "number", "note", "blank", "moment"))
        )
        cell = sheet.cell(row, column)
        if type(cell).__name__ == "MergedCell":
            continue
        if fault == "formula":
            cell.value = "=1+1"
        elif fault == "error":
            cell.value = draw(st.sampled_from(ERRORS))
        elif fault == "merge":
            with warnings.catch_warnings():
                sheet.merge_cells(
                    start_row=row, end_row=row + 1, start_column=column, end_column=column
                )
        elif fault == "number":
            cell.value = draw(
                st.sampled_from((1234567890123456, 7, 1.5, 12.345678, 2**53 + 1, -0.0, 1e300))
            )
        elif fault == "note":
            sheet.append(
                [draw(st.sampled_from(("Source: INSEE, RP 2020", "(1) estimated", "Total", None)))]
            )
        elif fault == "moment":
            cell.value = datetime(2024, 5, 6, draw(st.sampled_from((0, 23))), 0)
        else:
            sheet.insert_rows(row)
    return Case("xlsx", _saved(book), case.columns, case.names, case.options, False)


def _cell(draw: Any, value: Any, kind: str) -> Any:
    if isinstance(value, Decimal):
        exact = len(value.as_tuple().digits) <= DIGITS
        return float(value) if exact and draw(st.booleans()) else f"{value:f}"
    if kind == "integer" and value is not None:
        return float(value) if abs(value) < 10**DIGITS else str(value)
    if kind == "number" and value is not None:
        return value if draw(st.booleans()) else repr(value)
    if isinstance(value, date) and value < date(1900, 3, 1):
        return value.isoformat()
    return value


def _xlsx(rows: Sequence[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row, 1):
            if value is not None:
                cell = book.active.cell(number, place)
                cell.value = value
                if isinstance(value, str):
                    cell.data_type = "s"  # also what begins with = or #
    return _saved(book)


def _saved(book: openpyxl.Workbook) -> bytes:
    """Save a workbook in the same bytes whenever it is."""
    book.properties.created = book.properties.modified = datetime(2026, 1, 1)
    written, steady = io.BytesIO(), io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as packed, zipfile.ZipFile(steady, "w") as again:
        for name in packed.namelist():
            content = packed.read(name)
            if name == "docProps/core.xml":
                content = re.sub(
                    rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-01-01T00:00:00Z", content
                )
            again.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return steady.getvalue()


def _ods(rows: Sequence[Sequence[Any]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_ods(Path(folder) / "file.ods", {"Data": rows}).read_bytes()


def read_xlsx(case: Case) -> list[Row]:
    """Read a workbook with openpyxl, once for the values and once for the formulas."""
    try:
        values = openpyxl.load_workbook(io.BytesIO(case.content), data_only=True).active
        sheet = openpyxl.load_workbook(io.BytesIO(case.content)).active
    except (
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        SyntaxError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        UserWarning,
        OverflowError,
        NotImplementedError,
    ):
        raise _verdict(case) from None
    rows = [[cell.value for cell in row] for row in values.iter_rows()]
    places = _places(case, rows)
    for row in sheet.iter_rows(min_row=max(case.options["header_rows"]) + 1):
        for place in places.values():
            cell = row[place]
            if cell.data_type == "f" and values.cell(cell.row, cell.column).value is None:
                raise Refused("a formula without its value")
            if cell.data_type == "e" and cell.value not in case.options["missing"]:
                raise Refused("an error value")
    for merged in sheet.merged_cells.ranges:
        if merged.max_row > max(case.options["header_rows"]):
            raise Undecided("merged cells")
    return _rows(case, rows, places)


def _verdict(case: Case) -> Exception:
    """Judge a workbook that cannot be read by the parts that hold its figures."""
    try:
        with zipfile.ZipFile(io.BytesIO(case.content)) as packed:
            for name in packed.namelist():
                if "sheet" in name or "sharedStrings" in name or "workbook" in name:
                    ElementTree.fromstring(packed.read(name))
    except (
        ElementTree.ParseError,
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        OSError,
        EOFError,
        NotImplementedError,
    ) as error:
        return Refused(repr(error))
    return Undecided("a part without figures is damaged")


def read_ods(case: Case) -> list[Row]:
    """Read an OpenDocument spreadsheet as the XML that it is."""
    with zipfile.ZipFile(io.BytesIO(case.content)) as packed:
        root = ElementTree.fromstring(packed.read("content.xml"))
    table = f"{{{OASIS}:table:1.0}}"
    rows = [[_odf(cell) for cell in row] for row in root.iter(f"{table}table-row")]
    return _rows(case, rows, _places(case, rows))


def _odf(cell: ElementTree.Element) -> Any:
    office = f"{{{OASIS}:office:1.0}}"
    kind = cell.get(f"{office}value-type")
    if kind == "float":
        return float(cell.get(f"{office}value", ""))
    if kind == "date":
        return date.fromisoformat(cell.get(f"{office}date-value", ""))
    if kind == "boolean":
        return cell.get(f"{office}boolean-value") == "true"
    return "".join(cell.itertext()) or None


def _places(case: Case, rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    head = [
        None if cell is None else str(cell) for cell in rows[max(case.options["header_rows"]) - 1]
    ]
    names = {target: case.name_of(target) for target in case.columns}
    if any(head.count(name) != 1 for name in names.values()):
        raise Undecided("headings that have changed")
    return {target: head.index(name) for target, name in names.items()}


def _rows(case: Case, rows: Sequence[Sequence[Any]], places: dict[str, int]) -> list[Row]:
    found, keys = [], set()
    for row in rows[max(case.options["header_rows"]) :]:
        wide = [*row, *[None] * (max(places.values()) + 1 - len(row))]
        cells = {
            target: _exact(wide[place], case.columns[target]) for target, place in places.items()
        }
        if not any(cell is not None and str(cell).strip() for cell in cells.values()):
            if any(cell is not None for cell in row):
                raise Undecided("a row with nothing that is declared")
            continue
        if cells["code"] is None or not str(cells["code"]).strip():
            raise Undecided("a row without its key is a note or an error")
        if is_noted(case, str(cells["code"])):
            continue
        found.append(row_of(case, cells))
        if found[-1][0] in keys:
            raise Refused("the key is not unique")
        keys.add(found[-1][0])
    return found


def _exact(cell: Any, kind: str) -> Any:
    """Give a cell's value; what a workbook cannot keep exactly is no code."""
    if isinstance(cell, time):
        raise Undecided("an hour")
    if kind == "text" and isinstance(cell, (int, float)) and not isinstance(cell, bool):
        if abs(cell) >= 10**DIGITS:
            raise Refused("more digits than a workbook keeps")
        return float(cell)
    if kind == "text" and isinstance(cell, (date, bool)):
        raise Undecided("a code kept as something else")
    if kind in ("number", "integer") and isinstance(cell, int) and not isinstance(cell, bool):
        return float(cell) if kind == "number" else cell
    if kind.startswith("decimal") and isinstance(cell, float):
        return float(f"{cell:.15g}")
    return midnight(cell)
