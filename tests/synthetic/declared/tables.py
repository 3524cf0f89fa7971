"""Tables of figures in the declared format: text of any dialect, XLSX, ODS and Parquet."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from synthetic.declared.codes import spelled
from synthetic.declared.rows import Row, other_than
from synthetic.formats import write_zip
from workbooks import write_ods, write_xlsx

from tasks.core.making.fields import arrow_type
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Table

NOTE = "Made up by a program: nothing in this file is official."
Cells = dict[str, Any]  # a row by its headings


def write_table(path: Path, reads: Table, rows: Sequence[Row]) -> None:
    """A file of text, or of Parquet by its ending."""
    if path.suffix.lower() == ".parquet":
        _write_parquet(path, reads, rows)
    else:
        path.write_bytes(_text(reads, _cells(reads, rows, typed=False)).encode(reads.encoding))


def write_workbook(path: Path, tables: Sequence[tuple[Table, Sequence[Row]]], day: date) -> None:
    """A workbook of one sheet for each table; where a sheet is declared by name, another comes
    before it.
    """
    sheets: dict[str, Any] = {"Read me": [[NOTE]]} if tables[0][0].sheet else {}
    for reads, rows in tables:
        cells = _cells(reads, rows, typed=True)
        body = [[_plain(value) for value in row.values()] for row in cells]
        sheets[reads.sheet or "Figures"] = [
            *_head(list(cells[0]), reads),
            *body,
            _note(reads, cells),
        ]
    (write_ods if path.suffix.lower() == ".ods" else write_xlsx)(path, sheets)
    with zipfile.ZipFile(path) as book:
        members = [(name, [book.read(name)]) for name in book.namelist()]
    write_zip(path, members, day)


def _note(reads: Table, cells: Sequence[Cells]) -> list[str | None]:
    """A note under the table, which leaves the key empty."""
    keys = {name for target in reads.key for name in reads.columns[target].names}
    place = next((place for place, name in enumerate(cells[0]) if name not in keys), None)
    return [] if place is None else [*[None] * place, NOTE]


def heading_of(column: Column, where: Mapping[str, str]) -> str:
    """The newest of a column's names in the files, or the one that the rows are chosen by."""
    return next((name for name in column.names if name in where), column.names[0])


def _cells(reads: Table, rows: Sequence[Row], *, typed: bool) -> list[Cells]:
    """The rows under the headings of the file, and one more for each filter that leaves it out."""
    cells = [_cells_of(reads, row, typed=typed) for row in rows]
    for heading, pattern in reads.where.items():
        cells.append(cells[0] | {heading: other_than(pattern)})
    return cells


def _cells_of(reads: Table, row: Row, *, typed: bool) -> Cells:
    cells: Cells = {}
    for name, column in reads.columns.items():
        if column.widths:
            cells |= _in_parts(row[name], column)
        else:
            cells.setdefault(
                heading_of(column, reads.where), _cell(row[name], column, reads, typed=typed)
            )
    return {heading: spelled(pattern) for heading, pattern in reads.where.items()} | cells


def _in_parts(code: str, column: Column) -> Cells:
    """A code in several columns, its leading zeros gone as spreadsheets take them away."""
    cells, start = {}, 0
    for heading, width in zip(column.names, column.widths, strict=True):
        cells[heading] = code[start : start + width].lstrip("0") or "0"
        start += width
    return cells


def _cell(value: Any, column: Column, reads: Table, *, typed: bool) -> Any:
    if value is None or isinstance(value, str):
        return value and f"{column.prefix}{value}"
    if typed:
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    marks = str.maketrans({",": reads.thousands, ".": reads.decimal_point})
    return f"{value:,}".translate(marks)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _head(headings: Sequence[str], reads: Table) -> list[list[str]]:
    """The rows above the figures: notes, the headings in as many rows as declared, and units under
    them.
    """
    titles = iter(zip(*(_titles(each, len(reads.header_rows)) for each in headings), strict=True))
    rows = range(1, max(reads.header_rows) + 1)
    above = [list(next(titles)) if row in reads.header_rows else [NOTE] for row in rows]
    return above + [["unit" for _ in headings]] * reads.skip_rows_after_header


def _titles(heading: str, rows: int) -> list[str]:
    """A heading in several rows, its first title repeated where it has not as many words."""
    words = heading.split(" ", rows - 1)
    return [words[0]] * (rows - len(words)) + words


def _text(reads: Table, cells: Sequence[Cells]) -> str:
    buffer = io.StringIO(newline="")
    dialect: dict[str, Any] = (
        {"quotechar": reads.quote}
        if reads.quote
        else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    )
    writer = csv.writer(buffer, delimiter=reads.delimiter, lineterminator="\r\n", **dialect)
    writer.writerows(_head(list(cells[0]), reads))
    writer.writerows(row.values() for row in cells)
    return buffer.getvalue()


def _write_parquet(path: Path, reads: Table, rows: Sequence[Row]) -> None:
    """Columns in their types, but for those in which a marker may stand in a figure's place."""
    typed = not reads.missing
    cells = _cells(reads, rows, typed=typed)
    types = {
        heading_of(column, reads.where): arrow_type(column)
        for column in reads.columns.values()
        if typed and not column.widths
    }
    arrays = {
        heading: pa.array([row[heading] for row in cells], types.get(heading, pa.string()))
        for heading in cells[0]
    }
    pq.write_table(pa.table(arrays), path)
