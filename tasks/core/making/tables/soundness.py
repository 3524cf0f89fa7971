"""Declarations of tables, held against themselves and PostgreSQL before a file is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from tasks.core.making.column_names import require_names
from tasks.core.making.markers import require_other_names
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError

COLUMNS_BORNE = 1_600
BYTES_BORNE = 8_000  # of a row's numbers, dates and truth values, which are stored in one page


def require_sound(reads: Table) -> None:
    """Raise ConfigurationError on a declaration that contradicts itself."""
    names: Mapping[str, Column] = reads.columns
    if unknown := [name for name in reads.key if name not in names]:
        raise ConfigurationError(
            f"The key {', '.join(unknown)} of a table is not among its declared columns,"
            f" {', '.join(names)}: correct one."
        )
    require_other_names(names, reads.missing)
    if reads.reasons_in and (reads.reasons_in in names or not reads.missing):
        raise ConfigurationError(
            f"The reasons of missing figures cannot be kept in {reads.reasons_in}: it is a column,"
            " or no marker is declared."
        )
    if min(reads.header_rows, default=0) < 1:
        raise ConfigurationError(
            f"The header rows of a table are counted from 1; header_rows={reads.header_rows} names"
            " none, and columns are found by their headings: declare the rows that have them, or"
            " hand in a copy with headings by the inbox."
        )
    _require_marks(reads)


def require_bearable(fields: Sequence[pa.Field], label: str) -> None:
    """Raise ConfigurationError on more columns, or wider rows, than a table of PostgreSQL bears."""
    if not fields:
        raise ConfigurationError(
            f"The table of {label} was declared without columns: declare some."
        )
    require_names([field.name for field in fields])
    if len(fields) > COLUMNS_BORNE:
        raise ConfigurationError(
            f"The table of {label} was declared with {len(fields):,} columns, those of reasons"
            f" included; PostgreSQL bears {COLUMNS_BORNE:,}: declare fewer, or several tables."
        )
    fixed = [field.type for field in fields if pa.types.is_primitive(field.type)]
    width = sum((kind.bit_width + 7) // 8 for kind in fixed if not pa.types.is_decimal(kind))
    if width > BYTES_BORNE:
        raise ConfigurationError(
            f"The table of {label} was declared with rows of {width:,} bytes of numbers; PostgreSQL"
            f" bears {BYTES_BORNE:,}: declare fewer columns, or several tables."
        )


def _require_marks(reads: Table) -> None:
    marks = {"delimiter": reads.delimiter} | ({"quote": reads.quote} if reads.quote else {})
    for what, mark in marks.items():
        if len(mark) != 1 or not mark.isascii() or mark in "\r\n":
            raise ConfigurationError(
                f"The {what} of a table was declared as {mark!r}: it is one ASCII character, and no"
                " line end."
            )
    if reads.quote == reads.delimiter:
        raise ConfigurationError(
            f"The delimiter and the quote of a table were both declared as {reads.quote!r}: correct"
            " one."
        )
