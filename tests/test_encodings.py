"""Encodings of delimited text: tested against the bytes, told with their line and what fits."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest

from tasks.core.making.tables.tabular import Figures
from tasks.core.model.columns import text
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError, SourceError


def read(path: Path, content: bytes, encoding: str, name: str = "NAME") -> list[Any]:
    """Write bytes, read them as names in an encoding."""
    path.write_bytes(content)
    reads = Table(columns={"code": text("CODE"), "name": text(name)}, encoding=encoding)
    batches = Figures(path, reads, "f.csv").batches()
    return [value for batch in batches for value in batch.column("name").to_pylist()]


NAMES = "CODE,NAME\n01,Namur\n02,Besançon – Évreux\n"
LONG = "CODE,NAME\n" + "01,Namur\n" * 400_000 + "02,Orléans\n"  # its letters are in the last block


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ISO-8859-15", "mac-roman", "cp1250"])
@pytest.mark.parametrize("content", [NAMES.replace("–", "-"), LONG], ids=["short", "long"])
def test_utf_8_throughout_is_refused_under_an_encoding_of_one_byte(
    tmp_path: Path, encoding: str, content: str
) -> None:
    with pytest.raises(
        SourceError, match=r"(UTF-8 throughout|control).*line \d+ has .*: declare utf-8"
    ):
        read(tmp_path / "f", content.encode(), encoding)


def test_utf_8_that_breaks_off_somewhere_is_what_was_declared(tmp_path: Path) -> None:
    content = "CODE,NAME\n01,Ã©\n".encode("latin-1") + b"02,\xe9t\xe9\n"
    assert read(tmp_path / "f", content, "latin-1") == ["Ã©", "été"]


@pytest.mark.parametrize("encoding", ["latin-1", "iso-8859-15"])
@pytest.mark.parametrize("word", ["Vandœuvre", "L’Haÿ", "– Évreux", "5 €"])
def test_control_characters_name_the_encoding_that_has_letters_there(
    tmp_path: Path, encoding: str, word: str
) -> None:
    with pytest.raises(SourceError, match=r"control characters .* line 3 has .* declare cp1252"):
        read(tmp_path / "f", f"CODE,NAME\n01,a\n02,{word}\n".encode("cp1252"), encoding)


def test_bytes_that_the_encoding_does_not_have_name_their_line_and_another(tmp_path: Path) -> None:
    for content, encoding, message in (
        (b"CODE,NAME\n01,a\n02,ab\x81\n", "cp1252", r"line 3 has b'ab\\x81'.*'abü' in cp850"),
        (b"CODE,NAME\n01,a\n02,ab\xe9\n", "utf-8", r"line 3 has b'ab\\xe9'.*'abé' in cp1252"),
        (b"CODE,NAM\xc9\n01,a\n", "utf-8", r"line 1 has b'NAM\\xc9'.*'NAMÉ' in cp1252"),
    ):
        with pytest.raises(SourceError, match=message):
            read(tmp_path / "f", content, encoding)


@pytest.mark.parametrize("encoding", ["utf-16-le", "UTF16LE", "utf_16_be", "utf-16", "utf-32"])
def test_wide_encodings_are_read_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    names = ["Namur", "Besançon – Évreux"]
    assert read(tmp_path / "f", NAMES.encode(encoding.replace("16LE", "-16-le")), encoding) == names
    with pytest.raises(SourceError, match=r"declare utf-16-le|invalid|byte order mark"):
        read(tmp_path / "f", NAMES.encode(encoding.replace("16LE", "-16-le")), "utf-8")


@pytest.mark.parametrize(
    "spelling",
    (
        "utf8 UTF-8 utf_8 U8 utf-8-sig latin1 Latin-1 ISO-8859-1 iso8859_1 cp-1252 CP1252"
        " windows-1252 cp_1252 Windows-1252 mac-roman MacRoman iso88591 ISO885915 win1252 x-cp1252"
    ).split(),
)
def test_any_spelling_of_an_encoding_is_known(tmp_path: Path, spelling: str) -> None:
    assert read(tmp_path / "f", b"CODE,NAME\n01,abc\n", spelling) == ["abc"]


@pytest.mark.parametrize("spelling", ["ANSI", "hex", "base64", "rot13", "", "utf-9"])
def test_an_unknown_encoding_is_refused(tmp_path: Path, spelling: str) -> None:
    with pytest.raises(ConfigurationError, match="which is unknown: declare cp1252, say"):
        read(tmp_path / "f", b"CODE,NAME\n01,abc\n", spelling)


@pytest.mark.parametrize(
    ("mark", "encoding", "marked"),
    [
        (codecs.BOM_UTF8, "cp1252", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-8", "utf-16-le"),
        (codecs.BOM_UTF16_LE, "utf-16-be", "utf-16-le"),
        (codecs.BOM_UTF16_BE, "latin-1", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-16", "utf-32-le"),
    ],
)
def test_a_byte_order_mark_contradicts_a_declaration(
    tmp_path: Path, mark: bytes, encoding: str, marked: str
) -> None:
    with pytest.raises(SourceError, match=f"byte order mark of {marked}, .*: declare {marked}"):
        read(tmp_path / "f", mark + NAMES.encode(marked), encoding)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_letters_in_the_other_order_of_bytes_name_the_encoding(
    tmp_path: Path, encoding: str
) -> None:
    other = {"le": "be", "be": "le"}[encoding[-2:]]
    with pytest.raises(SourceError, match=f"other order of bytes: declare {encoding}"):
        read(tmp_path / "f", NAMES.encode(encoding), encoding[:-2] + other)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_half_a_wide_letter_is_told_with_its_line(tmp_path: Path, line_end: str) -> None:
    content = NAMES.replace("\n", line_end).encode("utf-16-le") + b"0\0003\0,\0\0\xd8,\0"
    with pytest.raises(SourceError, match=r"surrogate\): line 4 has .* look at the file"):
        read(tmp_path / "f", content, "utf-16-le")


@pytest.mark.parametrize("rows", [b"\n01,Namur\n", b"01,Namur\n02,Gent\n"], ids=["blank", "data"])
def test_a_first_row_without_headings_names_the_declaration_of_their_row(
    tmp_path: Path, rows: bytes
) -> None:
    with pytest.raises(SourceError, match="to the declaration, or correct `header_rows`"):
        read(tmp_path / "f", rows, "utf-8")
