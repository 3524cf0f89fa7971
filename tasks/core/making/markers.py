"""Declared markers of missing figures ("*", -99997): made null, their reasons kept and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.fields import arrow_type
from tasks.core.making.numbers import plain_numbers
from tasks.core.making.tables.blocks import composed, is_blank
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Writing
from tasks.core.model.errors import ConfigurationError

ABSENT = "absent"  # the reason of a cell that is simply empty
REASON = "_reason"


class Reasons(Counter[str]):
    """How many figures are missing, by reason, in the `rows` read so far."""

    rows = 0

    @property
    def suppressed(self) -> int:
        """Figures that are missing for a reason the publisher gave."""
        return self.total() - self[ABSENT]

    def add(self, reasons: pa.Array) -> None:
        """Count the reasons beside a column."""
        if reasons.null_count == len(reasons):
            return
        for count in reasons.value_counts():
            if count["values"].is_valid:
                self[count["values"].as_py()] += count["counts"].as_py()


def schema_fields(columns: Mapping[str, Column], *, reasons: object) -> list[pa.Field]:
    """Return the columns as fields, each that is not text followed by its reason if there are."""
    fields: list[pa.Field] = []
    for name, column in columns.items():
        fields.append(pa.field(name, arrow_type(column)))
        if reasons and column.type != "text":
            fields.append(pa.field(name + REASON, pa.string()))
    return fields


def require_other_names(columns: Mapping[str, Column], missing: Mapping[str, str]) -> None:
    """Raise ConfigurationError where a column is named like the reason of another."""
    reasons = {name + REASON for name in columns} if missing else set()
    if clash := [name for name in columns if name in reasons]:
        raise ConfigurationError(
            f"The column {', '.join(clash)} has the name of the reason of another column: declare"
            " it under another name."
        )


def take_markers(
    cells: pa.Array, missing: Mapping[str, str], zero: Sequence[str] = ()
) -> tuple[pa.Array, pa.Array]:
    """Replace the declared markers by null, or 0, and return the reason beside each null.

    Text is a marker letter for letter but for blanks around it, a number if it is equal; "" is
    every empty cell.
    """
    if pa.types.is_string(cells.type):
        cells = pc.utf8_trim_whitespace(cells)
    missing = {marker.strip(): reason for marker, reason in missing.items()}
    marker, blank = _places(cells, list(missing)), is_blank(cells)
    reasons = pa.array(list(missing.values()), pa.string()).take(marker)
    reasons = pc.if_else(pc.and_(blank, pc.is_null(marker)), missing.get("", ABSENT), reasons)
    values = pc.if_else(pc.is_null(reasons), cells, pa.scalar(None, cells.type))
    if zero and (pa.types.is_string(cells.type) or _is_number(cells.type)):
        is_zero = pc.is_valid(_places(cells, zero))
        if "" in zero:
            is_zero = pc.or_(is_zero, blank)
            reasons = pc.if_else(blank, pa.scalar(None, pa.string()), reasons)
        values = pc.if_else(is_zero, pa.scalar("0").cast(cells.type), values)
    return values, reasons


def take_marked_values(
    values: pa.Array, reasons: pa.Array, reads: Writing
) -> tuple[pa.Array, pa.Array]:
    """Take what was written in another way than its marker: -99997.0 is -99997."""
    within = _Within(values)
    markers = {each: why for each, why in reads.missing.items() if each in within}
    zeros = [each for each in reads.zero if each in within]
    if not markers and not zeros:
        return values, reasons
    values, others = take_markers(values, markers, zeros)
    return values, pc.coalesce(reasons, others)


@cache
def are_numbers(markers: tuple[str, ...], kind: pa.DataType) -> bool:
    """Tell whether markers are different numbers of a type, or what Arrow reads as no number."""
    numbers = list[object]()
    for marker in markers:
        if _as_number(marker, kind).null_count == 0:
            numbers.append(_as_number(marker, kind)[0].as_py())
        elif plain_numbers(pa.array([marker.strip()]), kind, Writing()) is not None:
            return False
    return len({*numbers}) == len(numbers)


class _Within:
    """The range of some dates or numbers, in which a marker may lie."""

    def __init__(self, values: pa.Array) -> None:
        self._kind = values.type
        if _is_number(self._kind):
            self._ends = pc.min_max(values).as_py()

    def __contains__(self, marker: str) -> bool:
        if pa.types.is_date(self._kind):
            return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", marker.strip()))
        if not _is_number(self._kind) or self._ends["min"] is None:
            return False
        number = _as_number(marker, self._kind)[0].as_py()
        return number is not None and bool(self._ends["min"] <= number <= self._ends["max"])


def is_marker(value: str, missing: Mapping[str, str]) -> bool:
    """Tell whether a value is declared as a marker, in any case of its letters."""
    return value.casefold() in (marker.strip().casefold() for marker in missing)


def _places(cells: pa.Array, markers: Sequence[str]) -> pa.Array:
    """Return the position of each cell among the markers, null where it is none of them."""
    if not _is_number(cells.type):
        texts = cells if pa.types.is_string(cells.type) else cells.cast(pa.string())
        stripped = [composed(marker.strip()) for marker in markers]
        if not "".join(stripped).isascii():
            texts = pc.utf8_normalize(texts, "NFC")
        return pc.index_in(texts, value_set=pa.array(stripped, pa.string()))
    nothing = pa.array([], cells.type)
    numbers = pa.concat_arrays([nothing, *(_as_number(each, cells.type) for each in markers)])
    return pc.index_in(cells, value_set=numbers, skip_nulls=True)


def _is_number(kind: pa.DataType) -> bool:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(is_of_kind(kind) for is_of_kind in kinds)


@cache
def _as_number(marker: str, kind: pa.DataType) -> pa.Array:
    """Read a marker as a number of a type: one value, null where it is none."""
    try:
        number = Decimal(marker)
        if pa.types.is_floating(kind):
            return pa.array([float(number)], kind)
        if pa.types.is_decimal(kind):
            return pa.array([number], kind)
        # Arrow would cut 0.5 to 0
        return pa.array([int(number) if number == number.to_integral_value() else None], kind)
    except (InvalidOperation, ValueError, OverflowError):
        return pa.nulls(1, kind)
