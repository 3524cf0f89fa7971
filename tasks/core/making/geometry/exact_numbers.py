"""Numbers that a reader of JSON may have rounded, refused where every digit counts: in codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.making.fields import simplified
from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError

WHOLE_NUMBERS_END = 2.0**53  # above it a double no longer tells neighbouring whole numbers apart
ROUNDED = r"^-?(\d\.?\d*e[+-]\d+|\d+\.\d{10,}|\d{16,}\.0)$"  # as GDAL writes doubles in text


def exactly(
    straight: Iterator[tuple[pa.RecordBatch, pa.Array]],
    fields: Mapping[str, str | None],
    reads: Features,
    where: str,
    *,
    is_json: bool = False,
) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Yield batches as they are; raise SourceError where GDAL spells a number of a JSON anew."""
    names = {
        fields[target]: target for target, each in reads.columns.items() if each.type == "text"
    }
    before = 0
    for batch, geometry in straight:
        for name in batch.schema.names:
            if is_json and name in names:
                _require_written(simplified(batch[name]), names[name], where, before)
        before += len(batch)
        yield batch, geometry


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
