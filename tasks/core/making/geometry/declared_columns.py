"""Batches of a file's fields made into batches of the declared columns, typed."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from tasks.core.making.fields import arrow_type, sound
from tasks.core.making.geometry.column_names import GEOMETRY
from tasks.core.making.markers import REASON, Reasons
from tasks.core.making.unreadable import Unreadable
from tasks.core.making.values import convert, refusal
from tasks.core.model.declarations import Features


def declared(
    batch: pa.RecordBatch,
    geometry: pa.Array,
    fields: Mapping[str, str | None],
    reads: Features,
    where: str,
    reasons: Reasons,
) -> pa.RecordBatch:
    """Turn a batch of the file into one of the declared columns and `geom`; count the reasons."""
    arrays: dict[str, pa.Array] = {}
    for target, name in fields.items():
        column = reads.columns[target]
        cells = pa.nulls(len(batch), arrow_type(column)) if name is None else sound(batch[name])
        try:
            arrays[target], why = convert(cells, column, reads)
        except Unreadable as error:
            feature = f"feature {reasons.rows + error.row + 1:,}"
            raise refusal(error, column, name or target, where, feature) from None
        if why is not None:
            arrays[target + REASON] = why
            reasons.add(why)
    reasons.rows += len(batch)
    return pa.RecordBatch.from_arrays([*arrays.values(), geometry], names=[*arrays, GEOMETRY])
