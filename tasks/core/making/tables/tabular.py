"""A publisher's table of figures, of any format, as declared, typed and checked row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.markers import Reasons, schema_fields
from tasks.core.making.tables.absences import absent_columns
from tasks.core.making.tables.blocks import (
    Block,
    Reader,
    as_expression,
    composed,
    drop_blank_rows,
    is_blank,
    keep_like,
)
from tasks.core.making.tables.delimited import Delimited
from tasks.core.making.tables.headings import find_columns, find_name
from tasks.core.making.tables.kinds import HEAD, require_table
from tasks.core.making.tables.notes import SHOWN, Notes, advice
from tasks.core.making.tables.parquet import Parquet
from tasks.core.making.tables.soundness import require_bearable, require_sound
from tasks.core.making.tables.spreadsheets import Spreadsheet
from tasks.core.making.unreadable import Unreadable
from tasks.core.making.values import as_text, convert, join_parts, join_reasons, refusal
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Table
from tasks.core.model.errors import SourceError

# XLSX and ODS are zip files, XLS is an OLE document
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
NAMED = 5  # notes


@dataclass
class Tally:
    """Rows read into the table, and what was not: rows left out, columns that are not there.

    left_out: by `where`. named: the first few notes. absent: the names tried for each column, all
    optional. reasons: of missing cells.
    """

    rows: int = 0
    left_out: int = 0
    blank: int = 0
    notes: int = 0
    named: list[str] = field(default_factory=list)
    absent: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: Reasons = field(default_factory=Reasons)


class Figures:
    """A file's rows as declared: typed Arrow batches of bounded size, in the file's order.

    Columns are those of `reads.columns`; with markers declared, each that is not text is followed
    by its reason (`<column>_reason`). Raises SourceError when the file is not what was declared,
    with the line and what to do.
    """

    def __init__(self, path: Path, reads: Table, label: str, member: str = "") -> None:
        require_sound(reads)
        beside = reads.missing and not reads.reasons_in
        fields = schema_fields(reads.columns, reasons=beside)
        fields += [pa.field(reads.reasons_in, pa.string())] if reads.reasons_in else []
        require_bearable(fields, label)
        self.schema = pa.schema(fields)
        self.reads, self.label, self.tally = reads, label, Tally()
        self._reader = _open(path, reads, label, member)
        composed = {name: column for name, column in reads.columns.items() if column.widths}
        self.parts = {
            name: [self._place(part, "that is part of a code") for part in column.names]
            for name, column in composed.items()
        }
        self.places = find_columns(reads.columns, self._reader.headings, label)
        self.tally.absent = absent_columns(
            reads.columns, reads.key, self.places, self._reader.headings, label
        )
        self._filters = {
            self._place(name, "of a filter"): pattern for name, pattern in reads.where.items()
        }

    @property
    def origins(self) -> dict[str, str]:
        """The publisher's name of each column that the file has."""
        places = {
            name: self.parts.get(name, [place])
            for name, place in self.places.items()
            if place is not None
        }
        return {
            name: " + ".join(self._reader.headings[part].strip() for part in found)
            for name, found in places.items()
        }

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the typed rows; the tally is whole at the end."""
        for block in self._blocks():
            kept = keep_like(block, self._filters)
            self.tally.left_out += len(block) - len(kept)
            self._require_keys(kept)
            self._require_no_headings(kept)
            self.tally.rows += len(kept)
            said: dict[str, pa.Array] = {}
            arrays: list[pa.Array] = []
            for name, column in self.reads.columns.items():
                arrays += self._typed(kept, name, column, said)
            if self.reads.reasons_in:
                arrays.append(join_reasons(said, len(kept)))
            yield pa.record_batch(arrays, schema=self.schema)

    def _blocks(self) -> Iterator[Block]:
        """Yield blocks without blank rows, and the last without the notes under the table."""
        kinds = {place: self.reads.columns[name].type for name, place in self.places.items()}
        kept = {place: kind for place, kind in kinds.items() if place is not None}
        parts = [place for places in self.parts.values() for place in places]
        wanted = dict.fromkeys([*self._filters, *parts], "text") | kept
        keys = [place for name in self.reads.key for place in self._places_of(name)]
        notes = Notes(self.reads, keys, self._is_kept, self.label, self._reader.rows_are)
        last: Block | None = None
        for last in notes.hold_back(self._filled(wanted)):
            yield last
        self._require_no_row_after_notes(last)
        self.tally.blank += self._reader.blank
        found = [*self._reader.notes, *reversed(notes.found)]
        self.tally.notes = len(found)
        self.tally.named = [
            f"{self._reader.rows_are} {line}: {text[:SHOWN]}"
            for line, text in sorted(found)[:NAMED]
        ]

    def _filled(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        """Yield blocks without blank rows; in a file of one column they may be declared to say."""
        marks = (*self.reads.missing, *self.reads.zero)
        is_said = len(self._reader.headings) == 1 and not self.reads.key
        is_said = is_said and any(not mark.strip() for mark in marks)
        for block in self._reader.blocks(wanted):
            kept = block if is_said else drop_blank_rows(block)
            self.tally.blank += len(block) - len(kept)
            if len(kept):
                yield kept

    def _require_no_row_after_notes(self, last: Block | None) -> None:
        """Raise SourceError when a row follows what was declared to be under the table."""
        if not self._reader.notes or not last:
            return
        (line, text), row = self._reader.notes[0], last.line(len(last) - 1)
        if row > line:
            raise SourceError(
                f"The notes of {self.label} were expected under the table; line {line} has"
                f" {text[:SHOWN]!r} and line {row} a row: correct `notes`."
            )

    def _is_kept(self, cells: Sequence[str]) -> bool:
        return all(
            re.search(as_expression(composed(pattern)), composed(cells[place].strip()))
            for place, pattern in self._filters.items()
        )

    def _places_of(self, name: str) -> list[int]:
        place = self.places[name]
        return self.parts.get(name, [] if place is None else [place])

    def _place(self, name: str, use: str) -> int:
        """Find the position of a heading that must be there, whatever it is used for."""
        return find_name(name, use, self.reads.columns, self._reader.headings, self.label)

    def _typed(
        self, block: Block, name: str, column: Column, said: dict[str, pa.Array]
    ) -> list[pa.Array]:
        """Return a column and its reasons, which go to `said` if kept in one column."""
        place = self.places[name]
        cells = pa.nulls(len(block), pa.string()) if place is None else block.cells[place]
        try:
            if name in self.parts:
                parts = [as_text(block.cells[part], self.reads) for part in self.parts[name]]
                return [join_parts(parts, column.widths)]
            values, reasons = convert(cells, column, self.reads)
        except Unreadable as error:
            heading = self._reader.headings[place or 0]
            line = f"{self._reader.rows_are} {block.line(error.row)}"
            note = advice(block.whole([error.row])[0])
            raise refusal(error, column, heading, self.label, line, note) from None
        if reasons is None:
            return [values]
        self.tally.reasons.add(reasons)
        if not self.reads.reasons_in:
            return [values, reasons]
        said[name] = reasons
        return [values]

    def _require_no_headings(self, block: Block) -> None:
        """Raise SourceError at headings among the rows, which only columns of text would take."""
        if any(column.type != "text" for column in self.reads.columns.values()):
            return
        alike = None
        for place, cells in block.cells.items():
            if not pa.types.is_string(cells.type):
                return
            found = pc.equal(cells, self._reader.headings[place])
            alike = found if alike is None else pc.and_kleene(alike, found)
            if not pc.any(alike, min_count=0).as_py():
                return
        if alike is not None and len(block.cells) > 1:
            raise SourceError(
                f"The headings of {self.label} were expected once; {self._reader.rows_are}"
                f" {block.line(alike.index(True).as_py())} has them again: leave it out with"
                " `where`, or have the publisher mend it."
            )

    def _require_keys(self, block: Block) -> None:
        for name in self.reads.key:
            places = self._places_of(name)
            rows = [is_blank(block.cells[place]).index(True).as_py() for place in places]
            if not places and len(block):
                rows = [0]
            if without := [row for row in rows if row >= 0]:
                line = f"{self._reader.rows_are} {block.line(min(without))}"
                raise SourceError(
                    f"Every row of {self.label} was expected to have the key {name};"
                    f" {line} has none: leave such rows out with `where`, or declare another key."
                )


def _open(path: Path, reads: Table, label: str, member: str) -> Reader:
    if member:
        return Delimited(path, reads, label, member)
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(b"PAR1"):
        return Parquet(path, reads, label)
    if head.startswith(WORKBOOKS):
        return Spreadsheet(path, reads, label)
    require_table(head, label)
    return Delimited(path, reads, label)
