"""Markdown that holds any text: values stay within their line and cell, and tables have an end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

SPECIAL = re.compile(r"[\\`*_{}\[\]<>|#~&]")
LONGEST_CELL = 300  # characters
WIDEST_BAR = 20  # blocks
MOST_ROWS = 50


def plain(value: object) -> str:
    """Return a value that stays one line of text in Markdown, whatever it contains."""
    text = " ".join(str(value).split())
    shown = text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
    return SPECIAL.sub(r"\\\g<0>", shown)


def sentence(value: str) -> str:
    """Return a sentence whole, as one line of text in Markdown."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(value.split()))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], where: str) -> str:
    """Return a table of at most fifty rows; where: what has the others (catalog.check_result).

    Cells are text that is escaped here.
    """
    cells = [[plain(cell) for cell in row] for row in rows]
    lines = [_line(headings), _line("---" for _ in headings), *map(_line, cells[:MOST_ROWS])]
    more = len(cells) - MOST_ROWS
    if more > 0:
        lines += ["", f"And {more:,} more in {where}."]
    return "\n".join(lines)


def listed(lines: Sequence[str], where: str) -> str:
    """Return a list of at most fifty lines of Markdown; where: what has the others."""
    more = len(lines) - MOST_ROWS
    told = [f"- {line}" for line in lines[:MOST_ROWS]]
    return "\n".join([*told, *([f"- And {more:,} more in {where}."] if more > 0 else [])])


def bar(part: float, most: float) -> str:
    """Return a bar of blocks that is as long as a part is large; the most is twenty blocks."""
    return "▇" * round(WIDEST_BAR * part / most) if most > 0 else ""


def share(part: float, whole: float) -> str:
    """Return which share of a whole a part is; only all of it is 100 %, and only none 0 %."""
    if not whole:
        return ""
    percent = 100 * part / whole
    within = min(max(percent, 0.01), 99.99) if 0 < part < whole else percent
    return f"{within:.4g} %"


def moment(at: datetime) -> str:
    """Return a moment for people, in UTC (27 November 2026, 19:20 UTC)."""
    told = at.astimezone(UTC)
    return f"{told.day} {told:%B %Y, %H:%M} UTC"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
