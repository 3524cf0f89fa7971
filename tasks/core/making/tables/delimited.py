"""Text files with delimiters, in any dialect and encoding, read as a stream of blocks."""

from __future__ import annotations

import csv
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from tasks.core.making.tables import swallowed_rows
from tasks.core.making.tables.blocks import Block, is_blank
from tasks.core.making.tables.end_marks import MARK
from tasks.core.making.tables.headings import carry_titles, join_titles
from tasks.core.making.tables.notes import advice, is_declared
from tasks.core.making.tables.quotes import Quoted
from tasks.core.making.tables.texts import BLOCK, WORD, Lines, Text
from tasks.core.making.tables.uneven_rows import UnevenRows
from tasks.core.model.declarations import Table
from tasks.core.model.errors import SourceError


class Delimited:
    """A text file whose headings have been read; its rows are still in the file.

    Raises SourceError on rows of another length than the headings, on a quoted cell that does not
    end well and on text in another encoding than declared, with the line, and on a damaged zip.
    """

    rows_are = "line"

    def __init__(self, path: Path, reads: Table, label: str, member: str = "") -> None:
        """member: the part of a zip that is the table, read as it is packed."""
        self._reads, self._label = reads, label
        self._not_rows: list[int] = []  # numbers of the records that hold no row, in order
        self._notes: list[tuple[int, str]] = []
        self._uneven = UnevenRows(self._place)
        self._ragged: arrow_csv.InvalidRow | None = None
        self._text = Text(path, reads, label, member)
        with self._text.reading() as text:
            self.headings, first = self._read_headings(Lines(text))
        self._width = self._length_of_rows(first)

    @property
    def blank(self) -> int:
        return len(self._not_rows) - len(self._notes)

    @property
    def notes(self) -> list[tuple[int, str]]:
        return [(self._text.line_of(record), text) for record, text in self._notes]

    def blocks(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        rows = 0
        surplus = range(len(self.headings), self._width)
        names = [*wanted, *surplus]
        with self._text.reading(self._text.start) as text:
            for read in self._batches(text, [str(index) for index in names]):
                columns = self._uneven.weave(read.columns, names, rows, len(read))
                first, rows = rows, rows + len(columns[0])
                if first == rows:
                    continue
                line = partial(self._line_after, first)
                for index, cells in zip(surplus, columns[len(wanted) :], strict=True):
                    if (row := is_blank(cells).index(False).as_py()) >= 0:
                        raise self._other_length(self._record(first + row), index + 1, "")
                cells_of = dict(zip(wanted, columns[: len(wanted)], strict=True))
                if text.has_marks:
                    self._require_no_mark(cells_of, line)
                yield Block(cells_of, line, partial(self._whole, first))
        if text.lines > rows + len(self._not_rows):
            swallowed_rows.require_none(self._text, self._width, wanted)

    def _read_headings(self, lines: Lines) -> tuple[list[str], list[str]]:
        """Return the headings and the first record under them, if any."""
        records = self._text.records(iter(lines))
        last = max(self._reads.header_rows)
        try:
            rows = list(islice(records, last + self._reads.skip_rows_after_header))
            self._text.first_line, self._text.start = lines.count + 1, lines.length
            first = next(filter(any, records), [])
        except csv.Error as error:
            raise SourceError(
                f"The rows of {self._label} were expected to be no longer than {BLOCK >> 20} MiB;"
                f" line {lines.count} is not ({error}): declare its delimiter and quote."
            ) from None
        if len(rows) < last:
            raise SourceError(
                f"The file {self._label} was expected to have its headings on row {last}; it has"
                f" {len(rows)}: correct header_rows."
            )
        titles = carry_titles([rows[number - 1] for number in self._reads.header_rows])
        headings = join_titles(titles)
        if any("\0" in heading for heading in headings):
            raise SourceError(
                f"The headings of {self._label} were expected to be text in the encoding"
                f" {self._reads.encoding}; they hold NUL bytes: declare utf-16-le or utf-16-be."
            )
        return headings, first

    def _length_of_rows(self, first: Sequence[str]) -> int:
        """Return the cells of a row: as many as headings, but for delimiters at the ends of lines.

        These make cells, empty in each row, that have no heading, or headings without text.
        """
        surplus = first[len(self.headings) :]
        if surplus and not any(cell.strip() for cell in surplus):
            return len(first)
        if first and not any(heading.strip() for heading in self.headings[len(first) :]):
            self.headings = self.headings[: len(first)]
        return len(self.headings)

    def _batches(self, text: Quoted, names: list[str]) -> Iterator[pa.RecordBatch]:
        # One thread: the database is slower than one reader, and only then are invalid rows
        # numbered.
        read = arrow_csv.ReadOptions(
            column_names=[str(index) for index in range(self._width)],
            block_size=BLOCK,
            use_threads=False,
        )
        parse = arrow_csv.ParseOptions(
            delimiter=self._reads.delimiter,
            quote_char=self._reads.quote or False,
            newlines_in_values=bool(self._reads.quote),
            ignore_empty_lines=False,
            invalid_row_handler=self._judge,
        )
        types = dict.fromkeys(names, pa.string())
        convert = arrow_csv.ConvertOptions(
            include_columns=names, column_types=types, null_values=[""], strings_can_be_null=True
        )
        try:
            yield from arrow_csv.open_csv(text, read, parse, convert)
        except pa.ArrowInvalid as error:
            if (row := self._ragged) is not None:
                raise self._other_length(row.number, row.actual_columns, row.text) from None
            if "parse error: Row #" in str(error):  # and it cannot be told which
                raise UnicodeError(str(error)) from None
            # headings and no row is for the check of the rows to judge
            if str(error) != "Empty CSV file":
                is_long = "straddling" in str(error)
                why = f"a row is longer than {BLOCK >> 20} MiB" if is_long else error
                raise SourceError(
                    f"The file {self._label} cannot be read from line {self._text.first_line} on:"
                    f" {why}; declare the delimiter and the quote it is written with."
                ) from None

        # so that rows held from behind the last one are given
        yield pa.record_batch([pa.array([], pa.string()) for _ in names], names=names)

    def _judge(self, row: arrow_csv.InvalidRow) -> str:
        """Skip blank lines and declared notes, and hold rows with other delimiters at their end.

        Any other length is an error.
        """
        cells = self._cells(row.text)
        filled = any(cell.strip() for cell in cells)
        if filled and not is_declared(cells, self._reads.notes):
            if not self._is_even(cells):
                self._ragged = row
                return "error"
            self._uneven.hold(row.number, cells)
            return "skip"
        insort(self._not_rows, row.number)
        if filled:
            self._notes.append((row.number, row.text))
        return "skip"

    def _is_even(self, cells: Sequence[str]) -> bool:
        """Tell that a row has a cell for each heading with text, and nothing beyond."""
        named = len(self.headings)
        while named and not self.headings[named - 1].strip():
            named -= 1
        return len(cells) >= named and not any(cell.strip() for cell in cells[named:])

    def _place(self, record: int) -> int:
        """Return the place of a record among the rows, counted from 0."""
        return record - 1 - bisect_right(self._not_rows, record)

    def _cells(self, text: str) -> list[str]:
        return next(self._text.records([text]), [])

    def _other_length(self, record: int, columns: int, content: str) -> SourceError:
        shown = content or self._reads.delimiter.join(self._text.cells_of([record])[0])
        note = advice(self._cells(content)) if content else ""
        expected = f"{len(self.headings)} columns as the headings do"
        return SourceError(
            f"Line {self._text.line_of(record)} of {self._label} was expected to have {expected};"
            f" it has {columns}, {shown[:80]!r}: look at the line, and declare the"
            f" delimiter and the quote it is written with{note}."
        )

    def _require_no_mark(self, columns: Mapping[int, pa.Array], line: Callable[[int], int]) -> None:
        """Raise SourceError at a cell with Ctrl-Z, where a letter was lost or a file ended."""
        for index, cells in columns.items():
            row = pc.match_substring(cells, MARK.decode()).index(True).as_py()
            if row >= 0:
                raise SourceError(
                    f"The column {self.headings[index]!r} of {self._label} was expected to hold"
                    f" text; line {line(row)} has {cells[row].as_py()[:WORD]!r}, with Ctrl-Z (0x1A)"
                    " for a letter that was lost, or where another file was appended: have the"
                    " publisher mend it, or hand the mended file in by the inbox."
                )

    def _record(self, row: int) -> int:
        """Return the number of the record that a row was read from, from 1 after the headings."""
        places = range(len(self._not_rows))
        before = bisect_right(places, row + 1, key=lambda place: self._not_rows[place] - place)
        return row + 1 + before

    def _line_after(self, before: int, row: int) -> int:
        return self._text.line_of(self._record(before + row))

    def _whole(self, before: int, rows: Sequence[int]) -> list[list[str]]:
        return self._text.cells_of([self._record(before + row) for row in rows])
