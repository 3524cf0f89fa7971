"""Notes under a table: declared, or recognised where the file shows that they are no rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.making.tables.blocks import Block, as_expression, composed, is_blank
from tasks.core.model.declarations import Table
from tasks.core.model.errors import SourceError

WORDS = re.compile(r"\S\s+\S")
SENTENCE = re.compile(
    r"[:©]|^\s*[*(\[†‡¹²³]|^\s*\d{1,2}\s*\)|\.\s*$|^\s*\S+(\s+\S+){5}"
    r"|^\s*(sources?|notes?|nota|quellen?|bron|fuente|fonte|anmerkung|hinweis|remarque)\b",
    re.IGNORECASE,
)
MARKED = re.compile(
    r"[:©]|^\s*[*(\[†‡¹²³]|(\S+\s+){2}\S+\.\s*$|^\s*(sources?|notes?)\b", re.IGNORECASE
)
PHRASE = re.compile(r"(?:\b[^\W\d_]{2,}\b.*\s){2}.*\b[^\W\d_]{2,}")  # three words or more
ROWS, BYTES = 1_000, 32 << 20  # held back at the end of a table; more are no notes
DOUBTED = 5  # rows looked at in each block that a pattern of notes matches
SHOWN = 60  # characters of a note in a message


def reads_like_a_sentence(text: str) -> bool:
    """Tell a sentence ("Source: …", six words or more) from a code or a name."""
    return bool(SENTENCE.search(text))


def is_declared(cells: Sequence[str], patterns: Sequence[str] | None) -> bool:
    """Tell whether a row's first cell that is not empty matches a pattern of declared notes."""
    first = composed(next((cell.strip() for cell in cells if cell.strip()), ""))
    return any(fnmatchcase(first, composed(pattern)) for pattern in patterns or ())


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
                self._require_under(held[0])
                yield held.pop(0)
        rows = None
        while held and not rows:
            rows = self._without_notes(held.pop())
        if len(self.found) >= ROWS or (has_more and not rows):
            raise SourceError(
                f"The last {len(self.found):,} rows of {self.label} read like notes under the table"
                ", which are not so many: declare notes=() if they are rows."
            )
        for block in [*held, rows] if rows else held:
            self._require_under(block)
            yield block

    def _without_notes(self, block: Block) -> Block:
        """Return the block without the notes at its end."""
        end = len(block)
        first = end if self.reads.notes == () else self._first_doubtful(block)
        whole = block.whole(range(first, end)) if first < end else []
        above = block.slice(0, first)
        while end > first:
            cells, line = whole[end - 1 - first], partial(block.line, end - 1)
            if not self._is_note(cells, line, above):
                break
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

    def _is_note(self, cells: Sequence[str], line: Callable[[], int], above: Block) -> bool:
        """Tell whether a row is a note; raise SourceError where only a person can tell."""
        if not self.is_kept(cells):
            return False
        if is_declared(cells, self.reads.notes):
            return True
        filled = [cell for cell in cells if cell.strip()]
        keys = [place for place in self.keys if cells[place].strip()]
        if self.keys and not keys:
            return not self.reads.notes and len(filled) == 1 and bool(WORDS.search(filled[0]))
        if len(filled) > max(len(keys), 1):
            return False
        is_note = MARKED.search if self.reads.notes else reads_like_a_sentence
        if not any(map(is_note, filled)) and not _are_unlike(cells, keys, above):
            return False
        if self.keys or self.reads.notes or len(cells) == 1:
            raise self._doubt(filled[0], line())
        return True

    def _require_under(self, block: Block) -> None:
        """Raise SourceError at a declared note that has rows under it."""
        for pattern in self.reads.notes or ():
            place = next(iter(self.keys or block.cells))
            texts = _texts(block.cells[place])
            found = pc.indices_nonzero(pc.match_substring_regex(texts, as_expression(pattern)))
            rows = found[:DOUBTED].to_pylist()
            for row, cells in zip(rows, block.whole(rows) if rows else (), strict=True):
                if sum(map(bool, map(str.strip, cells))) == 1 and self.is_kept(cells):
                    raise SourceError(
                        f"The notes of {self.label} were expected under the table;"
                        f" {self.rows_are} {block.line(row)} has {texts[row].as_py()[:SHOWN]!r} and"
                        " rows under it: correct `notes`."
                    )

    def _doubt(self, text: str, line: int) -> SourceError:
        return SourceError(
            f"The last rows of {self.label} were expected to be rows or notes under the table;"
            f" {self.rows_are} {line} has {text[:SHOWN]!r} and nothing else, which could be either:"
            f" declare notes=({pattern_of(text)!r},), or notes=() if it is a row."
        )


def _are_unlike(cells: Sequence[str], keys: Sequence[int], above: Block) -> bool:
    """Tell whether a key is a phrase where those above are codes, each with a digit."""
    return any(PHRASE.search(cells[place]) and _are_codes(above.cells[place]) for place in keys)


def _are_codes(cells: pa.Array) -> bool:
    texts = _texts(cells)
    has_digit = pc.match_substring_regex(texts, r"\d")
    is_phrase = pc.match_substring_regex(texts, r"\pL{2}.*\s.*\pL{2}")
    return bool(len(texts) and pc.all(has_digit).as_py() and not pc.any(is_phrase).as_py())


def _texts(cells: pa.Array) -> pa.Array:
    """Return stripped texts, "" for a null; none where the file has values of other types."""
    texts = cells if pa.types.is_string(cells.type) else pa.array([], pa.string())
    return pc.utf8_normalize(pc.utf8_trim_whitespace(pc.fill_null(texts, "")), "NFC")


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
