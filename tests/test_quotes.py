"""Quotes of delimited text: a quoted cell ends well or the file is refused with the lines."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tasks.core.making.tables import delimited, swallowed_rows, texts
from tasks.core.making.tables.quotes import Misquoted, Quoted, Quotes, spans
from tasks.core.making.tables.tabular import Figures
from tasks.core.model.columns import integer, text
from tasks.core.model.declarations import Table
from tasks.core.model.errors import SourceError

COLUMNS = {"code": text("CODE"), "name": text("NAME"), "residents": integer("POP")}


def rows_of(path: Path, content: str | bytes, **reads: Any) -> list[tuple[Any, ...]]:
    """Write a file of codes, names and figures and read it."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    table = Table(columns=COLUMNS, delimiter=";", key=("code",), **reads)
    batches = Figures(path, table, "f.csv").batches()
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def lines_of(count: int, **other: str) -> list[str]:
    """Rows of a table under its headings, some of them another."""
    return [
        "CODE;NAME;POP",
        *(other.get(f"r{row}", f"{row:05};P {row};{row}") for row in range(count)),
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_quoted_cell_followed_by_letters_is_refused_with_both_its_lines(
    tmp_path: Path, encoding: str, line_end: str
) -> None:
    rows = lines_of(40, r4='00004;"La Rotonde;é', r29='00029;"Belle-Vue;29')
    with pytest.raises(SourceError, match=r"begins on line 6 .* 'Belle-Vue;29' on line 31"):
        rows_of(tmp_path / "f", line_end.join(rows).encode(encoding), encoding=encoding)


@pytest.mark.parametrize(
    ("last", "line"),
    [
        ('00009;"open;9', 11),
        ('00009;"open;9\n\n', 11),
        ('00009;"open"";9', 11),
        ('00009;"a"b;9', 11),
        ('00009;"a" ;9', 11),
        ('00009;"a "b" c";9', 11),
    ],
)
def test_a_quoted_cell_that_does_not_end_well_in_the_last_rows_is_refused(
    tmp_path: Path, last: str, line: int
) -> None:
    with pytest.raises(SourceError, match=f"quoted cell that begins on line {line} of f.csv"):
        rows_of(tmp_path / "f", "\n".join([*lines_of(9), last]))


def test_quotes_within_cells_that_are_not_quoted_are_letters(tmp_path: Path) -> None:
    content = 'CODE;NAME;POP\n01;5" pipe;1\n02;a ""b"";2\n03;"c ""d"";\ne";3\n04;l\'"Est";4\n'
    names = ['5" pipe', 'a ""b""', 'c "d";\ne', 'l\'"Est"']
    assert [row[1] for row in rows_of(tmp_path / "f", content)] == names


@pytest.mark.parametrize("shift", range(6))
def test_a_quote_is_held_to_the_rule_over_the_borders_of_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    for module in (delimited, texts):
        monkeypatch.setattr(module, "BLOCK", 64)
    cells = ['"a;b"', '"c ""d"""', '""', '"e\n;f"', 'g"', '"""h"']
    values = ["a;b", 'c "d"', None, "e\n;f", 'g"', '"h']
    rows = lines_of(60, **{f"r{row}": f"{row:05};{cells[row % 6]};{row}" for row in range(60)})
    rows[1] = f"00000;{'x' * shift};0"
    read = rows_of(tmp_path / "f", "\n".join(rows))
    assert [row[1:] for row in read[1:]] == [(values[row % 6], row) for row in range(1, 60)]
    with pytest.raises(SourceError, match=r"begins on line \d+ of f.csv"):
        rows_of(tmp_path / "f", "\n".join([*rows, '99999;"i"j;1']))


def test_the_lines_of_cells_that_hold_line_ends_are_counted(tmp_path: Path) -> None:
    content = 'CODE;NAME;POP\n01;"a\nb";1\n\n02;"c\r\nd\re";2\n03;e;x\n'
    with pytest.raises(SourceError, match="line 8 has 'x'"):
        rows_of(tmp_path / "f", content)
    with pytest.raises(SourceError, match=r"Line 8 of f.csv was expected to have 3 columns"):
        rows_of(tmp_path / "f", content.replace("03;e;x", "03;e"))


def test_a_row_longer_than_a_block_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for cell in ("x" * 10_000_000, '"' + "x\n" * 5_000_000 + '"'):
        for before in ("", "01;a;1\n" * 400_000):
            with pytest.raises(SourceError, match="2 MiB"):
                rows_of(tmp_path / "f", f"CODE;NAME;POP\n{before}02;{cell};2\n")


def slowly(content: str) -> list[int] | None:
    """Where the records of a text end, letter by letter; None where a cell does not end well."""
    state, ends, place = "start", [], 0
    while place < len(content):
        letter, after = content[place], content[place + 1 : place + 2]
        if state == "quoted" and letter == '"':
            place += after == '"'
            if after not in ('"', ";", "\r", "\n", ""):
                return None
            state = "quoted" if after == '"' else "ended"
        elif state == "start" and letter == '"':
            state = "quoted"
        elif state != "quoted" and letter in "\r\n":
            place += letter + after == "\r\n"
            ends.append(place + 1)
            state = "start"
        elif state != "quoted":
            state = "start" if letter == ";" else "plain"
        place += 1
    return None if state == "quoted" else ends


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_quotes_followed_in_parts_are_those_followed_letter_by_letter(size: int) -> None:
    import random

    chance = random.Random(size)
    for _ in range(3_000):
        content = "".join(chance.choices('"";;\n\rab', k=chance.randrange(16)))
        found: list[int] | None = []
        try:
            before = 0
            for span in spans(Quoted(io.BytesIO(content.encode()), Quotes(";", '"', 99)), size):
                found += (span.records + before).tolist()
                before += len(span.chunk)
        except Misquoted:
            found = None
        assert found == slowly(content), content


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    ("first", "last"),
    [('00004;"La Rotonde;é', '00029;Belle-Vue";29'), ('"00004;é;4', '00029";Belle-Vue;29')],
    ids=["in the second column", "in the first column"],
)
def test_two_stray_quotes_that_make_a_pair_swallow_no_rows(
    tmp_path: Path, first: str, last: str, encoding: str, line_end: str
) -> None:
    content = line_end.join(lines_of(40, r4=first.replace(";é", ";4"), r29=last))
    with pytest.raises(SourceError, match=r'begins on line 6 ends on line 31 and .*quote=""'):
        rows_of(tmp_path / "f", content.encode(encoding), encoding=encoding)


def test_rows_are_swallowed_neither_over_parts_nor_at_the_end_nor_by_other_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swallowed_rows, "BLOCK", 64)
    content = "\n".join(lines_of(40, r4='00004;"La Rotonde;4', r39='00039;Belle-Vue";*'))
    columns = {name: COLUMNS[name] for name in ("code", "residents")}
    for told in (COLUMNS, columns, {name: COLUMNS[name] for name in ("code", "name")}):
        path = tmp_path / "f"
        path.write_text(content)
        reads = Table(columns=told, delimiter=";", missing={"*": "suppressed"})
        with pytest.raises(SourceError, match="line 6 ends on line 41"):
            list(Figures(path, reads, "f.csv").batches())


@pytest.mark.parametrize(
    "cell",
    ["12 Main St; Apt 4\nSpringfield; IL", "a\nb", "a;b\nc;d\ne", "a\u2028;;\nb", "1\n2;3;4"],
)
def test_a_cell_of_several_lines_that_are_no_rows_is_read(tmp_path: Path, cell: str) -> None:
    content = "\n".join(lines_of(3, r1=f'00001;"{cell}";1'))
    assert rows_of(tmp_path / "f", content)[1] == ("00001", cell, 1)


def texts_of(path: Path, content: bytes) -> list[tuple[Any, ...]]:
    """Write a file of three columns of text and read it."""
    path.write_bytes(content)
    figures = Figures(path, Table(columns={name: text(name) for name in "ABC"}), "f.csv")
    return [tuple(row.values()) for batch in figures.batches() for row in batch.to_pylist()]


@pytest.mark.parametrize("end", [b"\x1a", b"\n\x1a", b"\r\n\x1a\x1a", b"\n\x1a\0\0", b"\n\x1a\r\n"])
@pytest.mark.parametrize("more", [0, 300_000], ids=["short", "long"])
def test_a_mark_at_the_end_of_a_file_of_dos_is_no_row(
    tmp_path: Path, end: bytes, more: int
) -> None:
    rows = "".join(f"{row},2,3\n" for row in range(more)) + "a,b,c"
    found = texts_of(tmp_path / "f", b"A,B,C\n" + rows.encode() + end)
    assert (len(found), found[-1]) == (more + 1, ("a", "b", "c"))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_mark_elsewhere_is_refused_in_a_declared_column(tmp_path: Path, place: int) -> None:
    cells = [b"x", b"y", b"z"]
    cells[place] += b"\x1a" * 3_000 + b"a"
    content = b"A,B,C\n1,2,3\n" + b",".join(cells) + b"\n4,5,6\n\x1a"
    with pytest.raises(SourceError, match=rf"column '{'ABC'[place]}' .* line 3 .*Ctrl-Z"):
        texts_of(tmp_path / "f", content)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "ragged",
    [b"Vand\x9cuvre,1,2,3", b"Vand\x9cuvre", b"Vand\x9cuvre,,,"],
    ids=["more", "fewer", "surplus"],
)
def test_a_row_of_another_length_in_another_encoding_is_told_as_such(
    tmp_path: Path, ragged: bytes
) -> None:
    rows = b"".join(b"%d,2,3\n" % row for row in range(400_000))
    with pytest.raises(SourceError, match=r"line 400002 has .*'Vandœuvre' in cp1252: declare"):
        texts_of(tmp_path / "f", b"A,B,C\n" + rows + ragged + b"\n1,2,3\n")
