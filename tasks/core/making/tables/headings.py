"""Headings: title rows joined, merged cells filled, and the declared columns found among them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import groupby

from tasks.core.making.proposals import propose, propose_name
from tasks.core.model.columns import Column
from tasks.core.model.errors import SourceError

# first and last cell (row, column) of merged cells, counted from 0
Range = tuple[tuple[int, int], tuple[int, int]]
DELIMITERS = (";", "\t", "|", ",")
LISTED = 60


def titled(
    rows: Sequence[Sequence[str]], ranges: Sequence[Range], numbers: Sequence[int]
) -> list[list[str]]:
    """Return the title rows of these numbers, with merged ranges filled from their first cell.

    In all but the last, a title that is in no merged range is carried over the empty cells to its
    right that are in none either, for merges that the file hides.
    """
    filled, merged = [list(row) for row in rows], set()
    for (top, left), (bottom, right) in ranges:
        for row in range(top, min(bottom, len(filled) - 1) + 1):
            for column in range(max(left, 0), min(right, len(filled[row]) - 1) + 1):
                filled[row][column] = rows[top][max(left, 0)]
                merged.add((row, column))
    carried = [
        _carried(filled[number - 1], {column for row, column in merged if row == number - 1})
        for number in numbers[:-1]
    ]
    return [*carried, filled[numbers[-1] - 1]]


def carry_titles(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Fill empty cells from the left in all rows but the last, for merges the file hides."""
    return titled(rows, (), range(1, len(rows) + 1))


def _carried(row: Sequence[str], merged: set[int]) -> list[str]:
    title, filled = "", []
    for column, cell in enumerate(row):
        if column in merged:
            title = ""
        elif cell.strip():
            title = cell
        filled.append(cell if column in merged else title)
    return filled


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

    A name matches letter for letter in any Unicode form, then in any case and blanks. Raises
    SourceError with the names tried and the columns found when a column is missing, or when a name
    could be several.
    """
    found = {
        target: find_heading(column.names, headings, label) for target, column in columns.items()
    }
    needed = {target: column for target, column in columns.items() if not column.optional}
    if missing := {target: needed[target].names for target in needed if found[target] is None}:
        lost = {target: needed[target] for target in missing}
        raise _lacking(missing, headings, label, propose(lost, _others(columns, headings)))
    return found


def find_name(
    name: str, use: str, columns: Mapping[str, Column], headings: Sequence[str], label: str
) -> int:
    """Find the position of a heading that must be there, whatever it is used for.

    use: "of a filter" or another, for the error; columns: all that are declared. Raises SourceError
    as find_columns does.
    """
    place = find_heading((name,), headings, label)
    if place is not None:
        return place
    others = _others(columns, headings)
    codes = {
        target: column
        for target, column in columns.items()
        if column.widths and name in column.names
    }
    proposed = propose(codes, others, part=name) if codes else propose_name(name, others)
    raise _lacking({use: (name,)}, headings, label, proposed)


def _others(columns: Mapping[str, Column], headings: Sequence[str]) -> list[str]:
    """Return the headings that are the name of no declared column."""
    names = {_loosely(name) for column in columns.values() for name in column.names}
    return [heading for heading in headings if _loosely(heading) not in names]


def _lacking(
    missing: Mapping[str, Sequence[str]], headings: Sequence[str], label: str, proposed: str
) -> SourceError:
    tried = "; ".join(
        f"{target} (tried {', '.join(map(_visible, names))})" for target, names in missing.items()
    )
    return SourceError(
        f"The file {label} lacks the declared column {tried}; {describe(headings)}: add its new"
        f" name to the declaration{proposed}{_other_row(headings)}."
    )


def find_heading(names: Sequence[str], headings: Sequence[str], label: str) -> int | None:
    """Find the position of the first of these names that is a heading."""
    for form in (_composed, _loosely):
        offered = [form(heading) for heading in headings]
        for name in names:
            wanted = form(name)
            places = [index for index, heading in enumerate(offered) if heading == wanted]
            if len(places) > 1:
                raise _ambiguous(name, places, headings, label)
            if places:
                return places[0]
    return None


def _ambiguous(
    name: str, places: Sequence[int], headings: Sequence[str], label: str
) -> SourceError:
    written = [headings[place] for place in places]
    forms = {_composed(heading) for heading in written}
    why = ", which differ in their Unicode form only" if len(forms) < len(set(written)) else ""
    return SourceError(
        f"The column {_visible(name)} of {label} was expected once; it is the heading of columns"
        f" {', '.join(str(place + 1) for place in places)}{why}: declare more header rows or"
        " another name."
    )


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _loosely(name: str) -> str:
    """Return a heading as it looks: composed, without marks of no width, in one case."""
    shown = "".join(letter for letter in _composed(name) if _is_seen(letter))
    return " ".join(shown.split()).casefold()


def _is_seen(letter: str) -> bool:
    return letter.isascii() or unicodedata.category(letter) != "Cf"


def _other_row(headings: Sequence[str]) -> str:
    """Say what else to correct where headings are blank or numbers: the row may be another."""
    texts = [heading.strip() for heading in headings]
    return ", or correct `header_rows`" if not any(texts) or any(map(str.isdigit, texts)) else ""


def _visible(name: str) -> str:
    """Quote a heading so that unlike ones look unlike: no-break blanks, composed letters."""
    is_plain = name == _composed(name)
    return repr(name) if is_plain else ascii(name)


def describe(headings: Sequence[str]) -> str:
    """Say what headings a file has, and what delimiter cuts one that holds them all."""
    named = [
        _visible(heading) if heading.strip() else f"(empty, column {_letters(place)})"
        for place, heading in enumerate(headings)
    ]
    listed = ", ".join(named[:LISTED])
    more = f" and {len(headings) - LISTED} more" if len(headings) > LISTED else ""
    other = next((mark for mark in DELIMITERS if len(headings) == 1 and mark in headings[0]), None)
    cut = f", one column only, which looks cut by {other!r}, the delimiter to declare"
    return f"it has {listed or 'none'}{more}{cut if other else ''}"


def _letters(place: int) -> str:
    """Name a column as spreadsheets do: A, B … Z, AA."""
    before, letter = divmod(place, 26)
    return (_letters(before - 1) if before else "") + chr(65 + letter)
