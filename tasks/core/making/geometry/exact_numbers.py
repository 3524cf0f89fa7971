"""Numbers that a reader of JSON may have rounded, refused where every digit counts: in codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.fields import simplified
from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.written_numbers import require_plain_numbers, require_stated_numbers
from tasks.core.making.markers import is_marker
from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError

WHOLE_NUMBERS_END = 2.0**53  # above it a double no longer tells neighbouring whole numbers apart
ROUNDED = r"^-?(\d\.?\d*e[+-]\d+|\d+\.\d{10,}|\d{16,}\.0)$"  # as GDAL writes doubles in text
# an object or a list with a number beyond quotes that is not whole
OF_OBJECT = r'^[{\[](?:[^"]|"(?:\\.|[^"\\])*")*?[ \[]-?\d+(?:\.|e)'


def exactly(
    straight: Iterator[tuple[pa.RecordBatch, pa.Array]],
    fields: Mapping[str, str | None],
    reads: Features,
    where: str,
    *,
    written: Place | None = None,
) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Yield batches as they are; raise SourceError where GDAL spells a number of a JSON anew.

    written: where the text of a JSON stands.
    """
    names = {
        fields[target]: target for target, each in reads.columns.items() if each.type == "text"
    }
    before = 0
    for batch, geometry in straight:
        for name in batch.schema.names:
            if written and not before and name in fields.values():
                require_stated_numbers(written, name, batch[name].type)
            if written and name in names:
                kind = batch[name].type
                if not before and _may_be_numbers(kind, written):
                    may_be_nan = is_marker("NaN", reads.missing)
                    is_number = _is_number(kind)
                    require_plain_numbers(written, name, is_number=is_number, may_be_nan=may_be_nan)
                _require_written(simplified(batch[name]), names[name], where, before)
        before += len(batch)
        yield batch, geometry


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _may_be_numbers(kind: pa.DataType, written: Place) -> bool:
    """Tell whether some values may be numbers: Esri's JSON says text, whatever it holds."""
    return written.kind == "json" or not pa.types.is_string(kind)


def _require_written(texts: pa.Array, column: str, where: str, before: int) -> None:
    """Raise SourceError where GDAL wrote a JSON number into a column of text, and not as it was."""
    if not pa.types.is_string(texts.type):
        return
    for place in np.flatnonzero(pc.match_substring_regex(texts, ROUNDED).fill_null(False)):
        found = texts[int(place)].as_py()
        is_of_gdal = f"{float(found):.17g}" in (found, found.removesuffix(".0"))
        if is_of_gdal and (abs(float(found)) >= WHOLE_NUMBERS_END or repr(float(found)) != found):
            raise SourceError(
                f"The column {column} was declared as text and {where} holds a number without"
                f" quotes in feature {before + int(place) + 1:,}, read as {found}, whose digits are"
                " not certain: ask the publisher for text."
            )
    place = pc.index(pc.match_substring_regex(texts, OF_OBJECT), True).as_py()
    if place >= 0:
        raise SourceError(
            f"The column {column} was declared as text and {where} holds an object or list in"
            f" feature {before + place + 1:,}, read as {texts[place].as_py()[:60]}, the numbers of"
            " which are not certain: ask the publisher for text."
        )
