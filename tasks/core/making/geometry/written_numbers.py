"""Numbers as the text of a JSON has them, where codes are declared: 1.10 is read as 1.1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pyarrow as pa

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import (
    BLOCK_BYTES,
    ENDS_BYTES,
    feature_at,
    opened_text,
)
from tasks.core.model.errors import SourceError

# spelled in one way only, so that reading keeps it
PLAIN = rb"-?[1-9]\d*|0|-?(?:0|[1-9]\d*)\.\d{0,9}[1-9]"
WHOLE, TRUTHS = rb"-?[1-9]\d*\.0|0\.0", rb"true|false"
FLOAT = rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
DIGITS = {pa.int16(): 5, pa.int32(): 10, pa.int64(): 19}  # of the largest
OF_FEATURES = re.compile(rb'"(?:properties|attributes)"\s*:\s*\{')
QUOTED = re.compile(rb'"(?:\\.|[^"\\])*"')


def require_plain_numbers(place: Place, name: str, *, is_number: bool, may_be_nan: bool) -> None:
    """Raise SourceError where a number of a member is written so that its digits are not kept.

    name: of the member in each feature. is_number: whether truth values are read as numbers, too.
    may_be_nan: whether NaN is declared to be a missing value.
    """
    plain = PLAIN + b"|" + (WHOLE if is_number else TRUTHS) + b"|NaN" * may_be_nan
    for position, value in _others(place, name, rb'(?!["\[{n\s]|(?:' + plain + rb")[\s,}\]])"):
        raise _refused(place, position, name, value)


def require_stated_numbers(place: Place, name: str, kind: pa.DataType) -> None:
    """Raise SourceError where Esri's JSON has a value that its field of a number cannot hold.

    GDAL cuts it to the number that it begins with, or to the largest of the type.
    """
    digits = DIGITS.get(kind)
    if b'"attributes"' not in place.head or not (digits or pa.types.is_floating(kind)):
        return
    kept = rb"-?\d{1,%d}" % (digits - 1) if digits else FLOAT
    kept = rb'(?!null\b|\s|(?:%s|"%s")[\s,}\]])' % (kept, kept)
    for position, value in _others(place, name, kept):
        if not (digits and re.fullmatch(rb"-?\d+", value) and _fits(int(value), kind)):
            number = f"{value[:60].decode('utf-8', 'replace')}"
            raise SourceError(
                f"Values of the type {kind} were expected in {name} of {place.name}, as it states,"
                f" and the text at byte {position:,} has {number}: ask the publisher."
            )


def _fits(value: int, kind: pa.DataType) -> bool:
    end: int = 2 ** (kind.bit_width - 1)
    return -end <= value < end


def _others(place: Place, name: str, kept: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield place and text of the values of a property before which `kept` does not stand."""
    spelled = {json.dumps(name), json.dumps(name, ensure_ascii=False)}
    names = b"|".join(re.escape(each.encode()) for each in sorted(spelled))
    member = b"(?:%s)" % names if len(spelled) > 1 else names
    odd = re.compile(member + rb"\s*:\s*" + kept + rb"([^\s,}\]]+)[\s,}\]]")
    start, seam = 0, b""
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            text = seam + block
            for found in odd.finditer(text):
                if _is_of_feature(text[: found.start()]):
                    yield start - len(seam) + found.start(), found[1]
            start, seam = start + len(block), text[-ENDS_BYTES:]


def _is_of_feature(before: bytes) -> bool:
    """Tell whether what follows is a property itself, and no member of one."""
    near = before[-ENDS_BYTES:]
    places = [found.end() for found in OF_FEATURES.finditer(near)]
    inside = QUOTED.sub(b"", near[places[-1] :]) if places else b""
    return inside.count(b"{") == inside.count(b"}") and inside.count(b"[") == inside.count(b"]")


def _refused(place: Place, position: int, name: str, value: bytes) -> SourceError:
    number, *_ = feature_at(place, position)
    at = f"feature {number:,}" if number else f"the text at byte {position:,}"
    return SourceError(
        f"The column {name!r} of {place.name} was expected to hold text; {at} has the number"
        f" {value[:60].decode('utf-8', 'replace')} without quotes, whose letters are not certain:"
        " declare it as a number, or ask the publisher for text."
    )
