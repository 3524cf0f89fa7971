"""Values as the declarations mean them, converted one by one in plain Python.

Shares no code with the product: what it reads is written down here a second time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from truth.cases import Case, Refused, Row, Undecided

TRUE = "true t yes y 1 oui o ja j vrai wahr waar".split()
FALSE = "false f no n 0 non nein nee faux falsch onwaar".split()
BLANKS = (" ", "\u00a0", "\u202f")
EXACT = 2**53


def row_of(case: Case, cells: Mapping[str, Any]) -> Row:
    """Convert a row given by target column: the declared values, each figure with its reason."""
    missing, values = case.options.get("missing", {}), []
    for column, kind in case.columns.items():
        value, reason = figure(cells[column], kind, case.options)
        values.append(value)
        if missing and kind != "text":
            values.append(reason)
    return tuple(values)


def figure(cell: Any, kind: str, options: Mapping[str, Any]) -> tuple[Any, str | None]:
    """Convert a cell; give its value, and why there is none."""
    if kind == "text":
        return as_text(cell), None
    missing = options.get("missing", {})
    said = cell.strip() if isinstance(cell, str) else cell
    is_empty = said is None or said == ""
    if missing:
        marker = "" if is_empty else said
        if isinstance(marker, str) and marker in missing:
            return None, missing[marker]
        if not isinstance(marker, str) and (reason := _equal_marker(marker, missing)):
            return None, reason
    if is_empty:
        return None, "absent" if missing else None
    if isinstance(said, str) and said in options.get("zero", ()):
        return value_of("0", kind, options), None
    value = value_of(said, kind, options)
    reason = _equal_marker(value, missing)  # a marker that is written in another way
    return (None, reason) if reason else (value, None)


def _equal_marker(value: Any, missing: Mapping[str, str]) -> str:
    for marker, reason in missing.items():
        try:
            if not isinstance(value, (bool, date)) and Decimal(marker) == Decimal(str(value)):
                return reason
        except InvalidOperation:
            continue
    return ""


def as_text(cell: Any) -> str | None:
    """Give a code letter for letter."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, str):
        if "\0" in cell:
            raise Refused("NUL")
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not math.isfinite(cell) or abs(cell) >= EXACT:
            raise Refused("not exact")
        if cell.is_integer():
            return str(int(cell))
        raise Undecided("a code with a fraction")
    if isinstance(cell, int):
        return str(cell)
    raise Undecided(f"a code kept as {type(cell).__name__}")


def value_of(cell: Any, kind: str, options: Mapping[str, Any]) -> Any:
    """Convert what is not empty."""
    if kind == "boolean":
        return _truth(cell)
    if kind == "date":
        return _day(cell, options.get("day_first"))
    if isinstance(cell, (bool, date)):
        raise Undecided("a number kept as something else")
    return _number(cell, kind, options)


def _truth(cell: Any) -> bool:
    said = str(cell).lower() if not isinstance(cell, float) else f"{cell:g}"
    if said in TRUE or said in FALSE:
        return said in TRUE
    raise Refused(f"{cell!r} is no truth value")


def _day(cell: Any, day_first: bool | None) -> date:
    if isinstance(cell, datetime):
        if cell.tzinfo is not None:
            raise Undecided("a moment with a zone")
        return cell.date()
    if isinstance(cell, date):
        return cell
    said = str(cell)
    if found := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ].*)?", said, re.ASCII):
        if found.end(3) != len(said):
            raise Undecided("an hour beside a day")
        year, month, day = map(int, found.groups())
    elif found := re.fullmatch(r"(\d{4})(\d\d)(\d\d)", said, re.ASCII):
        year, month, day = map(int, found.groups())
    elif found := re.fullmatch(r"(\d\d?)([/.-])(\d\d?)\2(\d{4})", said, re.ASCII):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if day_first is None and first <= 12:
            raise Refused("day and month in an order that nobody declared")
        day, month = (second, first) if day_first is False else (first, second)
    else:
        raise Refused(f"{said!r} is no date")
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Refused(str(error)) from None


def _number(cell: Any, kind: str, options: Mapping[str, Any]) -> Any:
    if isinstance(cell, str):
        exact = _spelled(cell, kind, options)
    elif isinstance(cell, float):
        if not math.isfinite(cell):
            raise Refused(f"{cell} is no figure")
        exact = Decimal(repr(cell))
    else:
        exact = Decimal(cell)
    if kind == "integer":
        if exact != exact.to_integral_value() or not -(2**63) <= exact < 2**63:
            raise Refused(f"{cell!r} is no whole number of 64 bits")
        return int(exact)
    if kind == "number":
        value = float(exact)
        if not math.isfinite(value):
            raise Refused("beyond a double")
        return value
    return _scaled(exact, kind)


def _scaled(exact: Decimal, kind: str) -> Decimal:
    precision, scale = map(int, re.findall(r"\d+", kind))
    whole = exact.scaleb(scale)
    if whole != whole.to_integral_value() or abs(whole) >= 10**precision:
        raise Refused(f"{exact} has more digits than {kind}")
    return exact.quantize(Decimal(1).scaleb(-scale))


def _spelled(cell: str, kind: str, options: Mapping[str, Any]) -> Decimal:
    """Read a number as an office writes it."""
    point, mark = options.get("decimal_point", "."), options.get("thousands", "")
    marks = "".join(BLANKS) if mark.isspace() else mark
    whole = r"\d+"
    if mark:
        each = f"[{re.escape(marks)}]"
        whole = rf"(?:\d{{1,3}}(?:{each}\d{{3}})+|\d+)"
    rest = ""
    if kind != "integer":
        rest = rf"(?:{re.escape(point)}\d*)?(?:[eE][+-]?\d+)?"
        whole = rf"(?:{whole}|(?={re.escape(point)}\d))"
    if not re.fullmatch(f"[+-]?{whole}{rest}", cell, re.ASCII):
        raise Refused(f"{cell!r} is no {kind}")
    for each in marks:
        cell = cell.replace(each, "")
    return Decimal(cell.replace(point, "."))


def midnight(value: Any) -> Any:
    """Give the day of a moment at midnight, as programs keep days."""
    is_day = isinstance(value, datetime) and value.time() == time() and value.tzinfo is None
    return value.date() if is_day else value
