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
ALIKE_FROM, ALIKE_END = 1e-4, 1e10  # between them Arrow spells numbers as Python does
DIGITS = 15  # of an amount, beyond which is the noise of a sum such as 0.30000000000000004


def as_strings(
    column: Sequence[Any], kind: str, point: str, marks: Mapping[int, str | None] | None = None
) -> pa.Array:
    """Write a column's cells as `written` does each; marks: what stands in some rows instead."""
    types = set(map(type, column))
    if len(types) == 1:
        texts = _of_one_type(column, types.pop(), kind, point)
    else:
        texts = pa.nulls(len(column), pa.string())
        for each in types:
            cells = [cell for cell in column if type(cell) is each]
            is_such = pa.array([type(cell) is each for cell in column])
            texts = pc.replace_with_mask(texts, is_such, _of_one_type(cells, each, kind, point))
    return _with(texts, marks or {})


def _of_one_type(cells: Sequence[Any], of: type, kind: str, point: str) -> pa.Array:
    """Write cells that are all of one type, where that is possible at once."""
    if of is str:
        return pa.array([cell or None for cell in cells], pa.string())
    if of is float:
        return _numbers(cells, kind, point)
    if of is date:
        return pa.array(cells, pa.date32()).cast(pa.string())
    return pa.array([written(cell, kind, point) for cell in cells], pa.string())


def _numbers(cells: Sequence[float], kind: str, point: str) -> pa.Array:
    """Write numbers: whole ones as integers, others by Arrow where its digits are Python's."""
    values = np.array(cells, np.float64)
    size = np.abs(values)
    is_whole = (values == np.trunc(values)) & (size < EXACT_END)
    whole = pa.array(np.where(is_whole, values, 0).astype(np.int64)).cast(pa.string())
    if is_whole.all():
        return whole
    texts = pa.array(values).cast(pa.string())
    is_sure = (size >= ALIKE_FROM) & (size < ALIKE_END)
    if kind.startswith("decimal"):
        longest = pc.less_equal(pc.binary_length(texts), DIGITS + len("."))
        is_sure &= np.asarray(longest) & (size < _noise_end(kind))
    if kind != "text" and point != ".":
        texts = pc.replace_substring(texts, ".", point)
    texts = pc.if_else(pa.array(is_whole), whole, texts)
    doubtful = np.flatnonzero(~(is_sure | is_whole)).tolist()
    return _with(texts, {place: written(cells[place], kind, point) for place in doubtful})


def _with(texts: pa.Array, others: Mapping[int, str | None]) -> pa.Array:
    """Put other texts into some places."""
    if not others:
        return texts
    is_other = np.zeros(len(texts), bool)
    is_other[list(others)] = True
    said = pa.array([others[place] for place in sorted(others)], pa.string())
    return pc.replace_with_mask(texts, pa.array(is_other), said)


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
