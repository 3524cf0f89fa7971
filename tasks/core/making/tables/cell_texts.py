"""Cells of a spreadsheet as text: codes without ".0", dates as 2025-12-31, null for empty ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CODES_END = 1e15  # a spreadsheet keeps fifteen digits
EXACT_END = 2.0**53  # a double tells whole numbers apart
EXPONENTS_FROM = 1e10  # in Arrow's spelling of numbers
DIGITS = 15  # of an amount, beyond which is the noise of a sum such as 0.30000000000000004


def as_strings(
    column: Sequence[Any], kind: str, point: str, marks: Mapping[int, str | None] | None = None
) -> pa.Array:
    """Write a column's cells as text; marks: what stands in some rows instead."""
    types = set(map(type, column))
    if marks:
        texts = [written(cell, kind, point) for cell in column]
        for row, text in marks.items():
            texts[row] = text
        return pa.array(texts, pa.string())
    if types == {str}:
        return pa.array([cell or None for cell in column], pa.string())
    if types == {float} and (whole := _whole(column)) is not None:
        return whole.cast(pa.string())
    if types == {float} and kind.startswith("decimal") and point == ".":
        return _amounts(column, kind)
    if types == {float} and kind == "number" and point == ".":
        is_whole = float.is_integer
        texts = [written(c, kind, point) if is_whole(c) else repr(c) for c in column]
        return pa.array(texts, pa.string())
    return pa.array([written(cell, kind, point) for cell in column], pa.string())


def _whole(column: Sequence[float]) -> pa.Array | None:
    """Return numbers as integers, None unless all are whole and exact."""
    try:
        whole = pa.array(column, pa.float64()).cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    ends = pc.min_max(whole).as_py()
    return whole if -EXACT_END < ends["min"] <= ends["max"] < EXACT_END else None


def _amounts(column: Sequence[float], kind: str) -> pa.Array:
    """Write amounts; Arrow's digits are those of the file wherever they are fifteen at most."""
    end, numbers = min(_noise_end(kind), EXPONENTS_FROM), pa.array(column, pa.float64())
    texts = numbers.cast(pa.string())
    longest = pc.less_equal(pc.binary_length(texts), DIGITS + len("."))
    is_sure = pc.and_(longest, pc.less(pc.abs(numbers), end))
    if pc.all(is_sure).as_py():
        return texts
    doubtful = pc.invert(is_sure)
    places = pc.indices_nonzero(doubtful).to_pylist()
    return pc.replace_with_mask(
        texts,
        doubtful,
        pa.array([written(column[place], kind, ".") for place in places], pa.string()),
    )


def _noise_end(kind: str) -> float:
    """Return below what fifteen digits hold all declared decimals of an amount."""
    return 10.0 ** (DIGITS - int(kind.rstrip(")").rpartition(",")[2]))


def written(cell: Any, kind: str, point: str) -> str | None:
    """Write a cell as text: codes without ".0", dates as 2025-12-31, None for an empty one.

    kind: the declared type; an amount has the fifteen digits a spreadsheet shows where these hold
    all its decimals, a number every digit it holds.
    """
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < EXACT_END:
            return str(int(cell))
        is_short = kind.startswith("decimal") and abs(cell) < _noise_end(kind)
        number = f"{cell:.15g}" if is_short else repr(cell)
        return number if kind == "text" or point == "." else number.replace(".", point)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def are_kept(column: Sequence[Any], types: set[type], kind: str) -> bool:
    """Tell at once that all numbers of a column are kept to the last digit, as codes or amounts.

    False may also mean that only a look at each cell tells.
    """
    if not types <= {str, bool, float}:
        return False
    cells = column if types == {float} else [cell for cell in column if type(cell) is float]
    numbers = np.array(cells, np.float64)
    if kind != "text":
        return bool((np.abs(numbers) < EXACT_END).all())
    return bool(((np.abs(numbers) < CODES_END) & (numbers == np.trunc(numbers))).all())


def wrong_code(cell: Any) -> str:
    """Say why a cell cannot hold a code letter for letter, "" if it can."""
    if isinstance(cell, str | bool):
        return ""
    if not isinstance(cell, int | float):
        return f"a date or time, {cell}, as which spreadsheets take a code such as 1-2"
    if abs(cell) >= CODES_END:
        return f"a number of more than the fifteen digits that a workbook keeps, {cell:.0f}"
    return "" if float(cell).is_integer() else f"a number with decimals, {cell!r}"


def wrong_amount(cell: Any) -> str:
    """Say why a cell cannot hold an amount to its last digit, "" if it can."""
    if isinstance(cell, float) and abs(cell) >= EXACT_END:
        return f"the amount {cell!r}, beyond the whole numbers that a workbook keeps exactly"
    return ""
