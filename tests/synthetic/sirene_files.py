"""The two published files, written block by block as Parquet and as a zip archive of one CSV
file.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from synthetic import sirene_layout
from synthetic.sirene_blocks import ROWS

FORMATS = ("parquet", "csv")
NEEDS_QUOTES = '[",\n]'


class Published:
    """One file in the formats asked for; use it in a with statement.

    The archive has the date of the month inside, so the same rows give the same bytes, and ZIP64
    fields as the real one, which is larger than four gigabytes.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        schema: pa.Schema,
        delimiter: str,
        formats: Sequence[str],
        month: date,
    ) -> None:
        self._name, self._schema, self._delimiter, self._formats = name, schema, delimiter, formats
        self._parquet: parquet.ParquetWriter | None = None
        self._archive: zipfile.ZipFile | None = None
        self._rows: BinaryIO | Any = None
        self.count = 0
        if "parquet" in formats:
            self._parquet = parquet.ParquetWriter(
                folder / f"{name}.parquet", schema, compression="zstd"
            )
        if "csv" in formats:
            self._archive = zipfile.ZipFile(folder / f"{name}.zip", "w")
            member = zipfile.ZipInfo(f"{name}.csv", (month.year, month.month, 1, 4, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            self._rows = self._archive.open(member, "w", force_zip64=True)
            self._rows.write((delimiter.join(schema.names) + "\n").encode())

    def __enter__(self) -> Published:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._parquet, self._rows, self._archive):
            if opened is not None:
                opened.close()

    def append(self, batch: pa.RecordBatch) -> None:
        """Write the next rows."""
        self.count += len(batch)
        if self._parquet is not None:
            self._parquet.write_table(
                pa.Table.from_batches([batch]).cast(self._schema), row_group_size=ROWS
            )
        if self._rows is not None:
            self._rows.write(as_csv(batch, self._delimiter))

    def entry(self) -> dict[str, Any]:
        """The file's entry in the mirror, in the first of its formats; the delimiter is told
        because that of Parquet's declaration is a comma.
        """
        if self._formats[0] == "parquet":
            return {"path": f"{self._name}.parquet", "container": "parquet", "rows": self.count}
        reads = {"reads": {"delimiter": self._delimiter}} if self._delimiter != "," else {}
        return {
            "path": f"{self._name}.zip",
            "container": "zip",
            "member": f"{self._name}.csv",
            "rows": self.count,
            **reads,
        }


def as_csv(batch: pa.RecordBatch, delimiter: str) -> bytes:
    """The rows as lines of UTF-8, quoted only where a value holds a comma or a quotation mark:
    backslashes are letters like others.
    """
    cells = [
        _text(column, name in sirene_layout.FREE_TEXTS)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, delimiter), "\n", "")
    _, offsets, letters = lines.buffers()
    end = int.from_bytes(offsets[4 * len(lines) : 4 * len(lines) + 4].to_pybytes(), "little")
    return bytes(letters[:end])


def _text(column: pa.Array, is_free: bool) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        column = pc.strftime(column.cast(pa.timestamp("s")), "%Y-%m-%dT%H:%M:%S")
    texts = pc.fill_null(column.cast(pa.string()), "")
    if not is_free:
        return texts
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(texts, NEEDS_QUOTES), quoted, texts)
