"""Columns that a script computes from others: they are not what a column of their name was."""

from __future__ import annotations

import re

# what keeps the meaning of a figure: its sum, its choice among others, its type
KEEPING = {
    *("sum", "whole_sum", "min", "max", "any_value", "coalesce", "nullif", "round", "cast"),
    *("case", "when", "then", "else", "and", "or", "not", "in", "over", "filter", "where", "by"),
    *("numeric", "bigint", "integer", "text", "date", "count", "string_agg", "replace", "chr"),
}
NO_CODE = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
TYPE = re.compile(r"::\s*\w+(?:\s+precision)?(?:\s*\([\d, ]*\))?")
CONDITION = re.compile(r"\bWHEN\b.*?\bTHEN\b|\bFILTER\s*\([^()]*\)", re.DOTALL | re.IGNORECASE)
ARITHMETIC = re.compile(r"[*/%]|(?<=[\w)])\s*[+-]\s*(?=[\w(])|\|\|")
CALL = re.compile(r"(\w+)\s*\(")
BEGIN = re.compile(r"\b(?:SELECT|DISTINCT)\b", re.IGNORECASE)


def is_computed(script: str, name: str) -> bool:
    """Tell whether a script calculates a column of this name, by an operator or a function.

    A sum, a choice (CASE, coalesce) and a change of type keep what a column means.
    """
    code = NO_CODE.sub("''", script)
    named = re.finditer(rf'\bAS\s+"?{re.escape(name)}"?(?!\w|\s*\()', code, re.IGNORECASE)
    return any(_changes(_before(code[: found.start()])) for found in named)


def _before(code: str) -> str:
    """Return the expression that ends a text: from the comma or SELECT that begins it."""
    depth = 0
    for place in range(len(code) - 1, -1, -1):
        letter = code[place]
        depth += (letter == ")") - (letter == "(")
        if depth < 0 or (depth == 0 and letter in ",;"):
            return code[place + 1 :]
        if depth == 0 and letter in "sSdD" and (begun := BEGIN.match(code, place)):
            return code[begun.end() :]
    return code


def _changes(expression: str) -> bool:
    plain = CONDITION.sub(" ", TYPE.sub("", expression)).replace("(*)", "()")
    called = {name.lower() for name in CALL.findall(plain)}
    return bool(ARITHMETIC.search(plain) or called - KEEPING)
