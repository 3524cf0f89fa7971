"""Zip files as programs really write them: every method, every way to write a name, and lies."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import inflate64
import py7zr
import pytest
from backports import zstd

from tasks.core.making.tables.delimited import Delimited
from tasks.core.making.unpacking.archives import find_packed, take_all, take_out
from tasks.core.making.unpacking.limits import Limits
from tasks.core.making.unpacking.zips import open_packed
from tasks.core.model.columns import text
from tasks.core.model.declarations import Table
from tasks.core.model.errors import Damaged, SourceError

ROWS = b"CODE;POP\n" + b"".join(b"%05d;%d\n" % (number, number**2) for number in range(40_000))


def deflated64(content: bytes) -> bytes:
    deflater = inflate64.Deflater()
    return bytes(deflater.deflate(content) + deflater.flush())


def packed(
    content: bytes,
    method: int,
    pack: Callable[[bytes], bytes],
    name: bytes = b"figures.csv",
    *,
    crc: int | None = None,
    size: int | None = None,
    flags: int = 0,
) -> bytes:
    """A zip file of one entry, written byte by byte: Python's zipfile lacks the methods."""
    body = pack(content)
    crc = zlib.crc32(content) if crc is None else crc
    size = len(content) if size is None else size
    facts = struct.pack("<HHHHHIIIHH", 45, flags, method, 0, 33, crc, len(body), size, len(name), 0)
    local = b"PK\x03\x04" + facts + name
    entry = b"PK\x01\x02" + struct.pack("<H", 45) + facts
    entry += struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local) + len(body), 0)
    return local + body + entry + b"PK\x05\x06" + end


METHODS = {
    "stored": (0, lambda content: content),
    "Deflate64": (9, deflated64),
    "Zstandard": (93, zstd.compress),
}


def put(folder: Path, content: bytes) -> Path:
    path = folder / "original"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "content", [ROWS, b"CODE;POP\n", b"a" * 5_000_000], ids=["rows", "one", "a"]
)
def test_methods_that_python_lacks_are_read_unpacked_and_packed(
    tmp_path: Path, method: str, content: bytes
) -> None:
    archive = put(tmp_path, packed(content, *METHODS[method]))
    _, path = take_out(archive, None, tmp_path / "out")
    assert path.read_bytes() == content
    with open_packed(archive, find_packed(archive, "*.csv")) as stream:
        assert hashlib.file_digest(stream, "sha256").digest() == hashlib.sha256(content).digest()


def test_a_packed_table_of_deflate64_is_read_as_a_stream(tmp_path: Path) -> None:
    archive = put(tmp_path, packed(ROWS, *METHODS["Deflate64"]))
    reads = Table(columns={"code": text("CODE"), "pop": text("POP")}, delimiter=";")
    table = Delimited(archive, reads, "figures.csv", find_packed(archive, None))
    populations = [block.cells[1] for block in table.blocks({0: "code", 1: "pop"})]
    assert sum(map(len, populations)) == 40_000
    assert populations[-1][-1].as_py() == str(39_999**2)


@pytest.mark.parametrize("method", ["Deflate64", "Zstandard"])
@pytest.mark.parametrize("fault", ["checksum", "size", "cut", "bytes"])
def test_damage_is_found_in_every_method(tmp_path: Path, method: str, fault: str) -> None:
    number, pack = METHODS[method]
    whole = pack(ROWS)
    wrong = {
        "checksum": lambda: packed(ROWS, number, pack, crc=1),
        "size": lambda: packed(ROWS, number, pack, size=len(ROWS) + 10),
        "cut": lambda: packed(ROWS, number, lambda _: whole[: len(whole) // 2]),
        "bytes": lambda: packed(ROWS, number, lambda _: whole[:9_000] + bytes(64) + whole[9_064:]),
    }
    archive = put(tmp_path, wrong[fault]())
    with pytest.raises(Damaged, match=r"is damaged \(.+\): run the flow again"):
        take_out(archive, None, tmp_path / "out", name="figures.zip")
    assert not list((tmp_path / "out").glob("*.csv"))


def test_an_entry_that_states_more_bytes_than_it_has_is_damaged(tmp_path: Path) -> None:
    def deflated(content: bytes) -> bytes:
        deflater = zlib.compressobj(wbits=-15)
        return deflater.compress(content) + deflater.flush()

    archive = put(tmp_path, packed(ROWS, 8, deflated, size=len(ROWS) + 7))
    with pytest.raises(Damaged, match=r"figures\.csv states .* bytes and has"):
        take_out(archive, None, tmp_path / "out")


@pytest.mark.parametrize("method", [1, 6, 19, 96, 97, 98])
def test_any_other_method_is_refused_in_one_sentence_with_a_door(
    tmp_path: Path, method: int
) -> None:
    archive = put(tmp_path, packed(ROWS, method, lambda content: content))
    said = r"packed by a method that is not read here .*GEODATA_INBOX names .*GEODATA_INBOX_FIRST\."
    with pytest.raises(SourceError, match=said):
        take_out(archive, None, tmp_path / "out")
    with pytest.raises(SourceError, match=said), open_packed_as_reader(archive):
        pass


def open_packed_as_reader(archive: Path) -> Delimited:
    reads = Table(columns={"code": text("CODE")}, delimiter=";")
    return Delimited(archive, reads, "figures.csv", "figures.csv")  # type: ignore[return-value]


def windows(*names: str) -> bytes:
    """A zip as old .NET programs write it; a name that ends in a back slash is a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"" if name.endswith("\\") else ROWS)
    return buffer.getvalue()


@pytest.mark.parametrize("pattern", [None, "*.csv", "data/*.csv", "a.csv"])
def test_back_slashes_are_folders(tmp_path: Path, pattern: str | None) -> None:
    archive = put(tmp_path, windows("data\\", "data\\a.csv"))
    name, path = take_out(archive, pattern, tmp_path / "out")
    assert (name, path.name, path.read_bytes()) == ("data/a.csv", "a.csv", ROWS)
    found = find_packed(archive, pattern)
    reads = Table(columns={"code": text("CODE")}, delimiter=";")
    assert Delimited(archive, reads, "a.csv", found).headings == ["CODE", "POP"]


@pytest.mark.parametrize(
    ("name", "flags"),
    [("é.csv".encode("cp437"), 0), ("é.csv".encode(), 0), ("é.csv".encode(), 0x800)],
    ids=["cp437", "UTF-8 unsaid", "UTF-8"],
)
def test_names_beyond_ascii_are_found(tmp_path: Path, name: bytes, flags: int) -> None:
    archive = put(tmp_path, packed(ROWS, *METHODS["stored"], name, flags=flags))
    assert take_out(archive, "é.csv", tmp_path / "out")[0] == "é.csv"
    with open_packed(archive, find_packed(archive, "é*")) as stream:
        assert stream.read() == ROWS


@pytest.mark.parametrize("name", ["/a.csv", "..\\a.csv", "x/../../a.csv", "C:\\a.csv"])
def test_a_name_that_leaves_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    for take in (take_out, take_all):
        with pytest.raises(SourceError, match="it was not unpacked; look at what the publisher"):
            take(put(tmp_path, windows(name)), "*.csv", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((f"a{each}b.csv".encode(), "control characters") for each in "\n\r\x1b\x7f\x85\u2028"),
        *((each * 252 + b".csv", "more than 255 bytes") for each in (b"a", "é".encode())),
        (b"d/" + b"e" * 300 + b"/" + b"a" * 300 + b".csv", "more than 255 bytes"),
    ],
)
def test_a_name_that_no_folder_bears_is_refused(tmp_path: Path, name: bytes, reason: str) -> None:
    path = put(tmp_path, packed(ROWS, *METHODS["stored"], name, flags=0x800))
    for take in (take_out, take_all):
        with pytest.raises(SourceError, match=reason) as caught:
            take(path, "*.csv", tmp_path / "out")
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 400
    with pytest.raises(SourceError, match="it holds") as caught:
        take_out(path, "*.txt", tmp_path / "out")
    assert str(caught.value).isprintable()
    assert take_out(put(tmp_path, windows("a" * 251 + ".csv")), None, tmp_path / "out")


def test_a_name_that_is_no_text_is_damage(tmp_path: Path) -> None:
    path = put(tmp_path, packed(ROWS, *METHODS["stored"], b"a\xff.csv", flags=0x800))
    for take in (take_out, take_all, lambda path, pattern, _: find_packed(path, pattern)):
        with pytest.raises(Damaged):
            take(path, "*.csv", tmp_path / "out")


def test_hostile_names_in_a_7z_are_refused(tmp_path: Path) -> None:
    """The letter Z becomes half a letter, or a control character, in a 7z with its sums right."""
    for letter, error in ((b"\x00\xd8", Damaged), (b"\x1b\x00", SourceError)):
        path = tmp_path / "a.7z"
        with py7zr.SevenZipFile(path, "w") as archive:
            archive.set_encoded_header_mode(False)
            archive.writestr(ROWS, "aZ.csv")
        content = path.read_bytes()
        start, size = struct.unpack("<QQ", content[12:28])
        header = content[32 + start :].replace(b"a\x00Z\x00", b"a\x00" + letter)
        front = struct.pack("<QQI", start, size, zlib.crc32(header))
        signed = content[:8] + struct.pack("<I", zlib.crc32(front)) + front
        path.write_bytes(signed + content[32 : 32 + start] + header)
        with pytest.raises(error):
            take_out(path, "*.csv", tmp_path / "out")


@pytest.mark.parametrize("names", [("a.csv", "a.csv"), ("d/a.csv", "d\\a.csv")])
def test_two_entries_of_one_name_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # Python's of the second name
        for name in names:
            archive.writestr(name, ROWS)
    path = put(tmp_path, buffer.getvalue())
    for find in (
        lambda: take_out(path, "a.csv", tmp_path / "out"),
        lambda: find_packed(path, None),
    ):
        with pytest.raises(SourceError, match=r"it holds .*a\.csv, .*a\.csv: declare a narrower"):
            find()


def test_a_part_of_a_split_zip_is_refused(tmp_path: Path) -> None:
    whole = bytearray(packed(ROWS, *METHODS["stored"]))
    whole[-18:-14] = struct.pack("<HH", 2, 2)
    with pytest.raises(SourceError, match=r"not read here \(a zip split over 3 files\)"):
        take_out(put(tmp_path, bytes(whole)), None, tmp_path / "out")


def test_an_empty_zip_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="it holds nothing"):
        take_out(put(tmp_path, windows()), None, tmp_path / "out")


def test_files_are_counted_over_all_archives_inside(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.zip", windows("b.txt"))
    path = put(tmp_path, buffer.getvalue())
    with pytest.raises(SourceError, match="lists more than 30 files, the limit"):
        take_out(path, "*.csv", tmp_path / "out", Limits(members=30))


@pytest.mark.parametrize("pattern", ["areas*", "areas.*", None, "*"])
@pytest.mark.parametrize(
    ("beside", "taken"),
    [
        (("areas.SHP", "areas.dbf", "areas.sbn", "areas.shp.xml"), {"areas.SHP", "areas.dbf"}),
        (("areas.gml", "areas.xsd"), {"areas.gml", "areas.xsd"}),
    ],
)
def test_the_parts_of_a_file_count_as_one(
    tmp_path: Path, pattern: str | None, beside: tuple[str, ...], taken: set[str]
) -> None:
    _, path = take_out(put(tmp_path, windows(*beside)), pattern, tmp_path / "out")
    assert re.fullmatch(r"areas\.(SHP|gml)", path.name)
    assert {each.name for each in (tmp_path / "out").iterdir()} == taken


def test_a_part_alone_is_found_by_its_own_pattern(tmp_path: Path) -> None:
    archive = put(tmp_path, windows("areas.shp", "areas.dbf", "areas.gml", "areas.xsd"))
    for pattern in ("*.dbf", "*.xsd"):
        assert take_out(archive, pattern, tmp_path / "out")[1].suffix == pattern[1:]
