"""The records of a dBASE file as their bytes say, which GDAL reads with less care than is due."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.model.errors import Damaged

Cells = npt.NDArray[np.uint8]
BLANK, DELETED, DESCRIPTOR = 0x20, 0x2A, 32
END_OF_HEADER = 0x0D
NUMERIC = "NF"
OF_NUMBERS = np.isin(np.arange(256), np.frombuffer(b" +-.0123456789eE", np.uint8))
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LEAST_ENDS = np.frombuffer(b"+308", np.uint8)
BLOCK_BYTES = 4 * 2**20


@dataclass(frozen=True)
class DbaseField:
    """A field of the records: raw name, type letter, first byte, width in bytes and decimals."""

    name: bytes
    kind: str
    start: int
    width: int
    decimals: int

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers."""
        return self.kind == "N" and not self.decimals


@dataclass
class Dbase:
    """A dBASE file read once, forward: `take` gives the next records that are not deleted."""

    file: BinaryIO
    name: str
    fields: tuple[DbaseField, ...]
    records: int
    length: int
    language: int
    read: int = 0
    deleted: int = 0
    waiting: Cells = field(default_factory=lambda: np.empty((0, 0), np.uint8))

    def take(self, count: int) -> Cells:
        """Return the bytes of the next `count` living records: an array (count, length)."""
        taken: list[Cells] = [self.waiting] if len(self.waiting) else []
        while sum(map(len, taken)) < count and self.read < self.records:
            taken.append(self._next_block())
        empty = np.empty((0, self.length), np.uint8)
        records: Cells = taken[0] if len(taken) == 1 else np.concatenate([empty, *taken])
        self.waiting = records[count:]
        return np.asarray(records[:count])

    def left(self) -> int:
        """Count the living records not taken yet, reading to the end of the file."""
        count = len(self.waiting)
        while self.read < self.records:
            count += len(self._next_block())
        return count

    def _next_block(self) -> Cells:
        count = min(max(BLOCK_BYTES // self.length, 1), self.records - self.read)
        block = np.frombuffer(self.file.read(count * self.length), np.uint8)
        if len(block) < count * self.length:
            raise Damaged(
                f"The table {self.name} states {self.records:,} records and ends in record"
                f" {self.read + len(block) // self.length + 1:,}: download it again."
            )
        records = block.reshape(count, self.length)
        living: Cells = records[records[:, 0] != DELETED]
        self.read += count
        self.deleted += count - len(living)
        return living


def open_dbase(file: BinaryIO, name: str) -> Dbase:
    """Read the header of a dBASE file; raise Damaged when it is none."""
    head = file.read(DESCRIPTOR)
    if len(head) < DESCRIPTOR:
        raise Damaged(
            f"A dBASE table was expected and {name} has {len(head)} bytes: download it again."
        )
    records, header, length = struct.unpack("<IHH", head[4:12])
    described = file.read(max(header - DESCRIPTOR, 0))
    fields: list[DbaseField] = []
    start = 1
    for place in range(0, len(described) - DESCRIPTOR + 1, DESCRIPTOR):
        each = described[place : place + DESCRIPTOR]
        if each[0] == END_OF_HEADER:
            break
        label = each[:11].split(b"\0")[0].strip()
        fields.append(DbaseField(label, chr(each[11]), start, each[16], each[17]))
        start += each[16]
    if not fields or start > length:
        raise Damaged(
            f"A dBASE table was expected and the header of {name} describes records of {start:,}"
            f" bytes, stating {length:,}: download it again."
        )
    return Dbase(file, name, tuple(fields), records, length, head[29])


def cells_of(records: Cells, column: DbaseField) -> Cells:
    """Return the bytes of one field, (records, width); what follows a NUL becomes blank."""
    cells: Cells = np.ascontiguousarray(records[:, column.start : column.start + column.width])
    if cells.size and not cells.min():
        ended = np.maximum.accumulate(cells == 0, axis=1)
        cells = np.where(ended, np.uint8(BLANK), cells)
    return cells


def raw_text(cells: Cells) -> pa.Array:
    """Return cells without the blanks around them, undecoded; null where nothing is left."""
    count, width = cells.shape
    ends = np.arange(count + 1, dtype=np.int64) * width
    whole = pa.LargeStringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(cells))
    text = pc.ascii_trim(whole, characters=" ")
    return pc.if_else(pc.equal(pc.binary_length(text), 0), pa.scalar(None, text.type), text)


def is_of_numbers(cells: Cells) -> bool:
    """Tell whether every cell is blank or one number: neither "****" nor "12,5" nor "-"."""
    if not OF_NUMBERS[cells].all():
        return False
    is_blank = cells == BLANK
    begun = is_blank[:, :-1] & ~is_blank[:, 1:]
    is_one = not cells.size or bool((begun.sum(axis=1) + ~is_blank[:, 0] <= 1).all())
    is_plain = (is_blank | _is_digit(cells)).all()
    return is_one and (bool(is_plain) or _are_numbers(cells))


def may_be_least(cells: Cells) -> bool:
    """Tell whether a cell may hold the least double, -1.79769…e+308."""
    return cells.shape[1] > len("-1.79769e+30") and bool((cells[:, -4:] == LEAST_ENDS).all(1).any())


def _are_numbers(cells: Cells) -> bool:
    """Hold the cells that are no plain "-12.5" to a whole number; GDAL reads the start of one."""
    is_sign, is_point = (cells == ord("-")) | (cells == ord("+")), cells == ord(".")
    is_odd = (is_sign[:, 1:] & (cells[:, :-1] != BLANK)).any(axis=1) | (cells > ord("9")).any(
        axis=1
    )
    is_odd |= ~_is_digit(cells).any(axis=1) | (is_point.sum(axis=1) > 1)
    texts = (cell.tobytes().strip() for cell in cells[is_odd])
    return all(NUMBER.fullmatch(text) for text in texts if text)


def _is_digit(cells: Cells) -> npt.NDArray[np.bool_]:
    return np.asarray((cells >= ord("0")) & (cells <= ord("9")))


def is_of_dates(cells: Cells) -> bool:
    """Tell whether every cell is blank or a day of the calendar in eight digits."""
    is_blank = (cells == BLANK).all(axis=1)
    if not (_is_digit(cells).all(axis=1) | is_blank).all():
        return False
    digits = cells[~is_blank].astype(np.int64) - ord("0")
    days, months = digits[:, 6:8] @ (10, 1), digits[:, :6] @ (100_000, 10_000, 1000, 100, 10, 1)
    years, months = np.divmod(months, 100)
    if not (years.all() and np.isin(months, range(1, 13)).all()):
        return False
    first = (12 * (years - 1970) + months - 1).astype("datetime64[M]")
    lengths = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(int)
    return bool(((days >= 1) & (days <= lengths)).all())
