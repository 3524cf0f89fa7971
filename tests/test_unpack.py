"""Taking one file out of every kind of archive a publisher sends, and refusing the dangerous
ones.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import py7zr
import pytest

from tasks.core.making.unpacking.archives import take_out
from tasks.core.making.unpacking.fixity import require_unchanged
from tasks.core.making.unpacking.limits import Limits
from tasks.core.model.columns import text
from tasks.core.model.declarations import Licence, Publisher, Source, Table
from tasks.core.model.errors import SourceError, WorkLost
from tasks.core.model.handles import Original
from tasks.running.site import site
from tasks.verbs.files import unpack_original

FIGURES = b"CD_REFNIS|MS_POPULATION\r\n01001|12\r\n"  # synthetic, in Statbel's format


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def sevenzipped(files: Mapping[str, bytes], password: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password) as archive:
        for name, content in files.items():
            archive.writestr(content, name)
    return buffer.getvalue()


def put(folder: Path, content: bytes, name: str = "0a1b2c") -> Path:
    """An archive under a name that says nothing of its kind, as in the content-addressed store."""
    path = folder / name
    path.write_bytes(content)
    return path


def tarred() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        facts = tarfile.TarInfo("figures.csv")
        facts.size = len(FIGURES)
        archive.addfile(facts, io.BytesIO(FIGURES))
    return written.getvalue()


@pytest.mark.parametrize("kind", ["tar", "tar in gzip", "bzip2", "xz"])
def test_an_archive_that_is_not_read_here_is_refused_and_no_data(tmp_path: Path, kind: str) -> None:
    contents = {
        "tar": tarred,
        "tar in gzip": lambda: gzip.compress(tarred()),
        "bzip2": lambda: bz2.compress(FIGURES),
        "xz": lambda: lzma.compress(FIGURES),
    }
    said = rf"packed by a method that is not read here \({kind.split()[0]}\): unpack it, pack what"
    with pytest.raises(SourceError, match=said):
        take_out(put(tmp_path, contents[kind]()), None, tmp_path / "out", name="figures.archive")


FILES = {"readme.pdf": b"%PDF", "data/figures.txt": FIGURES}


@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        sevenzipped,
        lambda files: zipped({"outer.zip": zipped(files)}),
        lambda files: sevenzipped({"x.zip": zipped(files), "readme.html": b"<p>"}),
        lambda files: gzip.compress(zipped(files)),
    ],
    ids=["zip", "7z", "zip in zip", "zip in 7z", "zip in gz"],
)
def test_the_member_is_found_in_every_container_by_its_bytes(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    name, path = take_out(put(tmp_path, pack(FILES)), "*.txt", tmp_path / "out")
    assert name.endswith("data/figures.txt")
    assert path == tmp_path / "out" / "figures.txt"
    assert path.read_bytes() == FIGURES
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["figures.txt"]


def test_a_single_compressed_file_takes_the_archives_name(tmp_path: Path) -> None:
    name, path = take_out(
        put(tmp_path, gzip.compress(FIGURES)), None, tmp_path / "out", name="figures.csv.gz"
    )
    assert (name, path.name, path.read_bytes()) == ("figures.csv", "figures.csv", FIGURES)


def test_a_plain_file_is_itself_under_its_own_name(tmp_path: Path) -> None:
    stored = put(tmp_path, FIGURES)
    name, path = take_out(stored, "*.anything", tmp_path / "out", name="figures.txt")
    assert (name, path.name, path.resolve()) == ("figures.txt", "figures.txt", stored.resolve())


@pytest.mark.parametrize("mark", ["[Content_Types].xml", "mimetype"])
def test_spreadsheets_are_not_unpacked_although_they_are_zip_files(
    tmp_path: Path, mark: str
) -> None:
    book = zipped({mark: b"", "xl/workbook.xml": b"<x/>"})
    _, path = take_out(put(tmp_path, book, "book"), None, tmp_path / "out")
    assert path.read_bytes() == book
    name, path = take_out(
        put(tmp_path, zipped({"book.xlsx": book, "note.txt": b""})), "*.xlsx", tmp_path / "out"
    )
    assert (name, path.read_bytes()) == ("book.xlsx", book)
    _, path = take_out(put(tmp_path, gzip.compress(book)), None, tmp_path / "out")
    assert path.read_bytes() == book


def test_zip64_members_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w") as archive,
        archive.open("figures.txt", "w", force_zip64=True) as member,
    ):
        member.write(FIGURES)
    assert (
        take_out(put(tmp_path, buffer.getvalue()), None, tmp_path / "out")[1].read_bytes()
        == FIGURES
    )


def test_a_folder_may_have_the_name_of_the_file_in_it(tmp_path: Path) -> None:
    packed = zipped(
        {
            "sectors.geojson/": b"",
            "sectors.geojson/sectors.geojson": b"{}",
            "sectors.geojson/readme.txt": b"",
        }
    )
    assert take_out(put(tmp_path, packed), "*.geojson", tmp_path / "out")[1].read_bytes() == b"{}"


def test_a_pattern_may_name_the_folders_inside(tmp_path: Path) -> None:
    packed = sevenzipped(
        {"C/1_DONNEES_2016/iris.shp": b"right", "C/2_METADONNEES/iris.shp": b"wrong"}
    )
    assert (
        take_out(put(tmp_path, packed), "*/1_DONNEES*/*.shp", tmp_path / "out")[1].read_bytes()
        == b"right"
    )


@pytest.mark.parametrize("pack", [zipped, sevenzipped])
def test_a_shapefile_brings_its_parts_and_counts_as_one(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    parts = {
        f"a/Iris{ending}": ending.encode()
        for ending in (".DBF", ".shp", ".shx", ".prj", ".cpg", ".shp.xml")
    }
    take_out(put(tmp_path, pack(parts)), None, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "Iris.DBF",
        "Iris.cpg",
        "Iris.prj",
        "Iris.shp",
        "Iris.shx",
    ]
    with pytest.raises(
        SourceError,
        match=(
            r"hold one file like '\*.shp'; a/Iris.shp, b/Iris.shp|it holds a/Iris.shp, b/Iris.shp"
        ),
    ):
        take_out(put(tmp_path, pack(parts | {"b/Iris.shp": b""})), "*.shp", tmp_path / "other")


def test_what_browsers_of_files_add_is_not_counted(tmp_path: Path) -> None:
    packed = zipped({"figures.txt": FIGURES, "__MACOSX/._figures.txt": b"", ".DS_Store": b""})
    assert take_out(put(tmp_path, packed), None, tmp_path / "out")[0] == "figures.txt"


def test_no_match_lists_thirty_members_and_their_number(tmp_path: Path) -> None:
    packed = zipped({f"{number:03}.csv": b"" for number in range(45)})
    with pytest.raises(
        SourceError,
        match=r"a file like '\*.shp'; it holds 000.csv, .*029.csv and 15 more \(45 in all\)",
    ):
        take_out(put(tmp_path, packed), "*.shp", tmp_path / "out")


def test_several_matches_are_listed_also_without_a_pattern(tmp_path: Path) -> None:
    packed = put(tmp_path, zipped({"a.csv": b"", "b.csv": b"", "c.txt": b""}))
    with pytest.raises(
        SourceError,
        match=r"one file like '\*.csv'; it holds a.csv, b.csv: declare a narrower pattern",
    ):
        take_out(packed, "*.csv", tmp_path / "out")
    with pytest.raises(
        SourceError, match=r"none was asked for by a pattern; it holds a.csv, b.csv, c.txt"
    ):
        take_out(packed, None, tmp_path / "out")
    with pytest.raises(SourceError, match=r"it holds one.zip/a.csv, two.zip/b.csv"):
        take_out(
            put(
                tmp_path,
                zipped({"one.zip": zipped({"a.csv": b""}), "two.zip": zipped({"b.csv": b""})}),
            ),
            "*.csv",
            tmp_path / "out",
        )


@pytest.mark.parametrize(
    "name",
    ["../figures.txt", "/figures.txt", "a/../../figures.txt", "C:/figures.txt", "..\\figures.txt"],
)
def test_no_path_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SourceError, match=r"has (an absolute path|a path that leaves its folder).*not unpacked"
    ):
        take_out(put(tmp_path, zipped({name: FIGURES})), "*.txt", tmp_path / "out")
    assert {path.name for path in tmp_path.rglob("*")} == {"0a1b2c", "out"}


def test_a_symbolic_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("figures.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr(link, "/etc/hostname")
    with pytest.raises(SourceError, match="is a symbolic link"):
        take_out(tmp_path / "z", None, tmp_path / "out")


@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        sevenzipped,
        lambda files: gzip.compress(files["a.csv"]),
        lambda files: zipped({"in.zip": zipped(files)}),
    ],
)
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(total=500_000), "more than 500,000 bytes, the limit"),
        (Limits(ratio=100, ratio_from=100_000), "more than 100 times .* archive bomb"),
    ],
)
def test_a_bomb_is_stopped_and_leaves_nothing(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes], limits: Limits, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        take_out(
            put(tmp_path, pack({"a.csv": bytes(3_000_000)})), "*.csv", tmp_path / "out", limits
        )
    assert not list((tmp_path / "out").iterdir())


def test_a_size_that_lies_does_not_pass_the_limit(tmp_path: Path) -> None:
    packed = bytearray(zipped({"a.csv": bytes(3_000_000)}))
    for mark, offset in (
        (b"PK\x03\x04", 22),
        (b"PK\x01\x02", 24),
    ):  # the unpacked size in both headers
        struct.pack_into("<I", packed, packed.index(mark) + offset, 10)
    with pytest.raises(SourceError, match=r"damaged|more than"):
        take_out(put(tmp_path, bytes(packed)), None, tmp_path / "out", Limits(total=1_000_000))


@pytest.mark.parametrize("pack", [zipped, sevenzipped])
def test_too_many_members_are_refused(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    with pytest.raises(SourceError, match="lists more than 5 files"):
        take_out(
            put(tmp_path, pack({f"{number}.csv": b"1" for number in range(6)})),
            "1.csv",
            tmp_path / "out",
            Limits(members=5),
        )


def test_archives_inside_archives_end_somewhere(tmp_path: Path) -> None:
    packed = zipped({"a.csv": FIGURES})
    for _ in range(4):
        packed = zipped({"a.zip": packed})
    with pytest.raises(SourceError, match="more than 3 deep"):
        take_out(put(tmp_path, packed), "*.csv", tmp_path / "out")


def test_an_encrypted_zip_and_7z_are_named_as_such(tmp_path: Path) -> None:
    packed = bytearray(zipped({"a.csv": FIGURES}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # bit 0 of the flags
        packed[packed.index(mark) + offset] |= 1
    for content in (bytes(packed), sevenzipped({"a.csv": FIGURES}, password="secret")):
        with pytest.raises(SourceError, match="is encrypted, while open data have no password"):
            take_out(put(tmp_path, content), "*.csv", tmp_path / "out")


NOISE = hashlib.shake_256(b"synthetic").digest(200_000)


@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        sevenzipped,
        lambda files: gzip.compress(files["a.csv"]),
    ],
    ids=["zip", "7z", "gz"],
)
def test_damage_is_found_and_leaves_nothing(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    packed = pack({"a.csv": NOISE})
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    for content in (bytes(flipped), packed[: len(packed) // 2], packed[:40]):
        with pytest.raises(SourceError, match=r"the-archive is damaged \(.+\): run the flow again"):
            take_out(put(tmp_path, content), "a.csv", tmp_path / "out", name="the-archive")
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_failure_keeps_the_file_of_an_earlier_success(tmp_path: Path) -> None:
    packed = zipped({"a.csv": NOISE})
    take_out(put(tmp_path, packed), None, tmp_path / "out")
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    with pytest.raises(SourceError):
        take_out(put(tmp_path, bytes(flipped)), None, tmp_path / "out")
    assert (tmp_path / "out" / "a.csv").read_bytes() == NOISE


@pytest.mark.real
def test_the_real_7z_of_the_iris_gives_one_departement(tmp_path: Path, real_files: Path) -> None:
    archive = real_files / "france/contours-iris_2016_59_departements.7z"
    name, path = take_out(archive, "*/1_DONNEES*/contours-iris_07.geojson", tmp_path / "out")
    assert name == "CONTOURS-IRIS/1_DONNEES_LIVRAISON_2016/contours-iris_07.geojson"
    assert path.read_bytes().count(b'"CODE_IRIS"') > 300
    with pytest.raises(SourceError, match=r"and 29 more \(59 in all\)"):
        take_out(archive, "*.geojson", tmp_path / "out")


@pytest.mark.real
def test_the_real_shapefile_of_lyon_comes_with_its_parts(tmp_path: Path, real_files: Path) -> None:
    take_out(real_files / "france/iris_lyon_2012_lamb93.shp.zip", None, tmp_path / "out")
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {
        ".shp",
        ".shx",
        ".dbf",
        ".prj",
        ".cpg",
    }


def archived(
    content: bytes, folder: Path, member: str | None = None, title: str = "Figures"
) -> Original:
    """An original in the session's archive, of a made-up source."""
    sha256 = hashlib.sha256(content).hexdigest()
    site().archive.originals.put(put(folder, content, "received"), sha256)
    source = Source(
        slug="testland-figures",
        vintage=2020,
        title=title,
        publisher=Publisher(slug="p", name="P", url="https://example.org"),
        licence=Licence(slug="l", title="L", url="https://example.org", attribution="P"),
        landing_page="https://example.org",
        urls=(),
        container="zip",
        reads=Table(columns={"code": text("CODE")}),
        reference_date=date(2020, 1, 1),
        released="2020",
        confidence="high",
        member=member,
    )
    now = datetime(2020, 1, 1, tzinfo=UTC)
    return Original(
        source=source,
        sha256=sha256,
        size=len(content),
        url="https://example.org/a%20b.zip?x=1",
        retrieved_at=now,
        state="new",
    )


def test_unpack_gives_a_handle_on_the_file_that_the_source_means(tmp_path: Path) -> None:
    original = archived(zipped(FILES), tmp_path, member="*.txt")
    (file,) = unpack_original.fn(original)
    assert (file.original, file.name, file.size, Path(file.path).read_bytes()) == (
        original,
        "data/figures.txt",
        len(FIGURES),
        FIGURES,
    )
    assert unpack_original.fn(archived(FIGURES, tmp_path))[0].name == "a b.zip"


def test_unpack_is_cached_until_its_file_is_gone_or_its_declaration_changes(
    prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import flow
    from prefect.client.schemas.objects import State
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    original = archived(zipped(FILES), tmp_path, member="*.txt")
    renamed = archived(zipped(FILES), tmp_path, member="*.txt", title="Figures, corrected")

    @flow
    def asks() -> list[str]:
        states: list[State] = []

        def ask(which: Original) -> Path:
            states.append(unpack_original(which, return_state=True))
            return Path(states[-1].result()[0].path)

        path = ask(original)
        assert ask(original) == path
        path.unlink()
        assert unpack_original.submit(original).result()[0].path == str(path)
        assert path.read_bytes() == FIGURES
        ask(original)
        assert ask(renamed) == path
        assert states[-1].result()[0].original.source.title == "Figures, corrected"
        return [state.name for state in states]

    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results"}):
        assert asks() == ["Completed", "Cached", "Cached", "Completed"]


def changed(path: Path) -> None:
    """Change one byte where neither the length nor the time of the last change tells."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


SHAPE = {"a.shp": b"shapes", "a.dbf": b"figures", "a.prj": b"reference"}
UNPACKED = {
    "one of a zip": (zipped(FILES), "*.txt", "figures.txt"),
    "the figures of a Shapefile": (zipped(SHAPE), "*.shp", "a.dbf"),
    "one of a 7z": (sevenzipped(FILES), "*.txt", "figures.txt"),
    "a plain file": (FIGURES, None, "a b.zip"),
}


@pytest.mark.parametrize("case", UNPACKED)
def test_a_file_that_was_changed_where_it_was_unpacked_is_not_used(
    tmp_path: Path, case: str
) -> None:
    content, member, name = UNPACKED[case]
    (file,) = unpack_original.fn(archived(content, tmp_path, member=member))
    require_unchanged(file)
    path = Path(file.path).with_name(name).resolve()
    path.chmod(0o644)
    changed(path)
    with pytest.raises(WorkLost, match=rf"The file {name} of .* was changed there since"):
        require_unchanged(file)
    path.unlink()
    with pytest.raises(WorkLost, match="run again, which unpacks it anew"):
        require_unchanged(file)


def test_a_handle_without_a_hash_proves_nothing(tmp_path: Path) -> None:
    (file,) = unpack_original.fn(archived(zipped(FILES), tmp_path, member="*.txt"))
    with pytest.raises(WorkLost):
        require_unchanged(replace(file, digests={}))


def test_a_kept_result_is_used_only_while_it_and_its_files_are_as_they_were(
    prefect_server: None, tmp_path: Path
) -> None:
    from prefect import flow
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    original, results = archived(zipped(SHAPE), tmp_path, member="*.shp"), tmp_path / "results"

    def damage_record() -> None:
        (record,) = (each for each in results.iterdir() if "unpack" in each.name)
        record.write_bytes(record.read_bytes()[:-40])

    @flow
    def asks() -> list[str]:
        names, folder = [], Path()
        harms = [
            lambda: None,
            lambda: changed(folder / "a.shp"),
            lambda: changed(folder / "a.dbf"),
            lambda: (folder / "a.prj").unlink(),
            damage_record,
        ]
        for harm in (lambda: None, *harms):
            harm()
            state = unpack_original(original, return_state=True)
            folder = Path(state.result()[0].path).parent
            assert {each.name: each.read_bytes() for each in folder.iterdir()} == SHAPE
            names.append(state.name)
        return names

    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: results}):
        assert asks() == ["Completed", "Cached", *["Completed"] * 4]
