"""Places that a worksheet's rows and cells state, followed many at a time: each comes once."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

NAMED = re.compile(rb'<row\s[^>]*?\sr="')
PLACE = np.frombuffer(b' r="', "<u4")[0]  # what follows the name of an element that states it
PADDING = b" " * 16  # so that words can be read to the end
COLUMNS = 1 << 15  # more than a sheet has, 16,384
Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]
Words = NDArray[np.uint64]  # of eight bytes of the text
# of so many digits and the quote behind them
MASKS = np.array([(1 << 8 * (digits + 1)) - 1 for digits in range(8)], np.uint64)


class Order:
    """Follows `<row r="4">` and `<c r="B4">` through the parts of a worksheet's XML.

    rows, columns: the extent so far. Each part ends before a row or a cell begins.
    """

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._column = 0  # of the last cell of the last row, from 1
        # digits of the last row, and the mask that leaves them in a word
        self._row = np.zeros((1, 2), np.uint64)

    def follow(self, part: bytes) -> bool:
        """Tell that all rows and cells state their place, in order; False if a parser must tell."""
        text = part + PADDING
        words = np.ndarray(len(text) - 7, "<u8", text, strides=(1,))
        cells, rows = _elements(np.frombuffer(text, np.uint8), len(part))
        return self._follow_rows(text, words, rows) and self._follow_cells(words, cells, rows)

    def _follow_rows(self, text: bytes, words: Words, rows: Places) -> bool:
        starts = rows + len('<row r="')
        for place in np.flatnonzero(~_state_place(words[rows + len("<row")])).tolist():
            if not (named := NAMED.match(text, int(rows[place]))):
                return False
            starts[place] = named.end()  # another attribute comes first
        digits = words[starts]
        counts, numbers = _numbers(digits)
        if not (np.diff(numbers, prepend=self.rows) > 0).all():
            return False
        masks = MASKS[counts]
        self._row = np.vstack([self._row[-1:], np.column_stack([digits & masks, masks])])
        self.rows = int(numbers.max(initial=self.rows))
        return True

    def _follow_cells(self, words: Words, cells: Places, rows: Places) -> bool:
        stated = words[cells + len("<c")]
        columns, letters = _columns(stated)
        counts = np.diff(np.searchsorted(cells, rows), prepend=0, append=len(cells))
        digits, mask = np.repeat(self._row, counts, axis=0).T
        is_of_row = (words[cells + len('<c r="') + letters] & mask) == digits
        before = (len(counts) - 1) * COLUMNS
        keys = np.repeat(np.arange(len(counts)) * COLUMNS, counts) + columns
        keys = np.append(self._column, keys)
        self._column = max(0, int(keys[-1]) - before)
        self.columns = int(columns.max(initial=self.columns))
        ascend = (np.diff(keys) > 0) & is_of_row & _state_place(stated)
        return bool(ascend.all() and columns.all())


def _elements(text: Bytes, end: int) -> tuple[Places, Places]:
    """Return where cells, `<c`, and rows, `<row`, begin."""
    opens = text[:end] == ord("<")
    rows = opens & (text[1 : end + 1] == ord("r"))
    rows &= text[3 : end + 3] == ord("w")
    cells = np.flatnonzero(opens & (text[1 : end + 1] == ord("c")))
    places = np.flatnonzero(rows)
    return cells[~_is_letter(text[cells + 2])], places[~_is_letter(text[places + 4])]


def _is_letter(text: Bytes) -> NDArray[np.bool_]:
    return ((text | 0x20) - np.uint8(ord("a"))) < 26


def _state_place(words: Words) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = words.astype(np.uint32) == PLACE
    return found


def _columns(words: Words) -> tuple[NDArray[np.int64], Places]:
    """Return the columns, from 1, of cells such as ` r="AB1`, and how many letters they have.

    A column is 0 where it is none.
    """
    text = words.view(np.uint8).reshape(-1, 8)[:, 4:7] - np.uint8(ord("A"))
    is_letter = text < 26
    second = is_letter[:, 1]
    third = second & is_letter[:, 2]
    columns = np.where(is_letter[:, 0], text[:, 0] + np.int64(1), 0)
    columns = np.where(second, columns * 26 + text[:, 1] + 1, columns)
    columns = np.where(third, columns * 26 + text[:, 2] + 1, columns)
    return columns, 1 + second.astype(np.intp) + third


def _numbers(words: Words) -> tuple[Places, NDArray[np.int64]]:
    """Return how many digits, ended by a quote, begin words, and their number; 0 if none does."""
    text = words.view(np.uint8).reshape(-1, 8)
    is_quote = text == ord('"')
    counts = np.where(is_quote.any(axis=1), is_quote.argmax(axis=1), 0)
    digits = text - np.uint8(ord("0"))
    is_number = digits[:, 0] > 0
    numbers = np.zeros(len(words), np.int64)
    for place in range(7):
        inside = place < counts
        is_number &= ~inside | (digits[:, place] < 10)
        numbers = np.where(inside, numbers * 10 + digits[:, place], numbers)
    return counts, np.where(is_number, numbers, 0)
