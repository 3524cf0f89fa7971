"""Figures of a layer on their way out: which Arrow types hold them without a loss."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from tasks.core.exporting.formats import Form
from tasks.core.exporting.shown_layers import LayerColumn, ShownLayer
from tasks.core.exporting.snapshots import Snapshot
from tasks.core.exporting.statements import SELECT_FIGURES
from tasks.core.model.errors import CheckFailed

NUMERIC = re.compile(r"numeric(?:\((\d+),(\d+)\))?")
EXACT_DIGITS = 15  # that any decimal keeps on its way through a double and back
MOST_DIGITS = 76  # of Arrow's widest decimal


def decimal_types(
    snapshot: Snapshot, layer: ShownLayer, chosen: list[LayerColumn], form: Form
) -> dict[str, pa.DataType]:
    """Return the Arrow type of each numeric column among those chosen.

    exact: a decimal with the declared digits, or as many as its values have. double: where 15
    digits are enough. text: for all. Raises CheckFailed for values that the form cannot hold.
    """
    numeric = [each for each in chosen if NUMERIC.fullmatch(each.data_type)]
    if form == "text" or not numeric:
        return {each.name: pa.string() for each in numeric}
    measured = _measured(snapshot, layer, numeric)
    return {each.name: _type_of(layer, each, *measured[each.name], form) for each in numeric}


def _measured(
    snapshot: Snapshot, layer: ShownLayer, numeric: list[LayerColumn]
) -> dict[str, tuple[int, Decimal]]:
    """Return the most decimals and the largest amount of each column; NaN is larger than all."""
    asked = [
        sql.SQL("ARRAY[coalesce(max(scale({0})), 0), coalesce(max(abs({0})), 0)]").format(
            sql.Identifier(each.name)
        )
        for each in numeric
    ]
    query = sql.SQL(SELECT_FIGURES).format(
        columns=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(each, sql.Identifier(f"figure_{place}"))
            for place, each in enumerate(asked)
        ),
        view=layer.view,
    )
    (found,) = snapshot.records(query)
    return {
        each.name: (int(scale), Decimal(most))
        for each, (scale, most) in zip(numeric, found, strict=True)
    }


def _type_of(
    layer: ShownLayer, column: LayerColumn, scale: int, most: Decimal, form: Form
) -> pa.DataType:
    if not most.is_finite():
        raise CheckFailed(
            f"Finite figures were expected in {column.name} of {layer.name} {layer.vintage}, found"
            f" {most}, which this format cannot hold: export it as csv."
        )
    whole = len(str(int(most))) if most >= 1 else 0
    if form == "double":
        _require_digits(layer, column, whole + scale, EXACT_DIGITS)
        return pa.float64()
    match = NUMERIC.fullmatch(column.data_type)
    if match and match[1]:
        return _decimal(int(match[1]), int(match[2]))
    _require_digits(layer, column, whole + scale, MOST_DIGITS)
    return _decimal(38 if whole + scale <= 38 else MOST_DIGITS, scale)


def _decimal(precision: int, scale: int) -> pa.DataType:
    made: Any = pa.decimal128 if precision <= 38 else pa.decimal256
    return made(precision, scale)


def _require_digits(layer: ShownLayer, column: LayerColumn, found: int, most: int) -> None:
    if found > most:
        raise CheckFailed(
            f"Figures of at most {most} digits were expected in {column.name} of {layer.name}"
            f" {layer.vintage}, as this format holds no more, found {found}: export it as"
            f" {'geoparquet or csv' if most == EXACT_DIGITS else 'csv'}."
        )
