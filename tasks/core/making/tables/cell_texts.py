"""Cells of a spreadsheet as text: codes without ".0", dates as 2025-12-31, null for empty ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa

WHOLE_NUMBERS_END = 1e15  # a spreadsheet keeps fifteen digits


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
    if types == {float}:
        numbers = np.asarray(column)
        if (numbers == np.floor(numbers)).all() and (np.abs(numbers) < WHOLE_NUMBERS_END).all():
            return pa.array(numbers.astype(np.int64)).cast(pa.string())
        if kind == "number" and point == ".":
            return pa.array(map(repr, column), pa.string())
    return pa.array([written(cell, kind, point) for cell in column], pa.string())


def written(cell: Any, kind: str, point: str) -> str | None:
    """Write a cell as text: codes without ".0", dates as 2025-12-31, None for an empty one.

    kind: the declared type; an amount has the fifteen digits a spreadsheet shows, a number every
    digit it holds.
    """
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < WHOLE_NUMBERS_END:
            return str(int(cell))
        number = f"{cell:.15g}" if kind.startswith("decimal") else repr(cell)
        return number if kind == "text" or point == "." else number.replace(".", point)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def wrong_code(cell: Any) -> str:
    """Say why a cell cannot hold a code letter for letter, "" if it can."""
    if isinstance(cell, str | bool):
        return ""
    if not isinstance(cell, int | float):
        return f"a date or time, {cell}, as which spreadsheets take a code such as 1-2"
    if abs(cell) >= WHOLE_NUMBERS_END:
        return f"a number of more than the fifteen digits that a workbook keeps, {cell:.0f}"
    return "" if float(cell).is_integer() else f"a number with decimals, {cell!r}"
