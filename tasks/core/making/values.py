"""Give values their exact declared type, of tables and layers alike, or name the first misfit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.dates import as_dates
from tasks.core.making.fields import arrow_type, simplified
from tasks.core.making.markers import are_numbers, is_marker, take_marked_values, take_markers
from tasks.core.making.numbers import (
    as_numbers,
    exact_whole_numbers,
    holds,
    plain_numbers,
    spelled_out,
)
from tasks.core.making.tables.blocks import is_blank
from tasks.core.making.tables.encodings import name_of
from tasks.core.making.unreadable import Unreadable, require
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Writing
from tasks.core.model.errors import SourceError

TRUE = ("true", "t", "yes", "y", "1", "oui", "o", "ja", "j", "vrai", "wahr", "waar")
FALSE = ("false", "f", "no", "n", "0", "non", "nein", "nee", "faux", "falsch", "onwaar")
ADVICE = {  # what else may be declared of a value, by the declared type
    "text": "",
    "date": ", its `day_first` or `time_zone`",
    "boolean": "",
}
NO_NUMBERS = ("date", "boolean")
NO_TEXT = (pa.types.is_nested, pa.types.is_duration, pa.types.is_interval)


def convert(cells: pa.Array, column: Column, reads: Writing) -> tuple[pa.Array, pa.Array | None]:
    """Return a column as declared and, if markers are declared, the reason beside each null.

    cells: one column of a file, as strings or of any Arrow type. Raises Unreadable at the first
    value that is not what was declared.
    """
    cells = _plain(cells)
    if column.type == "text":
        return without_prefix(as_text(cells, reads), column.prefix), None
    if not (reads.missing or reads.zero):
        return as_typed(cells, column, reads), None
    if pa.types.is_binary(cells.type):
        cells = _decoded(cells, reads)
    typed = _numbers(cells, column, reads)
    if typed is not None:  # as most are: markers are sought among numbers, not in texts
        reasons = pa.nulls(len(cells), pa.string())
    else:
        values, reasons = take_markers(cells, reads.missing, reads.zero)
        typed = as_typed(values, column, reads)
    if not pa.types.is_string(cells.type):
        return typed, reasons if reads.missing else None
    typed, reasons = take_marked_values(typed, reasons, reads)
    return typed, reasons if reads.missing else None


def _numbers(cells: pa.Array, column: Column, reads: Writing) -> pa.Array | None:
    """Return strings as numbers where all are plain ones and no marker is known by its letters."""
    if not pa.types.is_string(cells.type) or cells.null_count or column.type in NO_NUMBERS:
        return None
    kind = arrow_type(column)
    zeros = (*reads.zero, "0") if reads.zero else ()
    if not are_numbers((*reads.missing, *zeros), kind):
        return None
    return plain_numbers(cells, kind, reads)


def refusal(
    error: Unreadable, column: Column, name: str, where: str, place: str, more: str = ""
) -> SourceError:
    """Say that a value is not as declared.

    name: of the file's column; place: such as "line 7"; more: what else may help.
    """
    advice = "correct its type in the declaration"
    if column.type != "text":
        marks = ADVICE.get(column.type, ", its decimal point or thousands mark")
        advice += f"{marks}, or declare the value in `missing` with its reason"
    why = f" ({error.why})" if error.why else ""
    return SourceError(
        f"The column {name!r} of {where} was expected to hold {column.type}; {place} has"
        f" {error.value!r}{why}: {advice}{more}."
    )


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
    """Build codes from parts, with the leading zeros spreadsheets drop; null where a part is.

    Raises Unreadable at a part that is longer than declared, or has other than digits and letters.
    """
    parts = [pc.utf8_trim_whitespace(part) for part in parts]
    for part, width in zip(parts, widths, strict=True):
        plain = pc.match_substring_regex(part, r"^[\pL\pN]*$")
        require(plain, part, "a part of a code has digits and letters only")
        short = pc.less_equal(pc.utf8_length(part), width)
        require(short, part, f"this part of a code was declared with {width} digits")
    padded = [pc.utf8_lpad(part, width, "0") for part, width in zip(parts, widths, strict=True)]
    return pc.binary_join_element_wise(*padded, "")


def without_prefix(cells: pa.Array, prefix: str) -> pa.Array:
    """Cut the prefix off all codes; raise Unreadable at the first without it."""
    if not prefix:
        return cells
    why = f"every code was declared to begin with {prefix!r}"
    require(pc.starts_with(cells, prefix), cells, why)
    return pc.utf8_slice_codeunits(cells, len(prefix))


def as_text(cells: pa.Array, reads: Writing) -> pa.Array:
    """Return text letter for letter, null if blank, whole numbers without ".0".

    Raises Unreadable at a number whose digits the file does not hold exactly, at bytes that are no
    text and at NUL, which PostgreSQL does not have.
    """
    cells = _plain(cells)
    if pa.types.is_floating(cells.type):
        if is_marker("NaN", reads.missing):
            cells = pc.if_else(pc.is_nan(cells), pa.scalar(None, cells.type), cells)
        exact_whole_numbers(cells)
        cells = spelled_out(cells)
        why = "a code is not kept as such a number: its digits as written are not known"
        require(pc.invert(pc.match_substring(cells, "e")), cells, why)
    cells = _decoded(cells, reads)
    if holds(cells, b"\0"):
        why = "it holds a NUL character, which no text has: the file is binary or damaged"
        require(pc.invert(pc.match_substring(cells, "\0")), cells, why)
    blank = is_blank(cells)
    if blank.true_count == cells.null_count:
        return cells
    return pc.if_else(blank, pa.scalar(None, pa.string()), cells)


def as_typed(cells: pa.Array, column: Column, reads: Writing) -> pa.Array:
    """Return numbers, dates or truth values; raise Unreadable at the first value that is none."""
    cells = _plain(cells)
    if pa.types.is_binary(cells.type):
        cells = _decoded(cells, reads)
    if column.type == "date":
        return as_dates(cells, reads)
    return _as_truth(cells) if column.type == "boolean" else as_numbers(cells, column, reads)


def _as_truth(cells: pa.Array) -> pa.Array:
    if pa.types.is_boolean(cells.type):
        return cells
    cells = spelled_out(cells)
    lowered = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    place = pc.index_in(lowered, value_set=pa.array(TRUE + FALSE))
    require(pc.or_(pc.is_valid(place), is_blank(cells)), cells)
    return pc.less(place, len(TRUE))


def _plain(cells: pa.Array) -> pa.Array:
    """Return values of a plain type; raise Unreadable at a list or another value of several."""
    cells = simplified(cells)
    if any(is_kind(cells.type) for is_kind in NO_TEXT):
        require(pc.is_null(cells), cells, f"it is a {cells.type}, which is not read")
        return pa.nulls(len(cells), pa.string())
    return cells


def _decoded(cells: pa.Array, reads: Writing) -> pa.Array:
    """Return strings of letters; bytes that are not UTF-8 are read in the declared encoding.

    Raises Unreadable at the first value that is no text in either.
    """
    if not pa.types.is_binary(cells.type):
        return cells if pa.types.is_string(cells.type) else cells.cast(pa.string())
    try:
        return cells.cast(pa.string())
    except pa.ArrowInvalid:
        return _decoded_one_by_one(cells, getattr(reads, "encoding", None) or "utf-8")


def _without_controls(text: str) -> str:
    """Return the text; raise ValueError at U+0080 to U+009F, which only a wrong encoding gives."""
    if re.search("[\x80-\x9f]", text):
        raise ValueError(text)
    return text


def _decoded_one_by_one(cells: pa.Array, encoding: str) -> pa.Array:
    """Decode each different value once, as this is the rare column of an old program."""
    encoding = name_of(encoding, "of the table or layer")
    coded = cells.dictionary_encode()
    texts: list[Any] = []
    for value in coded.dictionary.to_pylist():
        try:
            texts.append(value and _without_controls(value.decode(encoding)))
        except ValueError:
            row = pc.index(cells, pa.scalar(value, pa.binary())).as_py()
            why = f"its bytes are not in {encoding}: declare the `encoding` that fits"
            raise Unreadable(row, value.decode("ascii", "backslashreplace"), why) from None
    return pa.array(texts, pa.string()).take(coded.indices)
