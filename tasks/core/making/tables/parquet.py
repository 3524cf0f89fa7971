"""Parquet files, read as a stream of blocks of the wanted columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from tasks.core.making.fields import sound
from tasks.core.making.tables.blocks import Block
from tasks.core.model.declarations import Table
from tasks.core.model.errors import Damaged, SourceError

ROWS = 65_536
# Bytes read at a time; reading ahead would keep every part of the file that was read until its end.
BUFFER = 1 << 20


class Parquet:
    """A Parquet file; its headings are the columns at its top level."""

    rows_are = "row"
    blank = 0
    notes: tuple[tuple[int, str], ...] = ()

    def __init__(self, path: Path, reads: Table, label: str) -> None:
        self._path, self._label = path, label
        try:
            file = ParquetFile(path)
            self._schema = file.schema_arrow
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise Damaged(
                f"The Parquet file {label} cannot be read ({error}): it is damaged or encrypted;"
                " download it again."
            ) from None
        self.headings = self._schema.names

    def blocks(self, wanted: Mapping[int, str]) -> Iterator[Block]:
        first = 0
        names = [self.headings[index] for index in wanted]
        self._require_plain(wanted)
        try:
            file = ParquetFile(self._path, pre_buffer=False, buffer_size=BUFFER)
            for batch in file.iter_batches(batch_size=ROWS, columns=names):
                columns = [sound(batch.column(name)) for name in names]
                cells = dict(zip(wanted, columns, strict=True))
                yield Block(
                    cells,
                    lambda row, first=first: first + row + 1,  # type: ignore[misc]
                    partial(self._whole, first),
                )
                first += len(batch)
            require_counts(file, names, self._label)
        except (pa.ArrowException, OSError) as error:
            raise Damaged(
                f"The Parquet file {self._label} cannot be read after row {first:,} ({error}):"
                " download it again."
            ) from None

    def _require_plain(self, wanted: Mapping[int, str]) -> None:
        for index in wanted:
            held = self._schema.field(index).type
            if pa.types.is_nested(held) or pa.types.is_duration(held):
                raise SourceError(
                    f"The column {self.headings[index]!r} of {self._label} was expected to hold one"
                    f" value a row; it holds {held}: leave it out of the declaration, or declare"
                    " another column."
                )

    def _whole(self, first: int, rows: Sequence[int]) -> list[list[str]]:
        """Return all cells of some rows of a block, given in order, as text."""
        file, before, found = ParquetFile(self._path), 0, list[list[str]]()
        for batch in file.iter_batches(batch_size=ROWS):
            for row in rows[len(found) :]:
                if first + row >= before + len(batch):
                    break
                place = first + row - before
                cells = (sound(column.slice(place, 1))[0] for column in batch.columns)
                found.append([_shown(cell) for cell in cells])
            before += len(batch)
        return found


def require_counts(file: ParquetFile, names: Sequence[str], label: str) -> None:
    """Raise Damaged where columns state another number of values than their rows: a footer that
    contradicts itself may be of other rows.

    The columns must have been read to their end: pyarrow refuses a wrong footer while it reads, and
    ends the process where it is only asked for the same facts.
    """
    facts = file.metadata
    leaves = map(file.schema.column, range(facts.num_columns))
    flat = [
        place
        for place, leaf in enumerate(leaves)
        if leaf.path in names and not leaf.max_repetition_level
    ]
    for group in map(facts.row_group, range(facts.num_row_groups)):
        for column in map(group.column, flat):
            if column.num_values != group.num_rows:
                raise Damaged(
                    f"A value or null of {column.path_in_schema} was expected in each row of the"
                    f" Parquet file {label}; it states {column.num_values:,} in"
                    f" {group.num_rows:,} rows: download it again."
                )


def _shown(cell: pa.Scalar) -> str:
    """Write a cell as text, also bytes that are none and days that Python does not know."""
    try:
        value = cell.as_py()
    except (OverflowError, ValueError):
        value = cell.cast(pa.string()).as_py()
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return "" if value is None else str(value)
