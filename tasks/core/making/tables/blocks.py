"""Blocks of rows before their values are typed: which rows stay, and on which line each was."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# bytes with which a blank may begin in UTF-8, and other letters too
BLANK_BEGINS = np.zeros(256, bool)
BLANK_BEGINS[[*range(ord(" ") + 1), 0xC2, 0xE1, 0xE2, 0xE3]] = True


@dataclass(frozen=True)
class Block:
    """Consecutive rows: an array per wanted column, of strings (null if empty) or file types.

    line: the number of a row's line in the file, counted from 1. whole: the texts of all cells of
    some rows, given in order, in the columns of the file.
    """

    cells: Mapping[int, pa.Array]
    line: Callable[[int], int]
    whole: Callable[[Sequence[int]], list[list[str]]]

    def __len__(self) -> int:
        return len(next(iter(self.cells.values())))

    def keep(self, mask: pa.Array) -> Block:
        """Return the rows where the mask is true."""
        if pc.all(mask, min_count=0).as_py():
            return self
        cells = {index: array.filter(mask) for index, array in self.cells.items()}

        def before(row: int) -> int:
            return int(pc.indices_nonzero(mask)[row].as_py())

        return Block(
            cells,
            lambda row: self.line(before(row)),
            lambda rows: self.whole([before(row) for row in rows]),
        )

    def slice(self, start: int, end: int) -> Block:
        """Return the rows from `start` up to `end`."""
        return Block(
            {index: array.slice(start, end - start) for index, array in self.cells.items()},
            lambda row: self.line(start + row),
            lambda rows: self.whole([start + row for row in rows]),
        )


class Reader(Protocol):
    """An opened table: its headings, and what a line is called (`rows_are`).

    blank, notes: lines without cells, and declared notes that are no rows (line and text), so far.
    """

    headings: list[str]
    rows_are: str

    @property
    def blank(self) -> int: ...

    @property
    def notes(self) -> Sequence[tuple[int, str]]: ...

    def blocks(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        """Yield bounded blocks of the wanted columns, given by position and declared type."""


def is_blank(cells: pa.Array) -> pa.Array:
    """Tell where a cell is null, empty or nothing but blanks."""
    empty = pc.is_null(cells)  # a NaN is something: it is declared, or an error
    if not pa.types.is_string(cells.type) or _are_filled(cells):
        return empty
    blank = pc.or_(pc.utf8_is_space(cells), pc.equal(pc.binary_length(cells), 0))
    return pc.or_(empty, pc.fill_null(blank, True))


def _are_filled(cells: pa.Array) -> bool:
    """Tell at once that every string that is not null begins with a letter; False may be wrong."""
    _, ends, data = cells.buffers()
    if data is None or not data.size:
        return bool(cells.null_count == len(cells))
    ends = np.frombuffer(ends, np.int32)[cells.offset : cells.offset + len(cells) + 1]
    filled = np.count_nonzero(np.diff(ends))
    if filled != len(cells) - cells.null_count:
        return False
    begins = np.frombuffer(data, np.uint8).take(ends[:-1], mode="clip")
    return not bool(BLANK_BEGINS.take(begins, mode="clip").any())


def drop_blank_rows(block: Block) -> Block:
    """Return the rows with anything in a wanted column."""
    blank = None
    for cells in block.cells.values():
        blank = is_blank(cells) if blank is None else pc.and_(blank, is_blank(cells))
        if not pc.any(blank, min_count=0).as_py():
            return block
    return block.keep(pc.invert(blank))


def keep_like(block: Block, patterns: Mapping[int, str]) -> Block:
    """Return rows whose stripped cells match every column's shell pattern; an empty cell is "".

    Letters are alike in any Unicode form.
    """
    for index, pattern in patterns.items():
        cells = pc.utf8_trim_whitespace(pc.fill_null(block.cells[index].cast(pa.string()), ""))
        if not pattern.isascii():
            cells = pc.utf8_normalize(cells, "NFC")
        block = block.keep(pc.match_substring_regex(cells, as_expression(composed(pattern))))
    return block


def composed(text: str) -> str:
    """Return a text in the Unicode form NFC, in which letters with accents are one."""
    return unicodedata.normalize("NFC", text)


def as_expression(pattern: str) -> str:
    """Turn a shell pattern (*, ?, [abc], [!abc]) into RE2, which lacks some of fnmatch's syntax."""
    pieces = re.findall(r"\[!?\]?[^\]]*\]|.", pattern, re.DOTALL)
    return f"^(?s:{''.join(map(_piece, pieces))})$"


def _piece(piece: str) -> str:
    if len(piece) > 1:
        inside = piece[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return {"*": ".*", "?": "."}.get(piece) or re.escape(piece)
