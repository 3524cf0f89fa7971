"""Text files with delimiters, in any dialect and encoding, read as a stream of blocks."""

from __future__ import annotations

import codecs
import csv
import io
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
from pyarrow import csv as arrow_csv

from tasks.core.making.tables.blocks import NOTE, Block, drop_blank_rows, drop_notes
from tasks.core.making.tables.headings import carry_titles, join_titles
from tasks.core.making.unpacking.damage import reading
from tasks.core.making.unpacking.zips import open_packed
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError, SourceError

# Bytes of text, in which a row must fit; larger blocks are not faster: the database is the slower
# end.
BLOCK = 2 << 20
BYTE_ORDER_MARK = "\ufeff".encode()
UTF8 = ("utf-8", "utf8", "utf-8-sig", "ascii")


class Delimited:
    """A text file whose headings have been read; its rows are still in the file.

    Raises SourceError on rows of another length than the headings, with the line, on text in
    another encoding than declared, and on a damaged zip.
    """

    rows_are = "line"

    def __init__(self, path: Path, reads: Table, label: str, member: str = "") -> None:
        """member: the part of a zip that is the table, read as it is packed."""
        self._path, self._reads, self._label, self._member = path, reads, label, member
        self._not_rows: list[int] = []  # numbers of the records that hold no row, in order
        self._notes: list[tuple[int, str]] = []
        self._ragged: arrow_csv.InvalidRow | None = None
        self.skipped = 0
        _require_known(reads.encoding, label)
        with self._unpacking(), self._open() as file:
            lines = _Lines(file)
            with self._decoding():
                self.headings = self._read_headings(lines)
            self._first_line, self._first_byte = lines.count + 1, lines.length

    def blocks(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        with self._unpacking(), self._open() as file, self._decoding():
            _pass_over(file, self._first_byte)
            rows = 0
            for batch in self._batches(file, [str(index) for index in wanted]):
                first, rows = rows, rows + len(batch)
                columns = dict(zip(wanted, batch.columns, strict=True))
                block = Block(columns, partial(self._line_after, first))
                self._require_no_row_after_notes(block)
                yield block
            self.skipped = len(self._not_rows)

    def _open(self) -> BinaryIO:
        """Open the file as UTF-8, unpacked and transcoded as it is read."""
        file = pa.OSFile(str(self._path))
        if self._member:
            # closed with the stream around it
            file = pa.PythonFile(open_packed(self._path, self._member), mode="r")
        if self._reads.encoding.lower() not in UTF8:
            file = pa.transcoding_input_stream(file, self._reads.encoding, "utf-8")
        return cast(BinaryIO, file)

    @contextmanager
    def _unpacking(self) -> Iterator[None]:
        """Turn a zip's damage into SourceError, even if it first looked like wrong rows."""
        if not self._member:
            yield
            return
        with reading(f"of {self._label}"):
            try:
                yield
            except (SourceError, csv.Error):
                self._compare_checksum()
                raise

    def _compare_checksum(self) -> None:
        with open_packed(self._path, self._member) as packed:
            while packed.read(BLOCK):
                pass

    def _decoding(self) -> _Decoding:
        return _Decoding(self._label, self._reads.encoding)

    def _read_headings(self, lines: _Lines) -> list[str]:
        mark, quote = self._reads.delimiter, self._reads.quote
        records = csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE)
        if quote:
            records = csv.reader(lines, delimiter=mark, quotechar=quote)
        last = max(self._reads.header_rows)
        rows = list(islice(records, last + self._reads.skip_rows_after_header))
        if len(rows) < last:
            raise SourceError(
                f"The file {self._label} was expected to have its headings on row {last}; it has"
                f" {len(rows)}: correct header_rows."
            )
        return join_titles(carry_titles([rows[number - 1] for number in self._reads.header_rows]))

    def _batches(self, file: BinaryIO, names: list[str]) -> Iterator[pa.RecordBatch]:
        # One thread: the database is slower than one reader, and only then are invalid rows
        # numbered.
        read = arrow_csv.ReadOptions(
            column_names=[str(index) for index in range(len(self.headings))],
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
            yield from arrow_csv.open_csv(file, read, parse, convert)
        except pa.ArrowInvalid as error:
            if (row := self._ragged) is not None:
                raise self._other_length(row.number, row.actual_columns, row.text) from None
            # headings and no row is for the check of the rows to judge
            if str(error) != "Empty CSV file":
                raise SourceError(
                    f"The file {self._label} cannot be read from line {self._first_line} on:"
                    f" {error}."
                ) from None

    def _judge(self, row: arrow_csv.InvalidRow) -> str:
        """Skip blank lines and notes of one sentence; any other length is an error."""
        if row.text.strip() and (row.actual_columns > 1 or not NOTE.search(row.text)):
            self._ragged = row
            return "error"
        insort(self._not_rows, row.number)
        if row.text.strip():
            self._notes.append((row.number, row.text))
        return "skip"

    def _require_no_row_after_notes(self, block: Block) -> None:
        """Raise SourceError when rows follow a note: it was a row cut or broken."""
        if not self._notes:
            return
        rows = drop_blank_rows(drop_notes(block))
        record, content = self._notes[0]
        if len(rows) and rows.line(len(rows) - 1) >= self._first_line + record:
            raise self._other_length(record, 1, content)

    def _other_length(self, record: int, columns: int, content: str) -> SourceError:
        return SourceError(
            f"Line {self._first_line + record - 1} of {self._label} was expected to have"
            f" {len(self.headings)} columns as the headings do; it has {columns}, {content[:80]!r}:"
            " look at the line, and declare the delimiter and the quote it is written with."
        )

    def _record(self, row: int) -> int:
        """Return the number of the record that a row was read from, from 1 after the headings."""
        record = row + 1
        for skipped in self._not_rows:
            if skipped > record:
                break
            record += 1
        return record

    def _line_after(self, before: int, row: int) -> int:
        return self._first_line + self._record(before + row) - 1


class _Lines:
    """The lines of a UTF-8 file one by one, with the count of lines and bytes read so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.count, self.length = io.BufferedReader(cast(io.RawIOBase, file)), 0, 0

    def __iter__(self) -> Iterator[str]:
        for line in cast(Iterable[bytes], self._file):
            self.count, self.length = self.count + 1, self.length + len(line)
            yield (line.removeprefix(BYTE_ORDER_MARK) if self.count == 1 else line).decode()


class _Decoding:
    """Turns text that is not in the declared encoding into a SourceError."""

    def __init__(self, label: str, encoding: str) -> None:
        self._label, self._encoding = label, encoding

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        is_ours = isinstance(error, SourceError) and "invalid UTF8" in str(error)
        if is_ours or isinstance(error, UnicodeDecodeError):
            raise SourceError(
                f"The file {self._label} was expected to be in the encoding {self._encoding}; it is"
                f" not ({error}): declare another, such as latin-1 or cp1252."
            ) from None


def _require_known(encoding: str, label: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ConfigurationError(
            f"The file {label} was declared in the encoding {encoding!r}, which is unknown: declare"
            " cp1252, say."
        ) from None


def _pass_over(file: BinaryIO, count: int) -> None:
    while count and (read := len(file.read(min(count, BLOCK)))):
        count -= read
