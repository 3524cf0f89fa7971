"""Match the columns of a file with the declared ones and give their values the declared type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.model.declarations import Column
from tasks.core.model.errors import ConfigurationError, SourceError

SHAPEFILE_NAME_LENGTH = 10
ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
SQL_TYPES = {
    "text": "text",
    "integer": "bigint",
    "number": "double precision",
    "date": "date",
    "boolean": "boolean",
}
WHOLE_NUMBERS_END = 2.0**53  # above it a double no longer tells neighbouring whole numbers apart


def match_fields(
    columns: Mapping[str, Column], fields: Sequence[str], where: str, *, shortened: bool = False
) -> dict[str, str | None]:
    """Find the field of the file for each declared column; None for an absent optional one.

    A name matches letter for letter, then in any case, then (`shortened`, for shapefiles) by its
    first ten characters. Raises SourceError when a column is missing, or when a shortened or
    differently cased name could mean two fields.
    """
    found = {
        target: _field(column.names, fields, where, shortened) for target, column in columns.items()
    }
    needed = {target: column for target, column in columns.items() if not column.optional}
    if absent := {target: needed[target].names for target in needed if not found[target]}:
        tried = "; ".join(f"{target} (as {' or '.join(names)})" for target, names in absent.items())
        raise SourceError(
            f"The declared columns {tried} are not in {where}, which has {', '.join(fields)}: add"
            " the field's name to the declaration."
        )
    _require_distinct(columns, found, where)
    return found


def _field(names: Sequence[str], fields: Sequence[str], where: str, shortened: bool) -> str | None:
    exact = [name for name in names if name in fields]
    if exact:
        return exact[0]
    any_case = ([each for each in fields if each.casefold() == name.casefold()] for name in names)
    cut = ([each for each in fields if _is_shortened(name, each)] for name in names if shortened)
    for candidates in chain(any_case, cut):
        if len(candidates) > 1:
            raise SourceError(
                f"The declared column {' or '.join(names)} could be {' or '.join(candidates)} in"
                f" {where}: declare the exact name of the field meant."
            )
        if candidates:
            return candidates[0]
    return None


def _is_shortened(name: str, field: str) -> bool:
    """Tell whether a shapefile's field is this longer name, cut or also numbered (TX_SECTO_1)."""
    if len(name) <= SHAPEFILE_NAME_LENGTH or len(field) != SHAPEFILE_NAME_LENGTH:
        return False
    name, field = name.casefold(), field.casefold()
    return field == name[:SHAPEFILE_NAME_LENGTH] or bool(
        re.fullmatch(r"_?\d+", field[8:]) and field[:8] == name[:8]
    )


def _require_distinct(
    columns: Mapping[str, Column], found: Mapping[str, str | None], where: str
) -> None:
    """Raise SourceError when two long names were cut to the same ten characters."""
    for field in filter(None, dict.fromkeys(found.values())):
        targets = [target for target, other in found.items() if other == field]
        names = [map(str.casefold, columns[target].names) for target in targets]
        if len(targets) > 1 and not all(field.casefold() in each for each in names):
            raise SourceError(
                f"The declared columns {' and '.join(targets)} are both shortened to {field} in"
                f" {where}: declare the exact field of each."
            )


def arrow_type(column: Column) -> pa.DataType:
    """Return the Arrow type that copies as the declared type."""
    if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", column.type):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return ARROW_TYPES[_known(column.type)]


def sql_type(column: Column) -> str:
    """Return the PostgreSQL type of the declared type."""
    if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", column.type):
        return f"numeric({decimal[1]},{decimal[2]})"
    return SQL_TYPES[_known(column.type)]


def _known(name: str) -> str:
    if name not in ARROW_TYPES:
        raise ConfigurationError(
            f"A column was declared as {name!r}; the types are {', '.join(ARROW_TYPES)} and"
            " decimal(p,s)."
        )
    return name


def convert(values: pa.Array, column: Column, where: str) -> pa.Array:
    """Convert one column to the declared type; codes keep every letter, whole numbers no ".0".

    Raises SourceError when a value cannot be what was declared.
    """
    values = simplified(values)
    try:
        if column.type == "text":
            return _as_text(values)
        if pa.types.is_string(values.type):
            values = pc.utf8_trim_whitespace(values)
            values = pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)
        return values.cast(arrow_type(column))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SourceError(
            f"The column {' or '.join(column.names)} was declared as {column.type} and {where}"
            f" holds {values.type} values that are not ({error}): correct its type, or declare the"
            " value in `missing` with its reason."
        ) from None


def simplified(values: pa.Array) -> pa.Array:
    """Return plain values, plain strings too, where the file keeps them in another way."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    is_text = pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type)
    return values.cast(pa.string()) if is_text else values


def _as_text(values: pa.Array) -> pa.Array:
    if not pa.types.is_floating(values.type):
        return values.cast(pa.string())
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), WHOLE_NUMBERS_END))
    integers = pc.if_else(whole, values, pa.scalar(None, values.type)).cast(pa.int64())
    return pc.coalesce(integers.cast(pa.string()), values.cast(pa.string()))
