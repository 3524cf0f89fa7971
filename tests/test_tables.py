"""Tables of figures of every format and dialect into the database: exact values, kept codes and
reasons, errors that say where.
"""

from __future__ import annotations

import dataclasses
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import md5
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
import pytest
from adbc_driver_manager import OperationalError as DriverOperationalError
from prefect.client.schemas.objects import StateType
from prefect.states import State
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from workbooks import write_ods, write_xlsx

from tasks.core.making.tables import staging_tables
from tasks.core.making.tables.blocks import as_expression, is_blank
from tasks.core.making.tables.staging_tables import load
from tasks.core.making.tables.tabular import Tally
from tasks.core.making.unpacking.archives import take_out
from tasks.core.making.unpacking.fixity import digests
from tasks.core.model.columns import Column, code, decimal, integer, number, text
from tasks.core.model.declarations import Features, Licence, Publisher, Source, Table
from tasks.core.model.errors import CheckFailed, ConfigurationError, SourceError, WorkLost
from tasks.core.model.handles import File, Original, Staging
from tasks.core.postgres import copying
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database
from tasks.verbs.tables import load_table

Load = Callable[..., tuple[list[tuple[Any, ...]], Tally]]


@pytest.fixture
def loaded(cluster_database: Database, tmp_path: Path) -> Iterator[Load]:
    """Loads a file, or bytes as one, and gives its rows in the order of the file, and the tally."""
    with cluster_database.session() as cursor:
        cursor.execute("CREATE SCHEMA figures")

    def load_it(
        content: bytes | str | Path, reads: Table, query: str = "SELECT * FROM figures.t"
    ) -> tuple[list[tuple[Any, ...]], Tally]:
        path = content if isinstance(content, Path) else tmp_path / "file.csv"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        tally = load(cluster_database, "figures", "t", path, reads)
        return cluster_database.rows(query), tally

    yield load_it
    with cluster_database.session() as cursor:
        cursor.execute("DROP SCHEMA figures CASCADE")


CODE_AND_COUNT = {"code": text("CODE"), "residents": integer("MS_POPULATION")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_any_encoding_and_line_end_is_read_letter_for_letter(
    loaded: Load, encoding: str, line_end: str
) -> None:
    reads = Table(
        columns={"code": text("CODE"), "name": text("LIBELLÉ")}, delimiter=";", encoding=encoding
    )
    content = line_end.join(
        [
            "CODE;LIBELLÉ",
            "01001;Évêché",
            "2A004;Ajaccio – été" if encoding != "latin-1" else "2A004;été",
            "",
        ]
    )
    rows, tally = loaded(content.encode(encoding), reads)
    assert rows[0] == ("01001", "Évêché")
    assert rows[1][0] == "2A004"
    assert rows[1][1].endswith("été")
    assert tally == Tally(rows=2)


def test_a_byte_order_mark_is_no_part_of_the_first_heading(loaded: Load) -> None:
    assert loaded(b"\xef\xbb\xbfCODE,MS_POPULATION\n01001,5\n", Table(columns=CODE_AND_COUNT))[
        0
    ] == [("01001", 5)]


def test_text_in_another_encoding_than_declared_is_an_error_that_names_one(loaded: Load) -> None:
    for content in ("CODE,MS_POPULATION\nÉ,5\n", "CODÉ,MS_POPULATION\nE,5\n"):
        with pytest.raises(
            SourceError,
            match=r"in the encoding utf-8; it is not .* line [12] .*É' in cp1252: declare cp1252",
        ):
            loaded(content.encode("latin-1"), Table(columns=CODE_AND_COUNT))
    with pytest.raises(SourceError, match="expected to be in the encoding cp1252"):
        loaded(b"CODE,MS_POPULATION\n\x81,5\n", Table(columns=CODE_AND_COUNT, encoding="cp1252"))
    with pytest.raises(ConfigurationError, match="'latin-99', which is unknown"):
        loaded(b"", Table(columns=CODE_AND_COUNT, encoding="latin-99"))


def test_a_publisher_that_quotes_nothing_may_write_quotes(loaded: Load) -> None:
    reads = Table(columns={"code": text("CODE"), "name": text("NAME")}, delimiter="|", quote="")
    assert loaded('CODE|NAME\r\n01|"La Rotonde\r\n02|d\'Anvers "B"\r\n', reads)[0] == [
        ("01", '"La Rotonde'),
        ("02", 'd\'Anvers "B"'),
    ]


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends_also_in_the_headings(
    loaded: Load,
) -> None:
    reads = Table(columns={"code": text("CODE"), "name": text("THE NAME")})
    assert loaded('CODE,"the\nname"\n01,"a, ""b""\nc"\n02,d\n', reads)[0] == [
        ("01", 'a, "b"\nc'),
        ("02", "d"),
    ]


def test_only_the_declared_columns_are_kept_under_any_of_their_names(loaded: Load) -> None:
    reads = Table(
        columns={
            "longitude": number("X", "intptlong"),
            "code": text("GEOID", "GEO_ID"),
            "gone": integer("GONE", optional=True),
        },
        delimiter="\t",
    )
    rows, _ = loaded("GEO_ID\tother\tINTPTLONG    \n01001\tx\t-86.64644   \n", reads)
    assert rows == [(-86.64644, "01001", None)]


def test_a_missing_column_names_those_tried_and_those_found(loaded: Load) -> None:
    with pytest.raises(
        SourceError,
        match=(
            r"lacks the declared column residents \(tried 'MS_POPULATION'\); it has 'CODE',"
            r" 'TOTAL': add its new name to the declaration\.$"
        ),
    ):
        loaded("CODE,TOTAL\n", Table(columns=CODE_AND_COUNT))
    with pytest.raises(
        SourceError,
        match=(
            r"to the declaration, perhaps \"residents\": integer\(\"MS_TOTAL_POP\","
            r" \"MS_POPULATION\"\)\.$"
        ),
    ):
        loaded("CODE,MS_TOTAL_POP\n", Table(columns=CODE_AND_COUNT))
    filtered = Table(columns=CODE_AND_COUNT, where={"YEAR": "2020"})
    with pytest.raises(SourceError, match=r"'YEARS': add .*, perhaps \"YEARS\"\.$"):
        loaded("CODE,MS_POPULATION,YEARS\n", filtered)
    with pytest.raises(
        SourceError, match="one column only, which looks cut by ';', the delimiter to declare"
    ):
        loaded("CODE;MS_POPULATION\n", Table(columns=CODE_AND_COUNT))
    with pytest.raises(
        SourceError,
        match=r"'CODE' of file.csv was expected once; it is the heading of columns 1, 3",
    ):
        loaded("CODE,MS_POPULATION,CODE\n", Table(columns=CODE_AND_COUNT))
    with pytest.raises(SourceError, match=r"of a filter \(tried 'YEAR'\)"):
        loaded("CODE,MS_POPULATION\n", Table(columns=CODE_AND_COUNT, where={"YEAR": "2020"}))
    with pytest.raises(SourceError, match="None of the declared columns, all optional"):
        loaded("A,B\n1,2\n", Table(columns={"code": text("CODE", optional=True)}))


def test_title_rows_above_the_headings_and_label_rows_below_are_passed_over(loaded: Load) -> None:
    reads = Table(columns=CODE_AND_COUNT, header_rows=(3,), skip_rows_after_header=1)
    assert loaded("Population 2020\n\nCODE,MS_POPULATION\nCode,Residents\n01,5\n", reads)[0] == [
        ("01", 5)
    ]
    with pytest.raises(SourceError, match="headings on row 9; it has 3: correct header_rows"):
        loaded("a\nb\nc\n", Table(columns=CODE_AND_COUNT, header_rows=(9,)))


def test_several_header_rows_are_joined_and_merged_titles_carried_from_the_left(
    loaded: Load,
) -> None:
    reads = Table(
        columns={"code": text("Code"), "men": integer("2020 Men"), "women": integer("2020 Women")},
        header_rows=(1, 2),
    )
    assert loaded(",2020,\nCode,Men,Women\n01,5,6\n", reads)[0] == [("01", 5, 6)]


TYPED = [
    ("integer", "42", 42),
    ("integer", " -7 ", -7),
    ("integer", "+7", 7),
    ("integer", "9223372036854775807", 9223372036854775807),
    ("number", "1.5e3", 1500.0),
    ("number", ".5", 0.5),
    ("number", "+2", 2.0),
    ("decimal(18,2)", "189767698458.80", Decimal("189767698458.80")),
    ("decimal(18,2)", "-0.01", Decimal("-0.01")),
    ("decimal(38,0)", "1" * 38, Decimal("1" * 38)),
    ("date", "2024-02-29", date(2024, 2, 29)),
    ("date", "29/02/2024", date(2024, 2, 29)),
    ("date", "31.1.2024", date(2024, 1, 31)),
    ("date", "2024-02-29T05:43:09.12", date(2024, 2, 29)),
    ("date", "20240229", date(2024, 2, 29)),
    ("date", "21/02/2024 00:00", date(2024, 2, 21)),
    ("boolean", "true", True),
    ("boolean", "N", False),
    ("boolean", "Oui", True),
    ("boolean", "0", False),
]


@pytest.mark.parametrize(("kind", "written", "value"), TYPED)
def test_values_are_typed_exactly(loaded: Load, kind: str, written: str, value: Any) -> None:
    reads = Table(columns={"code": text("CODE"), "value": Column(("V",), kind)})
    rows, _ = loaded(f"CODE,V\n01,{written}\n02,\n", reads)
    assert rows == [("01", value), ("02", None)]
    assert type(rows[0][1]) is type(value)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("integer", "12.0"),
        ("integer", "0x1F"),
        ("integer", "*"),
        ("integer", "9223372036854775808"),
        ("integer", "1 000"),
        ("number", "NaN"),
        ("number", "inf"),
        ("number", "1,5"),
        ("number", "n.d."),
        ("decimal(18,2)", "1.005"),
        ("decimal(4,2)", "100.00"),
        ("date", "2023-02-29"),
        ("date", "02/29/2024"),
        ("date", "2024"),
        ("boolean", "maybe"),
    ],
)
def test_a_value_of_another_type_names_column_line_and_what_to_declare(
    loaded: Load, kind: str, written: str
) -> None:
    reads = Table(columns={"code": text("CODE"), "value": Column(("V",), kind)}, delimiter=";")
    with pytest.raises(SourceError) as caught:
        loaded(f"CODE;V\n01;\n\n02;{written}\n", reads)
    message = str(caught.value)
    assert message.startswith(
        f"The column 'V' of file.csv was expected to hold {kind}; line 4 has '{written}'"
    )
    assert "or declare the value in `missing` with its reason" in message
    assert ("more decimals than declared" in message) == (written == "1.005")
    assert ("more digits than declared" in message) == (written == "100.00")


def test_a_decimal_comma_and_a_thousands_point_are_read_and_misplaced_ones_refused(
    loaded: Load,
) -> None:
    reads = Table(
        columns={"a": integer("A"), "b": number("B"), "c": decimal("C")},
        delimiter=";",
        decimal_point=",",
        thousands=".",
    )
    assert loaded("A;B;C\n13.101;13,8;1.234.567,89\n798;1.000;0,5\n", reads)[0] == [
        (13101, 13.8, Decimal("1234567.89")),
        (798, 1000.0, Decimal("0.50")),
    ]
    for wrong in ("13.8;1;1", "1;13.8;1", "1;1;1.23,4", "13,1;1;1"):
        with pytest.raises(SourceError, match=r"line 2 has '(13.8|1.23,4|13,1)'"):
            loaded(f"A;B;C\n{wrong}\n", reads)
    with pytest.raises(SourceError, match=r"has '13\.8'"):
        loaded("B\n13.8\n", Table(columns={"b": number("B")}, delimiter=";", decimal_point=","))


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f"], ids=["space", "no-break", "narrow"])
def test_a_blank_between_thousands_is_any_blank(loaded: Load, blank: str) -> None:
    assert loaded(
        f"A;\n12{blank}345;\n", Table(columns={"a": integer("A")}, delimiter=";", thousands=" ")
    )[0] == [(12345,)]


def test_a_missing_value_keeps_its_reason_and_text_is_left_as_it_is(loaded: Load) -> None:
    reads = Table(
        columns=CODE_AND_COUNT | {"name": text("NAME")},
        missing={"*": "suppressed", "(X)": "not applicable"},
    )
    rows, tally = loaded("CODE,MS_POPULATION,NAME\n01,5,*\n02,*,x\n03, (X) ,x\n04,,x\n", reads)
    assert rows == [
        ("01", 5, None, "*"),
        ("02", None, "suppressed", "x"),
        ("03", None, "not applicable", "x"),
        ("04", None, "absent", "x"),
    ]
    assert tally.reasons == {"suppressed": 1, "not applicable": 1, "absent": 1}
    assert tally.reasons.suppressed == 2


def test_blank_lines_and_notes_under_the_table_are_skipped(loaded: Load) -> None:
    content = (
        "CODE,MS_POPULATION\n01,5\n\n   \n,\n02,6\n\nSource: Testland office\nSee the readme,\n"
    )
    reads = Table(columns=CODE_AND_COUNT, key=("code",), notes=("Source*", "See the*"))
    rows, tally = loaded(content, reads)
    assert rows == [("01", 5), ("02", 6)]
    assert (tally.blank, tally.notes) == (4, 2)
    assert tally.named == ["line 8: Source: Testland office", "line 9: See the readme"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "01,5\n02,6,7\n",
            (
                "Line 3 of file.csv was expected to have 2 columns as the headings do; it has 3,"
                " '02,6,7'"
            ),
        ),
        ("01,5\n\n02\n03,7\n", "Line 4 .* it has 1, '02'"),
        ("01,5\nbroken in two\n02,6\n", "Line 3 .* it has 1, 'broken in two'"),
        ("01,5\n020", "Line 3"),
    ],
    ids=["longer", "after an empty line", "broken in two", "at the end"],
)
def test_a_row_of_another_length_is_an_error_with_its_line(
    loaded: Load, content: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        loaded("CODE,MS_POPULATION\n" + content, Table(columns=CODE_AND_COUNT))


def test_lines_are_counted_over_blocks_and_title_rows(loaded: Load) -> None:
    rows = [f"{number:07},{number}" for number in range(400_000)]
    rows[1000], rows[399_000] = "", "399000,many"
    with pytest.raises(SourceError, match="line 399003 has 'many'"):
        loaded(
            "Title\nCODE,MS_POPULATION\n" + "\n".join(rows),
            Table(columns=CODE_AND_COUNT, header_rows=(2,)),
        )


def test_rows_are_left_out_by_patterns_on_the_publishers_columns(loaded: Load) -> None:
    reads = Table(
        columns=CODE_AND_COUNT, key=("code",), where={"YEAR": "2023", "CODE": "0500000US*"}
    )
    content = (
        "CODE,MS_POPULATION,YEAR\n0500000US01,1,2023\n0500000US01,2,2022\n0400000US01,3,2023\n,many,2022\n0500000US02,4,"
        " 2023\n"
    )
    rows, tally = loaded(content, reads)
    assert rows == [("0500000US01", 1), ("0500000US02", 4)]
    assert tally.left_out == 3


@pytest.mark.parametrize(
    ("pattern", "value", "is_like"),
    [
        ("20??", "2023", True),
        ("20??", "202", False),
        ("[0-9]*", "9x", True),
        ("[!A-Z]*", "Ab", False),
        ("a.c", "abc", False),
        ("a+(b)", "a+(b)", True),
        ("?*", "", False),
    ],
)
def test_shell_patterns_mean_what_they_mean_in_a_shell(
    pattern: str, value: str, is_like: bool
) -> None:
    assert pa.compute.match_substring_regex(
        pa.array([value]), as_expression(pattern)
    ).to_pylist() == [is_like]


def test_a_blank_key_is_an_error_unless_left_out(loaded: Load) -> None:
    content = "CODE,MS_POPULATION\n01,5\n  ,0\n"
    with pytest.raises(
        SourceError,
        match="expected to have the key code; line 3 has none: leave such rows out with `where`",
    ):
        loaded(content, Table(columns=CODE_AND_COUNT, key=("code",)))
    assert loaded(content, Table(columns=CODE_AND_COUNT, key=("code",), where={"CODE": "?*"}))[
        0
    ] == [("01", 5)]


def test_duplicate_keys_are_named_up_to_five_with_their_number(loaded: Load) -> None:
    rows = (
        "".join(f"{code:02},{year}\n" for code in range(7) for year in (2020, 2020))
        + "99,2020\n06,2020\n"
    )
    reads = Table(columns={"code": text("CODE"), "year": integer("YEAR")}, key=("code", "year"))
    with pytest.raises(
        CheckFailed,
        match=(
            r"key code, year was expected to be unique in file.csv; 7 are not: 06, 2020 \(3"
            r" times\); 00, 2020 \(2 times\)"
        ),
    ) as caught:
        loaded("CODE,YEAR\n" + rows, reads)
    assert str(caught.value).count("times") == 5


def test_a_declaration_that_contradicts_itself_is_refused(loaded: Load) -> None:
    with pytest.raises(
        ConfigurationError,
        match="key sector of a table is not among its declared columns, code, residents",
    ):
        loaded("", Table(columns=CODE_AND_COUNT, key=("sector",)))
    with pytest.raises(ConfigurationError, match="residents_reason has the name of the reason"):
        loaded(
            "",
            Table(
                columns=CODE_AND_COUNT | {"residents_reason": text("R")},
                missing={"*": "suppressed"},
            ),
        )


def test_a_nul_character_is_found_before_the_database_refuses_it(loaded: Load) -> None:
    with pytest.raises(SourceError, match=r"line 3 has '0\\x002' \(it holds a NUL character"):
        loaded(b"CODE,MS_POPULATION\n01,5\n0\x002,5\n", Table(columns=CODE_AND_COUNT))


def test_headings_without_rows_give_an_empty_table(loaded: Load) -> None:
    assert loaded("CODE,MS_POPULATION\n", Table(columns=CODE_AND_COUNT, key=("code",))) == (
        [],
        Tally(),
    )


def test_a_table_is_replaced_with_its_types_key_and_the_publishers_names(loaded: Load) -> None:
    loaded("CODE,V\nold,1\n", Table(columns={"code": text("CODE"), "old": text("V")}))
    reads = Table(
        columns={"Code": text("CODE"), "amount": decimal("AMOUNT ", scale=3)},
        key=("Code",),
        missing={"*": "suppressed"},
    )
    described = loaded(
        "CODE,Amount\n01,1.5\n",
        reads,
        "SELECT attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum)"
        " FROM pg_attribute WHERE attrelid = 'figures.t'::regclass AND attnum > 0 ORDER BY attnum",
    )[0]
    assert described == [
        ("Code", "text", "file.CODE"),
        ("amount", "numeric(18,3)", "file.Amount"),
        (
            "amount_reason",
            "text",
            "Why amount is empty: suppressed or absent"
            " [unit: reason; aggregate: none; from: file.Amount]",
        ),
    ]
    definition = loaded(
        "CODE,Amount\n01,1.5\n",
        reads,
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'figures.t'::regclass"
        " AND indisunique",
    )
    assert [row[0].partition(" USING ")[2] for row in definition[0]] == ['btree ("Code")']


SHEET = [
    ["Synthetic figures", None, None, None, None, None],
    ["Area", None, "2020", None, None, None],
    ["Code", "Name", "Residents", "Income", "Counted on", "Is town"],
    ["01001", "É & Co", 12.0, 0.1 + 0.2, date(2020, 1, 31), True],
    [1002.0, None, 1500.0, 1234567.89, "21/02/2020", False],
    [None, None, None, None, None, None],
    ["2A004", " ", None, "*", None, None],
    ["Source: Testland office", None, None, None, None, None],
]
SHEET_READS = Table(
    columns={
        "code": text("Area Code"),
        "name": text("Area Name"),
        "residents": integer("2020 Residents"),
        "income": decimal("2020 Income"),
        "counted_on": Column(("2020 Counted on",), "date"),
        "is_town": Column(("2020 Is town",), "boolean"),
        "share": number("2020 Income", optional=True),
    },
    key=("code",),
    header_rows=(2, 3),
    sheet="figures 2020",
    missing={"*": "suppressed"},
    notes=("Source*",),
)


@pytest.mark.parametrize("form", ["xlsx", "xlsx merged", "ods"])
def test_workbooks_give_codes_amounts_dates_and_reasons(
    loaded: Load, tmp_path: Path, form: str
) -> None:
    sheets = {"Readme": [["Nothing"]], " Figures  2020": SHEET}
    if form == "ods":
        path = write_ods(tmp_path / "book", sheets)
    else:
        path = write_xlsx(
            tmp_path / "book",
            dict(reversed(sheets.items())),
            ["A2:B2", "C2:F2"] if form == "xlsx merged" else [],
        )
    rows, tally = loaded(
        path,
        dataclasses.replace(
            SHEET_READS,
            columns={name: each for name, each in SHEET_READS.columns.items() if name != "share"},
        ),
    )
    assert rows == [
        ("01001", "É & Co", 12, None, Decimal("0.30"), None, date(2020, 1, 31), None, True, None),
        (
            "1002",
            None,
            1500,
            None,
            Decimal("1234567.89"),
            None,
            date(2020, 2, 21),
            None,
            False,
            None,
        ),
        ("2A004", None, None, "absent", None, "suppressed", None, "absent", None, "absent"),
    ]
    assert (tally.rows, tally.blank, tally.notes, tally.reasons.suppressed) == (3, 1, 1, 1)


def test_a_sheet_keeps_every_digit_of_a_number_and_says_the_row_of_a_wrong_one(
    loaded: Load, tmp_path: Path
) -> None:
    path = write_xlsx(tmp_path / "book", {"A": [["V", "W"], [0.1 + 0.2, 5.0], [1 / 3, 2.5]]})
    assert loaded(path, Table(columns={"v": number("V")}, decimal_point=","))[0] == [
        (0.1 + 0.2,),
        (1 / 3,),
    ]
    with pytest.raises(
        SourceError, match=r"'W' of book was expected to hold integer; row 3 has '2.5'"
    ):
        loaded(path, Table(columns={"w": integer("W")}))
    with pytest.raises(SourceError, match="expected to have the sheet 'B'; it has 'A'"):
        loaded(path, Table(columns={"v": number("V")}, sheet="B"))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SourceError, match="workbook book cannot be read"):
        loaded(path, Table(columns={"v": number("V")}))


def test_an_empty_corner_of_a_sheet_does_not_shift_its_rows_and_merged_titles(
    loaded: Load, tmp_path: Path
) -> None:
    rows = [
        [],
        [],
        [None, "Area", None, "2020", None],
        [None, "Code", "Name", "Men", "Women"],
        [None, "01", "a", 1.0, 2.0],
    ]
    path = write_xlsx(tmp_path / "book", {"A": rows}, ["B3:C3", "D3:E3"])
    reads = Table(
        columns={
            "code": text("Area Code"),
            "men": integer("2020 Men"),
            "women": integer("2020 Women"),
        },
        header_rows=(3, 4),
    )
    assert loaded(path, reads)[0] == [("01", 1, 2)]


def test_a_number_in_a_typed_file_is_the_marker_that_equals_it(
    loaded: Load, tmp_path: Path
) -> None:
    table = pa.table({"N": [-99997.0, 1.5, None, float("nan"), -2.0], "I": [-99997, 1, 2, 3, 4]})
    parquet.write_table(table, tmp_path / "p")
    reads = Table(
        columns={"n": number("N"), "i": integer("I")},
        missing={"-99997.0": "not known", "-2": "no residents", "NaN": "not computed"},
        zero=("-2",),
    )
    rows, tally = loaded((tmp_path / "p").read_bytes(), reads)
    assert rows == [
        (None, "not known", None, "not known"),
        (1.5, None, 1, None),
        (None, "absent", 2, None),
        (None, "not computed", 3, None),
        (0.0, "no residents", 4, None),
    ]
    assert tally.reasons.suppressed == 4


def test_parquet_is_read_by_column_with_its_types_or_its_text(loaded: Load, tmp_path: Path) -> None:
    table = pa.table(
        {
            "CODE": pa.array([1001.0, 1002.0, 1003.0]),
            "NAME": pa.array(["a", "", "c"]).dictionary_encode(),
            "N": pa.array([1.0, None, 3.0]),
            "D": pa.array([date(2020, 1, 1), None, None]),
            "AMOUNT": pa.array([0.25, -666666666.0, None]),
            "BIG": pa.array(["7", "8", "9"], pa.large_string()),
        }
    )
    parquet.write_table(table, tmp_path / "p")
    columns = {
        "code": text("CODE"),
        "name": text("NAME"),
        "n": integer("N"),
        "d": Column(("D",), "date"),
        "big": integer("BIG"),
    }
    rows, _ = loaded(
        tmp_path / "p", Table(columns=columns, key=("code",), where={"CODE": "100[12]*"})
    )
    assert rows == [("1001", "a", 1, date(2020, 1, 1), 7), ("1002", None, None, None, 8)]
    marked = Table(
        columns={"code": text("CODE"), "amount": decimal("AMOUNT")},
        missing={"-666666666": "too few samples"},
    )
    assert loaded(
        tmp_path / "p", marked, "SELECT amount, amount_reason FROM figures.t ORDER BY code"
    )[0] == [(Decimal("0.25"), None), (None, "too few samples"), (None, "absent")]
    with pytest.raises(SourceError, match=r"row 1 has '0.25'"):
        loaded(tmp_path / "p", Table(columns={"amount": integer("AMOUNT")}))


def test_a_failed_load_leaves_no_half_of_a_table(loaded: Load, cluster_database: Database) -> None:
    rows = "\n".join(f"{number},1" for number in range(500_000))
    with pytest.raises(SourceError):
        loaded(f"CODE,MS_POPULATION\n{rows}\nx,many\n", Table(columns=CODE_AND_COUNT))
    assert cluster_database.value("SELECT count(*) FROM figures.t") == 0


LICENCE = Licence(slug="l", title="L", url="https://example.org", attribution="P")


def file_of(path: Path, reads: Table | Features) -> File:
    source = Source(
        slug="testland-figures",
        vintage=2020,
        title="Figures",
        publisher=Publisher(slug="p", name="P", url="https://example.org"),
        licence=LICENCE,
        landing_page="https://example.org",
        urls=(),
        container="text",
        reads=reads,
        reference_date=date(2020, 1, 1),
        released="2020",
        confidence="high",
    )
    now = datetime(2020, 1, 1, tzinfo=UTC)
    original = Original(
        source=source,
        sha256="0" * 64,
        size=1,
        url="https://example.org/f.csv",
        retrieved_at=now,
        state="new",
    )
    return File(
        original=original,
        path=str(path),
        name="OPENDATA_SECTOREN.csv",
        size=1,
        digests=digests(path),
    )


def test_a_file_that_was_changed_since_it_was_unpacked_is_not_loaded(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("CODE,TOTAL\n01,5\n")
    reads = Table(columns={"code": text("CODE"), "residents": integer("TOTAL")})
    file = file_of(tmp_path / "f", reads)
    assert load_table.fn(staging, file, "population") == 1
    (tmp_path / "f").write_text("CODE,TOTAL\n01,6\n")
    with pytest.raises(WorkLost, match="run again, which unpacks it anew"):
        load_table.fn(staging, file, "population")


def test_load_table_counts_and_records_what_it_did(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("CODE,TOTAL\n01,5\n\n02,*\n")
    reads = Table(
        columns={"code": text("CODE"), "residents": integer("TOTAL")},
        key=("code",),
        missing={"*": "suppressed"},
    )
    assert load_table.fn(staging, file_of(tmp_path / "f", reads), "population") == 2
    target = sql.Identifier(staging.schema, "population")
    assert database.rows(sql.SQL("SELECT * FROM {} ORDER BY 1").format(target)) == [
        ("01", 5, None),
        ("02", None, "suppressed"),
    ]
    comment = database.value(
        "SELECT col_description(%s::regclass, 2)", f"{staging.schema}.population"
    )
    assert comment == "testland-figures.TOTAL"
    sentence, rows, figures = database.rows(
        "SELECT sentence, row_count, figures FROM catalog.step WHERE dataset = %s AND number = %s",
        staging.dataset.slug,
        staging.edition,
    )[0]
    assert (sentence, rows) == ("Loaded 2 rows, left out 1 blank", 2)
    assert figures == {
        "suppressed": 1,
        "reasons": {"suppressed": 1},
        "left_out": 0,
        "blank": 1,
        "notes": 0,
        "first_notes": [],
        "absent": [],
        "source": "testland-figures",
    }
    with pytest.raises(ConfigurationError, match="was declared as geometries"):
        load_table.fn(
            staging,
            file_of(tmp_path / "f", Features(columns={}, crs=4326, published_crs=4326)),
            "population",
        )


@pytest.mark.parametrize(
    ("error", "is_asked_again"),
    [
        (psycopg2.OperationalError("gone"), True),
        (DriverOperationalError("gone", status_code=10), True),
        (psycopg2.errors.AdminShutdown("gone"), True),
        (psycopg2.errors.DeadlockDetected("again"), True),
        (psycopg2.errors.TooManyColumns("wide"), False),
        (psycopg2.errors.ProgramLimitExceeded("wide"), False),
        (psycopg2.errors.UniqueViolation("twice"), False),
        (SourceError("wrong"), False),
        (CheckFailed("wrong"), False),
    ],
)
def test_only_a_lost_connection_is_tried_again(error: Exception, is_asked_again: bool) -> None:
    assert load_table.retry_condition_fn is not None
    assert (
        load_table.retry_condition_fn(load_table, None, State(type=StateType.FAILED, data=error))
        is is_asked_again
    )


def batches_of(array: pa.Array, columns: int = 1) -> pa.RecordBatchReader:
    names = [f"v{number}" for number in range(columns)]
    batch = pa.record_batch([array] * columns, names=names)
    return pa.RecordBatchReader.from_batches(batch.schema, [batch])


@pytest.mark.parametrize(
    ("columns", "declared", "value", "error"),
    [
        (1, "text", pa.array(["a\0b"]), SourceError),
        (1, "text", pa.array([b"\xe9"]), SourceError),
        (1, "bigint", pa.array(["a"]), SourceError),
        (1_500, "text", pa.array(["123456789012"]), ConfigurationError),
    ],
    ids=["NUL", "bytes of Latin-1", "another type", "too wide"],
)
def test_rows_that_the_database_refuses_are_no_outage(
    cluster_database: Database,
    loaded: Load,
    columns: int,
    declared: str,
    value: pa.Array,
    error: type[Exception],
) -> None:
    names = ", ".join(f"v{number} {declared}" for number in range(columns))
    with cluster_database.session() as cursor:
        cursor.execute(f"CREATE TABLE figures.t ({names})")
    with pytest.raises(error, match=r"rows of t "):
        copy_batches(cluster_database, "figures", "t", batches_of(value, columns))


HOSTILE: dict[str, pa.Array] = {
    "text": pa.array(["", None, "\\N", "a\tb\n", "é\U0001f600", "x" * 300_000]),
    "bigint": pa.array([0, None, -1, 2**63 - 1, -(2**63), 10**9]),
    "double precision": pa.array([0.1, None, -0.0, 5e-324, 1.7e308, float("inf")]),
    "boolean": pa.array([True, None, False, True, False, None]),
    "date": pa.array(
        [
            date(1, 1, 1),
            None,
            date(9999, 12, 31),
            date(1999, 12, 31),
            date(2000, 1, 1),
            date(1970, 1, 1),
        ]
    ),
    **{
        f"numeric({digits},{decimals})": pa.array(
            [
                *(None, Decimal(0), Decimal((0, (1,), -decimals)), Decimal((1, (1,), -decimals))),
                *(Decimal((sign, (9,) * digits, -decimals)) for sign in (0, 1)),
            ],
            pa.decimal128(digits, decimals),
        )
        for digits, decimals in [(18, 2), (38, 0), (38, 19), (38, 38), (5, 5), (4, 0), (9, 3)]
    },
}


@pytest.mark.parametrize("streams", [1, 2])
def test_every_value_arrives_as_it_was_sent(
    cluster_database: Database, loaded: Load, streams: int
) -> None:
    names = [f"v{place}" for place in range(len(HOSTILE))]
    typed = ", ".join(f"{name} {kind}" for name, kind in zip(names, HOSTILE, strict=True))
    with cluster_database.session() as cursor:
        cursor.execute(f"CREATE TABLE figures.t ({typed}, place bigint)")
    places = pa.array(range(6), pa.int64())
    sent = pa.record_batch([*HOSTILE.values(), places], names=[*names, "place"])
    parts = [sent.slice(0, 1), sent.slice(1, 0), sent.slice(1, 3), sent.slice(4)]
    reader = pa.RecordBatchReader.from_batches(sent.schema, parts)
    assert copy_batches(cluster_database, "figures", "t", reader, streams) == 6
    rows = cluster_database.rows("SELECT * FROM figures.t ORDER BY place")
    assert rows == list(zip(*sent.to_pydict().values(), strict=True))


def rows_of_a_long_file(wrong: int | None = None) -> str:
    rows = [f"{row:06d};{row}\n" for row in range(500_000)]
    if wrong is not None:
        rows[wrong] = f"{wrong:06d};x\n"
    return "CODE;MS_POPULATION\n" + "".join(rows)


def test_a_long_file_is_whole_over_two_connections(
    loaded: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging_tables, "LONG", 0)
    sessions: list[int] = []
    monkeypatch.setattr(copying, "_Messages", counting(sessions))
    reads = Table(columns=CODE_AND_COUNT, key=("code",), delimiter=";")
    said = "SELECT count(*), sum(residents), md5(string_agg(code, '' ORDER BY code)) FROM figures.t"
    rows, tally = loaded(rows_of_a_long_file(), reads, said)
    codes = "".join(f"{row:06d}" for row in range(500_000))
    whole = md5(codes.encode(), usedforsecurity=False).hexdigest()
    assert rows == [(500_000, sum(range(500_000)), whole)]
    assert (tally.rows, len(sessions)) == (500_000, 2)


def counting(made: list[int]) -> Callable[..., Any]:
    messages = copying._Messages

    def count(*arguments: Any) -> Any:
        made.append(1)
        return messages(*arguments)

    return count


@pytest.mark.parametrize("wrong", [3, 250_000, 499_999])
def test_a_long_file_that_is_refused_leaves_no_part_under_its_name(
    cluster_database: Database, loaded: Load, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    monkeypatch.setattr(staging_tables, "LONG", 0)
    reads = Table(columns=CODE_AND_COUNT, key=("code",), delimiter=";")
    with pytest.raises(SourceError, match=f"line {wrong + 2} has 'x'"):
        loaded(rows_of_a_long_file(wrong), reads)
    assert cluster_database.value("SELECT to_regclass('figures.t')") is None
    assert loaded("CODE;MS_POPULATION\n01;5\n", reads)[0] == [("01", 5)]  # as a next try
    found = "SELECT relname FROM pg_class WHERE relnamespace = 'figures'::regnamespace"
    assert {name for (name,) in cluster_database.rows(found)} == {"t", "t_code_idx"}


def test_a_part_that_was_committed_before_the_other_was_lost_has_no_name(
    cluster_database: Database, loaded: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging_tables, "LONG", 0)
    session, copied = Database.session, list[int]()

    @contextmanager
    def cut(of: Database, *schemas: str) -> Iterator[Cursor]:
        with session(of, *schemas) as cursor:
            yield cursor
            if not cursor.statusmessage and cursor.rowcount >= 0:  # of a COPY
                copied.append(cursor.rowcount)
                if len(copied) == 2:  # the first is committed
                    backend = cursor.connection.info.backend_pid
                    cluster_database.outside_transaction(
                        f"SELECT pg_terminate_backend({backend}, 60000)"
                    )

    monkeypatch.setattr(Database, "session", cut)
    with pytest.raises(psycopg2.OperationalError):
        loaded(rows_of_a_long_file(), Table(columns=CODE_AND_COUNT, delimiter=";"))
    monkeypatch.undo()
    assert sum(copied) == 500_000
    assert 0 < copied[0] < 500_000
    assert cluster_database.value("SELECT to_regclass('figures.t')") is None


def test_what_load_table_leaves_out_and_misses_is_in_the_step(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("CODE;TOTAL;YEAR\n01;5;2020\n02;6;2019\n;;\n03;7;2020\nSource: x\n")
    reads = Table(
        columns={
            "code": text("CODE"),
            "residents": integer("TOTAL"),
            "jobs": integer("JOBS", optional=True),
        },
        key=("code",),
        delimiter=";",
        where={"YEAR": "2020"},
        notes=("Source*",),
    )
    assert load_table.fn(staging, file_of(tmp_path / "f", reads), "population") == 2
    said = (
        "SELECT sentence, figures FROM catalog.step WHERE (dataset, number) = (%s, %s) AND verb ="
        " 'load_table'"
    )
    ((sentence, figures),) = database.rows(said, staging.dataset.slug, staging.edition)
    assert sentence == (
        "Loaded 2 rows, left out 1 by a filter, 1 blank, 1 as notes (line 6: Source: x)"
    )
    assert (figures["left_out"], figures["blank"], figures["notes"]) == (1, 1, 1)
    assert (figures["first_notes"], figures["absent"]) == (["line 6: Source: x"], ["jobs"])


@pytest.mark.real
class TestRealFiles:
    """The publishers' files, with the numbers of their fact sheet."""

    def test_the_income_of_belgian_municipalities(
        self, loaded: Load, real_files: Path, tmp_path: Path
    ) -> None:
        _, path = take_out(real_files / "belgium/TF_PSNL_INC_TAX_MUNTY.zip", None, tmp_path)
        columns = {
            "refnis": text("CD_MUNTY_REFNIS"),
            "year": integer("CD_YEAR"),
            "residents": integer("MS_TOT_RESIDENTS"),
            "filed": integer("MS_NBR_NON_ZERO_INC"),
            "income": decimal("MS_TOT_NET_TAXABLE_INC"),
            "region": text("CD_RGN_REFNIS"),
            "arrondissement": text("TX_ADM_DSTR_DESCR_FR"),
        }
        reads = Table(columns=columns, key=("refnis", "year"), delimiter="|", quote="")
        query = (
            "SELECT year, count(*), sum(residents), sum(filed), sum(income) FROM figures.t WHERE"
            " year IN (2005, 2013) GROUP BY 1 ORDER BY 1"
        )
        rows, tally = loaded(path, reads, query)
        assert tally == Tally(rows=5301)
        assert rows == [
            (2005, 589, 10_511_382, 5_858_996, Decimal("143086463684.99")),
            (2013, 589, 11_150_516, 6_193_498, Decimal("189767698458.80")),
        ]
        first, _ = loaded(
            path,
            reads,
            "SELECT region, arrondissement FROM figures.t WHERE refnis = '11001' AND year = 2005",
        )
        assert first == [("02000", "Arrondissement d’Anvers")]

    def test_all_forty_one_columns_of_it(
        self, loaded: Load, real_files: Path, tmp_path: Path
    ) -> None:
        _, path = take_out(real_files / "belgium/TF_PSNL_INC_TAX_MUNTY.zip", None, tmp_path)
        names = path.read_text("utf-8-sig").partition("\n")[0].strip().split("|")
        assert len(names) == 41
        columns = {
            name.lower(): decimal(name) if name.startswith("MS_") else text(name) for name in names
        }
        rows, _ = loaded(
            path,
            Table(columns=columns, delimiter="|", quote=""),
            "SELECT sum(ms_tot_net_taxable_inc), sum(ms_tot_residents) FROM figures.t",
        )
        lines = [line.split("|") for line in path.read_text("utf-8-sig").splitlines()[1:]]
        assert rows == [
            tuple(
                sum(Decimal(line[names.index(name)]) for line in lines)
                for name in ("MS_TOT_NET_TAXABLE_INC", "MS_TOT_RESIDENTS")
            )
        ]

    def test_postal_codes_in_a_workbook(self, loaded: Load, real_files: Path) -> None:
        reads = Table(
            columns={
                "postal_code": text("Postal code"),
                "refnis": text("Refnis code"),
                "name_fr": text("Nom commune"),
            },
            sheet="Blad1",
        )
        rows, tally = loaded(
            real_files / "belgium/Conversion Postal code_Refnis code_va01012019.xlsx", reads
        )
        assert tally.rows == 1151
        assert rows[0] == ("1000", "21004", "Bruxelles")

    def test_a_classification_in_latin_1(self, loaded: Load, real_files: Path) -> None:
        reads = Table(
            columns={"refnis": text("Code INS"), "name_fr": text("Entités administratives")},
            delimiter=";",
            encoding="latin-1",
            key=("refnis",),
        )
        rows, tally = loaded(real_files / "belgium/REFNIS_2019.csv", reads)
        assert tally.rows == 638
        assert ("04000", "RÉGION DE BRUXELLES-CAPITALE") in rows

    def test_the_sector_list_in_latin_1(self, loaded: Load, real_files: Path) -> None:
        columns = {
            "sector": text("statsec"),
            "municipality": text("gemeente"),
            "province": text("provincie"),
        }
        path = real_files / "belgium/statistical_sectors_list_2018_with_unlocated.csv"
        query = (
            "SELECT count(*) FILTER (WHERE sector LIKE '%ZZZZ'), count(*) FILTER (WHERE province IS"
            " NULL) > 0 FROM figures.t"
        )
        rows, tally = loaded(
            path, Table(columns=columns, delimiter=";", encoding="latin-1", key=("sector",)), query
        )
        assert tally.rows == 20_371
        assert rows == [(589, True)]

    def test_a_crosswalk_with_a_blank_key(self, loaded: Load, real_files: Path) -> None:
        path = real_files / "belgium/statsec2019_statsec2024.xlsx"
        columns = {"old": text("statsec2019"), "new": text("statsec2024")}
        with pytest.raises(SourceError, match="expected to have the key old; row 2 has none"):
            loaded(path, Table(columns=columns, key=("old",)))
        rows, tally = loaded(path, Table(columns=columns))
        assert rows[0] == (None, "11002P6PK")
        assert tally.rows == 10_241
        assert loaded(path, Table(columns=columns, where={"statsec2019": "?*"}))[1].left_out == 1

    def test_county_estimates_in_latin_1(
        self, loaded: Load, real_files: Path, tmp_path: Path
    ) -> None:
        _, path = take_out(real_files / "united_states/co-est2019-alldata.csv.gz", None, tmp_path)
        columns = {
            "state": text("STATE"),
            "county": text("COUNTY"),
            "name": text("CTYNAME"),
            "residents": integer("POPESTIMATE2019"),
        }
        reads = Table(
            columns=columns, encoding="latin-1", where={"SUMLEV": "50"}, key=("state", "county")
        )
        assert loaded(
            path,
            reads,
            "SELECT sum(residents), max(name) FILTER (WHERE name LIKE 'Do%Ana%') FROM figures.t",
        )[0] == [(328_239_523, "Doña Ana County")]
        tally = loaded(path, reads)[1]
        assert (tally.rows, tally.left_out) == (3142, 51)

    def test_a_legacy_workbook_with_labels_above_its_headings(
        self, loaded: Load, real_files: Path
    ) -> None:
        columns = {"iris": text("IRIS"), "commune": text("COM"), "residents": number("P16_POP")}
        rows, tally = loaded(
            real_files / "france/base-ic-evol-struct-pop-2016-com.xls",
            Table(columns=columns, header_rows=(6,), key=("iris",), sheet="C.O.M"),
        )
        assert tally.rows == 16  # the fact sheet says 15; the sheet has them on rows 7 to 22
        assert rows[0] == ("975010000", "97501", 596.0)

    def test_austrian_figures_with_decimal_comma_and_thousands_point(
        self, loaded: Load, real_files: Path
    ) -> None:
        columns = {
            "year": integer("JAHR"),
            "code": text("GCD"),
            "residents": integer("BEV_ABSOLUT"),
            "household_size": number("HH_SIZE"),
        }
        reads = Table(
            columns=columns, delimiter=";", decimal_point=",", thousands=".", key=("year", "code")
        )
        rows, tally = loaded(
            real_files / "austria/OGDEXT_AEST_GEMTAB_1.csv",
            reads,
            "SELECT year, sum(residents) FROM figures.t GROUP BY 1 ORDER BY 1",
        )
        assert tally.rows == 11_632
        assert dict(rows) == {
            2011: 8_401_940,
            2012: 8_453_191,
            2013: 8_499_759,
            2014: 8_576_149,
            2015: 8_670_690,
        }

    def test_american_survey_figures_with_labels_and_markers(
        self, loaded: Load, real_files: Path, tmp_path: Path
    ) -> None:
        _, path = take_out(
            real_files / "united_states/ACSST5Y2023.S1901-Data.csv.gz", None, tmp_path
        )
        header = (
            path.read_text("utf-8-sig").partition("\n")[0].replace('"', "").rstrip(",").split(",")
        )
        columns = {"geo_id": text("GEO_ID")} | {name.lower(): number(name) for name in header[2:]}
        missing = {
            "(X)": "not applicable",
            "-": "too few samples",
            "**": "too few samples for the error",
            "N": "too few cases",
        }
        reads = Table(columns=columns, key=("geo_id",), skip_rows_after_header=1, missing=missing)
        rows, tally = loaded(
            path,
            reads,
            "SELECT count(*), min(geo_id), max(s1901_c01_001e) FILTER (WHERE geo_id ="
            " '0500000US01001') FROM figures.t",
        )
        assert rows == [(3222, "0500000US01001", 22523.0)]
        assert (tally.reasons["not applicable"], tally.reasons["too few cases"]) == (67_662, 4_466)
        assert (
            tally.reasons["too few samples"],
            tally.reasons["too few samples for the error"],
        ) == (24, 24)


PACKED = (
    "CODE;MS_POPULATION\n" + "".join(f"{number:06};{number}\n" for number in range(400_000))
).encode()  # more than one block


def zip_of(path: Path, compression: int = zipfile.ZIP_STORED) -> bytearray:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("packed.csv", PACKED)
    return bytearray(path.read_bytes())


def load_packed(database: Database, staging: Staging, path: Path) -> Tally:
    return load(
        database,
        staging.schema,
        "t",
        path,
        Table(columns=CODE_AND_COUNT, delimiter=";"),
        "packed.csv",
        "packed.csv",
    )


def other_checksum(packed: bytearray) -> None:
    packed[packed.rindex(b"PK\x01\x02") + 16] ^= 0xFF


def imploded(packed: bytearray) -> None:
    packed[packed.rindex(b"PK\x01\x02") + 10] = packed[8] = 6


def other_columns(packed: bytearray) -> None:
    packed[packed.index(b"000017;")] = ord(";")


def no_utf8(packed: bytearray) -> None:
    packed[packed.index(b"000017;")] = 0xFF


def no_utf8_in_the_headings(packed: bytearray) -> None:
    packed[packed.index(b"CODE;")] = 0xFF


def no_end(packed: bytearray) -> None:
    del packed[-100:]


@pytest.mark.parametrize(
    "harm", [other_checksum, other_columns, no_utf8, no_utf8_in_the_headings, no_end]
)
def test_a_packed_table_in_a_damaged_zip_is_called_damaged(
    database: Database, staging: Staging, tmp_path: Path, harm: Callable[[bytearray], None]
) -> None:
    packed = zip_of(tmp_path / "packed.zip")
    assert load_packed(database, staging, tmp_path / "packed.zip").rows == 400_000
    harm(packed)
    (tmp_path / "packed.zip").write_bytes(packed)
    with pytest.raises(
        SourceError, match=r"The archive of packed.csv is damaged \(.*\): run the flow again"
    ):
        load_packed(database, staging, tmp_path / "packed.zip")


def test_damaged_compressed_bytes_are_called_damaged(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    packed = zip_of(tmp_path / "packed.zip", zipfile.ZIP_DEFLATED)
    packed[2_000:2_040] = bytes(40)
    (tmp_path / "packed.zip").write_bytes(packed)
    with pytest.raises(SourceError, match=r"The archive of packed.csv is damaged"):
        load_packed(database, staging, tmp_path / "packed.zip")


def test_a_zip_packed_by_an_unknown_method_says_so(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    packed = zip_of(tmp_path / "packed.zip")
    imploded(packed)
    (tmp_path / "packed.zip").write_bytes(packed)
    with pytest.raises(
        SourceError, match=r"The archive of packed.csv is packed by a method that is not read here"
    ):
        load_packed(database, staging, tmp_path / "packed.zip")


def test_a_fault_of_the_rows_of_a_sound_zip_is_still_told_by_its_line(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed.csv", "CODE;MS_POPULATION\n1;2\n1;2;3\n")
    with pytest.raises(SourceError, match=r"Line 3 of packed.csv was expected to have 2 columns"):
        load_packed(database, staging, tmp_path / "packed.zip")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["x" * 63 + "a", "x" * 63 + "b"], "at most 63 bytes, .* has 64: shorten it"),
        (["é" * 32], "at most 63 bytes, .* has 64: shorten it"),
        (["ctid"], "the name ctid, which is PostgreSQL's own: give it another name"),
        ([""], "without a name: give it one"),
        ([], "without columns: declare some"),
    ],
)
def test_columns_that_postgresql_cannot_have_are_refused(
    loaded: Load, names: list[str], told: str
) -> None:
    columns = dict(zip(names, (text("A"), text("B")), strict=False))
    with pytest.raises(ConfigurationError, match=told):
        loaded("A,B\n1,2\n", Table(columns=columns))


def test_a_key_too_long_to_be_told_apart_is_refused(loaded: Load) -> None:
    words = "".join(f"{number * 7919 % 99_991:05}" for number in range(4_000))
    with pytest.raises(SourceError, match=r"key code of file.csv .* 20,000 bytes are more than"):
        loaded(f"CODE,MS_POPULATION\n{words},1\n", Table(columns=CODE_AND_COUNT, key=("code",)))


@pytest.mark.parametrize("row", ["1,,5", ",3,5", " ,3,5"])
def test_a_key_of_several_parts_has_them_all(loaded: Load, row: str) -> None:
    columns = {"code": code(("ST", 2), ("CO", 3)), "pop": integer("POP")}
    with pytest.raises(SourceError, match="have the key code; line 3 has none"):
        loaded(f"ST,CO,POP\n1,3,5\n{row}\n", Table(columns=columns, key=("code",)))


def test_parts_of_a_code_are_digits_and_letters(loaded: Load) -> None:
    reads = Table(columns={"code": code(("ST", 3), ("CO", 3))})
    assert loaded("ST,CO\n1 , 3\n2A,4\n", reads)[0] == [("001003",), ("02A004",)]
    with pytest.raises(SourceError, match=r"line 2 has '1\.0' .*digits and letters only"):
        loaded("ST,CO\n1.0,3\n", reads)


def test_headings_among_rows_of_text_are_refused(loaded: Load) -> None:
    columns = {"code": text("CODE"), "name": text("NAME")}
    content = "CODE,NAME\n1,NAME\nCODE,b\nCODE,NAME\n3,c\n"
    with pytest.raises(SourceError, match="line 4 has them again: leave it out with `where`"):
        loaded(content, Table(columns=columns))
    rows, _ = loaded(content, Table(columns=columns, where={"CODE": "[0-9]*"}))
    assert rows == [("1", "NAME"), ("3", "c")]


def test_every_blank_of_unicode_is_blank_beside_any_letter() -> None:
    letters = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    spaces = pa.array(letters).filter(pc.utf8_is_space(pa.array(letters))).to_pylist()
    assert len(spaces) > 20
    for space in spaces:
        cells = pa.array(["a", None, space, "", space + "b", "c"]).slice(1, 4)
        assert is_blank(cells).to_pylist() == [True, True, True, False]
    assert is_blank(pa.array(["é", "0", None])).to_pylist() == [False, False, True]
    assert is_blank(pa.array([None, None], pa.string())).to_pylist() == [True, True]
    assert is_blank(pa.array([""])).to_pylist() == [True]
