"""Give values their exact declared type, or name the first misfit; reasons joined."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.fields import arrow_type
from tasks.core.making.tables.blocks import is_blank
from tasks.core.model.declarations import Column, Table

TRUE = ("true", "t", "yes", "y", "1", "oui", "o", "ja", "j", "vrai", "wahr", "waar")
FALSE = ("false", "f", "no", "n", "0", "non", "nein", "nee", "faux", "falsch", "onwaar")
DATE_SPELLINGS = (
    # the hour of a date is midnight, or how long the office worked
    (r"^(\d{4}-\d{2}-\d{2})[T ].*$", r"\1"),
    (r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"),
    (r"^(\d)([/.])", r"0\1\2"),
    (r"([/.])(\d)([/.])", r"\10\2\3"),
    (r"^(\d{2})[/.](\d{2})[/.](\d{4})(?: .*)?$", r"\3-\2-\1"),
)
CAST_FAULTS = {  # by the first word of what Arrow says
    "Rescaling": "it has more decimals than declared",
    "Decimal": "it has more digits than declared",
}
BLANKS = r"[ \x{00A0}\x{202F}]"  # a blank between thousands is written in three ways


class Unreadable(Exception):
    """A value not of its declared type: its row in the block, what it is, and perhaps why."""

    def __init__(self, row: int, value: str, why: str = "") -> None:
        super().__init__(value)
        self.row, self.value, self.why = row, value, why


def join_reasons(said: Mapping[str, pa.Array], rows: int) -> pa.Array:
    """Join reasons into one text a row, "income: not computable; dwellings: absent", or null."""
    spoken = [
        pc.binary_join_element_wise(f"{name}: ", reasons, "; ", "")
        for name, reasons in said.items()
        if reasons.null_count < rows
    ]
    if not spoken:
        return pa.nulls(rows, pa.string())
    # filled here, as pyarrow 26, told to skip nulls, loses the rows in which all are null
    filled = [pc.fill_null(part, "") for part in spoken]
    joined = pc.utf8_rtrim(pc.binary_join_element_wise(*filled, ""), "; ")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)


def join_parts(parts: Sequence[pa.Array], widths: Sequence[int]) -> pa.Array:
    """Build codes from parts, with the leading zeros spreadsheets drop; null where a part is."""
    padded = [pc.utf8_lpad(part, width, "0") for part, width in zip(parts, widths, strict=True)]
    return pc.binary_join_element_wise(*padded, "")


def without_prefix(cells: pa.Array, prefix: str) -> pa.Array:
    """Cut the prefix off all codes; raise Unreadable at the first without it."""
    if not prefix:
        return cells
    fits = pc.fill_null(pc.starts_with(cells, prefix), True)
    if not pc.all(fits, min_count=0).as_py():
        row = pc.index(fits, False).as_py()
        why = f"every code was declared to begin with {prefix!r}"
        raise Unreadable(row, cells[row].as_py(), why)
    return pc.utf8_slice_codeunits(cells, len(prefix))


def as_text(cells: pa.Array) -> pa.Array:
    """Return text letter for letter, null if blank; raise Unreadable at NUL, not in PostgreSQL."""
    if pa.types.is_floating(cells.type):
        cells = _without_fraction(cells)
    cells = _as_strings(cells)
    if _holds(cells, b"\0") and pc.any(found := pc.match_substring(cells, "\0")).as_py():
        row = pc.index(pc.fill_null(found, False), True).as_py()
        why = "it holds a NUL character, which no text has: the file is binary or damaged"
        raise Unreadable(row, cells[row].as_py(), why)
    blank = is_blank(cells)
    if blank.true_count == cells.null_count:
        return cells
    return pc.if_else(blank, pa.scalar(None, pa.string()), cells)


def as_typed(cells: pa.Array, column: Column, reads: Table) -> pa.Array:
    """Return numbers, dates or truth values; raise Unreadable at the first value that is none."""
    target = arrow_type(column)
    if not pa.types.is_string(cells.type) and (typed := _converted(cells, target)) is not None:
        return typed
    if not pa.types.is_string(cells.type):  # written out by Arrow, so with a point
        cells, reads = _as_strings(cells), Table(columns={})
    if column.type == "boolean":
        return _as_truth(cells)
    is_plain = reads.decimal_point == "." and not reads.thousands
    if (is_plain or column.type == "date") and (typed := _cast(cells, target)) is not None:
        return typed
    spelled = pc.utf8_trim_whitespace(cells)
    spelled = pc.if_else(pc.equal(spelled, ""), pa.scalar(None, pa.string()), spelled)
    is_date = column.type == "date"
    spelled = _spell_date(spelled) if is_date else _spell_number(spelled, column, reads)
    typed = _cast(spelled, target)
    if typed is None:
        raise _first_unreadable(cells, spelled, target)
    return typed


def _converted(cells: pa.Array, target: pa.DataType) -> pa.Array | None:
    """Return values of a typed file in another type, when that loses nothing."""
    if pa.types.is_decimal(target) and pa.types.is_floating(cells.type):
        return None  # Arrow would round without a word
    try:
        if pa.types.is_floating(cells.type):
            cells = pc.if_else(pc.is_nan(cells), pa.scalar(None, cells.type), cells)
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
        return None if _holds(cells, b"x") or _holds(cells, b"X") else typed
    if pa.types.is_floating(target):
        return typed if pc.all(pc.is_finite(typed), min_count=0).as_py() else None
    return typed


def _spell_number(cells: pa.Array, column: Column, reads: Table) -> pa.Array:
    """Drop thousands marks and use a decimal point; raise Unreadable at misplaced marks."""
    mark = BLANKS if reads.thousands.isspace() else re.escape(reads.thousands)
    whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)" if reads.thousands else r"\d+"
    point, fraction, short = re.escape(reads.decimal_point), "", ""
    if column.type != "integer":
        fraction, short = rf"(?:{point}\d*)?(?:[eE][+-]?\d+)?", rf"|{point}\d+"
    fits = pc.match_substring_regex(cells, rf"^[+-]?(?:{whole}{fraction}{short})$")
    if not pc.all(fits, min_count=0).as_py():
        row = pc.index(pc.fill_null(fits, True), False).as_py()
        raise Unreadable(row, cells[row].as_py())
    if reads.thousands:
        cells = pc.replace_substring_regex(cells, mark, "")
    if reads.decimal_point != ".":
        cells = pc.replace_substring(cells, reads.decimal_point, ".")
    return pc.replace_substring_regex(cells, r"^\+", "")


def _spell_date(cells: pa.Array) -> pa.Array:
    """Spell dates as 2025-12-31, from 31/12/2025, 31.12.2025, 20251231 or one with an hour."""
    for pattern, spelling in DATE_SPELLINGS:
        cells = pc.replace_substring_regex(cells, pattern, spelling)
    return cells


def _as_truth(cells: pa.Array) -> pa.Array:
    lowered = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    place = pc.index_in(lowered, value_set=pa.array(TRUE + FALSE))
    unknown = pc.and_(pc.is_null(place), pc.invert(is_blank(cells)))
    if pc.any(unknown, min_count=0).as_py():
        row = pc.index(unknown, True).as_py()
        raise Unreadable(row, cells[row].as_py())
    return pc.less(place, len(TRUE))


def _first_unreadable(cells: pa.Array, spelled: pa.Array, target: pa.DataType) -> Unreadable:
    """Find the first unreadable value, one by one, as it is sought only after a failure."""
    row = next(row for row in range(len(spelled)) if _cast(spelled.slice(row, 1), target) is None)
    why = ""
    try:
        spelled.slice(row, 1).cast(target)
    except pa.ArrowInvalid as error:
        why = CAST_FAULTS.get(str(error).split()[0], "")
    return Unreadable(row, cells[row].as_py(), why)


def _without_fraction(cells: pa.Array) -> pa.Array:
    """Turn codes that a typed file keeps as 1001.0 into 1001."""
    whole = pc.and_(pc.equal(pc.floor(cells), cells), pc.less(pc.abs(cells), 2.0**53))
    null = pa.scalar(None, cells.type)
    integers = pc.if_else(whole, cells, null).cast(pa.int64(), safe=False)
    others = pc.if_else(pc.is_nan(cells), null, cells)
    return pc.coalesce(integers.cast(pa.string()), others.cast(pa.string()))


def _as_strings(cells: pa.Array) -> pa.Array:
    return cells if pa.types.is_string(cells.type) else cells.cast(pa.string())


def _holds(cells: pa.Array, byte: bytes) -> bool:
    """Tell whether a byte is in the block (or beside it, if a slice): one pass over bare memory."""
    data = cells.buffers()[2]
    return data is not None and bool((np.frombuffer(data, np.uint8) == byte[0]).any())
