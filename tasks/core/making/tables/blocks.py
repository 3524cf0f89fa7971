"""Blocks of rows before their values are typed: which rows stay, and on which line each was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

NOTE = re.compile(r"\S\s+\S")  # a note under a table is a sentence, a code or a number is not


@dataclass(frozen=True)
class Block:
    """Consecutive rows: an array per wanted column, of strings (null if empty) or file types.

    line: the number of a row's line in the file, counted from 1.
    """

    cells: Mapping[int, pa.Array]
    line: Callable[[int], int]

    def __len__(self) -> int:
        return len(next(iter(self.cells.values())))

    def keep(self, mask: pa.Array) -> Block:
        """Return the rows where the mask is true."""
        if pc.all(mask, min_count=0).as_py():
            return self
        return Block(
            {index: array.filter(mask) for index, array in self.cells.items()},
            lambda row: self.line(pc.indices_nonzero(mask)[row].as_py()),
        )


class Reader(Protocol):
    """An opened table: headings, lines `skipped` so far, and what a line is called (`rows_are`)."""

    headings: list[str]
    skipped: int
    rows_are: str

    def blocks(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        """Yield bounded blocks of the wanted columns, given by position and declared type."""


def is_blank(cells: pa.Array) -> pa.Array:
    """Tell where a cell is null, empty or nothing but blanks."""
    empty = pc.is_null(cells)  # a NaN is something: it is declared, or an error
    if not pa.types.is_string(cells.type):
        return empty
    blank = pc.or_(pc.utf8_is_space(cells), pc.equal(pc.binary_length(cells), 0))
    return pc.or_(empty, pc.fill_null(blank, True))


def drop_blank_rows(block: Block) -> Block:
    """Return the rows with anything in a wanted column."""
    blank = None
    for cells in block.cells.values():
        blank = is_blank(cells) if blank is None else pc.and_(blank, is_blank(cells))
        if not pc.any(blank, min_count=0).as_py():
            return block
    return block.keep(pc.invert(blank))


def drop_notes(block: Block) -> Block:
    """Return the last block without the notes under the table: rows with only one sentence."""
    end, columns = len(block), list(block.cells.values())
    while len(columns) > 1 and end and _is_note([cells[end - 1].as_py() for cells in columns]):
        end -= 1
    if end == len(block):
        return block
    return Block({index: cells.slice(0, end) for index, cells in block.cells.items()}, block.line)


def keep_like(block: Block, patterns: Mapping[int, str]) -> Block:
    """Return rows whose stripped cells match every column's shell pattern; an empty cell is ""."""
    for index, pattern in patterns.items():
        cells = pc.utf8_trim_whitespace(pc.fill_null(block.cells[index].cast(pa.string()), ""))
        block = block.keep(pc.match_substring_regex(cells, as_expression(pattern)))
    return block


def as_expression(pattern: str) -> str:
    """Turn a shell pattern (*, ?, [abc], [!abc]) into RE2, which lacks some of fnmatch's syntax."""
    pieces = re.findall(r"\[!?\]?[^\]]*\]|.", pattern, re.DOTALL)
    return f"^(?s:{''.join(map(_piece, pieces))})$"


def _piece(piece: str) -> str:
    if len(piece) > 1:
        inside = piece[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return {"*": ".*", "?": "."}.get(piece) or re.escape(piece)


def _is_note(row: list[Any]) -> bool:
    filled = [value for value in row if value is not None and str(value).strip()]
    is_text = len(filled) == 1 and isinstance(filled[0], str)
    return not filled or (is_text and bool(NOTE.search(filled[0])))
