"""Strategies for what a table holds: columns, their values, and how an office writes them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

TYPES = ("text", "integer", "number", "decimal(12,2)", "decimal(18,0)", "date", "boolean")
TARGETS = ("code", "a", "b", "c", "d", "e")
LETTERS = "aZ09 -_.,;:'|()/*éœŒßñÉ–€“²½ΩłЖ漢🙂\u00a0\u0301"
WORDS = ("NA", "null", "NaN", "-", "007", "1e5", "0x1F", "*", "TRUE", "Total", "2A004", "inf")
MARKERS = {"*": "suppressed", "(X)": "not applicable", "-99997": "unknown", "…": "not yet known"}
TRUTHS = (("true", "false"), ("1", "0"), ("oui", "non"), ("J", "N"), ("Wahr", "Falsch"))


@dataclass(frozen=True)
class Content:
    """A table: the declared type and the name of each column, and the true values by row."""

    columns: Mapping[str, str]
    names: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]


def letters(encoding: str = "utf-8") -> str:
    """Letters that an encoding can write."""
    return "".join(each for each in LETTERS if each.encode(encoding, "ignore"))


def texts(alphabet: str, longest: int = 12) -> st.SearchStrategy[str]:
    """Names and codes, also those that programs like to take for something else."""
    words = [word for word in WORDS if set(word) <= set(alphabet) | set("NAulTRUEotinfx1F*25")]
    return st.one_of(st.text(alphabet, min_size=1, max_size=longest), st.sampled_from(words))


def values(kind: str, alphabet: str) -> st.SearchStrategy[Any]:
    """True values of a declared type."""
    if kind == "text":
        return texts(alphabet).filter(lambda value: bool(value.strip()))
    if kind == "integer":
        return st.one_of(st.integers(-50, 5000), st.integers(-(2**63), 2**63 - 1))
    if kind == "number":
        return st.one_of(
            st.floats(allow_nan=False, allow_infinity=False),
            st.decimals(-9999, 9999, places=3).map(float),
            st.integers(0, 10**9).map(float),
        )
    if kind == "date":
        return st.dates(date(1800, 1, 1), date(2100, 12, 31))
    if kind == "boolean":
        return st.booleans()
    precision, scale = (int(each) for each in kind[8:-1].split(","))
    most = Decimal(10) ** (precision - scale) - 1
    return st.decimals(-most, most, places=scale, allow_nan=False)


def headings(alphabet: str, count: int) -> st.SearchStrategy[list[str]]:
    """Names of columns that no reader takes for one another."""
    name = st.text(alphabet, min_size=1, max_size=10).filter(lambda each: bool(each.strip()))
    return st.lists(name, min_size=count, max_size=count, unique_by=loosely)


def loosely(name: str) -> str:
    """A name without what offices vary: case, blanks, Unicode form, marks of no width."""
    seen = "".join(each for each in name if each.isascii() or unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return "".join(unicodedata.normalize("NFC", folded).split())


@st.composite
def contents(
    draw: Any,
    alphabet: str,
    heading_alphabet: str,
    types: Sequence[str] = TYPES,
    most_rows: int = 12,
    holes: bool = True,
) -> Content:
    """A table with a key `code` and up to five more columns."""
    count = draw(st.integers(2, len(TARGETS)))
    kinds = [
        "text",
        *draw(st.lists(st.sampled_from(types), min_size=count - 1, max_size=count - 1)),
    ]
    if kinds[1] == "text" and set(kinds) == {"text"} and len(types) > 1:
        kinds[1] = "integer"
    columns = dict(zip(TARGETS, kinds, strict=False))
    names = dict(zip(columns, draw(headings(heading_alphabet, count)), strict=True))
    plain = st.text("abc0129-", min_size=1, max_size=6)
    codes = draw(st.lists(plain, min_size=1, max_size=most_rows, unique=True))
    rows = []
    for code in codes:
        row = {"code": code}
        for target, kind in list(columns.items())[1:]:
            is_hole = holes and draw(st.integers(0, 6)) == 0
            row[target] = None if is_hole else draw(values(kind, alphabet))
        rows.append(row)
    return Content(columns, names, rows)
