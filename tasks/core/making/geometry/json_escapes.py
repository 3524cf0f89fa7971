"""Escapes in JSON that stand for no letter: GDAL ends a text at one and puts "�" for the other."""

from __future__ import annotations

import re

# escaped back slashes before are letters; a half of a pair may go on in the next block
BEFORE = rb"(?<!\\)(?:\\\\)*"
HIGH, LOW = rb"\\u[dD][89abAB]..", rb"\\u[dD][c-fC-F].."
NO_LOW = rb"(?=[^\\]|\\[^u]|\\u[^dD]|\\u[dD][^c-fC-F])"
NUL = re.compile(BEFORE + rb"(\\u0000)")
HALF = re.compile(BEFORE + rb"(?:" + HIGH + LOW + rb"|(" + HIGH + NO_LOW + rb"|" + LOW + rb"))")
KINDS = {
    b"\\u0000": (NUL, "a NUL character (\\u0000)"),
    b"\\ud": (HALF, "half of a pair of surrogates (\\ud800 to \\udfff)"),
    b"\\uD": (HALF, "half of a pair of surrogates (\\ud800 to \\udfff)"),
}
REACH = 6  # bytes before a block from which a half, undecided there, may be told


def first_escape(before: bytes, block: bytes) -> tuple[int, str] | None:
    """Return the place in a block of the first escape of no letter, and what it is.

    before: the end of the block before, in which what is whole was told already.
    """
    if b"\\" not in block and b"\\" not in before:
        return None
    text = before + block
    for mark, (pattern, name) in KINDS.items():
        if mark in text:
            for found in pattern.finditer(text):
                if found[1] and found.end() >= len(before) - REACH:
                    return found.start(1) - len(before), name
    return None
