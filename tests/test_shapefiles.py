"""Shapefiles whose parts, encodings and cells are not what they seem: right, or one sentence."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats

from tasks.core.making.geometry.encodings import stated_codec
from tasks.core.making.geometry.shapes import FeatureCounts
from tasks.core.model.columns import Column, integer, number, text
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError, Damaged, SourceError

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]
TEXT = ("NAME", "C", 10, 0)


def shapefile(
    folder: Path,
    records: list[bytes | tuple[bytes, ...]],
    fields: tuple[tuple[str, str, int, int], ...] = (TEXT,),
    *,
    cpg: str | None = None,
    language: int = 0,
    deleted: tuple[int, ...] = (),
) -> Path:
    """A shapefile of squares whose dBASE table is written byte by byte."""
    folder.mkdir(exist_ok=True)
    path = folder / "made.shp"
    squares = shapely.to_wkb(
        np.array(
            [shapely.box(150_000 + n, 170_000, 150_001 + n, 170_001) for n in range(len(records))]
        )
    )
    pyogrio.raw.write(
        str(path),
        squares,
        [],
        [],
        geometry_type="Polygon",
        crs="EPSG:31370",
        driver="ESRI Shapefile",
    )
    length = 1 + sum(width for *_, width, _ in fields)
    table = struct.pack(
        "<4BIHH17xB2x", 3, 124, 1, 1, len(records), 33 + 32 * len(fields), length, language
    )
    for name, kind, width, decimals in fields:
        table += struct.pack("<11sc4xBB14x", name.encode(), kind.encode(), width, decimals)
    table += b"\r"
    for place, given in enumerate(records):
        cells = given if isinstance(given, tuple) else (given,)
        table += b"*" if place in deleted else b" "
        for cell, (_, kind, width, _) in zip(cells, fields, strict=True):
            table += cell.ljust(width) if kind == "C" else cell.rjust(width)
    path.with_suffix(".dbf").write_bytes(table + b"\x1a")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    return path


def declared(encoding: str | None = None, /, **columns: Column) -> Features:
    return Features(
        columns=columns or {"name": text("NAME")},
        crs=31370,
        published_crs=31370,
        encoding=encoding,
    )


LUETTICH = ["Lüttich", "Évreux", "", "Namur"]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zipped"])
@pytest.mark.parametrize(
    ("codec", "cpg", "language", "encoding"),
    [
        ("utf-8", "UTF-8", 0, None),
        ("utf-8", "utf8\n", 0, None),
        ("utf-8", "65001", 0, None),
        ("utf-8", None, 0, None),
        ("utf-8", "System", 0, None),
        ("utf-8", "CP_ACP", 0x57, None),
        ("cp1252", "ANSI 1252", 0, None),
        ("cp1252", "1252", 0, None),
        ("cp1252", "Windows-1252", 0, None),
        ("cp1252", "ISO-8859-1", 0, None),
        ("cp1252", "88591", 0, None),
        ("cp1252", "8859_1", 0, None),
        ("cp1252", None, 0x03, None),
        ("cp1252", None, 0x57, None),
        ("cp850", "OEM 850", 0, None),
        ("cp437", "cp437", 0, None),
        ("cp437", "LDID/1", 0, None),
        ("cp437", None, 0x01, None),
        ("cp850", None, 0x02, None),
        ("latin-1", None, 0, "latin-1"),
        ("latin-1", None, 0, "iso-8859-1"),
        ("latin-1", "UTF-8", 0, "Latin1"),
        ("latin-1", None, 0, "ISO_8859-1"),
        ("cp1252", "ANSI", 0, "windows-1252"),
        ("cp1252", None, 0, "CP 1252"),
        ("utf-8", "ANSI 1252", 0, "UTF8"),
        ("gb18030", "GB18030", 0, None),
        ("mac-roman", "x-mac-roman", 0, None),
        ("mac-roman", None, 0, "Macintosh"),
        ("iso8859-15", "LATIN-9", 0, None),
    ],
)
def test_an_encoding_is_understood_in_any_spelling(
    codec: str,
    cpg: str | None,
    language: int,
    encoding: str | None,
    packed: bool,
    tmp_path: Path,
    into: Load,
    rows: Rows,
) -> None:
    names = [name if codec != "cp437" else name.replace("É", "é") for name in LUETTICH]
    records: list[Any] = [name.encode(codec) for name in names]
    path = shapefile(tmp_path / "shp", records, cpg=cpg, language=language)
    into(formats.zipped(path) if packed else path, declared(encoding))
    assert [name or "" for (name,) in rows("name FROM areas")] == names


@pytest.mark.parametrize(
    ("codec", "cpg", "language", "encoding", "fits"),
    [
        ("cp1252", "UTF-8", 0, None, "cp1252"),
        ("cp1252", None, 0, None, "cp1252"),
        ("cp1252", "ANSI", 0, None, "cp1252"),
        ("cp1252", "System", 0, None, "cp1252"),
        ("cp1252", "OEM", 0x57, None, "cp1252"),
        ("cp1252", "no such page", 0, None, "cp1252"),
        ("cp1252", "UTF-8", 0, "utf-8", "cp1252"),
        ("utf-8", "ISO-8859-1", 0, None, "utf-8"),
        ("utf-8", "ANSI 1252", 0, None, "utf-8"),
        ("utf-8", "OEM 437", 0, None, "utf-8"),
        ("utf-8", None, 0x57, None, "utf-8"),
        ("utf-8", None, 0, "cp1252", "utf-8"),
        ("utf-8", None, 0, "cp437", "utf-8"),
    ],
)
def test_an_encoding_that_lies_is_refused_with_the_one_that_fits(
    codec: str,
    cpg: str | None,
    language: int,
    encoding: str | None,
    fits: str,
    tmp_path: Path,
    into: Load,
) -> None:
    records: list[Any] = [b"Gent", "Vandœuvre".encode(codec), "Lüttich".encode(codec)]
    path = shapefile(tmp_path / "shp", records, cpg=cpg, language=language)
    with pytest.raises(SourceError, match=f"declare encoding='{fits}'"):
        into(path, declared(encoding))


@pytest.mark.parametrize(("cpg", "encoding"), [("ISO-8859-1", None), (None, "latin-1")])
def test_control_characters_name_their_column_and_record(
    cpg: str | None, encoding: str | None, tmp_path: Path, into: Load
) -> None:
    records: list[Any] = [b"Gent", "Lüttich".encode("cp1252"), "Vandœuvre".encode("cp1252")]
    with pytest.raises(SourceError, match=r"NAME has b'Vand\\x9cuvre' in record 3.*'cp1252'"):
        into(shapefile(tmp_path / "shp", records, cpg=cpg), declared(encoding))


@pytest.mark.parametrize("encoding", ["klingon", "utf-9", "hex", "ANSI"])
def test_an_encoding_of_no_name_is_refused(encoding: str, tmp_path: Path, into: Load) -> None:
    with pytest.raises(ConfigurationError, match="no encoding has that name"):
        into(shapefile(tmp_path / "shp", [b"Gent"]), declared(encoding))
    path = formats.geojson(tmp_path / "a.geojson")
    with pytest.raises(ConfigurationError, match="no encoding has that name"):
        into(path, declared(encoding))


@pytest.mark.parametrize(
    ("others", "cut", "kept"),
    [
        (["Évreux"], "Saint-Béé", "Saint-Bé"),
        ([], "Lüttich-é", "Lüttich-"),
        ([], "12345678€", "12345678"),
        (["日本"], "東京都港区", "東京都"),
        ([], "abcdefghié", "abcdefghi"),
        ([], "abcdefghiŁ", "abcdefghi"),
    ],
)
def test_a_letter_cut_by_the_width_of_its_field_is_dropped_and_said(
    others: list[str], cut: str, kept: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    records: list[Any] = [each.encode() for each in ["Gent", *others]] + [cut.encode()[:10]]
    figures = into(shapefile(tmp_path / "shp", records, cpg="UTF-8"), declared())
    assert [name for (name,) in rows("name FROM areas")] == ["Gent", *others, kept]
    assert figures.remarks.figures == {"cut_letters": 1}
    assert "Values cut inside their last letter" in figures.remarks.sentences[0]


def test_one_letter_at_the_end_alone_does_not_prove_utf8(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = shapefile(tmp_path / "shp", ["Saint-Andé".encode("latin-1")], cpg="UTF-8")
    with pytest.raises(SourceError, match="NAME in record 1, is cut in a letter or is in another"):
        into(path, declared())
    into(path, declared("latin-1"))
    assert rows("name FROM areas") == [("Saint-Andé",)]
    into(path, declared("utf-8"))
    assert rows("name FROM areas") == [("Saint-And",)]


@pytest.mark.parametrize("deleted", [(1,), (0, 2), (2,)])
def test_deleted_records_are_left_out_and_said(
    deleted: tuple[int, ...], tmp_path: Path, into: Load, rows: Rows
) -> None:
    fields = (TEXT, ("PEOPLE", "N", 4, 0))
    records: list[Any] = [(b"a", b"1"), (b"b", b"2"), ("ç".encode(), b"3")]
    path = shapefile(tmp_path / "shp", records, fields, deleted=deleted)
    figures = into(path, declared(name=text("NAME"), people=integer("PEOPLE")))
    all_rows = [("a", 1, 150_000), ("b", 2, 150_001), ("ç", 3, 150_002)]
    kept = [row for number, row in enumerate(all_rows) if number not in deleted]
    assert rows("name, people, st_xmin(geom) FROM areas") == kept
    assert figures.features == len(kept)
    assert figures.remarks.figures == {"deleted": len(deleted)}
    assert f"{len(deleted)} of 3" in figures.remarks.sentences[0]


FIGURES = (
    TEXT,
    ("WHOLE", "N", 4, 0),
    ("SHARE", "N", 6, 2),
    ("OTHER", "F", 6, 2),
    ("DAY", "D", 8, 0),
)
GOOD = (b"a", b"12", b"1.50", b"2.5", b"20240105")


@pytest.mark.parametrize(
    ("place", "cell", "column"),
    [
        (1, b"****", {"whole": integer("WHOLE")}),
        (1, b"*", {"whole": integer("WHOLE")}),
        (1, b"****", {"whole": text("WHOLE")}),
        (2, b"******", {"share": number("SHARE")}),
        (3, b"******", {"other": number("OTHER")}),
    ],
)
def test_a_figure_too_wide_for_its_field_is_refused_or_declared(
    place: int, cell: bytes, column: dict[str, Column], tmp_path: Path, into: Load, rows: Rows
) -> None:
    broken = (*GOOD[:place], cell, *GOOD[place + 1 :])
    path = shapefile(tmp_path / "shp", [GOOD, broken, GOOD], FIGURES)
    filled = r"record 2 is filled with asterisks.*declare '\*\*\*\*' in `missing`"
    with pytest.raises(SourceError, match=filled):
        into(path, declared(name=text("NAME"), **column))
    ((name, kind),) = column.items()
    if kind.type == "text":
        return
    marked = declared(name=text("NAME"), **column)
    marked = Features(**{**vars(marked), "missing": {"****": "too wide"}})
    figures = into(path, marked)
    reasons = rows(f"{name} IS NULL, {name}_reason FROM areas")
    assert reasons == [(False, None), (True, "too wide"), (False, None)]
    assert figures.reasons == {"too wide": 1}


@pytest.mark.filterwarnings("ignore:Value")  # GDAL reads 12 of "12:30" and warns
@pytest.mark.parametrize(
    ("place", "cell", "column"),
    [
        (1, b"1,5", {"whole": integer("WHOLE")}),
        (1, b"n/a", {"whole": integer("WHOLE")}),
        (2, b"1 2", {"share": number("SHARE")}),
        (2, b"12:30", {"share": number("SHARE")}),
        (1, b"-", {"whole": integer("WHOLE")}),
        (2, b".", {"share": number("SHARE")}),
        (2, b"1-2", {"share": number("SHARE")}),
        (2, b"1.2.3", {"share": number("SHARE")}),
        (3, b"1e", {"other": number("OTHER")}),
        (4, b"20240231", {"day": Column(("DAY",), "date")}),
        (4, b"20230229", {"day": Column(("DAY",), "date")}),
        (4, b"20241301", {"day": Column(("DAY",), "date")}),
        (4, b"20240100", {"day": Column(("DAY",), "date")}),
        (4, b"unknown", {"day": Column(("DAY",), "date")}),
    ],
)
def test_a_cell_that_gdal_would_read_in_part_is_refused(
    place: int, cell: bytes, column: dict[str, Column], tmp_path: Path, into: Load
) -> None:
    broken = (*GOOD[:place], cell, *GOOD[place + 1 :])
    with pytest.raises(SourceError):
        into(shapefile(tmp_path / "shp", [GOOD, broken], FIGURES), declared(**column))


def test_good_cells_stay_as_they_were(tmp_path: Path, into: Load, rows: Rows) -> None:
    empty = (b"", b"", b"", b"", b"")
    zeros = (b" b \0x", b"\0\0\0\0", b"-1", b"1e3", b"00000000")
    path = shapefile(tmp_path / "shp", [GOOD, empty, zeros], FIGURES)
    kinds = {"whole": integer("WHOLE"), "share": number("SHARE"), "other": number("OTHER")}
    into(path, declared(name=text("NAME"), day=Column(("DAY",), "date"), **kinds))
    assert rows("name, whole, share, other, day::text FROM areas") == [
        ("a", 12, 1.5, 2.5, "2024-01-05"),
        (None, None, None, None, None),
        ("b", None, -1.0, 1000.0, None),
    ]


def test_a_truth_that_is_blank_is_not_known(tmp_path: Path, into: Load, rows: Rows) -> None:
    records: list[Any] = [b"T", b"y", b"F", b"n", b"?", b" "]
    path = shapefile(tmp_path / "shp", records, (("IS", "L", 1, 0),))
    into(path, declared(truth=Column(("IS",), "boolean")))
    assert [truth for (truth,) in rows("truth FROM areas")] == [
        True,
        True,
        False,
        False,
        None,
        None,
    ]


def test_codes_in_fields_of_numbers_keep_every_digit(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    fields = (("CODE", "N", 5, 0), ("LONG", "N", 20, 0))
    records: list[Any] = [(b"01001", b"12345678901234567890"), (b"2", b"9007199254740993")]
    path = shapefile(tmp_path / "shp", records, fields)
    into(path, declared(code=text("CODE"), long=text("LONG")))
    assert rows("code, long FROM areas") == [
        ("01001", "12345678901234567890"),
        ("2", "9007199254740993"),
    ]


def longer(path: Path, ending: str, change: Callable[[bytes], bytes]) -> None:
    part = path.with_suffix(ending)
    part.write_bytes(change(part.read_bytes()))


def with_two_more(shape: bytes) -> bytes:
    record = shape[100 : 100 + (len(shape) - 100) // 3]
    shape += record * 2
    return shape[:24] + struct.pack(">i", len(shape) // 2) + shape[28:]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zipped"])
@pytest.mark.parametrize(
    ("ending", "change", "found"),
    [
        (".shp", with_two_more, "its .shx has 3, its .shp 5"),
        (".shx", lambda index: index[:-8], "its .shx has 2, its .dbf 3"),
        (".shx", lambda index: index[:-1], "its .shx has 2, its .dbf 3"),
        (".shx", lambda index: index[:100] + b"\x0f" + index[101:], "1 of its 3 records hold none"),
        (".shp", lambda shape: shape[:108] + b"M" + shape[109:], "1 of its 3 records hold none"),
        (".shp", lambda shape: shape[:147] + b"\x0f" + shape[148:], "1 of its 3 records hold none"),
        (".shp", lambda shape: shape[:-12], "ends early|1 of its 3 records hold none"),
        (".shp", lambda _: b"", "no reader knows"),
        (".dbf", lambda table: table[:4] + b"\2" + table[5:], "its .shx has 3, its .dbf 2"),
        (".dbf", lambda table: table[:-9], "states 3 records and ends in record 3"),
        (".dbf", lambda table: table[:40], "describes records|could be read"),
        (".dbf", lambda _: b"", "has 0 bytes"),
    ],
)
def test_parts_that_do_not_agree_are_refused(
    ending: str,
    change: Callable[[bytes], bytes],
    found: str,
    packed: bool,
    tmp_path: Path,
    into: Load,
) -> None:
    path = shapefile(tmp_path / "shp", [b"a", b"b", b"c"])
    longer(path, ending, change)
    with pytest.raises(Damaged, match=found):
        into(formats.zipped(path) if packed else path, declared())


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zipped"])
@pytest.mark.parametrize("ending", [".shx", ".dbf"])
def test_a_missing_part_is_named(ending: str, packed: bool, tmp_path: Path, into: Load) -> None:
    path = shapefile(tmp_path / "shp", [b"a", b"b", b"c"])
    path.with_suffix(ending).unlink()
    with pytest.raises(SourceError, match=f"three files and made.shp has no made{ending} beside"):
        into(formats.zipped(path) if packed else path, declared())


def test_a_record_that_states_no_shape_is_read(tmp_path: Path, into: Load, rows: Rows) -> None:
    path = shapefile(tmp_path / "shp", [b"a", b"b"])
    longer(path, ".shp", lambda shape: shape[:108] + bytes(4) + shape[112:])
    assert into(path, declared()).without_geometry == 1
    assert rows("name, geom IS NULL FROM areas") == [("a", True), ("b", False)]


def test_many_records_are_read_in_blocks(tmp_path: Path, into: Load, rows: Rows) -> None:
    records: list[Any] = [f"Übung {number}".encode("cp1252") for number in range(5000)]
    path = shapefile(tmp_path / "shp", records, cpg="1252", deleted=(7, 4000))
    assert into(path, declared()).features == 4998
    assert rows("count(DISTINCT name), min(length(name)) FROM areas WHERE name ~ '^Übung'") == [
        (4998, 7)
    ]


@pytest.mark.parametrize(
    ("statement", "codec"),
    [("ISO 8859-15", "iso8859-15"), ("IBM850", "cp850"), ("cp-1252", "cp1252"), ("", None)],
)
def test_what_a_cpg_means(statement: str, codec: str | None) -> None:
    assert stated_codec(statement) == codec


CHINESE = ["臺北市", "新竹縣", "A區", "一"]


@pytest.mark.parametrize(("codec", "cpg"), [("cp950", "950"), ("gbk", "936"), ("big5", "Big5")])
@pytest.mark.parametrize("encoding", [None, "declared"])
def test_a_page_of_several_bytes_is_read(
    codec: str, cpg: str, encoding: str | None, tmp_path: Path, into: Load, rows: Rows
) -> None:
    names = [name if codec != "gbk" else name.replace("臺", "台") for name in CHINESE]
    records: list[Any] = [name.encode(codec) for name in names]
    into(shapefile(tmp_path / "shp", records, cpg=cpg), declared(encoding and codec))
    assert [name for (name,) in rows("name FROM areas")] == names


@pytest.mark.parametrize("cpg", ["950", "936", "Big5", "Shift_JIS", "949", "GB18030", "932"])
@pytest.mark.parametrize(
    ("names", "codec", "fits"),
    [
        (["Lüttich", "Liège"], "cp1252", "encoding='cp1252'"),
        (["Évreux", "Châlons"], "cp1252", "encoding='cp1252'"),
        (["Lüttich", "Liège"], "utf-8", "encoding='utf-8'"),
        (["東京都", "京都"], "utf-8", "encoding='utf-8'"),
    ],
)
def test_a_page_of_several_bytes_that_lies_is_refused(
    cpg: str, names: list[str], codec: str, fits: str, tmp_path: Path, into: Load
) -> None:
    records: list[Any] = [b"Gent", *[name.encode(codec) for name in names]]
    with pytest.raises(SourceError, match=fits):
        into(shapefile(tmp_path / "shp", records, cpg=cpg), declared())


def test_a_declared_page_of_several_bytes_is_believed_where_it_may_be(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    """The famous word of four bytes that are good UTF-8 as well, and a letter like an accent."""
    for place, name in enumerate(["联通", "A蝴"]):
        codec = "gbk" if place == 0 else "cp950"
        path = shapefile(tmp_path / str(place), [name.encode(codec)], cpg=codec)
        into(path, declared(codec))
        assert rows("name FROM areas") == [(name,)]
    records: list[Any] = ["東京都".encode()]
    with pytest.raises(SourceError, match="encoding='utf-8'"):
        into(shapefile(tmp_path / "utf", records), declared("gb18030"))
