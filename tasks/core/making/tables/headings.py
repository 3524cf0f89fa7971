"""Headings: title rows joined, merged cells filled, and the declared columns found among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from tasks.core.model.declarations import Column
from tasks.core.model.errors import SourceError

# first and last cell (row, column) of merged cells, counted from 0
Range = tuple[tuple[int, int], tuple[int, int]]
DELIMITERS = (";", "\t", "|", ",")
LISTED = 60


def fill_merged(rows: Sequence[Sequence[str]], ranges: Sequence[Range]) -> list[list[str]]:
    """Fill each merged range of the rows with its first cell."""
    filled = [list(row) for row in rows]
    for (top, left), (bottom, right) in ranges:
        for row in range(top, min(bottom, len(filled) - 1) + 1):
            for column in range(left, min(right, len(filled[row]) - 1) + 1):
                filled[row][column] = rows[top][left]
    return filled


def carry_titles(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Fill empty cells from the left in all rows but the last, for merges the file hides."""
    carried = []
    for row in rows[:-1]:
        title, filled = "", []
        for cell in row:
            title = cell if cell.strip() else title
            filled.append(title)
        carried.append(filled)
    return [*carried, *(list(row) for row in rows[-1:])]


def join_titles(rows: Sequence[Sequence[str]]) -> list[str]:
    """Join the titles above each column by a blank, a repeated one only once."""
    width = max((len(row) for row in rows), default=0)
    if len(rows) == 1:
        return list(rows[0])
    joined = []
    for column in range(width):
        titles = [row[column].strip() for row in rows if column < len(row) and row[column].strip()]
        joined.append(" ".join(title for title, _ in groupby(titles)))
    return joined


def find_columns(
    columns: Mapping[str, Column], headings: Sequence[str], label: str
) -> dict[str, int | None]:
    """Find the position of each declared column; None for an absent optional one.

    A name matches letter for letter, then in any case and without regard to blanks. Raises
    SourceError with the names tried and the columns found when a column is missing, or when a name
    could be several.
    """
    found = {
        target: find_heading(column.names, headings, label) for target, column in columns.items()
    }
    needed = {target: column for target, column in columns.items() if not column.optional}
    if missing := {target: needed[target].names for target in needed if found[target] is None}:
        tried = "; ".join(
            f"{target} (tried {', '.join(map(repr, names))})" for target, names in missing.items()
        )
        raise SourceError(
            f"The file {label} lacks the declared column {tried}; {describe(headings)}: add its"
            " new name to the declaration."
        )
    return found


def find_heading(names: Sequence[str], headings: Sequence[str], label: str) -> int | None:
    """Find the position of the first of these names that is a heading."""
    loose = [_loosely(heading) for heading in headings]
    for exact in (True, False):
        for name in names:
            wanted, offered = (name, headings) if exact else (_loosely(name), loose)
            places = [index for index, heading in enumerate(offered) if heading == wanted]
            if len(places) > 1:
                raise SourceError(
                    f"The column {name!r} of {label} was expected once; it is the heading of"
                    f" columns {', '.join(str(place + 1) for place in places)}: declare more header"
                    " rows or another name."
                )
            if places:
                return places[0]
    return None


def _loosely(name: str) -> str:
    return " ".join(name.split()).casefold()


def describe(headings: Sequence[str]) -> str:
    """Say what headings a file has, and what delimiter cuts one that holds them all."""
    listed = ", ".join(repr(heading) for heading in headings[:LISTED] if heading.strip())
    more = f" and {len(headings) - LISTED} more" if len(headings) > LISTED else ""
    other = next((mark for mark in DELIMITERS if len(headings) == 1 and mark in headings[0]), None)
    cut = f", one column only, which looks cut by {other!r}, the delimiter to declare"
    return f"it has {listed or 'none'}{more}{cut if other else ''}"
