"""Numbers as written or as a file keeps them, exactly of the declared type."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.fields import arrow_type
from tasks.core.making.unreadable import Unreadable, require
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Writing

CAST_FAULTS = {  # by the first word of what Arrow says
    "Rescaling": "it has more decimals than declared",
    "Decimal": "it has more digits than declared",
}
# a blank between thousands is written in five ways, an apostrophe in two
BLANKS = r"[ \x{00A0}\x{2007}\x{2009}\x{202F}]"
APOSTROPHES = r"['\x{2019}]"
MINUS = "\N{MINUS SIGN}"
BITS = {16: 11, 32: 24, 64: 53}  # of a whole number that a float of so many bits holds exactly
NO_NUMBER = "it is not a number; `missing` knows it as 'NaN', 'inf' or '-inf'"


def as_numbers(cells: pa.Array, column: Column, reads: Writing) -> pa.Array:
    """Return numbers of the declared type; raise Unreadable at the first value that is none."""
    target = arrow_type(column)
    if not pa.types.is_string(cells.type):
        if (typed := _converted(cells, target)) is not None:
            return typed
        cells, reads = spelled_out(cells), Writing()  # written out by Arrow, so with a point
    if (typed := plain_numbers(cells, target, reads)) is not None:
        return typed
    spelled = pc.utf8_trim_whitespace(cells)
    spelled = pc.if_else(pc.equal(spelled, ""), pa.scalar(None, pa.string()), spelled)
    spelled = _spell_number(spelled, column, reads)
    typed = _cast(spelled, target)
    if typed is None:
        raise _first_unreadable(cells, spelled, target)
    _require_exact(typed, spelled)
    return typed


def plain_numbers(cells: pa.Array, target: pa.DataType, reads: Writing) -> pa.Array | None:
    """Return strings as numbers where all are written as Arrow reads them, otherwise None."""
    if reads.decimal_point != "." or reads.thousands:
        return None
    typed = _cast(cells, target)
    return None if typed is None or _is_doubtful(typed) else typed


def spelled_out(cells: pa.Array) -> pa.Array:
    """Write values as strings: numbers with a point, whole ones without ".0"."""
    if not pa.types.is_floating(cells.type):
        return cells.cast(pa.string())
    whole = pc.and_(pc.equal(pc.floor(cells), cells), pc.less(pc.abs(cells), _end(cells.type)))
    null = pa.scalar(None, cells.type)
    integers = pc.if_else(whole, cells, null).cast(pa.int64(), safe=False)
    return pc.coalesce(integers.cast(pa.string()), cells.cast(pa.string()))


def exact_whole_numbers(cells: pa.Array, decimals: int = 0) -> None:
    """Raise Unreadable at a float that is none, or too large to be told from its neighbours.

    decimals: those that the number is to have.
    """
    require(pc.is_finite(cells), cells, NO_NUMBER)
    end = _end(cells.type) / (2 * 10**decimals if decimals else 1)
    why = f"the file keeps it as a {cells.type}, which is not exact beyond {end:.0f}"
    require(pc.less(pc.abs(cells), end), spelled_out(cells), why)


def _end(kind: pa.DataType) -> float:
    return 2.0 ** BITS[kind.bit_width]


def _converted(cells: pa.Array, target: pa.DataType) -> pa.Array | None:
    """Return the values of a typed file in another type, or None where that could lose anything."""
    if pa.types.is_floating(cells.type):
        if pa.types.is_floating(target):
            require(pc.is_finite(cells), cells, NO_NUMBER)
            return cells.cast(target)
        exact_whole_numbers(cells, target.scale if pa.types.is_decimal(target) else 0)
        if pa.types.is_decimal(target):
            return None  # Arrow would round without a word
    elif not (pa.types.is_integer(cells.type) or pa.types.is_decimal(cells.type)):
        return None  # Arrow makes numbers of moments and of truth values
    try:
        return cells.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _cast(cells: pa.Array, target: pa.DataType) -> pa.Array | None:
    """Read strings as a type, or return None, also for what only Arrow reads (0x1F, NaN)."""
    try:
        typed = cells.cast(target)
    except pa.ArrowInvalid:
        return None
    if pa.types.is_integer(target):
        return None if holds(cells, b"x") or holds(cells, b"X") else typed
    if pa.types.is_floating(target):
        return typed if pc.all(pc.is_finite(typed), min_count=0).as_py() else None
    return typed


def _is_doubtful(typed: pa.Array) -> bool:
    """Tell whether a double might not be the whole number that was written."""
    if not pa.types.is_floating(typed.type) or typed.null_count == len(typed):
        return False
    ends = pc.min_max(typed).as_py()
    return bool(max(-ends["min"], ends["max"]) >= _end(typed.type))


def _require_exact(typed: pa.Array, spelled: pa.Array) -> None:
    """Raise Unreadable at a whole number written in digits that a double does not hold."""
    if not _is_doubtful(typed):
        return
    written = pc.match_substring_regex(spelled, r"^-?\d{1,38}$")
    digits = pc.if_else(written, spelled, pa.scalar(None, pa.string())).cast(pa.decimal128(38, 0))
    held = pc.if_else(written, typed, pa.scalar(None, typed.type)).cast(pa.decimal128(38, 0))
    why = "a number (double precision) is not exact beyond 9007199254740992: declare an integer"
    require(pc.equal(digits, held), spelled, why)


def _spell_number(cells: pa.Array, column: Column, reads: Writing) -> pa.Array:
    """Drop thousands marks and use a decimal point; raise Unreadable at misplaced marks."""
    mark = _mark(reads.thousands)
    whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)" if reads.thousands else r"\d+"
    point, fraction, short = re.escape(reads.decimal_point), "", ""
    if column.type != "integer":
        fraction, short = rf"(?:{point}\d*)?(?:[eE][+-]?\d+)?", rf"|{point}\d+"
    fits = pc.match_substring_regex(cells, rf"^[+\-{MINUS}]?(?:{whole}{fraction}{short})$")
    require(fits, cells)
    if reads.thousands:
        cells = pc.replace_substring_regex(cells, mark, "")
    if reads.decimal_point != ".":
        cells = pc.replace_substring(cells, reads.decimal_point, ".")
    return pc.replace_substring(pc.replace_substring_regex(cells, r"^\+", ""), MINUS, "-")


def _mark(thousands: str) -> str:
    """Return the expression of a mark between thousands: any blank for a blank, as in ' and ’."""
    if thousands.isspace():
        return BLANKS
    return APOSTROPHES if thousands in ("'", "\u2019") else re.escape(thousands)


def _first_unreadable(cells: pa.Array, spelled: pa.Array, target: pa.DataType) -> Unreadable:
    """Find the first unreadable value, one by one, as it is sought only after a failure."""
    row = next(row for row in range(len(spelled)) if _cast(spelled.slice(row, 1), target) is None)
    why = f"it is too large for a {target}"
    try:
        spelled.slice(row, 1).cast(target)
    except pa.ArrowInvalid as error:
        why = CAST_FAULTS.get(str(error).split()[0], why)
    return Unreadable(row, cells[row].as_py(), why)


def holds(cells: pa.Array, byte: bytes) -> bool:
    """Tell whether a byte is in the block (or beside it, if a slice): one pass over bare memory."""
    data = cells.buffers()[2]
    return data is not None and bool((np.frombuffer(data, np.uint8) == byte[0]).any())
