"""Proposals for declared columns that a file lacks: the nearest of its other headings, written as a
declaration to paste. They are said in a refusal, and nothing else uses them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.core.making.likeness import likeness
from tasks.core.model.columns import Column, decimal, integer, number, text

AS_NEAR = 3  # headings of the same likeness that are proposed for a column, at most
PLAIN = {each.type: each for each in (text(), integer(), number(), decimal())}


def propose(columns: Mapping[str, Column], headings: Sequence[str], part: str = "") -> str:
    """Give ', perhaps ' and the missing columns as declared with the nearest heading first.

    headings: those that no declared column has; each is proposed for one column. part: the part of
    a code that is missing. Empty where nothing is near.
    """
    names = {
        target: (part,) if part else (*column.names, target) for target, column in columns.items()
    }
    lines = [
        " or ".join(declaration(target, _renamed(columns[target], each, part)) for each in near)
        for target, near in _nearest(names, headings).items()
    ]
    return f", perhaps {', '.join(lines)}" if lines else ""


def propose_name(name: str, headings: Sequence[str]) -> str:
    """Give ', perhaps ' and the headings nearest to a name that is of no declared column."""
    near = _nearest({name: (name,)}, headings).get(name)
    return f", perhaps {' or '.join(map(_quoted, near))}" if near else ""


def _nearest(names: Mapping[str, tuple[str, ...]], headings: Sequence[str]) -> dict[str, list[str]]:
    """Give the headings nearest to the names of each target; the most alike are served first."""
    pairs = [
        (max(likeness(name, heading) for name in of_target), target, heading)
        for target, of_target in names.items()
        for heading in dict.fromkeys(headings)
    ]
    near: dict[str, list[str]] = {}
    best: dict[str, float] = {}
    served = set()
    for score, target, heading in sorted(pairs, key=lambda pair: -pair[0]):
        if score and heading not in served and score == best.setdefault(target, score):
            near.setdefault(target, []).append(heading)
            served.add(heading)
    return {target: near[target][:AS_NEAR] for target in names if target in near}


def _renamed(column: Column, heading: str, part: str) -> Column:
    """Return a column with a new name first, or that of a part of its code in the old one's place.

    A name of a heading has no blanks around it, and one only within, as it is looked for.
    """
    new = " ".join(heading.split())
    if part:
        return replace(column, names=tuple(new if each == part else each for each in column.names))
    return replace(column, names=(new, *column.names))


def declaration(target: str, column: Column) -> str:
    """Write a column as flows/offices declare it: "persons": integer("POP", unit="persons")."""
    names = list(map(_quoted, column.names))
    kind = column.type.partition("(")[0]
    if column.widths:
        kind = "code"
        names = [f"({name}, {width})" for name, width in zip(names, column.widths, strict=True)]
    elif column.type not in PLAIN and kind != "decimal":
        kind = "Column"
        names = [f"({', '.join(names)}{',' * (len(names) == 1)})", _quoted(column.type)]
    told = [f"{name}={_quoted(said)}" for name, said in _said(column).items()]
    return f"{_quoted(target)}: {kind}({', '.join([*names, *told])})"


def _said(column: Column) -> dict[str, Any]:
    """Give what a declaration says beside names and type, so far as its function does not."""
    said: dict[str, Any] = {}
    if column.type not in PLAIN and column.type.startswith("decimal("):
        precision, scale = map(int, column.type[len("decimal(") : -1].split(","))
        said = {"precision": precision, "scale": scale}
    plain = PLAIN.get(column.type, Column(()))
    return said | {
        field: getattr(column, field)
        for field in ("optional", "prefix", "about", "unit", "rule")
        if getattr(column, field) != getattr(plain, field)
    }


def _quoted(said: str | bool | int) -> str:
    """Write a value as Python reads it, letters that look like others by their numbers."""
    if not isinstance(said, str):
        return repr(said)
    written = repr(said) if unicodedata.is_normalized("NFC", said) else ascii(said)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written
