"""Workbooks and headings that are not guessed at: a cell is right, or refused by its name."""

from __future__ import annotations

import datetime
import struct
import unicodedata
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbooks import MAIN, OASIS, Cell, write_ods, write_xlsx

from tasks.core.making.tables import sheet_census
from tasks.core.making.tables.cell_texts import are_kept, as_strings, written
from tasks.core.making.tables.tabular import Figures
from tasks.core.model.columns import code, decimal, integer, number, text
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError, SourceError

STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
PARTS = [1, 0.1, 1 / 3, 0.1 + 0.2, 2.675, 1.23456789012345, 4.35 * 1.1]
CODE_AND_POP = {"code": text("CODE"), "pop": integer("POP")}


def words(place: str, value: str) -> str:
    """A cell of text."""
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'


HEAD = f'<row r="1">{words("A1", "CODE")}{words("B1", "POP")}</row>'


def sheet(tmp_path: Path, rows: str, before: str = "", after: str = "", main: str = MAIN) -> Path:
    """A workbook whose sheet "A" has this XML."""
    path = write_xlsx(tmp_path / "book", {"A": []})
    xml = f'<worksheet xmlns="{main}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'
    return with_parts(path, {"xl/worksheets/sheet1.xml": xml})


def with_parts(path: Path, changed: Mapping[str, str]) -> Path:
    """The same workbook with other parts."""
    with zipfile.ZipFile(path) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**parts, **changed}.items():
            archive.writestr(name, part)
    return path


def content(tmp_path: Path, rows: str) -> Path:
    """An OpenDocument workbook whose sheet "A" has these rows."""
    path = write_ods(tmp_path / "book", {"A": []})
    spaces = "".join(f' xmlns:{each}="{OASIS}:{each}:1.0"' for each in ("office", "table", "text"))
    xml = (
        f'<office:document-content{spaces} xmlns:calcext="urn:calcext" office:version="1.2">'
        f'<office:body><office:spreadsheet><table:table table:name="A">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return with_parts(path, {"content.xml": xml})


def ods_row(*cells: str) -> str:
    """A row of cells, each text or the XML of a cell."""
    each = (
        cell
        if cell.startswith("<")
        else '<table:table-cell office:value-type="string"><text:p>'
        f"{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row>{''.join(each)}</table:table-row>"


def read(path: Path, reads: Table | None = None) -> dict[str, list[Any]]:
    """The columns of a file as declared."""
    figures = Figures(path, reads or Table(columns=CODE_AND_POP), path.name)
    rows: dict[str, list[Any]] = pa.Table.from_batches(
        figures.batches(), figures.schema
    ).to_pydict()
    return rows


def refused(path: Path, reads: Table | None = None) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(SourceError) as error:
        read(path, reads)
    return str(error.value)


DAYS = (
    st.dates()
    | st.datetimes()
    | st.datetimes().map(lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0))
)
CELLS = {
    "numbers": st.floats() | st.floats(1e-6, 1e12) | st.integers(-(10**18), 10**18).map(float),
    "amounts": st.decimals(-(10**9), 10**9, places=2).map(float),
    "words": st.text() | st.sampled_from(["", " ", "5", "#N/A"]),
    "truths": st.booleans(),
    "days": DAYS,
    "others": st.times() | st.timedeltas() | st.integers(),
}


@pytest.mark.parametrize("kind", ["text", "integer", "number", "decimal(18,2)", "decimal(18,9)"])
@pytest.mark.parametrize("point", [".", ","])
# a thread of another test may ask for random numbers while cells are drawn
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_cells_of_one_type_written_at_once_are_as_each_by_itself(
    kind: str, point: str, data: st.DataObject
) -> None:
    together = data.draw(st.sets(st.sampled_from(sorted(CELLS)), min_size=1, max_size=3))
    column = data.draw(st.lists(st.one_of(*(CELLS[name] for name in sorted(together)))))
    rows = st.integers(0, max(0, len(column) - 1))
    marks = data.draw(st.dictionaries(rows, st.sampled_from([None, "#REF!"]))) if column else {}
    expected = [written(cell, kind, point) for cell in column]
    for row, text_of_mark in marks.items():
        expected[row] = text_of_mark
    assert as_strings(column, kind, point, marks).to_pylist() == expected


@pytest.mark.parametrize(
    "cell",
    [
        "<f>SUM(B2:B3)</f>",
        "<f>B2*2</f><v></v>",
        "<f>B2*2</f><v/>",
        '<f t="shared" si="0"/>',
        '<f t="array" ref="B4">{1}</f>',
    ],
)
def test_a_formula_without_a_value_is_refused_by_its_cell_or_declared(
    tmp_path: Path, cell: str
) -> None:
    path = sheet(
        tmp_path,
        f'{HEAD}<row r="2">{words("A2", "01")}<c r="B2"><f t="shared" ref="B2:B4" si="0">1</f>'
        f'<v>7</v></c></row><row r="4">{words("A4", "02")}<c r="B4">{cell}</c></row>',
    )
    said = refused(path)
    assert "cell B4 of the sheet 'A' of book" in said
    assert "a formula whose value the workbook does not hold" in said
    declared = Table(columns=CODE_AND_POP, missing={"=": "not computed"})
    assert read(path, declared)["pop_reason"] == [None, "not computed"]
    assert read(path, Table(columns=CODE_AND_POP, where={"CODE": "01"}))["pop"] == [7]
    assert read(path, Table(columns={"code": text("CODE")}))["code"] == ["01", "02"]


@pytest.mark.parametrize(
    "cell",
    ['<f t="shared" si="0"/>', "<f>B2*2</f ><v/>", "<v></v><f>B2*2</f>", "<f\n>B2</f\n>"],
)
def test_the_only_formula_of_a_sheet_is_told_in_any_spelling(tmp_path: Path, cell: str) -> None:
    row = f'<row r="2">{words("A2", "01")}<c r="B2"><v>7</v></c></row>'
    other = f'<row r="3">{words("A3", "02")}<c r="B3">{cell}</c></row>'
    assert "cell B3" in refused(sheet(tmp_path, HEAD + row + other))


def test_a_formula_below_the_last_value_and_one_that_gives_no_text_are_told_apart(
    tmp_path: Path,
) -> None:
    row = f'<row r="2">{words("A2", "01")}<c r="B2"><v>7</v></c></row>'
    below = sheet(tmp_path, f'{HEAD}{row}<row r="9"><c r="B9"><f>B2</f></c></row>')
    assert "cell B9" in refused(below)
    empty = '<row r="3"><c r="A3" t="str"><f>""</f><v></v></c><c r="B3" t="str"><f>""</f></c></row>'
    assert read(sheet(tmp_path, f"{HEAD}{row}{empty}"))["pop"] == [7]


@pytest.mark.parametrize(
    "error", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!"]
)
@pytest.mark.parametrize("form", ["xlsx", "xlsx without references", "xlsx prefixed", "ods"])
def test_an_error_value_is_refused_by_its_cell_or_declared(
    tmp_path: Path, error: str, form: str
) -> None:
    if form == "ods":
        wrong = (
            '<table:table-cell table:formula="of:=X" office:value-type="string"'
            f' office:string-value="" calcext:value-type="error"><text:p>{error}</text:p>'
            "</table:table-cell>"
        )
        path = content(tmp_path, ods_row("CODE", "POP") + ods_row("01", wrong))
    else:
        rows = f'{HEAD}<row r="2">{words("A2", "01")}<c r="B2" t="e"><v>{error}</v></c></row>'
        if form == "xlsx without references":
            for place in ("A1", "B1", "A2", "B2", "1", "2"):
                rows = rows.replace(f' r="{place}"', "")
        path = sheet(tmp_path, rows)
        if form == "xlsx prefixed":
            with zipfile.ZipFile(path) as archive:
                xml = archive.read("xl/worksheets/sheet1.xml").decode()
            xml = xml.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
            with_parts(path, {"xl/worksheets/sheet1.xml": xml.replace("xmlns=", "xmlns:x=")})
    assert f"cell B2 of the sheet 'A' of book; it has the error {error}" in refused(path)
    declared = Table(columns=CODE_AND_POP, missing={error: "no figure"})
    assert read(path, declared)["pop_reason"] == ["no figure"]


def write_xls(path: Path, error: int, kind: str) -> Path:
    """A workbook of 1997 with the rows CODE;POP, 7;error, 8;9, in its OLE document."""

    def record(number: int, body: bytes) -> bytes:
        return struct.pack("<HH", number, len(body)) + body

    def label(row: int, column: int, value: str) -> bytes:
        head = struct.pack("<HHHHB", row, column, 0, len(value), 0)
        return record(0x204, head + value.encode())

    def figure(row: int, column: int, value: float) -> bytes:
        return record(0x203, struct.pack("<HHHd", row, column, 0, value))

    wrong = record(0x205, struct.pack("<HHHBB", 1, 1, 0, error, 1))
    if kind == "formula":
        result = bytes([2, 0, error, 0, 0, 0, 255, 255])
        wrong = record(0x06, struct.pack("<HHH", 1, 1, 0) + result + bytes(6) + b"\x03\0\x1e\x01\0")
    rows = [label(0, 0, "CODE"), label(0, 1, "POP"), figure(1, 0, 7), wrong]
    rows += [figure(2, 0, 8), figure(2, 1, 9)]
    begin = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    cells = begin + b"".join(rows) + record(0x0A, b"")
    start = record(0x809, struct.pack("<HHHHII", 0x600, 0x05, 0, 0, 0, 0))
    offset = len(start) + 4 + 9 + 4
    stream = start + record(0x85, struct.pack("<IBBBB", offset, 0, 0, 1, 0) + b"A")
    stream = (stream + record(0x0A, b"") + cells).ljust(4096, b"\0")

    def entry(name: str, sort: int, first: int, size: int, child: int = -1) -> bytes:
        written = (name + "\0").encode("utf-16-le")
        head = written.ljust(64, b"\0") + struct.pack(
            "<HBBiii", len(written), sort, 1, -1, -1, child
        )
        return head + bytes(36) + struct.pack("<IQ", first, size)

    folder = entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + entry("Workbook", 2, 2, 4096)
    table = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 10), 0xFFFFFFFE]
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    head += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    head = head.ljust(512, b"\xff")
    used = struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff")
    path.write_bytes(head + used + folder.ljust(512, b"\0") + stream)
    return path


@pytest.mark.parametrize("kind", ["cell", "formula"])
@pytest.mark.parametrize(("error", "said"), [(0x2A, "#N/A"), (0x07, "#DIV/0!"), (0x17, "#REF!")])
def test_an_error_value_of_an_xls_workbook_is_refused_by_its_cell_or_declared(
    tmp_path: Path, error: int, said: str, kind: str
) -> None:
    path = write_xls(tmp_path / "book", error, kind)
    assert f"cell B2 of the sheet 'A' of book; it has the error {said}" in refused(path)
    declared = Table(columns=CODE_AND_POP, missing={said: "no figure"})
    assert read(path, declared)["pop"] == [None, 9]


def test_an_error_value_is_never_a_code(tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        f'{HEAD}<row r="2">{words("A2", "01")}<c r="B2" t="e"><v>#N/A</v></c></row>',
    )
    columns = {"code": text("CODE"), "area": text("POP")}
    assert "cell B2" in refused(path, Table(columns=columns))
    assert read(path, Table(columns=columns, missing={"#N/A": "none"}))["area"] == [None]


PLACES = {"place": text("PROV"), "code": text("CODE"), "pop": integer("POP")}
PROVINCES: list[list[Cell]] = [
    ["PROV", "CODE", "POP"],
    ["Antwerp", "11001", 10],
    [None, "11002", 20],
    ["Limburg", "71001", 30],
    [None, "71002", 5],
]


@pytest.mark.parametrize("form", ["xlsx", "ods", "block borders"])
def test_merged_cells_are_filled_where_declared_and_refused_elsewhere(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "block borders":
        monkeypatch.setattr("tasks.core.making.tables.spreadsheets.ROWS", 1)
    if form == "ods":
        spanned = (
            '<table:table-cell office:value-type="string" table:number-rows-spanned="2"'
            ' table:number-columns-spanned="1"><text:p>{}</text:p></table:table-cell>'
        )
        covered = "<table:covered-table-cell/>"
        rows = [("PROV", "CODE"), (spanned.format("Antwerp"), "11001"), (covered, "11002")]
        rows += [(spanned.format("Limburg"), "71001"), (covered, "71002")]
        path = content(
            tmp_path, ods_row("PROV", "CODE", "POP") + "".join(ods_row(*r, "1") for r in rows[1:])
        )
    else:
        path = write_xlsx(tmp_path / "book", {"A": PROVINCES}, ["A2:A3", "A4:A5"])
    assert "A2:A3 is merged, in place: declare the column in `merged`" in refused(
        path, Table(columns=PLACES)
    )
    filled = read(path, Table(columns=PLACES, merged=("place",)))
    assert filled["place"] == ["Antwerp", "Antwerp", "Limburg", "Limburg"]
    assert len(read(path)["pop"]) == 4
    with pytest.raises(ConfigurationError, match="merged column province"):
        read(path, Table(columns=PLACES, merged=("province",)))


def test_a_merge_over_columns_is_refused_unless_it_is_a_title_or_a_note(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [*PROVINCES[:2], ["Total of all", None, None]]
    path = write_xlsx(tmp_path / "book", {"A": rows}, ["A3:C3"])
    assert read(path)["pop"] == [10]
    path = write_xlsx(tmp_path / "book", {"A": PROVINCES[:2]}, ["B2:C2"])
    assert "B2:C2 is merged" in refused(path, Table(columns=PLACES))
    only_covered = Table(columns={"place": text("PROV"), "pop": integer("POP")})
    assert "B2:C2 is merged" in refused(path, only_covered)


def test_a_partly_merged_title_row_still_carries_the_other_titles(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [
        ["2020", None, "2021", None, None],
        ["men", "women", "men", "women", "all"],
        [1, 2, 3, 4, 5],
    ]
    path = write_xlsx(tmp_path / "book", {"A": rows}, ["A1:B1"])
    columns = {"a": integer("2020 women"), "b": integer("2021 women")}
    assert read(path, Table(columns=columns, header_rows=(1, 2))) == {"a": [2], "b": [4]}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (1234567890123456.0, "a number of more than the fifteen digits"),
        (1e22, "a number of more than the fifteen digits"),
        (1.1, "a number with decimals, 1.1"),
        (datetime.date(2020, 2, 1), "a date or time, 2020-02-01"),
    ],
)
def test_a_code_that_a_workbook_spoilt_is_refused_by_its_cell(
    tmp_path: Path, cell: float | datetime.date, said: str
) -> None:
    path = write_xlsx(tmp_path / "book", {"A": [["CODE", "POP"], ["01", 1], [cell, 2]]})
    assert f"cell A3 of the sheet 'A' of book; it has {said}" in refused(path)
    assert read(path, Table(columns={"pop": integer("POP")}))["pop"] == [1, 2]
    assert read(path, Table(columns=CODE_AND_POP, where={"CODE": "01"}))["code"] == ["01"]


def test_numbers_keep_every_digit_and_whole_ones_are_codes(tmp_path: Path) -> None:
    cells = [0.1 + 0.2, 1e15 + 2, -3.0, 1e-7, 5.0]
    path = write_xlsx(tmp_path / "book", {"A": [["CODE", "V"], *([7, cell] for cell in cells)]})
    columns = {"code": text("CODE"), "v": number("V")}
    assert read(path, Table(columns=columns)) == {"code": ["7"] * 5, "v": cells}
    path = write_xlsx(tmp_path / "book", {"A": [["V"], *([cell] for cell in cells if cell < 9)]})
    amounts = read(path, Table(columns={"v": decimal("V", precision=20, scale=7)}))["v"]
    assert [float(amount) for amount in amounts] == [0.3, -3.0, 1e-7, 5.0]


@pytest.mark.parametrize(
    "extent", ["A0:AZ48943", "A1", "A1:XFD1048576", "", "nothing", "A1:A1:A1", "1:3"]
)
def test_the_stated_extent_of_a_sheet_is_only_a_hint(tmp_path: Path, extent: str) -> None:
    rows = f'{HEAD}<row r="2">{words("A2", "01")}<c r="B2"><v>7</v></c></row>'
    path = sheet(tmp_path, rows, f'<dimension ref="{extent}"/>')
    assert read(path) == {"code": ["01"], "pop": [7]}


@pytest.mark.parametrize("far", [words("XFD1048576", " "), '<c r="XFD1048576"><v>1</v></c>'])
def test_cells_too_far_apart_for_memory_are_refused(tmp_path: Path, far: str) -> None:
    rows = f'{HEAD}<row r="2">{words("A2", "01")}</row><row r="1048576">{far}</row>'
    assert "filled cells reach to XFD1048576" in refused(sheet(tmp_path, rows))


def test_empty_cells_far_away_and_repeated_ones_cost_nothing(tmp_path: Path) -> None:
    rows = f'{HEAD}<row r="2">{words("A2", "01")}<c r="B2"><v>7</v></c></row>'
    styled = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert read(sheet(tmp_path, rows + styled))["pop"] == [7]
    end = (
        '<table:table-row table:number-rows-repeated="1048573"><table:table-cell'
        ' table:number-columns-repeated="16384"/></table:table-row>'
    )
    seven = '<table:table-cell office:value-type="float" office:value="7"/>'
    table = ods_row("CODE", "POP") + ods_row("01", seven)
    assert read(content(tmp_path, table + end))["pop"] == [7]
    assert read(content(tmp_path, table + end + ods_row("02", seven)))["code"] == ["01", "02"]
    full = end.replace(
        "<table:table-cell", '<table:table-cell office:value-type="float" office:value="1"'
    )
    assert "rectangle of more than" in refused(content(tmp_path, table + full))


def test_a_part_that_unpacks_to_more_than_a_workbook_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.core.making.tables.workbook_parts.RATIO_FROM", 1 << 16)
    path = sheet(tmp_path, HEAD)
    with_parts(path, {"xl/sharedStrings.xml": " " * (64 << 20)})
    assert "part xl/sharedStrings.xml unpacks from" in refused(path)


def test_hidden_rows_escapes_runs_truth_values_and_strict_workbooks_are_data(
    tmp_path: Path,
) -> None:
    rows = (
        f'{HEAD}<row r="2" hidden="1">{words("A2", "a_x000D_b")}<c r="B2" t="b"><v>1</v></c></row>'
        '<row r="3"><c r="A3" t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t>'
        '</r></is></c><c r="B3" t="b"><v>0</v></c></row>'
    )
    reads = Table(columns={"code": text("CODE"), "pop": text("POP")})
    for main in (MAIN, STRICT):
        path = sheet(tmp_path, rows, '<cols><col min="1" max="2" hidden="1"/></cols>', main=main)
        assert read(path, reads) == {"code": ["a\rb", "a b"], "pop": ["true", "false"]}


def test_an_xlsb_workbook_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = with_parts(sheet(tmp_path, HEAD), {"xl/workbook.bin": ""})
    assert "it is XLSB, which is not read here" in refused(path)


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("POPULATION LÉGALE", unicodedata.normalize("NFD", "POPULATION LÉGALE")),
        (unicodedata.normalize("NFD", "Población"), "Población"),
        ("Pop 2020", "Pop\u00a02020"),
        ("Population", "Popu\u00adlation"),
        ("Pop", "\ufeffPop\u200b"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_heading_is_found_in_any_unicode_form(
    tmp_path: Path, declared: str, written: str, form: str
) -> None:
    path = tmp_path / "book"
    if form == "csv":
        path.write_text(f"CODE,{written}\n01,7\n", encoding="utf-8")
    else:
        write_xlsx(path, {"A": [["CODE", written], ["01", 7]]})
    assert read(path, Table(columns={"pop": integer(declared)}))["pop"] == [7]


def test_headings_of_two_unicode_forms_are_ambiguous_and_others_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"é,{unicodedata.normalize('NFD', 'é')},,a\u00a0b\n1,2,3,4\n", "utf-8")
    assert "which differ in their Unicode form only" in refused(
        path, Table(columns={"e": text("é")})
    )
    said = refused(path, Table(columns={"x": text("x")}))
    assert r"'e\u0301', (empty, column C), 'a\xa0b'" in said


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["1", "2"]).dictionary_encode(),
        pa.array(["1", "2"], pa.large_string()),
        pa.array(["1", "2"], pa.string_view()),
        pa.array([1, 2]),
    ],
)
def test_parquet_keeps_text_in_any_way(tmp_path: Path, values: pa.Array) -> None:
    path = tmp_path / "file.parquet"
    parquet.write_table(pa.table({"a.b": values}), path)
    assert read(path, Table(columns={"v": text("a.b")}))["v"] == ["1", "2"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1], [2]]),
        pa.array([{"x": 1}]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([datetime.timedelta(1)]),
    ],
)
def test_parquet_columns_of_more_than_one_value_are_refused(
    tmp_path: Path, values: pa.Array
) -> None:
    path = tmp_path / "file.parquet"
    parquet.write_table(pa.table({"v": values, "w": pa.nulls(len(values))}), path)
    assert "'v' of file.parquet was expected to hold one value a row" in refused(
        path, Table(columns={"v": text("v")})
    )


def test_the_search_of_a_plain_sheet_agrees_with_its_census(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_census, "CHUNK", 700)
    rows = "".join(
        f'<row r="{n}">{words(f"A{n}", f"{n:04}")}<c r="B{n}"><f>A{n}</f><v>{n}</v></c></row>'
        for n in range(2, 400)
    )
    assert read(sheet(tmp_path, HEAD + rows))["pop"] == list(range(2, 400))
    for wrong in ('<c r="B{0}"><f>A1</f></c>', '<c r="B{0}" t="e"><v>#N/A</v></c>'):
        for row in range(100, 130):
            cell = f'<c r="B{row}"><f>A{row}</f><v>{row}</v></c>'
            path = sheet(tmp_path, HEAD + rows.replace(cell, wrong.format(row)))
            assert f"cell B{row} " in refused(path)


@pytest.mark.parametrize("write", [write_xlsx, write_ods])
@pytest.mark.parametrize("others", [[], [0.5], ["1"]], ids=["whole", "fraction", "text"])
@pytest.mark.parametrize(
    "amount",
    ["1000000000000002", "-9007199254740991", "99999999999999.25", "12345678901234.5", "0.3"],
)
def test_an_amount_is_exact_to_its_last_declared_decimal(
    tmp_path: Path, write: Any, others: list[Cell], amount: str
) -> None:
    columns = {"v": decimal("V")}
    held: Cell = 0.1 + 0.2 if amount == "0.3" else float(amount)
    path = write(tmp_path / "book", {"A": [["V"], [held], *([other] for other in others)]})
    assert read(path, Table(columns=columns))["v"][0] == Decimal(amount)


@pytest.mark.parametrize("write", [write_xlsx, write_ods])
@pytest.mark.parametrize("others", [[], [0.5], ["1"]], ids=["whole", "fraction", "text"])
def test_an_amount_that_a_workbook_cannot_hold_is_refused_and_may_be_a_number(
    tmp_path: Path, write: Any, others: list[Cell]
) -> None:
    path = write(tmp_path / "book", {"A": [["V"], *([other] for other in others), [1e17]]})
    said = refused(path, Table(columns={"v": decimal("V", precision=38)}))
    assert f"cell A{2 + len(others)}" in said
    assert "the amount 1e+17" in said
    assert read(path, Table(columns={"v": number("V")}))["v"][-1] == 1e17
    rounded = write(tmp_path / "other", {"A": [["V"], [12345678901234.562]]})
    assert "more decimals than declared" in refused(rounded, Table(columns={"v": decimal("V")}))


def test_an_encrypted_parquet_file_is_refused_as_such(tmp_path: Path) -> None:
    (tmp_path / "book").write_bytes(b"PARE" + b"\x15\x04\x19\x9c" * 40 + b"PARE")
    assert "it is an encrypted Parquet file" in refused(tmp_path / "book")


@pytest.mark.parametrize("error", ["#SPILL!", "#GETTING_DATA", "#CALC!"])
def test_an_error_value_that_is_not_known_is_no_damage(tmp_path: Path, error: str) -> None:
    row = f'<row r="2">{words("A2", "01")}<c r="B2" t="e"><v>{error}</v></c></row>'
    said = refused(sheet(tmp_path, HEAD + row))
    assert error in said
    assert "hand the workbook in by the inbox" in said


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        ("CODE,POP\n1,2\n".encode("utf-16-le"), "utf-16", "declare utf-16-le"),
        ("CODE,POP\n1,2\n".encode("utf-16-be"), "utf-16", "declare utf-16-be"),
        ("CODE,POP\n1,2\n".encode("utf-16")[:-1], "utf-16", "part of one: download it again"),
        ("CODE,POP\n1,2\n3,é".encode()[:-1], "utf-8", "part of one: download it again"),
        (b"CODE,POP\n1,2,\n2,3,x\n", "utf-8", "2 columns as the headings do; it has 3, '2,3,x'"),
        (b"CODE,POP\n1,2\n1) with the homeless,\n", "utf-8", "declare notes=('1)*',)"),
        ("CODE,POP\n1,2\n† provisional,\n".encode(), "utf-8", "declare notes=('†*',)"),
    ],
)
def test_a_text_that_cannot_be_told_is_refused_with_a_way_on(
    tmp_path: Path, content: bytes, encoding: str, said: str
) -> None:
    (tmp_path / "book").write_bytes(content)
    reads = Table(columns=CODE_AND_POP, key=("code",), encoding=encoding)
    assert said in refused(tmp_path / "book", reads)


def test_blanks_in_surplus_cells_and_as_a_marker_are_empty(tmp_path: Path) -> None:
    (tmp_path / "book").write_bytes(b"CODE,POP\n1,2, \n2,,\n3, ,\n")
    columns = Table(columns=CODE_AND_POP, missing={" ": "hidden"})
    assert read(tmp_path / "book", columns)["pop_reason"] == [None, "hidden", "hidden"]


def test_bytes_in_no_encoding_are_told_before_they_are_text(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"CODE": [b"Vand\x9cuvre"], "POP": [1]}), tmp_path / "book")
    said = refused(tmp_path / "book", Table(columns=CODE_AND_POP, encoding="Latin 1"))
    assert "declare the `encoding` that fits" in said
    assert read(tmp_path / "book", Table(columns=CODE_AND_POP, encoding="cp-1252"))["code"] == [
        "Vandœuvre"
    ]
    with pytest.raises(ConfigurationError, match="unknown"):
        read(tmp_path / "book", Table(columns=CODE_AND_POP, encoding="nonsense"))


def shown_as(tmp_path: Path, code: str, number_format: str = "00000") -> Path:
    """A workbook whose cell A2 has this XML within, and a style that shows five digits."""
    cell = f'<c r="A2" s="1">{code}</c>'
    path = sheet(tmp_path, f'{HEAD}<row r="2">{cell}<c r="B2"><v>5</v></c></row>')
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="{number_format}"/>'
        '</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    return with_parts(path, {"xl/styles.xml": styles})


@pytest.mark.parametrize("cell", ["<v>1234</v>", "<f>A1</f><v>1234</v>", "<v>1234.0</v>"])
@pytest.mark.parametrize("shown", ["00000", "[Red]00000", "00000;-00000"])
def test_a_code_that_its_format_shows_with_zeros_is_refused_with_its_declaration(
    tmp_path: Path, cell: str, shown: str
) -> None:
    path = shown_as(tmp_path, cell, shown)
    told = r"cell A2 .* number 1234, .* shows as 01234: declare code\(\('CODE', 5\)\)"
    with pytest.raises(SourceError, match=told):
        read(path)
    columns = {"code": code(("CODE", 5)), "pop": integer("POP")}
    assert read(path, Table(columns=columns))["code"] == ["01234"]


@pytest.mark.parametrize("shown", ["0", "0.00", "#,##0", "0000", "General"])
def test_a_format_that_shows_no_zeros_before_a_code_changes_nothing(
    tmp_path: Path, shown: str
) -> None:
    assert read(shown_as(tmp_path, "<v>1234</v>", shown))["code"] == ["1234"]
    figures = Table(columns={"code": integer("CODE")})
    assert read(shown_as(tmp_path, "<v>1234</v>"), figures)["code"] == [1234]


def ods_number(number: str, shown: str) -> str:
    """A cell of an OpenDocument sheet that shows a number in a format of its own."""
    return (
        f'<table:table-cell office:value-type="float" office:value="{number}"><text:p>{shown}'
        "</text:p></table:table-cell>"
    )


def test_an_opendocument_code_shown_with_zeros_is_refused_with_its_declaration(
    tmp_path: Path,
) -> None:
    rows = [ods_row(ods_number("12345", "12345"), "5"), ods_row(ods_number("234", "00234"), "5")]
    path = content(tmp_path, ods_row("CODE", "POP") + "".join(rows))
    with pytest.raises(SourceError, match=r"A3 .* shows as 00234: declare code\(\('CODE', 5\)\)"):
        read(path)
    columns = {"code": code(("CODE", 5)), "pop": integer("POP")}
    assert read(path, Table(columns=columns))["code"] == ["12345", "00234"]
    path = content(tmp_path, ods_row("CODE", "POP") + ods_row("01", ods_number("5", "0005")))
    assert read(path) == {"code": ["01"], "pop": [5]}


@pytest.mark.parametrize("kind", ["decimal(18,6)", "decimal(20,2)", "decimal(38,14)"])
def test_amounts_written_at_once_are_those_written_one_by_one(kind: str) -> None:
    scales = [10.0**exponent for exponent in range(-8, 17)]
    amounts = [sign * scale * part for sign in (1, -1) for scale in scales for part in PARTS]
    amounts += [0.0, float("nan")]
    found = as_strings(amounts, kind, ".").to_pylist()
    assert found[-1] == "nan"
    expected = [written(amount, kind, ".") or "" for amount in amounts]
    assert [*map(Decimal, found[:-1])] == [*map(Decimal, expected[:-1])]


@pytest.mark.parametrize("place", [0, 1, 9_999, 10_000, 10_500])
@pytest.mark.parametrize("others", [[], [""], [True]], ids=["numbers", "empty", "truth"])
def test_one_spoilt_cell_among_many_is_found(others: list[Any], place: int) -> None:
    for kind, spoilt in (("text", 0.5), ("text", 1e15), ("decimal(18,6)", -(2.0**53))):
        cells = [*others, *([1.0] * 10_600)]
        assert are_kept(cells, set(map(type, cells)), kind)
        cells[place + len(others)] = spoilt
        assert not are_kept(cells, set(map(type, cells)), kind)


def row_of(row: int | str, *places: str) -> str:
    """A row that states this number, of numbers in cells that state these places."""
    cells = "".join(f'<c r="{place}"><v>{at}</v></c>' for at, place in enumerate(places, 1))
    return f'<row r="{row}">{cells}</row>'


DISORDER = {
    "the same row twice": ([row_of(2, "A2", "B2"), row_of(2, "A2", "B2")], "row 2"),
    "the same row in two halves": ([row_of(2, "A2"), row_of(2, "B2")], "row 2"),
    "rows backwards": ([row_of(3, "A3", "B3"), row_of(2, "A2", "B2")], "row 2"),
    "the row of the headings": ([row_of(1, "A1", "B1")], "row 1"),
    "the same cell twice": ([row_of(2, "A2", "B2", "B2")], "B2"),
    "cells backwards": ([row_of(2, "B2", "A2")], "A2"),
    "a cell of the row before": ([row_of(2, "A2"), row_of(3, "B2", "A3")], "B2"),
    "a cell of the row after": ([row_of(2, "A2", "B3"), row_of(3, "A3", "B3")], "row 3"),
    "many letters": ([row_of(2, "A2", "Z2", "AA2", "ZZ2", "AAA2", "AAA2")], "AAA2"),
    "another attribute first": (
        [row_of(n, f"A{n}").replace("<row", '<row spans="1:2"') for n in (2, 3, 3)],
        "row 3",
    ),
    "cells without a place": (['<row r="2"><c><v>1</v></c></row>', row_of(2, "B2")], "row 2"),
    "prefixed": ([row_of(2, "A2").replace("<row", '<row xml:lang="fr"'), row_of(2, "B2")], "row 2"),
}


@pytest.mark.parametrize("many", [0, 3_000], ids=["a short sheet", "over parts of a long one"])
@pytest.mark.parametrize("kind", DISORDER)
def test_a_place_that_is_stated_twice_or_backwards_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, many: int
) -> None:
    monkeypatch.setattr(sheet_census, "CHUNK", 700)
    rows, named = DISORDER[kind]
    after = "".join(row_of(row, f"A{row}", f"B{row}") for row in range(10, 10 + many))
    said = refused(sheet(tmp_path, HEAD + "".join(rows) + after))
    assert f"to state each row and cell once, in order; {named} stands twice" in said


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"<row ": '<row spans="1:2" ht="15" '},
        {"<row ": "<row\n"},
        {"<c ": "<c\n"},
        {"<c r": '<c s="0" r'},
        {'"': "'"},
        {"<row": "<!-- <row r='1'> <c r='A1'> --><row"},
    ],
    ids=["plain", "spans", "row lines", "cell lines", "styles", "apostrophes", "comments"],
)
def test_rows_and_cells_in_order_are_read_however_they_are_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: Mapping[str, str]
) -> None:
    monkeypatch.setattr(sheet_census, "CHUNK", 700)
    places = [9, 10, 11, 99, 100, 101, 999, 1000, 9_999, 10_000, 10_002]
    rows = "".join(row_of(row, f"A{row}", f"B{row}", f"AB{row}", f"AAB{row}") for row in places)
    rows += "<row r='10003'/>" + row_of(10_004, "A10004")
    for old, new in changed.items():
        rows = rows.replace(old, new)
    found = read(sheet(tmp_path, HEAD + rows, after='<rowBreaks count="1"/>'))
    assert found["pop"] == [2] * len(places) + [None]
