"""Parquet files in every type that pyarrow writes, read by DuckDB."""

from __future__ import annotations

import io
import tempfile
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
from hypothesis import strategies as st

from truth import figures
from truth.cases import Case, Refused, Row, Undecided
from truth.conversion import midnight, row_of

KINDS: dict[str, tuple[pa.DataType, ...]] = {
    "text": (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())),
    "integer": (pa.int64(), pa.float64(), pa.string(), pa.decimal128(20, 0)),
    "number": (pa.float64(), pa.string()),
    "date": (pa.date32(), pa.date64(), pa.timestamp("ms"), pa.timestamp("us"), pa.string()),
    "boolean": (pa.bool_(), pa.string(), pa.int8()),
}
LARGEST = 2**53


@st.composite
def cases(draw: Any) -> Case:
    """Parquet files that are as declared."""
    content = draw(figures.contents(figures.letters() + '"\n;', figures.letters()))
    arrays = {}
    for target, kind in content.columns.items():
        choices = KINDS.get(kind, (pa.decimal128(18, 2 if "2" in kind else 0), pa.string()))
        if kind.startswith("decimal"):
            choices = (pa.decimal128(*map(int, kind[8:-1].split(","))), pa.string())
        written = draw(st.sampled_from(choices))
        values = [row[target] for row in content.rows]
        arrays[content.names[target]] = _array(values, written)
    table = pa.table(arrays)
    sink = io.BytesIO()
    rows = draw(st.integers(1, 5))
    pa.parquet.write_table(
        table,
        sink,
        row_group_size=rows,
        compression=draw(st.sampled_from(("snappy", "zstd", "none"))),
    )
    options = {"key": ("code",), "missing": draw(st.sampled_from(({}, figures.MARKERS)))}
    is_sound = all(array.null_count < len(array) or True for array in arrays.values())
    return Case("parquet", sink.getvalue(), content.columns, content.names, options, is_sound)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([_said(value) for value in values], kind)
    if pa.types.is_floating(kind) and any(
        isinstance(value, int) and abs(value) > LARGEST for value in values
    ):
        kind = pa.int64()
    if pa.types.is_int8(kind):
        return pa.array([None if value is None else int(value) for value in values], kind)
    if pa.types.is_timestamp(kind):
        values = [value and datetime.combine(value, time()) for value in values]
    return pa.array(values, kind)


def _said(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def read(case: Case) -> list[Row]:
    """Read a Parquet file with DuckDB."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as connection:
        Path(file.name).write_bytes(case.content)
        try:
            found = connection.execute(f"SELECT * FROM read_parquet('{file.name}')")
            head = [column[0] for column in found.description]
            rows = found.fetchall()
        except duckdb.Error as error:
            if "Invalid string encoding" in str(error):
                raise Undecided("text that is no UTF-8, in the values or beside them") from None
            if "TProtocolException" in str(error) or "know what type" in str(error):
                raise Undecided("a footer that DuckDB cannot read") from None
            raise Refused(str(error)) from None
    if any(isinstance(cell, bytes) for row in rows for cell in row):
        raise Undecided("bytes in place of text")
    if missing := [case.name_of(each) for each in case.columns if case.name_of(each) not in head]:
        raise Refused(f"no columns {missing}")
    places = {target: head.index(case.name_of(target)) for target in case.columns}
    return [
        row_of(case, {target: midnight(row[place]) for target, place in places.items()})
        for row in rows
    ]
