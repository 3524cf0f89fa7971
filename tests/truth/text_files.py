"""Delimited text: written in every dialect that can be declared, read strictly by Python's csv."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import strategies as st

from truth import figures
from truth.cases import Case, Refused, Row, Undecided
from truth.conversion import as_text, row_of

ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "iso-8859-15")
SPELLINGS = {"cp1252": "Windows-1252", "latin-1": "ISO-8859-1", "utf-8": "UTF8"}
DELIMITERS = (",", ";", "\t", "|")


@st.composite
def cases(draw: Any) -> Case:
    """Text files that are as declared."""
    encoding = draw(st.sampled_from(ENCODINGS))
    delimiter, quote = draw(st.sampled_from(DELIMITERS)), draw(st.sampled_from(('"', "'", "")))
    ends = draw(st.sampled_from(("\n", "\r\n", "\r")))
    alphabet = "".join(
        each for each in figures.letters(encoding) if quote or each not in delimiter + "\n\r"
    )
    if quote:
        alphabet += quote + delimiter + ("\n" if draw(st.booleans()) else "")
    names = "".join(each for each in alphabet if each not in "\n*") + "ABC"
    content = draw(figures.contents(alphabet, names))
    writing = draw(writings(delimiter))
    marked = draw(st.sampled_from(({}, figures.MARKERS)))
    missing = {key: value for key, value in marked.items() if key.encode(encoding, "ignore")}
    write = _Writer(draw, writing, missing, content.columns)
    lines = [list(content.names.values())]
    lines += [
        [write(row[name], kind) for name, kind in content.columns.items()] for row in content.rows
    ]
    title = draw(st.integers(0, 1))
    if title:
        lines.insert(0, ["Population", *[""] * (len(content.columns) - 1)])
    sort = draw(st.sampled_from(("as needed", "all", "some")))
    text = ends.join(
        delimiter.join(_quoted(draw, cell, delimiter, quote, sort) for cell in line)
        for line in lines
    )
    text += draw(st.sampled_from((ends, "", ends + ends)))
    options = {
        "delimiter": delimiter,
        "quote": quote,
        "key": ("code",),
        "missing": missing,
    } | writing
    options |= {"encoding": draw(st.sampled_from((encoding, SPELLINGS.get(encoding, encoding))))}
    options |= {"header_rows": (1 + title,), "notes": ()}
    body = text.encode(encoding)
    return Case("csv", body, content.columns, content.names, options, is_told_apart(body, encoding))


def is_told_apart(body: bytes, encoding: str) -> bool:
    """Whether the bytes cannot be taken for UTF-8 where another encoding is declared."""
    if encoding.startswith("utf") or body.isascii():
        return True
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return not re.search("[\x80-\x9f]", body.decode(encoding))
    return False


@st.composite
def writings(draw: Any, delimiter: str) -> dict[str, Any]:
    """How numbers and dates are written."""
    point = draw(st.sampled_from([each for each in (".", ",") if each != delimiter] or ["."]))
    marks = ["", " ", "'", *("." if point == "," else ",")]
    return {
        "decimal_point": point,
        "thousands": draw(st.sampled_from([each for each in marks if each != delimiter])),
        "day_first": draw(st.sampled_from((None, True, False))),
    }


class _Writer:
    """Writes true values as an office does."""

    def __init__(self, draw: Any, writing: dict[str, Any], missing: Any, columns: Any) -> None:
        self.draw, self.writing, self.missing, self.columns = draw, writing, list(missing), columns

    def __call__(self, value: Any, kind: str) -> str:
        if value is None:
            is_marked = kind != "text" and self.missing and self.draw(st.booleans())
            return self.draw(st.sampled_from(self.missing)) if is_marked else ""
        if isinstance(value, bool):
            words = self.draw(st.sampled_from(figures.TRUTHS))
            return words[0] if value else words[1]
        if isinstance(value, date):
            return self._day(value)
        return value if isinstance(value, str) else self._number(value)

    def _day(self, value: date) -> str:
        spellings = [value.isoformat(), f"{value:%Y%m%d}"]
        if self.writing["day_first"] is not None:
            order = "{0}{2}{1}" if self.writing["day_first"] else "{1}{2}{0}"
            mark = self.draw(st.sampled_from("/.-"))
            day, month = f"{value.day:02}", f"{value.month:02}"
            spellings.append(
                order.replace("{2}", mark).format(day, month) + f"{mark}{value.year:04}"
            )
        return self.draw(st.sampled_from(spellings))

    def _number(self, value: Any) -> str:
        said = f"{value:f}" if isinstance(value, Decimal) else repr(value)
        sign, rest = ("-", said[1:]) if said.startswith("-") else ("", said)
        whole, dot, fraction = rest.partition(".")
        mark = self.writing["thousands"]
        if mark and whole.isdigit() and self.draw(st.booleans()):
            whole = f"{int(whole):,}".replace(",", mark)
        return sign + whole + dot.replace(".", self.writing["decimal_point"]) + fraction


def _quoted(draw: Any, cell: str, delimiter: str, quote: str, sort: str) -> str:
    if not quote:
        return cell
    needs = any(each in cell for each in (delimiter, quote, "\n", "\r"))
    if needs or sort == "all" or (sort == "some" and draw(st.booleans())):
        return quote + cell.replace(quote, quote + quote) + quote
    return cell


def read(case: Case) -> list[Row]:
    """Read a text file with Python's csv in strict mode, or raise Refused."""
    options = case.options
    try:
        text = case.content.decode(options["encoding"])
    except UnicodeDecodeError as error:
        raise Refused(str(error)) from None
    text = text.removeprefix("\ufeff")
    _require_told_apart(case)
    rows = _records(text, options)
    last = max(options["header_rows"])
    if len(rows) < last:
        raise Refused("no headings")
    head, rows = rows[last - 1], rows[last:]
    places = {target: _place(case.name_of(target), head) for target in case.columns}
    _require_no_rows_in_cells(rows, options["delimiter"])
    named = max(place + 1 for place, each in enumerate(head) if each.strip() or not place)
    kept = []
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        # delimiters at the end of a line make no cells
        if len(row) < named or any(cell.strip() for cell in row[len(head) :]):
            raise Refused("a row of another length")
        kept.append({target: row[place] for target, place in places.items()})
    return _figures(case, kept)


def _require_told_apart(case: Case) -> None:
    """Leave text alone that a declaration may have garbled: the product may refuse it."""
    if not is_told_apart(case.content, case.options["encoding"]):
        raise Undecided("an encoding that may be another")


def _require_no_rows_in_cells(rows: Sequence[Sequence[str]], delimiter: str) -> None:
    """Leave a quoted cell alone that may be whole rows between two stray quotes."""
    for row in rows:
        ends = len(re.findall("\r\n|\n|\r", "".join(row)))
        if ends and "".join(row).count(delimiter) == ends * (len(row) - 1):
            raise Undecided("a quoted cell that may be rows")


def _records(text: str, options: Any) -> list[list[str]]:
    lines = io.StringIO(text, newline="")
    dialect: dict[str, Any] = {"delimiter": options["delimiter"], "strict": True}
    dialect |= {"quotechar": options["quote"]} if options["quote"] else {"quoting": csv.QUOTE_NONE}
    if not options["quote"]:
        dialect["quotechar"] = None
    try:
        return list(csv.reader(lines, **dialect))
    except csv.Error as error:
        raise Refused(str(error)) from None


def _place(name: str, head: Sequence[str]) -> int:
    found = [place for place, each in enumerate(head) if each == name]
    if len(found) != 1:
        same = [
            place
            for place, each in enumerate(head)
            if figures.loosely(each) == figures.loosely(name)
        ]
        if len(same) == 1 and not found:
            return same[0]
        raise Refused("no such heading, or several")
    return found[0]


def _figures(case: Case, rows: Sequence[dict[str, str]]) -> list[Row]:
    """Convert rows; those without anything declared are no rows, those without the key an error."""
    found, key = [], case.options.get("key", ())
    for row in rows:
        if not any(as_text(cell) for cell in row.values()):
            raise Undecided("a row with nothing that is declared")
        if any(as_text(row[column]) is None for column in key):
            raise Undecided("a row without its key is a note or an error")
        found.append(row_of(case, row))
    seen = [tuple(row[column] for column in key) for row in rows]
    if key and len(set(seen)) != len(seen):
        raise Refused("the key is not unique")
    if not found:
        raise Undecided("no rows")
    return found


def is_noted(case: Case, cell: str) -> bool:
    """Whether a row's first cell says that it is a note."""
    return any(fnmatchcase(cell.strip(), pattern) for pattern in case.options.get("notes") or ())
