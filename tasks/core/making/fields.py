"""The fields of a geometry file for the declared columns, and what a declared type is called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import chain

import pyarrow as pa

from tasks.core.making.proposals import propose
from tasks.core.model.columns import Column
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


def match_fields(
    columns: Mapping[str, Column], fields: Sequence[str], where: str, *, shortened: bool = False
) -> dict[str, str | None]:
    """Find the field of the file for each declared column; None for an absent optional one.

    A name matches letter for letter, then in any case, then (`shortened`, for shapefiles) by its
    first ten characters. Raises SourceError when a column is missing, or when a name could mean two
    fields, ConfigurationError at a code in several columns.
    """
    if composed := [target for target, column in columns.items() if column.widths]:
        raise ConfigurationError(
            f"The code {', '.join(composed)} was declared in several columns, which is read in"
            f" tables only, not in {where}: declare each as text and join them in SQL."
        )
    found = {
        target: _field(column.names, fields, where, shortened) for target, column in columns.items()
    }
    needed = {target: column for target, column in columns.items() if not column.optional}
    if absent := {target: needed[target].names for target in needed if not found[target]}:
        others = [field for field in fields if field not in found.values()]
        tried = "; ".join(f"{target} (as {' or '.join(names)})" for target, names in absent.items())
        raise SourceError(
            f"The declared columns {tried} are not in {where}, which has"
            f" {', '.join(fields) or 'no fields, as a file without features'}: add the field's name"
            f" to the declaration{propose({target: needed[target] for target in absent}, others)}."
        )
    _require_distinct(columns, found, where)
    return found


def _field(names: Sequence[str], fields: Sequence[str], where: str, shortened: bool) -> str | None:
    exact = ([each for each in fields if _composed(each) == _composed(name)] for name in names)
    any_case = ([each for each in fields if _folded(each) == _folded(name)] for name in names)
    cut = ([each for each in fields if _is_shortened(name, each)] for name in names if shortened)
    for candidates in chain(exact, any_case, cut):
        if len(candidates) > 1:
            raise SourceError(
                f"The declared column {' or '.join(names)} could be {' or '.join(candidates)} in"
                f" {where}: declare the exact name of the field meant."
            )
        if candidates:
            return candidates[0]
    return None


def _composed(name: str) -> str:
    """Return a name with each letter and its accents in one, as "é" may be written in two ways."""
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return _composed(_composed(name).casefold())


def _is_shortened(name: str, field: str) -> bool:
    """Tell whether a shapefile's field is this longer name, cut or also numbered (TX_SECTO_1)."""
    if len(name) <= SHAPEFILE_NAME_LENGTH or len(field) != SHAPEFILE_NAME_LENGTH:
        return False
    name, field = _folded(name), _folded(field)
    return field == name[:SHAPEFILE_NAME_LENGTH] or bool(
        re.fullmatch(r"_?\d+", field[8:]) and field[:8] == name[:8]
    )


def _require_distinct(
    columns: Mapping[str, Column], found: Mapping[str, str | None], where: str
) -> None:
    """Raise SourceError when two long names were cut to the same ten characters."""
    for field in filter(None, dict.fromkeys(found.values())):
        targets = [target for target, other in found.items() if other == field]
        names = [map(_folded, columns[target].names) for target in targets]
        if len(targets) > 1 and not all(_folded(field) in each for each in names):
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


def simplified(values: pa.Array) -> pa.Array:
    """Return plain values, plain strings and bytes too, where a file keeps them in another way."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return values.cast(pa.binary())
    if pa.types.is_binary_view(kind):
        return values.cast(pa.binary())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        values = values.cast(pa.string())
    return values


def sound(values: pa.Array) -> pa.Array:
    """Return the values of a file of types, its strings as bytes if they are not all UTF-8."""
    values = simplified(values)
    try:
        values.validate(full=pa.types.is_string(values.type))
    except pa.ArrowInvalid:
        return values.view(pa.binary())
    return values
