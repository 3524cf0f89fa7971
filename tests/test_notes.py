"""Notes under a table, rows left out, surplus cells and columns that are not there: none unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from workbooks import write_xlsx

from tasks.core.making.tables.tabular import Figures, Tally
from tasks.core.model.columns import Column, decimal, integer, text
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError, SourceError

FIGURES = {"code": text("CODE"), "residents": integer("POP")}
FORMS = ["csv", "xlsx", "parquet"]
Cells = list[list[Any]]


def write(folder: Path, form: str, rows: Cells) -> Path:
    """Write rows under the headings CODE, POP and MORE in a format; None is an empty cell."""
    rows = [[*row, *[None] * (3 - len(row))] for row in rows]
    if form == "xlsx":
        return write_xlsx(folder / "f", {"A": [["CODE", "POP", "MORE"], *rows]})
    if form == "parquet":
        columns = [[row[place] for row in rows] for place in range(3)]
        types = [pa.string(), pa.float64(), pa.string()]
        arrays = [pa.array(*each) for each in zip(columns, types, strict=True)]
        parquet.write_table(pa.table(arrays, names=["CODE", "POP", "MORE"]), folder / "f")
        return folder / "f"
    lines = [";".join("" if cell is None else str(cell) for cell in row) for row in rows]
    (folder / "f").write_text("\n".join(["CODE;POP;MORE", *lines]))
    return folder / "f"


def read(path: Path, columns: dict[str, Column], **reads: Any) -> tuple[list[Any], Tally]:
    """Read a file; return the first column and the tally."""
    figures = Figures(path, Table(columns=columns, delimiter=";", **reads), "f")
    firsts = [value for batch in figures.batches() for value in batch.column(0).to_pylist()]
    return firsts, figures.tally


ROWS: Cells = [["1011 AB", 10], ["1011 AC", 20, "x"]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("last", ["1011 AE", "Zwevegem Noord", "Sint-Gillis-bij-Dendermonde", "7"])
@pytest.mark.parametrize("key", [("code",), ()])
def test_a_last_row_with_nothing_but_its_code_or_name_is_a_row(
    tmp_path: Path, form: str, last: str, key: tuple[str, ...]
) -> None:
    path = write(tmp_path, form, [*ROWS, [last], [last + " B"]])
    for columns in (FIGURES, {"code": text("CODE")}):
        firsts, tally = read(path, columns, key=key)
        assert firsts == ["1011 AB", "1011 AC", last, last + " B"]
        assert (tally.notes, tally.blank) == (0, 0)


SENTENCES = ["Source: INSEE", "* provisional", "(c) Statbel", "Statbel ©", "Note 1", "Not known."]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("note", [*SENTENCES, "these are figures of another year than stated"])
def test_a_sentence_where_the_key_stands_is_to_be_declared(
    tmp_path: Path, form: str, note: str
) -> None:
    path = write(tmp_path, form, [*ROWS, [note]])
    for columns in (FIGURES, {"code": text("CODE")}):
        with pytest.raises(
            SourceError, match=r"[34] has .* declare notes=\('.*\*',\), or notes=\(\)"
        ):
            read(path, columns, key=("code",))
        assert read(path, columns, key=("code",), notes=())[0][-1] == note
        firsts, tally = read(
            path, columns, key=("code",), notes=(note[:3].replace("*", "[*]") + "*",)
        )
        assert (firsts, tally.notes) == (["1011 AB", "1011 AC"], 1)
        assert tally.named[0].endswith(note)
        firsts, tally = read(path, columns)
        assert (firsts, tally.notes) == (["1011 AB", "1011 AC"], 1)


@pytest.mark.parametrize("form", FORMS)
def test_a_note_beside_an_empty_key_is_one_by_itself(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, [*ROWS, [None, None, None], [None, None, "Source: x"]])
    columns = FIGURES | {"more": text("MORE")}
    assert read(path, columns, key=("code",))[1].named == [
        {"csv": "line 5", "xlsx": "row 5", "parquet": "row 4"}[form] + ": Source: x"
    ]
    with pytest.raises(SourceError, match=r"have the key code; (line|row) [45] has none"):
        read(path, columns, key=("code",), notes=())


@pytest.mark.parametrize("form", FORMS)
def test_rows_below_other_rows_are_no_notes(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, [["Source: x"], ["* y", None], *ROWS])
    assert len(read(path, FIGURES, key=("code",), notes=("Stand*",))[0]) == 4
    assert len(read(path, FIGURES)[0]) == 4


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("blank", [0, 12_000, 70_000])
def test_notes_are_found_above_any_number_of_blank_rows(
    tmp_path: Path, form: str, blank: int
) -> None:
    rows: Cells = [[f"{code:03}", 1] for code in range(199)]
    rows += [["Source: x"], *([[" "]] * blank), ["Note: y"], *([[" "]] * blank)]
    path = write(tmp_path, form, rows)
    firsts, tally = read(path, FIGURES, key=("code",), notes=("Source*", "Note*"))
    assert (len(firsts), tally.rows, tally.notes, tally.blank) == (199, 199, 2, 2 * blank)
    with pytest.raises(SourceError, match="declare notes="):
        read(path, FIGURES, key=("code",))


def test_more_notes_than_can_be_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "csv", [*ROWS, *[[f"* {number}"] for number in range(3_000)]])
    with pytest.raises(SourceError, match="last 1,000 rows of f read like notes"):
        read(path, FIGURES)


def test_a_row_of_another_length_is_a_note_only_when_declared(tmp_path: Path) -> None:
    content = "CODE;POP\n01;10\n02;20\n\nSource: INSEE; RP 2020\nNote: provisional\n"
    (tmp_path / "f").write_text(content)
    with pytest.raises(SourceError, match=r"Line 6 .*it has 1.* declare notes=\('Note\*',\)"):
        read(tmp_path / "f", FIGURES, key=("code",))
    firsts, tally = read(tmp_path / "f", FIGURES, notes=("Source*", "Note*"))
    assert (firsts, tally.blank) == (["01", "02"], 1)
    assert tally.named == ["line 5: Source: INSEE  RP 2020", "line 6: Note: provisional"]
    (tmp_path / "f").write_text(content.removesuffix("Note: provisional\n"))
    with pytest.raises(SourceError, match=r"has 'RP 2020'.* declare notes=\('Source\*',\)"):
        read(tmp_path / "f", FIGURES, key=("code",))
    assert read(tmp_path / "f", FIGURES, notes=("Source*",))[0] == ["01", "02"]
    (tmp_path / "f").write_text("CODE;POP\n01;10\n\nNote: provisional\n03;30\n")
    with pytest.raises(SourceError, match="line 4 has 'Note: provisional' and line 5 a row"):
        read(tmp_path / "f", FIGURES, notes=("Source*", "Note*"))
    (tmp_path / "f").write_text("CODE;POP\nAalst;10\nSint-Gillis bij")
    with pytest.raises(SourceError, match="Line 3 of f was expected to have 2 columns"):
        read(tmp_path / "f", FIGURES, key=("code",))


@pytest.mark.parametrize("surplus", [";", ";;", "; ;"])
def test_delimiters_at_the_ends_of_all_lines_are_read_over(tmp_path: Path, surplus: str) -> None:
    rows = [f"{code:02};{code}{surplus.replace(' ', '')}" for code in range(9)]
    (tmp_path / "f").write_text("\n".join(["CODE;POP", *rows, ""]))
    assert len(read(tmp_path / "f", FIGURES)[0]) == 9
    (tmp_path / "f").write_text("\n".join(["CODE;POP", *rows, rows[0] + "x"]))
    with pytest.raises(SourceError, match="Line 11 of f was expected to have 2 columns"):
        read(tmp_path / "f", FIGURES)
    (tmp_path / "f").write_text("\n".join(["CODE;POP" + surplus, "", "01;1", "02;2"]))
    assert read(tmp_path / "f", FIGURES)[0] == ["01", "02"]


@pytest.mark.parametrize("headings", ["CODE;POP", "CODE;POP;", "CODE;POP;;"])
@pytest.mark.parametrize("first", ["", ";;"])
@pytest.mark.parametrize("rows", [9, 90_000])
def test_rows_of_which_some_end_in_delimiters_are_read_in_their_places(
    tmp_path: Path, headings: str, first: str, rows: int
) -> None:
    ends = [first, "", ";", "", "", ";;", "; ;", *[""] * (5 if rows < 10 else 1_000)]
    lines = [f"{row:06};{row}{ends[row % len(ends)]}" for row in range(rows)]
    lines[-3:-3] = ["", ";;;"]
    (tmp_path / "f").write_text("\n".join([headings, *lines, "x;7;", "y;8;;;", "Source: INSEE"]))
    firsts, tally = read(tmp_path / "f", FIGURES, key=("code",), notes=("Source*",))
    assert firsts == [*(f"{row:06}" for row in range(rows)), "x", "y"]
    assert (tally.blank, tally.named) == (2, [f"line {rows + 6}: Source: INSEE"])
    (tmp_path / "f").write_text("\n".join([headings, *lines, "x;7;", "x;-", "y;8"]))
    with pytest.raises(SourceError, match=f"line {rows + 5} has '-'"):
        read(tmp_path / "f", FIGURES, key=("code",))
    for wrong in ("x;7;;;z", "x"):
        (tmp_path / "f").write_text("\n".join([headings, *lines, "x;7;", wrong, "y;8"]))
        with pytest.raises(SourceError, match=f"Line {rows + 5} of f was expected to have [234] "):
            read(tmp_path / "f", FIGURES, key=("code",))


def test_columns_that_are_not_there_are_kept_and_a_table_of_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "csv", ROWS)
    more, gone = text("MORE"), integer("GONE", "LOST", optional=True)
    columns = {"code": text("CODE"), "residents": integer("POP"), "gone": gone}
    assert read(path, columns, key=("code",))[1].absent == {"gone": ("GONE", "LOST")}
    for others in (
        {"gone": gone},
        {"more": more, "gone": gone},
        {"gps": text("GPS", optional=True)},
    ):
        with pytest.raises(
            SourceError, match=r"None of the declared (columns|figures), all opt.*'MORE'"
        ):
            read(path, {"code": text("CODE")} | others, key=("code",))
    assert read(path, {"code": text("CODE")}, key=("code",))[1].absent == {}


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"header_rows": ()}, "header rows of a table are counted from 1"),
        ({"header_rows": (0,)}, r"header_rows=\(0,\) names none"),
        ({"quote": "''"}, "quote of a table was declared as"),
        ({"quote": ";"}, "both declared as ';'"),
    ],
)
def test_a_declaration_that_no_file_fits_is_refused(
    tmp_path: Path, declared: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(write(tmp_path, "csv", ROWS), FIGURES, **declared)


def test_more_columns_than_postgresql_bears_are_refused_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "csv", ROWS)
    wide = {f"v{number}": text(f"V{number}") for number in range(1_601)}
    with pytest.raises(ConfigurationError, match="with 1,601 columns"):
        read(path, wide)
    amounts = {f"v{number}": decimal(f"V{number}") for number in range(801)}
    with pytest.raises(ConfigurationError, match="with 1,602 columns, those of reasons included"):
        read(path, amounts, missing={"*": "hidden"})
    with pytest.raises(ConfigurationError, match="rows of 8,008 bytes of numbers"):
        read(path, {f"v{number}": integer(f"V{number}") for number in range(1_001)})


DBF = bytes([3, 126, 1, 1, 1, 0, 0, 0, 65, 0, 11, 0]) + bytes(20) + b"CODE" + bytes(28) + b"\r 01"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (DBF, "a DBF file .dBASE."),
        (b"SQLite format 3\0" + bytes(84), "an SQLite or GeoPackage database"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "packed by gzip"),
        (b"\n<!DOCTYPE html>\n<html>", "a web page"),
        (b"\xef\xbb\xbf<html lang='fr'>", "a web page"),
        (b'<?xml version="1.0"?>', "XML"),
        (b'{"error": 404}', "JSON"),
        (b"\x89PNG\r\n", "a picture"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(SourceError, match=f"it is {kind}, which is no table here"):
        read(tmp_path / "f", FIGURES)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows", [1, 9_000])
def test_a_declared_note_that_has_rows_under_it_is_refused(
    tmp_path: Path, form: str, rows: int
) -> None:
    under: Cells = [[f"2000 {row}", row] for row in range(rows)]
    path = write(tmp_path, form, [*ROWS, ["Source: office"], *under])
    for columns in (FIGURES, {"code": text("CODE")}):
        with pytest.raises(SourceError, match=r"[34] has 'Source: office' and rows under it"):
            read(path, columns, key=("code",), notes=("Source*",))


def test_rows_like_a_pattern_of_notes_but_with_figures_are_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "csv", [["Sources", 3], *ROWS, ["Source: office"]])
    firsts, tally = read(path, FIGURES, key=("code",), notes=("Source*",))
    assert (firsts, tally.notes) == (["Sources", "1011 AB", "1011 AC"], 1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "last", ["SOURCE: office", "(1) provisional", "© office", "To be read on."]
)
def test_a_note_that_no_declared_pattern_matches_is_refused(
    tmp_path: Path, form: str, last: str
) -> None:
    path = write(tmp_path, form, [*ROWS, [last], ["Source: office"]])
    for key in (("code",), ()):
        with pytest.raises(SourceError, match=r"and nothing else, which could be either: declare"):
            read(path, FIGURES, key=key, notes=("Source*",))
    assert len(read(path, FIGURES, notes=("Source*", last[:4].replace("*", "[*]") + "*"))[0]) == 2


@pytest.mark.parametrize("last", ["Data extracted on 01/02/2024", "chiffres au premier janvier"])
def test_a_last_row_that_is_words_under_codes_is_refused(tmp_path: Path, last: str) -> None:
    path = write(tmp_path, "csv", [*ROWS, [last]])
    with pytest.raises(SourceError, match=r"which could be either: declare notes=\('"):
        read(path, FIGURES, key=("code",))
    assert read(path, FIGURES, key=("code",), notes=())[0][-1] == last
    path = write(tmp_path, "csv", [["Aalst", 1], [last]])
    assert read(path, FIGURES, key=("code",))[0] == ["Aalst", last]


@pytest.mark.parametrize(("here", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_declared_words_match_in_any_unicode_form(
    tmp_path: Path, here: Literal["NFC", "NFD"], there: Literal["NFC", "NFD"]
) -> None:
    rows: Cells = [["1", "supprimé", "été"], ["2", 5, "hiver"], ["Été: avis"]]
    written = [
        [normalize(there, cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    ]
    path = write(tmp_path, "csv", written)
    said = {word: normalize(here, word) for word in ("supprimé", "été", "Été*")}
    reads = {"where": {"MORE": said["été"]}, "missing": {said["supprimé"]: "hidden"}}
    firsts, tally = read(path, FIGURES, key=("code",), notes=(said["Été*"],), **reads)
    assert (firsts, dict(tally.reasons)) == (["1"], {"hidden": 1})
    assert tally.left_out == 1 + (tally.notes == 0)


@pytest.mark.parametrize("reads", [{"missing": {"": "hidden"}}, {"missing": {" ": "hidden"}}])
def test_an_empty_cell_that_says_something_is_a_row_of_a_file_of_one_column(
    tmp_path: Path, reads: dict[str, Any]
) -> None:
    (tmp_path / "f").write_text('POP\n1\n\n""\n4\n\n')
    firsts, tally = read(tmp_path / "f", {"residents": integer("POP")}, **reads)
    assert (firsts, tally.blank) == ([1, None, None, 4, None], 0)
    assert tally.reasons == {"hidden": 3}
    assert read(tmp_path / "f", {"residents": integer("POP")}, zero=("",))[0] == [1, 0, 0, 4, 0]
    firsts, tally = read(tmp_path / "f", {"residents": integer("POP")})
    assert (firsts, tally.blank) == ([1, 4], 3)
    write_xlsx(tmp_path / "f", {"A": [["POP"], [1.0], [None], [4.0]]})
    assert read(tmp_path / "f", {"residents": integer("POP")}, **reads)[0] == [1, None, 4]
