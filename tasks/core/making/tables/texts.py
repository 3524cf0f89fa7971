"""A publisher's text file: opened as UTF-8 from any encoding, its faults told with their line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa

from tasks.core.making.tables.encodings import (
    Misread,
    Tested,
    first_misread,
    fitting,
    is_of_one_byte,
    name_of,
    require_mark,
)
from tasks.core.making.tables.quotes import Misquoted, Quoted, Quotes, spans
from tasks.core.making.unpacking.damage import reading
from tasks.core.making.unpacking.zips import open_packed
from tasks.core.model.declarations import Table
from tasks.core.model.errors import Damaged, SourceError

# Bytes of text, in which a row must fit; larger blocks are not faster: the database is the slower
# end.
BLOCK = 2 << 20
CUT = ("it is not (unexpected end of data)", "it is not (truncated data)")
WORD = 40  # characters shown of what follows a quote
csv.field_size_limit(BLOCK)  # a cell may be as long as a row


class Text:
    """A file of text, or the part of a zip that is one, read as it is packed.

    `start` is the byte, in UTF-8, at which its rows begin; `first_line` is their line.
    """

    def __init__(self, path: Path, reads: Table, label: str, member: str) -> None:
        self._path, self.reads, self.label, self._member = path, reads, label, member
        self.encoding = name_of(reads.encoding, label)
        self.start, self.first_line = 0, 1
        with self._unpacking(), self._raw() as file:
            require_mark(file.read(4), self.encoding, label)

    @contextmanager
    def reading(self, start: int = 0) -> Iterator[Quoted]:
        """Open the text from a byte on; raise SourceError on wrong bytes, quotes and damage."""
        with self._unpacking(), self._open() as file, self._telling(start):
            pass_over(file, start)
            yield self._quoted(file)

    def line_of(self, record: int) -> int:
        """Return the line on which a record begins, both from 1; records hold line ends."""
        if record == 1:
            return self.first_line
        lines = records = 0
        with self.reading(self.start) as text:
            for span in spans(text, BLOCK):
                if (place := record - 2 - records) < len(span.records):
                    lines += int(np.searchsorted(span.lines, span.records[place], "right"))
                    break
                lines, records = lines + len(span.lines), records + len(span.records)
        return self.first_line + lines

    def cells_of(self, wanted: Sequence[int]) -> list[list[str]]:
        """Return all cells of some records, given in order and counted from 1."""
        found: list[bytes] = []
        rest, before = b"", 0
        with self.reading(self.start) as text:
            for span in spans(text, BLOCK):
                held, ends = rest + span.chunk, np.concatenate([[0], span.records + len(rest)])
                last = before + len(span.records)
                while len(found) < len(wanted) and wanted[len(found)] <= last:
                    place = wanted[len(found)] - before
                    found.append(held[ends[place - 1] : ends[place]])
                rest, before = held[ends[-1] :], last
        found += [rest] * (len(wanted) - len(found))
        return [next(iter(self.records([row.decode()]))) for row in found]

    def records(self, lines: Iterator[str] | Sequence[str]) -> Iterator[list[str]]:
        """Divide lines into cells as declared."""
        mark, quote = self.reads.delimiter, self.reads.quote
        if quote:
            return csv.reader(lines, delimiter=mark, quotechar=quote)
        return csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE)

    def _open(self) -> BinaryIO:
        """Open the file as UTF-8, unpacked and transcoded as it is read."""
        file = self._raw()
        if self.encoding != "utf-8":
            if is_of_one_byte(self.encoding):
                file = pa.PythonFile(Tested(file, self.encoding), mode="r")
            file = pa.transcoding_input_stream(file, self.encoding, "utf-8")
        return file

    def _raw(self) -> BinaryIO:
        if not self._member:
            return cast(BinaryIO, pa.OSFile(str(self._path)))
        # closed with the stream around it
        return cast(BinaryIO, pa.PythonFile(open_packed(self._path, self._member), mode="r"))

    def _quoted(self, file: BinaryIO) -> Quoted:
        return Quoted(file, Quotes(self.reads.delimiter, self.reads.quote, BLOCK))

    @contextmanager
    def _unpacking(self) -> Iterator[None]:
        """Turn a zip's damage into SourceError, even if it first looked like wrong rows."""
        if not self._member:
            yield
            return
        with reading(f"of {self.label}"):
            try:
                yield
            except (SourceError, csv.Error):
                self._compare_checksum()
                raise

    def _compare_checksum(self) -> None:
        with open_packed(self._path, self._member) as packed:
            while packed.read(BLOCK):
                pass

    @contextmanager
    def _telling(self, start: int) -> Iterator[None]:
        try:
            yield
        except Misquoted as error:
            raise self._misquoted(error, start) from None
        except Misread as error:
            raise self._misread(error) from None
        except (UnicodeError, SourceError) as error:
            if not isinstance(error, UnicodeError) and "invalid UTF8" not in str(error):
                raise
            with self._raw() as file:
                found = first_misread(file, self.encoding, BLOCK)
            raise self._misread(found or Misread(0, b"", f"it is not ({error})")) from None

    def _misread(self, error: Misread) -> SourceError:
        with self._raw() as file:
            line = 1 + _line_ends(file, error.at, self.encoding)
        if not error.text or error.why in CUT:
            raise Damaged(
                f"The file {self.label} was expected to end with a whole letter in the encoding"
                f" {self.reads.encoding}; line {line} ends with {error.text!r}, part of one:"
                " download it again, or declare another encoding if it is whole."
            )
        read = error.text.decode(self.encoding, "replace")
        return SourceError(
            f"The file {self.label} was expected to be in the encoding {self.reads.encoding};"
            f" {error.why}: line {line} has {error.text!r}, which is read {read!r} and is"
            f" {fitting(error.text, self.encoding)}."
        )

    def _misquoted(self, error: Misquoted, start: int) -> SourceError:
        with self._open() as file:
            opened = 1 + _line_ends(file, start + error.opened)
        with self._open() as file:
            ended = 1 + _line_ends(file, start + error.at)
        what = f"the end of the file, or {BLOCK >> 20} MiB, before it ends"
        if error.text:
            after = error.text.decode(errors="backslashreplace")[:WORD].splitlines()[0]
            what = f"{after!r} on line {ended} after the quote that ends it"
        return SourceError(
            f"The quoted cell that begins on line {opened} of {self.label} was expected to end with"
            f" a quote and then a delimiter or a line end; it has {what}: have the publisher mend"
            ' it, or declare quote="" if quotes are letters there.'
        )


class Lines:
    """The lines of a UTF-8 text one by one, with the count of lines and bytes read so far."""

    def __init__(self, text: Quoted) -> None:
        buffered = io.BufferedReader(cast(io.RawIOBase, text))
        # "" keeps line ends as they are: LF, CR LF or CR
        self._text = io.TextIOWrapper(buffered, "utf-8", newline="")
        self.count = self.length = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.count, self.length = self.count + 1, self.length + len(line.encode())
            yield line.removeprefix("\ufeff") if self.count == 1 else line


def pass_over(file: BinaryIO, count: int) -> None:
    """Read and forget so many bytes."""
    while count and (read := len(file.read(min(count, BLOCK)))):
        count -= read


def _line_ends(file: BinaryIO, count: int, encoding: str = "utf-8") -> int:
    """Count the line ends, LF, CR LF or CR, in so many bytes of a file."""
    ends, before, decoder = 0, b"", codecs.getincrementaldecoder(encoding)("replace")
    while count and (chunk := file.read(min(count, BLOCK))):
        count -= len(chunk)
        chunk = decoder.decode(chunk).encode() if encoding != "utf-8" else chunk
        both = chunk.count(b"\r\n") + (before == b"\r" and chunk[:1] == b"\n")
        ends, before = ends + chunk.count(b"\n") + chunk.count(b"\r") - both, chunk[-1:]
    return ends
