"""Rows within a quoted cell: two stray quotes that make a pair leave no other trace."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.core.making.tables.quotes import Positions, spans
from tasks.core.making.tables.texts import BLOCK, Text
from tasks.core.model.errors import SourceError

LINE_END = re.compile("\r\n|\n|\r")
RUN = re.compile(r"[^\W\d_]+|\d+")  # of letters, or of digits


def require_none(text: Text, width: int, wanted: Mapping[int, str]) -> None:
    """Raise SourceError at a quoted cell that holds whole rows of the table.

    width: cells of a row; wanted: the declared type of each wanted column. Reads the file once
    more, so it is for one that has line ends within its records.
    """
    markers = {*text.reads.missing, *text.reads.zero}
    for before, rows in _Suspects(text, width):
        if _are_rows(rows, text.reads.quote, wanted, markers):
            first = text.first_line + before
            raise SourceError(
                f"Every quoted cell of {text.label} was expected to hold one value; the one that"
                f" begins on line {first} ends on line {first + len(rows) - 1} and holds the rows"
                ' between: declare quote="" if quotes are letters there, or have the publisher mend'
                " it."
            )


@dataclass
class _Suspects:
    """The records of several lines that have as many delimiters as so many rows, one by one."""

    text: Text
    width: int

    def __iter__(self) -> Iterator[tuple[int, list[list[str]]]]:
        """Yield the lines before each, and its own, divided at every delimiter."""
        held, ends, before = b"", np.empty(0, np.intp), 0
        with self.text.reading(self.text.start) as quoted:
            for part in spans(quoted, BLOCK):
                ends = np.concatenate([ends, part.lines + len(held)])
                records, held = part.records + len(held), held + part.chunk
                yield from self._among(held, ends, records, before)
                if records.size:
                    last = int(records[-1])
                    before += int(np.searchsorted(ends, last, "right"))
                    held, ends = held[last:], ends[ends > last] - last
        if held:  # the last record, without a line end
            end = np.array([len(held)])
            yield from self._among(held, np.concatenate([ends, end]), end, before)

    def _among(
        self, held: bytes, ends: Positions, records: Positions, before: int
    ) -> Iterator[tuple[int, list[list[str]]]]:
        mark = self.text.reads.delimiter
        marks = np.flatnonzero(np.frombuffer(held, np.uint8) == ord(mark))
        lines = np.searchsorted(ends, records, "right")
        rows, cells = (
            np.diff(counted, prepend=0) for counted in (lines, np.searchsorted(marks, records))
        )
        for place in np.flatnonzero((rows > 1) & (cells == rows * (self.width - 1))).tolist():
            record = held[records[place - 1] if place else 0 : records[place]].decode()
            divided = [line.split(mark) for line in LINE_END.split(record)[: rows[place]]]
            yield before + int(lines[place] - rows[place]), divided


def _are_rows(
    rows: Sequence[Sequence[str]], quote: str, wanted: Mapping[int, str], markers: Collection[str]
) -> bool:
    """Tell whether lines are rows by their figures, or by their first cells where none is."""
    figures = [place for place, kind in wanted.items() if kind != "text"]
    if len({len(row) for row in rows}) > 1:
        return False
    if not figures:
        forms = {RUN.sub(_form, row[0].strip(quote)) for row in rows}
        return len(forms) == 1 and "0" in forms.pop()
    held = [[row[place].strip().strip(quote).strip() for place in figures] for row in rows]
    if sum(map(any, held)) < max(2, len(rows) / 2):
        return False
    cells = (cell for row in held for cell in row)
    return all(cell in markers or not any(map(str.isalpha, cell)) for cell in cells)


def _form(run: re.Match[str]) -> str:
    return "0" if run[0].isdigit() else "A"
