"""A value that is not what was declared, found in an Arrow column."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


class Unreadable(Exception):
    """A value not of its declared type: its row in the block, what it is, and perhaps why."""

    def __init__(self, row: int, value: str, why: str = "") -> None:
        super().__init__(value)
        self.row, self.value, self.why = row, value, why


def require(fits: pa.Array, cells: pa.Array, why: str = "") -> None:
    """Raise Unreadable at the first cell that does not fit; a null fits."""
    if pc.all(fits, min_count=0).as_py():
        return
    raise first(pc.fill_null(fits, True), cells, why)


def first(fits: pa.Array, cells: pa.Array, why: str = "") -> Unreadable:
    """Return the first cell that does not fit, as the error that it is."""
    row = pc.index(fits, False).as_py()
    value = cells[row].as_py()
    return Unreadable(row, value if isinstance(value, str) else str(value), why)
