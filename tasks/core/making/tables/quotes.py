"""Quotes of delimited text, held to the rule block by block: none is guessed, no row swallowed."""

from __future__ import annotations

import io
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.core.making.tables.end_marks import Ended

LINE_FEED, CARRIAGE_RETURN = 10, 13
Positions = NDArray[np.intp]
Bytes = NDArray[np.uint8]


class Misquoted(Exception):
    """A quoted cell that does not end well.

    opened, at: the bytes at which the cell begins and at which it ought to have ended, counted from
    0, or the end of what was read (`text` is empty).
    """

    def __init__(self, opened: int, at: int, text: bytes) -> None:
        super().__init__(text)
        self.opened, self.at, self.text = opened, at, text


class Span(NamedTuple):
    """A part of a text: its bytes, and where (behind which bytes) its lines and records end."""

    chunk: bytes
    lines: Positions
    records: Positions


@dataclass
class Quotes:
    """Tells the quotes that open or close a cell, in one part of a text after the other.

    A cell is quoted when a quote is its first character. Inside, a quote is written twice; the last
    is followed by a delimiter, a line end or the end of the file. Quotes elsewhere are letters.
    """

    delimiter: str
    quote: str
    longest: int

    def __post_init__(self) -> None:
        self.inside, self._opened, self._closed, self._offset = False, 0, -2, 0
        self._before = LINE_FEED
        self._ends = np.zeros(256, bool)
        self._ends[[ord(self.delimiter), LINE_FEED, CARRIAGE_RETURN]] = True

    def follow(self, chunk: bytes, following: bytes) -> Positions:
        """Return the places of the quotes that open or close; raise Misquoted.

        following: the byte after the chunk, none at the end of the text.
        """
        places = np.empty(0, np.intp)
        if self.quote and (mark := self.quote.encode()) in chunk:
            data = np.frombuffer(chunk, np.uint8)
            found = np.flatnonzero(data == mark[0])
            around = np.empty(len(chunk) + 2, np.uint8)
            around[0], around[1:-1] = self._before, data
            around[-1] = (following or b"\n")[0]
            if self._offset == 0 and chunk.startswith(BOM_UTF8):
                around[len(BOM_UTF8)] = LINE_FEED  # what follows the mark begins the first cell
            is_plain = self._follow_plain(around, found)
            places = found if is_plain else self._follow_strictly(around, found, chunk)
        if chunk:
            self._offset, self._before = self._offset + len(chunk), chunk[-1]
        if self.inside and (not following or self._offset - self._opened > self.longest):
            raise Misquoted(self._opened, self._offset, b"")
        return places

    def _follow_plain(self, around: Bytes, found: Positions) -> bool:
        """Take every second quote for one that opens, and tell whether that keeps the rule."""
        first = int(self.inside)
        opening, closing, quote = found[first::2], found[1 - first :: 2], ord(self.quote)
        before, after = around[opening], around[closing + 2]
        begins, ends = self._ends[before], self._ends[after] | (after == quote)
        again = before == quote  # the second of a quote written twice
        if opening.size and opening[0] == 0 and self._closed != self._offset - 1:
            again[0] = False
        if not ((begins | again).all() and ends.all()):
            return False
        self.inside ^= bool(len(found) % 2)
        if self.inside and (starts := opening[begins]).size:
            self._opened = self._offset + int(starts[-1])
        if closing.size:
            self._closed = self._offset + int(closing[-1])
        return True

    def _follow_strictly(self, around: Bytes, found: Positions, chunk: bytes) -> Positions:
        """Follow the quotes one by one, where some are letters of cells that are not quoted."""
        kept: list[int] = []
        for place in found.tolist():
            begins, at = self._ends[around[place]], self._offset + place
            if self.inside:
                if not self._ends[after := around[place + 2]] and after != ord(self.quote):
                    raise Misquoted(self._opened, at, chunk[place + 1 : place + 41])
                self._closed = at
            elif begins:
                self._opened = at
            elif self._closed != at - 1:  # neither the first character nor a quote written twice
                continue
            self.inside = not self.inside
            kept.append(place)
        return np.array(kept, np.intp)


class Quoted(io.RawIOBase):
    """A UTF-8 text whose quotes are followed while it is read."""

    def __init__(self, file: BinaryIO, quotes: Quotes) -> None:
        self._file, self._quotes, self._held = Ended(file), quotes, b""
        self._lines, self._is_within = 0, False

    @property
    def lines(self) -> int:
        """The lines of what was read, the last one even without a line end."""
        return self._lines + self._is_within

    @property
    def has_marks(self) -> bool:
        """Tell whether Ctrl-Z was read, but for one that ends the file."""
        return self._file.has_marks

    @property
    def is_inside(self) -> bool:
        """Tell whether a quoted cell is open where the text was read to."""
        return self._quotes.inside

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes; raise Misquoted."""
        return self.read_part(size)[0]

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def read_part(self, size: int) -> tuple[bytes, Positions]:
        """Return at most so many bytes and the places of their quotes that open or close.

        A quote or CR at the end is held back, as what it means is told by the byte after it.
        """
        read = self._file.read(max(size - len(self._held), 1))
        chunk, self._held = self._held + read, b""
        if read and chunk[-1:] in (self._quotes.quote.encode(), b"\r"):
            chunk, self._held = chunk[:-1], chunk[-1:]
            if not chunk:
                return self.read_part(max(size, 2))
        if chunk:
            self._lines += int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == LINE_FEED))
            if b"\r" in chunk:
                self._lines += chunk.count(b"\r") - chunk.count(b"\r\n")
            self._is_within = chunk[-1:] not in b"\r\n"
        following = self._held or (b" " if read else b"")
        return chunk, self._quotes.follow(chunk, following)


def spans(text: Quoted, size: int) -> Iterator[Span]:
    """Yield a text's parts, with the ends of its lines and of its records."""
    while True:
        inside = text.is_inside
        chunk, quotes = text.read_part(size)
        if not chunk:
            return
        data = np.frombuffer(chunk, np.uint8)
        lines = _line_ends(data) if b"\r" in chunk else np.flatnonzero(data == LINE_FEED)
        is_inside = (np.searchsorted(quotes, lines) + inside) % 2 == 1
        yield Span(chunk, lines + 1, lines[~is_inside] + 1)


def _line_ends(data: Bytes) -> Positions:
    """Return where lines end: at LF, or at CR without LF."""
    following = np.append(data[1:], np.uint8(0))
    return np.flatnonzero(
        (data == LINE_FEED) | ((data == CARRIAGE_RETURN) & (following != LINE_FEED))
    )
