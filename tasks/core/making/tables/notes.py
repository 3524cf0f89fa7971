"""Notes under a table: declared, or recognised where the file shows that they are no rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.making.tables.blocks import Block, is_blank
from tasks.core.model.declarations import Table
from tasks.core.model.errors import SourceError

WORDS = re.compile(r"\S\s+\S")
SENTENCE = re.compile(
    r"[:©]|^\s*[*(\[†‡¹²³]|^\s*\d{1,2}\s*\)|\.\s*$|^\s*\S+(\s+\S+){5}"
    r"|^\s*(sources?|notes?|nota|quellen?|bron|fuente|fonte|anmerkung|hinweis|remarque)\b",
    re.IGNORECASE,
)
ROWS, BYTES = 1_000, 32 << 20  # held back at the end of a table; more are no notes
SHOWN = 60  # characters of a note in a message


def reads_like_a_sentence(text: str) -> bool:
    """Tell a sentence ("Source: …", six words or more) from a code or a name."""
    return bool(SENTENCE.search(text))


def is_declared(cells: Sequence[str], patterns: Sequence[str] | None) -> bool:
    """Tell whether a row's first cell that is not empty matches a pattern of declared notes."""
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    return any(fnmatchcase(first, pattern) for pattern in patterns or ())


def advice(cells: Sequence[str]) -> str:
    """Say how a row that reads like a note is declared as one, or nothing."""
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    if not reads_like_a_sentence(first):
        return ""
    return f"; if it is a note under the table, declare notes=({pattern_of(first)!r},)"


def pattern_of(text: str) -> str:
    """Return a shell pattern of a note's beginning."""
    return re.sub(r"([*?\[])", r"[\1]", re.split(r"[\s:;,]", text.strip(), maxsplit=1)[0]) + "*"


@dataclass
class Notes:
    """Divides the last rows of a table into rows and notes.

    keys: the positions of the key's columns in the file. is_kept: whether a row passes the declared
    filters. `found` has the line and the text of each note, the last one first.
    """

    reads: Table
    keys: Sequence[int]
    is_kept: Callable[[Sequence[str]], bool]
    label: str
    rows_are: str

    def __post_init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def hold_back(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield blocks without blank rows; those of the last rows without the notes among them."""
        held: list[Block] = []
        has_more = False
        for block in blocks:
            held.append(block)
            while len(held) > 1 and _is_enough(held[1:]):
                has_more = True
                yield held.pop(0)
        rows = None
        while held and not rows:
            rows = self._without_notes(held.pop())
        if len(self.found) >= ROWS or (has_more and not rows):
            raise SourceError(
                f"The last {len(self.found):,} rows of {self.label} read like notes under the table"
                ", which are not so many: declare notes=() if they are rows."
            )
        yield from [*held, rows] if rows else held

    def _without_notes(self, block: Block) -> Block:
        """Return the block without the notes at its end."""
        end = len(block)
        first = end if self.reads.notes == () else self._first_doubtful(block)
        whole = block.whole(range(first, end)) if first < end else []
        while end > first and self._is_note(whole[end - 1 - first], partial(block.line, end - 1)):
            end -= 1
            self.found.append((block.line(end), " ".join(filter(None, whole[end - first]))))
        return block.slice(0, end)

    def _first_doubtful(self, block: Block) -> int:
        """Return the row from which on all may be notes, by the wanted columns alone."""
        start = max(0, len(block) - ROWS)
        if self.reads.notes:
            return start
        blank = {place: is_blank(cells[start:]) for place, cells in block.cells.items()}
        if self.keys:
            others = [cells for place, cells in blank.items() if place not in self.keys]
            keys = [blank[place] for place in self.keys]
            doubtful = np.logical_or(_all(keys), _all(others))
        else:
            filled = sum(np.invert(np.asarray(cells)).astype(int) for cells in blank.values())
            doubtful = np.asarray(filled) <= 1
        sure = np.flatnonzero(~doubtful)
        return start + int(sure[-1]) + 1 if sure.size else start

    def _is_note(self, cells: Sequence[str], line: Callable[[], int]) -> bool:
        """Tell whether a row is a note; raise SourceError where only a person can tell."""
        if not self.is_kept(cells):
            return False
        if self.reads.notes is not None:
            return is_declared(cells, self.reads.notes)
        filled = [cell for cell in cells if cell.strip()]
        keys = [cells[place] for place in self.keys if cells[place].strip()]
        if self.keys and not keys:
            return len(filled) == 1 and bool(WORDS.search(filled[0]))
        if len(filled) > max(len(keys), 1) or not any(map(reads_like_a_sentence, keys or filled)):
            return False
        if self.keys or len(cells) == 1:
            raise self._doubt(filled[0], line())
        return True

    def _doubt(self, text: str, line: int) -> SourceError:
        return SourceError(
            f"The last rows of {self.label} were expected to be rows or notes under the table;"
            f" {self.rows_are} {line} has {text[:SHOWN]!r} and nothing else, which could be either:"
            f" declare notes=({pattern_of(text)!r},), or notes=() if it is a row."
        )


def _is_enough(blocks: Sequence[Block]) -> bool:
    """Tell whether the notes under a table are in these blocks, the last ones."""
    size = sum(cells.nbytes for block in blocks for cells in block.cells.values())
    return sum(map(len, blocks)) >= ROWS or size > BYTES


def _all(columns: Sequence[pa.Array]) -> NDArray[np.bool_]:
    """Tell in which rows all of some columns are true."""
    found: NDArray[np.bool_] = np.ones(len(columns[0]) if columns else 1, np.bool_)
    for column in columns:
        found &= np.asarray(column)
    return found
