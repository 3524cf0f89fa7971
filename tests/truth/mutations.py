"""Faults put into files: bytes lost, doubled or swapped, lines cut, marks out of place."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

STRANGE = (
    b'"',
    b"'",
    b";",
    b",",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xe9",
)
STRANGE += (b" ", b"*", b"-", b"1", b"x", b"\x85", b"Source: INSEE\n", b'""', b'"\n')


@st.composite
def mutated(draw: Any, content: bytes) -> bytes:
    """The same bytes with one to three faults."""
    for _ in range(draw(st.integers(1, 3))):
        if not content:
            return content
        place = draw(st.integers(0, 10**6)) % len(content)  # packed files vary in length
        fault = draw(
            st.sampled_from(("insert", "drop", "cut", "swap", "double", "line", "replace"))
        )
        if fault == "insert":
            content = content[:place] + draw(st.sampled_from(STRANGE)) + content[place:]
        elif fault == "drop":
            content = content[:place] + content[place + 1 :]
        elif fault == "cut":
            content = content[: max(place, 1)]
        elif fault == "swap":
            content = content[:place] + content[place : place + 2][::-1] + content[place + 2 :]
        elif fault == "double":
            content = content[:place] + content[place : place + 1] * 2 + content[place + 1 :]
        elif fault == "replace":
            content = content[:place] + draw(st.sampled_from(STRANGE)) + content[place + 1 :]
        else:
            lines = content.split(b"\n")
            line = draw(st.integers(0, 10**6)) % len(lines)
            lines[line : line + 1] = draw(st.sampled_from(([], [lines[line]] * 2)))
            content = b"\n".join(lines)
    return content
