"""Days as written or as a file keeps them: never guessed from an order or a time zone."""

from __future__ import annotations

from datetime import date
from itertools import count
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.numbers import exact_whole_numbers, spelled_out
from tasks.core.making.unreadable import Unreadable, require
from tasks.core.model.declarations import Writing
from tasks.core.model.errors import ConfigurationError

TWO_DIGITS = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}(?:\D|$)"
YEAR_FIRST = r"\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{4}\.\d{1,2}\.\d{1,2}|\d{8}"
YEAR_LAST = r"\d{1,2}/\d{1,2}/\d{4}|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}-\d{1,2}-\d{4}"
MOMENT = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?"
ZONE = r"Z|UTC|GMT|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?"
WRITTEN = (
    rf"^(?P<day>{YEAR_FIRST}|{YEAR_LAST})(?:(?:T| +)(?P<moment>{MOMENT}))? ?(?P<zone>{ZONE})?$"
)
MIDNIGHT = r"^(?:0?0:00(?::00(?:[.,]0+)?)?|12:00(?::00(?:[.,]0+)?)? ?[Aa][Mm])?$"
PARTS = r"^(?P<year>\d{4})[-/.]?(?P<month>\d{1,2})[-/.]?(?P<day>\d{1,2})$"
PARTS_YEAR_LAST = r"^(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.](?P<year>\d{4})$"
NO_ORDER = "day and month could each be the other: declare day_first=True or False"
MONTH_FIRST = "its month comes first: declare day_first=False"
TWO_DIGIT_YEAR = "its year has two digits, and no century"
NO_SUCH_DAY = "no year has such a day"
OUTSIDE = "its year is not one of 1 to 9999"
NO_ZONE = "it is another day in another time zone: declare the office's `time_zone`"

FIRST_DAY, LAST_DAY = ((day - date(1970, 1, 1)).days for day in (date.min, date.max))


def as_dates(cells: pa.Array, reads: Writing) -> pa.Array:
    """Return days, each as written or the day of a moment; raise Unreadable at what is none.

    A moment is of its own day if it has no zone, or is midnight there; else of the day that it was
    in the declared zone.
    """
    if pa.types.is_timestamp(cells.type):
        return _in_range(_days_of_moments(cells, reads), cells)
    if pa.types.is_date(cells.type):
        return _in_range(cells.cast(pa.date32()), cells)
    if pa.types.is_floating(cells.type):
        exact_whole_numbers(cells)
    cells = spelled_out(cells)
    try:
        return _in_range(cells.cast(pa.date32()), cells)
    except pa.ArrowInvalid:
        return _in_range(_read(cells, reads), cells)


def _in_range(days: pa.Array, cells: pa.Array) -> pa.Array:
    """Return the days, unless of years that Arrow keeps and PostgreSQL would spell otherwise."""
    numbers = days.cast(pa.int32())
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is not None and not FIRST_DAY <= ends["min"] <= ends["max"] <= LAST_DAY:
        inside = pc.and_(pc.greater_equal(numbers, FIRST_DAY), pc.less_equal(numbers, LAST_DAY))
        require(inside, cells.cast(pa.string()), OUTSIDE)
    return days


def _days_of_moments(cells: pa.Array, reads: Writing) -> pa.Array:
    """Return the days of a file's own moments; the zone, if any, is one for the whole column."""
    local = pc.local_timestamp(cells) if cells.type.tz else cells
    days = pc.floor_temporal(local, unit="day")
    midnight = pc.equal(local, days)
    days = days.cast(pa.date32())
    if not cells.type.tz or pc.all(midnight, min_count=0).as_py():
        return days
    if not reads.time_zone:
        require(midnight, cells.cast(pa.string()), NO_ZONE)
    return pc.if_else(midnight, days, _days_there(cells, reads.time_zone))


def _days_there(moments: pa.Array, time_zone: str) -> pa.Array:
    """Return the days of moments in a time zone, with its summer time."""
    try:
        ZoneInfo(time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ConfigurationError(
            f"The time zone {time_zone!r} was declared, which is unknown here: declare one such as"
            " 'Europe/Paris'."
        ) from None
    there = moments.cast(pa.timestamp(moments.type.unit, time_zone))
    return pc.floor_temporal(pc.local_timestamp(there), unit="day").cast(pa.date32())


def _read(cells: pa.Array, reads: Writing) -> pa.Array:
    """Read days as written, with or without a moment and its zone behind them."""
    texts = pc.utf8_trim_whitespace(cells)
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    written = pc.extract_regex(texts, WRITTEN)
    readable = pc.or_(pc.is_valid(written), pc.is_null(texts))
    short = pc.match_substring_regex(texts, TWO_DIGITS)
    require(pc.or_(readable, pc.invert(short)), cells, TWO_DIGIT_YEAR)
    require(readable, cells)
    spelled = _spell(pc.struct_field(written, "day"), cells, reads.day_first)
    days = _existing(spelled, cells)
    moment, zone = pc.struct_field(written, "moment"), pc.struct_field(written, "zone")
    midnight = pc.match_substring_regex(moment, MIDNIGHT)
    own = pc.or_(midnight, pc.equal(zone, ""))
    if pc.all(own, min_count=0).as_py():
        return days
    if not reads.time_zone:
        require(own, cells, NO_ZONE)
    moments = pc.if_else(own, pa.scalar(None, pa.string()), _spell_moment(spelled, moment, zone))
    there = _days_there(moments.cast(pa.timestamp("s", "UTC")), reads.time_zone)
    return pc.if_else(own, days, there)


def _spell(days: pa.Array, cells: pa.Array, day_first: bool | None) -> pa.Array:
    """Spell days as 2025-12-31, whose order is declared or can be one only."""
    parts, others = pc.extract_regex(days, PARTS), pc.extract_regex(days, PARTS_YEAR_LAST)
    first, second = pc.struct_field(others, "first"), pc.struct_field(others, "second")
    if day_first is None and others.null_count < len(others):
        one, two = first.cast(pa.int8()), second.cast(pa.int8())
        require(pc.or_(pc.less_equal(two, 12), pc.greater(one, 12)), cells, MONTH_FIRST)
        require(pc.or_(pc.greater(one, 12), pc.equal(one, two)), cells, NO_ORDER)
    day, month = (second, first) if day_first is False else (first, second)
    return pc.coalesce(
        _joined(*(pc.struct_field(parts, name) for name in ("year", "month", "day"))),
        _joined(pc.struct_field(others, "year"), month, day),
    )


def _joined(year: pa.Array, month: pa.Array, day: pa.Array) -> pa.Array:
    two = pc.utf8_lpad(month, 2, "0"), pc.utf8_lpad(day, 2, "0")
    return pc.binary_join_element_wise(year, *two, "-")


def _existing(spelled: pa.Array, cells: pa.Array) -> pa.Array:
    try:
        return spelled.cast(pa.date32())
    except pa.ArrowInvalid:
        raise next(filter(None, map(_misfit, count(), spelled, cells))) from None


def _misfit(row: int, spelled: pa.Scalar, cell: pa.Scalar) -> Unreadable | None:
    try:
        spelled.cast(pa.date32())
    except pa.ArrowInvalid:
        return Unreadable(row, cell.as_py(), NO_SUCH_DAY)
    return None


def _spell_moment(days: pa.Array, moments: pa.Array, zones: pa.Array) -> pa.Array:
    """Spell moments to the second, as Arrow reads them."""
    times = pc.replace_substring_regex(moments, r"^(\d):", r"0\1:")
    times = pc.replace_substring_regex(times, r"^(\d\d:\d\d)$", r"\1:00")
    times = pc.utf8_slice_codeunits(times, 0, 8)
    zones = pc.replace_substring_regex(zones, "UTC|GMT", "Z")
    return pc.binary_join_element_wise(days, pa.scalar("T"), times, zones, "").cast(pa.string())
