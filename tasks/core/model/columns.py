"""The columns that a source is read for: their names, types and meaning.

A column without a type is text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict, Unpack


@dataclass(frozen=True)
class Column:
    """A column to keep: its names in the publisher's files (first match wins) and its type.

    type: text, integer, number (double precision), date, boolean or decimal(p,s). prefix: what
    every value begins with, left out of the table ("GRGEMAKT-" of "GRGEMAKT-10101"). widths: the
    digits of each of `names` where a code is written in several columns. about, unit, rule: what it
    holds, its unit and its aggregation (tasks.core.catalog.column_rules) in every table made of it.
    """

    names: tuple[str, ...]
    type: str = "text"
    optional: bool = False
    prefix: str = ""
    widths: tuple[int, ...] = ()
    about: str = ""
    unit: str = ""
    rule: str = "none"


class Meaning(TypedDict, total=False):
    """What a column holds, in which unit, how it is aggregated, if it is optional; as in Column."""

    optional: bool
    about: str
    unit: str
    rule: str


def text(*names: str, prefix: str = "", **meaning: Unpack[Meaning]) -> Column:
    """Declare a code (or, by its unit, a name), kept letter for letter but for a common prefix."""
    return Column(names, "text", prefix=prefix, **(Meaning(unit="code", rule="same") | meaning))


def code(*parts: tuple[str, int], **meaning: Unpack[Meaning]) -> Column:
    """Declare a code in several columns, each filled with zeros: ("STATE", 2), ("COUNTY", 3)."""
    names, widths = zip(*parts, strict=True)
    return replace(text(*names, **meaning), widths=widths)


def integer(*names: str, **meaning: Unpack[Meaning]) -> Column:
    """Declare a whole number (64 bits)."""
    return Column(names, "integer", **meaning)


def number(*names: str, **meaning: Unpack[Meaning]) -> Column:
    """Declare a double precision number."""
    return Column(names, "number", **meaning)


def decimal(*names: str, precision: int = 18, scale: int = 2, **meaning: Unpack[Meaning]) -> Column:
    """Declare an exact number such as an amount of money."""
    return Column(names, f"decimal({precision},{scale})", **meaning)
