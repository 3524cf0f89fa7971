"""What arrives: content codings undone, text without an end doubted, the inbox before the
publisher, and originals that prove unusable asked for afresh.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import brotli
import pytest
from backports import zstd
from faulty_server import FaultyServer, coded, endless, running, status, whole

from tasks.core.model.columns import integer, text
from tasks.core.model.declarations import Licence, Publisher, Source, Table
from tasks.core.model.errors import ConfigurationError, Damaged, SourceError
from tasks.core.model.handles import Original, Retrieval, Staging
from tasks.core.postgres.database import Database
from tasks.core.upstream import http
from tasks.running import steps
from tasks.running.site import site
from tasks.verbs import originals
from tasks.verbs.files import unpack_original
from tasks.verbs.tables import load_table

TEXT = b"code;people\n" + b"".join(b"%05d;%d\n" % (each, 7 * each) for each in range(5_000))
SOURCE = Source(
    slug="xx-arrivals",
    vintage=2025,
    title="Arrivals (synthetic)",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(slug="open", title="Open", url="", attribution="Source: an office"),
    landing_page="https://office.example/arrivals",
    urls=(),
    container="text",
    reads=Table(columns={"code": text("code"), "people": integer("people")}, delimiter=";"),
    reference_date=date(2025, 1, 1),
    released="2025-02-01",
    confidence="high",
)


class Office:
    """A publisher with every fault, and what was said aloud on our side."""

    def __init__(self, server: FaultyServer) -> None:
        self.server, self.source = server, SOURCE
        self.loud: list[str] = []

    def answers(self, *steps: Any) -> None:
        url = self.server.script("/arrivals", *steps)
        self.source = replace(self.source, urls=(url,))

    def fetched(self) -> tuple[Retrieval, Original]:
        retrieval = originals.download.fn(self.source)
        return retrieval, originals.archive.fn(retrieval)

    def content(self) -> bytes:
        _, original = self.fetched()
        return site().archive.originals.fetch(original.sha256).read_bytes()

    def read(self) -> bytes:
        """Fetch and unpack the one file."""
        (file,) = unpack_original.fn(self.fetched()[1])
        return Path(file.path).read_bytes()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[Office]:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(tmp_path / "replica"))
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    with running() as server:
        found = Office(server)
        monkeypatch.setattr(
            steps,
            "log",
            lambda level, sentence: (
                found.loud.append(sentence) if level >= logging.WARNING else None
            ),
        )
        yield found


def raw_deflate(content: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(content) + deflater.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "two members": ("gzip", lambda c: gzip.compress(c[:99]) + gzip.compress(c[99:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstd.compress),
    "zstd in frames": ("zstd", lambda c: zstd.compress(c[:99]) + zstd.compress(c[99:])),
}


@pytest.mark.parametrize("content", [TEXT, b"code;people\n" + b"1;1\n" * 900_000], ids=["", "4 MB"])
@pytest.mark.parametrize(("coding", "pack"), CODINGS.values(), ids=CODINGS)
def test_a_coding_that_the_header_states_is_undone(
    office: Office, coding: str, pack: Callable[[bytes], bytes], content: bytes
) -> None:
    office.answers(coded(pack(content), coding))
    retrieval, original = office.fetched()
    assert (original.sha256, original.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert retrieval.headers["content-encoding"] == coding


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "identity", "x-own"])
def test_a_coding_that_the_bytes_do_not_have_is_passed_over(office: Office, coding: str) -> None:
    office.answers(coded(TEXT, coding))
    assert office.content() == TEXT


def test_a_declared_gzip_stays_as_it_is(office: Office) -> None:
    packed = gzip.compress(TEXT)
    office.source = replace(office.source, container="gzip")
    office.answers(coded(packed, "gzip"))
    assert office.content() == packed


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_body_that_ends_within_its_coding_is_truncated(office: Office, coding: str) -> None:
    packed = CODINGS[coding][1](TEXT)
    office.answers(coded(packed[: len(packed) // 2], coding))
    with pytest.raises(SourceError, match=rf"is invalid: .* it is truncated: its coding {coding}"):
        office.fetched()


def test_a_coded_body_is_resumed_where_it_broke(office: Office) -> None:
    packed = gzip.compress(os.urandom(10) + TEXT)
    office.source = replace(office.source, reads=Table(columns={}, encoding="latin-1"))
    packed = gzip.compress(TEXT)

    def first(handler: Any) -> int:
        handler.begin(200, ETag='"1"', Content_Encoding="gzip", Content_Length=len(packed))
        handler.wfile.write(packed[:1000])
        handler.close_connection = True
        return 1000

    def rest(handler: Any) -> int:
        span = f"bytes 1000-{len(packed) - 1}/{len(packed)}"
        length = len(packed) - 1000
        handler.begin(206, Content_Encoding="gzip", Content_Range=span, Content_Length=length)
        handler.wfile.write(packed[1000:])
        return length

    office.answers(first, rest)
    assert office.content() == TEXT
    assert office.server.asked[-1].headers["range"] == "bytes=1000-"


def test_text_without_an_end_is_asked_for_again_and_compared(office: Office) -> None:
    office.answers(endless(TEXT[:-3]), endless(TEXT))
    assert office.content() == TEXT
    assert (len(office.server.asked), office.loud) == (2, [])


def test_text_that_always_ends_within_a_line_is_kept_with_a_warning(office: Office) -> None:
    office.answers(endless(TEXT[:-3]))
    retrieval, original = office.fetched()
    assert (retrieval.state, original.size) == ("new", len(TEXT) - 3)
    assert any("may not be whole: the server did not say how long" in said for said in office.loud)
    (manifest,) = [each for _, each in site().archive.documents.read_all("manifests")]
    assert "asked again, the publisher sent the same bytes" in manifest["detail"]
    assert not any("Correct its urls" in said for said in office.loud)


def test_text_that_ends_elsewhere_each_time_is_refused(office: Office) -> None:
    office.answers(*(endless(TEXT[:-size]) for size in (3, 30, 301)))
    with pytest.raises(SourceError, match=r"is invalid: .*ended elsewhere each of 3 times"):
        office.fetched()


@pytest.mark.parametrize("body", [TEXT, TEXT.replace(b"\n", b"\r"), TEXT.replace(b"\n", b"\r\n")])
def test_text_that_ends_with_a_line_is_not_doubted(office: Office, body: bytes) -> None:
    office.answers(endless(body))
    assert office.content() == body
    assert len(office.server.asked) == 1


def test_a_stated_length_leaves_no_doubt(office: Office) -> None:
    office.answers(whole(TEXT[:-1]))
    assert office.content() == TEXT[:-1]
    assert (len(office.server.asked), office.loud) == (1, [])


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("figures.csv"), content, method)
    return buffer.getvalue()


def damaged(content: bytes) -> bytes:
    """A zip of the right size, beginning and end, with wrong bytes in the middle."""
    whole = bytearray(zipped(content))
    whole[2_000:2_010] = bytes(10)
    return bytes(whole)


@pytest.fixture
def zips(office: Office) -> Office:
    office.source = replace(office.source, container="zip", member="*.csv")
    return office


def conditions(office: Office) -> list[bool]:
    return ["if-none-match" in asked.headers for asked in office.server.asked]


def test_a_damaged_original_is_asked_for_afresh_and_heals(zips: Office) -> None:
    zips.answers(whole(damaged(TEXT), etag='"1"'))
    with pytest.raises(Damaged, match=r"is damaged .*: run the flow again"):
        zips.read()
    zips.answers(whole(zipped(TEXT), etag='"1"'))
    assert zips.read() == TEXT
    assert conditions(zips) == [False, False]
    assert "proved unusable on" in zips.loud[0]
    assert "the publisher is asked for the file anew" in zips.loud[0]
    assert zips.read() == TEXT
    assert conditions(zips) == [False, False, True]  # a sound original answers again
    kept = {original.sha256 for original in site().archive.manifests.all()}
    assert kept == {hashlib.sha256(body).hexdigest() for body in (damaged(TEXT), zipped(TEXT))}
    assert all(site().archive.originals.exists(sha256) for sha256 in kept)


def test_the_same_damaged_file_again_is_told_and_heals_later(zips: Office) -> None:
    zips.answers(whole(damaged(TEXT), etag='"1"'))
    with pytest.raises(Damaged):
        zips.read()
    for _ in range(2):
        with pytest.raises(
            Damaged, match=r"asked afresh, the publisher still sends the same damaged file .*INBOX"
        ):
            zips.read()
    assert conditions(zips) == [False] * 3
    zips.answers(whole(zipped(TEXT), etag='"2"'))
    assert zips.read() == TEXT


def test_damage_found_while_a_packed_table_is_loaded_heals_as_well(
    zips: Office, staging: Staging
) -> None:
    zips.source = replace(zips.source, packed=True)
    for body in (damaged(TEXT), zipped(TEXT)):
        zips.answers(whole(body, etag='"1"'))
        (file,) = unpack_original.fn(zips.fetched()[1])
        if body == damaged(TEXT):
            with pytest.raises(Damaged):
                load_table.fn(staging, file, "arrivals")
        else:
            assert load_table.fn(staging, file, "arrivals") == 5_000
    assert conditions(zips) == [False, False]


def test_a_damaged_original_does_not_stand_in(
    zips: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    zips.answers(whole(damaged(TEXT), etag='"1"'))
    with pytest.raises(Damaged):
        zips.read()
    zips.answers(status(404))
    with pytest.raises(SourceError, match=r"proved unusable on .* no other is left to stand in"):
        zips.read()
    monkeypatch.setenv("GEODATA_UPSTREAM", "archive")
    with pytest.raises(SourceError, match=r"proved unusable .*unset GEODATA_UPSTREAM"):
        zips.read()


def test_an_older_sound_original_stands_in_for_a_damaged_one(zips: Office) -> None:
    zips.answers(whole(zipped(TEXT), etag='"1"'))
    assert zips.read() == TEXT
    newer = TEXT + b"99999;1\n" * 9_000
    zips.answers(whole(damaged(newer), etag='"2"'))
    with pytest.raises(Damaged):
        zips.read()
    zips.answers(status(404))
    assert zips.read() == TEXT
    zips.answers(whole(zipped(newer), etag='"2"'))
    assert zips.read() == newer


def test_the_size_of_a_damaged_original_is_no_measure(zips: Office) -> None:
    large = os.urandom(9_000) * 3
    body = bytearray(zipped(large, zipfile.ZIP_STORED))
    body[2_000:2_010] = bytes(10)
    zips.answers(whole(bytes(body)))
    with pytest.raises(Damaged):
        zips.read()
    zips.answers(whole(zipped(TEXT[:3_000])))
    assert zips.read() == TEXT[:3_000]


def test_a_proof_is_in_every_location_and_known_without_a_catalog(zips: Office) -> None:
    zips.answers(whole(damaged(TEXT)))
    with pytest.raises(Damaged):
        zips.read()
    for location in site().archive.locations.all:
        (name,) = location.names("unusable")
        assert hashlib.sha256(damaged(TEXT)).hexdigest() in name
    assert site().archive.originals.latest(zips.source) is None


def test_a_wrong_declaration_proves_nothing(zips: Office) -> None:
    zips.answers(whole(zipped(TEXT), etag='"1"'))
    zips.source = replace(zips.source, member="*.txt")
    with pytest.raises(SourceError, match="was expected to hold a file like"):
        zips.read()
    zips.source = replace(zips.source, member="*.csv")
    assert zips.read() == TEXT
    assert conditions(zips) == [False, True]


@pytest.mark.parametrize(
    "body",
    [gzip.compress(TEXT)[:-4], gzip.compress(TEXT)[:-8] + bytes(8)],
    ids=["cut", "another checksum"],
)
def test_a_cut_or_wrong_gzip_proves_it(office: Office, body: bytes) -> None:
    office.source = replace(office.source, container="gzip")
    office.answers(whole(body, etag='"1"'))
    with pytest.raises(Damaged):
        office.read()
    office.answers(whole(gzip.compress(TEXT), etag='"1"'))
    assert office.read() == TEXT


def inbox(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> Path:
    place = folder / "inbox"
    place.mkdir(exist_ok=True)
    if content is not None:
        (place / "xx-arrivals-2025.text").write_bytes(content)
    monkeypatch.setenv("GEODATA_INBOX", str(place))
    return place


@pytest.mark.parametrize("said", ["declared", "xx-arrivals", "other xx-arrivals-2025"])
def test_a_file_in_the_inbox_is_taken_before_the_publisher(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    office.answers(whole(TEXT * 3))
    office.fetched()
    inbox(tmp_path, monkeypatch, TEXT)  # less than half: a person chose it
    assert office.content() == TEXT * 3
    if said == "declared":
        office.source = replace(office.source, inbox_first=True)
    else:
        monkeypatch.setenv("GEODATA_INBOX_FIRST", said)
    asked = len(office.server.asked)
    retrieval, original = office.fetched()
    assert (retrieval.state, original.sha256) == ("changed", hashlib.sha256(TEXT).hexdigest())
    assert len(office.server.asked) == asked
    assert office.fetched()[0].state == "unchanged"
    assert (original.source.mirror, office.loud) == ("", [])


def test_an_inbox_without_the_file_lets_the_publisher_be_asked(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox(tmp_path, monkeypatch, None)
    office.answers(whole(TEXT))
    office.source = replace(office.source, inbox_first=True)
    assert office.fetched()[0].state == "new"
    assert office.loud == []
    monkeypatch.setenv("GEODATA_INBOX_FIRST", "xx-arrivals")
    assert office.fetched()[0].state == "unchanged"
    assert (
        "xx-arrivals-2025.text of the inbox, which was to be taken first, is gone" in office.loud[0]
    )


def test_a_file_in_the_inbox_is_checked_like_any(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox(tmp_path, monkeypatch, b"<html><title>Sign in</title>")
    office.answers(whole(TEXT))
    office.source = replace(office.source, inbox_first=True)
    assert office.content() == TEXT
    assert "is invalid (it is an HTML page titled 'Sign in'" in office.loud[0]


def test_an_inbox_to_be_asked_first_must_be_set(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_INBOX_FIRST", "xx-arrivals")
    office.answers(whole(TEXT))
    with pytest.raises(ConfigurationError, match="a folder was expected in GEODATA_INBOX, found"):
        office.fetched()


def test_nothing_is_written_beside_the_originals(zips: Office) -> None:
    zips.answers(whole(zipped(TEXT)))
    zips.read()
    there = sorted(site().archive.locations.all[0].names("originals"))
    zips.read()
    assert sorted(site().archive.locations.all[0].names("originals")) == there
