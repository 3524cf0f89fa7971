"""From a publisher with every fault to the archive and the catalog: the states of an upstream and
what stands in.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas
import pytest
from faulty_server import FaultyServer, cut, running, status, trickle, whole

from tasks.core.catalog import provenance
from tasks.core.model.columns import text
from tasks.core.model.declarations import Container, Licence, Publisher, Source, Table
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Original, Retrieval
from tasks.core.postgres.database import Database
from tasks.core.upstream import http, magic
from tasks.running import progress, steps
from tasks.running.policies import PUBLISHER
from tasks.running.site import site
from tasks.verbs import originals


def zipped(content: str) -> bytes:
    """A synthetic zip file with one member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("figures.txt", content)
    return buffer.getvalue()


FIRST, SECOND = zipped("a" * 50_000), zipped("b" * 60_000)
PAGE = b"<!DOCTYPE html>\n<html><head><title>Maintenance\n page</title></head></html>"
SOURCE = Source(
    slug="xx-figures",
    vintage=2025,
    title="Figures (synthetic)",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(
        slug="open",
        title="Open",
        url="https://office.example/licence",
        attribution="Source: an office",
    ),
    landing_page="https://office.example/figures",
    urls=(),
    container="zip",
    reads=Table(columns={"code": text("CODE")}),
    reference_date=date(2025, 1, 1),
    released="2025-02-01",
    confidence="high",
)


class Office:
    """The publisher's server and our side of the conversation, with what was said aloud."""

    def __init__(self, server: FaultyServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.loud: list[str] = []
        self.quiet: list[str] = []
        self.source = SOURCE

    def answers(self, *steps: Any, path: str = "/figures.zip") -> None:
        """Script an address and make sure the source has it."""
        url = self.server.script(path, *steps)
        if url not in self.source.urls:
            self.source = replace(self.source, urls=(*self.source.urls, url))

    def fetched(self) -> tuple[Retrieval, Original]:
        """Download and archive once."""
        retrieval = originals.download.fn(self.source)
        return retrieval, originals.archive.fn(retrieval)

    def refused(self) -> list[dict[str, Any]]:
        """What is in quarantine."""
        return [document for _, document in site().archive.documents.read_all("quarantine")]

    def scratch(self) -> list[str]:
        """Files of downloads left in scratch."""
        return [
            path.name
            for path in self.folder.glob("data/scratch/downloads/*")
            if path.suffix != ".lock"
        ]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[Office]:
    """A publisher with an empty archive of our own; the catalog is the session's."""
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    with running() as server:
        found = Office(server, tmp_path)
        monkeypatch.setattr(
            steps,
            "log",
            lambda level, sentence: (
                found.loud if level >= logging.WARNING else found.quiet
            ).append(sentence),
        )
        yield found


def test_a_new_file_is_archived_with_its_manifest_and_recorded(
    office: Office, database: Database
) -> None:
    office.answers(whole(FIRST, etag='"1"'))
    retrieval, original = office.fetched()
    assert (retrieval.state, original.state, original.size) == ("new", "new", len(FIRST))
    assert site().archive.originals.fetch(original.sha256).read_bytes() == FIRST
    assert site().archive.originals.latest(office.source) == original
    assert office.scratch() == []
    asked = database.rows(
        "SELECT state, url, sha256, received, etag FROM catalog.retrieval WHERE asked_at = %s",
        retrieval.asked_at,
    )
    assert asked == [("new", office.source.urls[0], original.sha256, original.sha256, '"1"')]
    assert re.fullmatch(
        r"Downloaded xx-figures 2025: 50\.1 kB, new, in [\d.]+ s\.", office.quiet[0]
    )
    assert office.loud == []


def test_unchanged_by_etag_costs_one_conditional_request(office: Office) -> None:
    office.answers(whole(FIRST, etag='"1"'))
    _, first = office.fetched()
    retrieval, second = office.fetched()
    assert (retrieval.state, retrieval.path, retrieval.etag) == ("unchanged", None, '"1"')
    assert second == replace(first, state="unchanged")
    assert [asked.sent for asked in office.server.asked] == [len(FIRST), 0]
    assert len(list(site().archive.manifests.of(office.source))) == 1


def test_unchanged_by_hash_where_the_publisher_has_no_validators(office: Office) -> None:
    office.answers(whole(FIRST))
    office.fetched()
    retrieval, original = office.fetched()
    assert (retrieval.state, original.state) == ("unchanged", "unchanged")
    assert office.scratch() == []
    assert len(list(site().archive.manifests.of(office.source))) == 1


def test_new_validators_of_the_same_bytes_are_remembered(office: Office) -> None:
    office.answers(whole(FIRST, etag='"1"'), whole(FIRST, etag='"2"'))
    for _ in range(3):
        office.fetched()
    assert [asked.sent for asked in office.server.asked] == [len(FIRST), len(FIRST), 0]


def test_the_catalog_dates_bytes_by_their_earliest_retrieval(
    office: Office, database: Database
) -> None:
    content = zipped("d" * 50_000)
    office.answers(whole(content, etag='"1"'), whole(content, etag='"2"'))
    (_, first), (again, second) = office.fetched(), office.fetched()
    dated = "SELECT first_archived_at FROM catalog.artifact WHERE sha256 = %s"
    assert (first.sha256, again.state) == (second.sha256, "unchanged")
    assert database.value(dated, first.sha256) == first.retrieved_at < second.retrieved_at
    with database.session() as cursor:  # a catalog that heard of the newer manifest first
        cursor.execute(
            "UPDATE catalog.artifact SET first_archived_at = %s WHERE sha256 = %s",
            (second.retrieved_at, first.sha256),
        )
    provenance.record_retrieval(database, again, first)
    assert database.value(dated, first.sha256) == first.retrieved_at


def test_a_question_of_a_run_that_the_catalog_does_not_know_is_kept_without_it(
    office: Office, database: Database
) -> None:
    office.answers(whole(FIRST))
    retrieval, original = office.fetched()
    provenance.record_retrieval(database, retrieval, original, "a run of elsewhere")
    assert database.rows(
        "SELECT run FROM catalog.retrieval WHERE asked_at = %s", retrieval.asked_at
    ) == [(None,), (None,)]


def test_a_changed_file_is_kept_beside_the_old_one(office: Office) -> None:
    office.answers(whole(FIRST, etag='"1"'), whole(SECOND, etag='"2"'))
    _, first = office.fetched()
    retrieval, second = office.fetched()
    assert (retrieval.state, second.state) == ("changed", "changed")
    assert site().archive.originals.fetch(first.sha256).read_bytes() == FIRST
    assert [original.sha256 for original in site().archive.manifests.of(office.source)] == [
        second.sha256,
        first.sha256,
    ]


def test_a_permanent_redirect_is_used_and_said_loudly(office: Office) -> None:
    office.answers(status(301, Location="/new.zip"))
    office.server.script("/new.zip", whole(FIRST, etag='"1"'))
    retrieval, original = office.fetched()
    assert (retrieval.state, original.state) == ("moved", "moved")
    assert any("/new.zip" in sentence for sentence in office.loud)
    office.loud.clear()
    assert office.fetched()[0].state == "unchanged"
    assert office.server.asked[-1].sent == 0
    assert any("/new.zip" in sentence for sentence in office.loud)


def test_a_second_address_that_answers_is_a_move(office: Office) -> None:
    office.answers(status(404))
    office.answers(whole(FIRST), path="/second.zip")
    retrieval, _ = office.fetched()
    assert (retrieval.state, retrieval.url) == ("moved", office.source.urls[1])
    assert "status 404" in office.loud[0]


def test_validators_of_one_address_are_not_used_at_another(office: Office) -> None:
    office.answers(whole(FIRST, etag='"1"'))
    office.fetched()
    office.source = replace(
        office.source, urls=(office.server.script("/corrected.zip", whole(SECOND, etag='"1"')),)
    )
    retrieval, original = office.fetched()
    assert (retrieval.state, original.sha256) == ("changed", hashlib.sha256(SECOND).hexdigest())


@pytest.mark.parametrize("code", [404, 410])
def test_gone_falls_back_to_the_archive_loudly(
    office: Office, code: int, database: Database
) -> None:
    office.answers(whole(FIRST), status(code))
    _, first = office.fetched()
    retrieval, original = office.fetched()
    assert (retrieval.state, original) == ("gone", replace(first, state="gone"))
    assert f"status {code}" in office.loud[0]
    assert office.source.landing_page in office.loud[0]
    recorded = database.rows(
        "SELECT state, sha256, received FROM catalog.retrieval WHERE asked_at = %s",
        retrieval.asked_at,
    )
    assert recorded == [("gone", first.sha256, None)]


@pytest.mark.parametrize("code", [404, 410])
def test_gone_without_an_archive_says_what_to_do(office: Office, code: int) -> None:
    office.answers(status(code))
    with pytest.raises(
        SourceError,
        match=(
            rf"xx-figures 2025 of An office is gone: .* status {code}\. .* look for the file at"
            rf" {SOURCE.landing_page}"
        ),
    ):
        office.fetched()
    assert len(office.server.asked) == 1


def test_a_file_fetched_by_hand_is_taken_from_the_inbox_and_is_official(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        SourceError,
        match=(
            r"no lasting address of it: fetch it by hand and lay it as xx-figures-2025\.zip into"
            r" the folder"
        ),
    ):
        originals.download.fn(office.source)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "xx-figures-2025.zip").write_bytes(FIRST)
    monkeypatch.setenv("GEODATA_INBOX", str(inbox))
    retrieval, original = office.fetched()
    assert (retrieval.state, original.sha256, original.source.mirror) == (
        "new",
        hashlib.sha256(FIRST).hexdigest(),
        "",
    )
    assert office.fetched()[0].state == "unchanged"
    (inbox / "xx-figures-2025.zip").unlink()
    retrieval, original = office.fetched()
    assert (retrieval.state, original.sha256) == ("gone", hashlib.sha256(FIRST).hexdigest())


def test_the_inbox_is_asked_after_the_publisher(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xx-figures-2025.zip").write_bytes(SECOND)
    monkeypatch.setenv("GEODATA_INBOX", str(tmp_path))
    office.answers(whole(FIRST), whole(PAGE))
    assert office.fetched()[1].sha256 == hashlib.sha256(FIRST).hexdigest()
    retrieval, original = office.fetched()
    assert (retrieval.state, original.sha256) == ("moved", hashlib.sha256(SECOND).hexdigest())
    assert "HTML page" in office.refused()[0]["reason"]


def test_unreachable_falls_back_and_is_not_called_gone(office: Office) -> None:
    office.answers(whole(FIRST), status(503))
    office.fetched()
    office.answers(status(404), path="/second.zip")
    retrieval, original = office.fetched()
    assert (retrieval.state, original.state) == ("unreachable", "unreachable")
    assert "status 503" in office.loud[0]
    assert "status 404" in office.loud[0]


def test_a_page_with_status_200_is_quarantined_and_never_promoted(office: Office) -> None:
    office.answers(whole(FIRST), whole(PAGE, kind="text/html"))
    _, first = office.fetched()
    retrieval, original = office.fetched()
    assert (retrieval.state, original) == ("invalid", replace(first, state="invalid"))
    (refused,) = office.refused()
    assert refused["reason"] == "it is an HTML page titled 'Maintenance page' and not zip"
    assert (office.folder / "data/archive" / refused["bytes"]).read_bytes() == PAGE
    assert not site().archive.originals.exists(hashlib.sha256(PAGE).hexdigest())
    assert "Maintenance page" in office.loud[0]
    assert office.scratch() == []


def test_a_page_from_the_first_address_and_the_file_from_the_second(office: Office) -> None:
    office.answers(whole(PAGE))
    office.answers(whole(FIRST), path="/second.zip")
    assert office.fetched()[0].state == "moved"
    assert len(office.refused()) == 1


def test_a_truncated_body_is_invalid(office: Office) -> None:
    office.answers(cut(FIRST, 30_000))
    with pytest.raises(
        SourceError,
        match=(
            r"is invalid: zip was expected, found .* it is truncated: the body ended after 30,000"
            r" bytes"
        ),
    ):
        office.fetched()
    assert office.refused()[0]["size"] == 30_000


def test_a_cut_line_resumes_and_is_archived(office: Office) -> None:
    office.answers(cut(FIRST, 30_000, etag='"1"'), whole(FIRST, etag='"1"'))
    assert office.fetched()[1].sha256 == hashlib.sha256(FIRST).hexdigest()
    assert [asked.sent for asked in office.server.asked] == [30_000, len(FIRST) - 30_000]


def test_a_suspicious_shrink_needs_a_person(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = zipped("c" * 1000)
    office.answers(whole(FIRST), whole(small))
    office.fetched()
    assert office.fetched()[0].state == "invalid"
    assert "less than half" in office.refused()[0]["reason"]
    monkeypatch.setenv("GEODATA_ACCEPT_SHRINK", office.refused()[0]["sha256"])
    assert office.fetched()[0].state == "changed"


def test_credentials_reach_neither_manifest_nor_catalog_nor_errors(
    office: Office, database: Database
) -> None:
    office.answers(status(301, Location="/new.zip?token=hidden"))
    office.server.script("/new.zip", whole(FIRST), whole(PAGE), status(404))
    url = office.source.urls[0].replace("http://", "http://me:hidden@") + "?key=hidden"
    office.source = replace(office.source, urls=(url,))
    for _ in range(3):
        office.fetched()
    kept = [path for path in (office.folder / "data/archive").rglob("*.json")]
    assert len(kept) == 2
    assert not any("hidden" in path.read_text(encoding="utf-8") for path in kept)
    assert not any("hidden" in sentence for sentence in office.loud + office.quiet)
    assert "hidden" not in json.dumps(
        database.rows(
            "SELECT url, detail FROM catalog.retrieval WHERE url LIKE %s",
            f"%{office.server.base[7:]}%",
        )
    )
    office.source = replace(office.source, slug="xx-other")
    with pytest.raises(SourceError) as raised:
        office.fetched()
    assert "hidden" not in str(raised.value)


def test_upstream_archive_asks_nobody(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODATA_UPSTREAM", "archive")
    office.answers(whole(FIRST))
    with pytest.raises(SourceError, match="GEODATA_UPSTREAM=archive forbids asking An office"):
        office.fetched()
    monkeypatch.delenv("GEODATA_UPSTREAM")
    _, first = office.fetched()
    monkeypatch.setenv("GEODATA_UPSTREAM", "archive")
    retrieval, original = office.fetched()
    assert (retrieval.state, retrieval.asked_at, original.sha256) == (
        "unchanged",
        first.retrieved_at,
        first.sha256,
    )
    assert "not asked" in retrieval.detail
    assert len(office.server.asked) == 1


def test_bytes_lost_from_the_archive_are_asked_for_anew(office: Office) -> None:
    office.answers(whole(FIRST, etag='"1"'))
    _, original = office.fetched()
    site().archive.originals.fetch(original.sha256).unlink()
    assert office.fetched()[0].state == "new"
    assert site().archive.originals.fetch(original.sha256).read_bytes() == FIRST
    assert "not its bytes" in office.loud[0]


def test_a_replica_that_was_down_catches_up_when_nothing_changed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = office.folder / "replica"
    replica.write_text("down")
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(replica))
    office.answers(whole(FIRST, etag='"1"'))
    _, original = office.fetched()
    assert any(str(replica) in sentence for sentence in office.loud)
    replica.unlink()
    assert office.fetched()[0].state == "unchanged"
    monkeypatch.setenv("GEODATA_ARCHIVE", str(replica))
    assert site().archive.originals.fetch(original.sha256).read_bytes() == FIRST
    assert site().archive.originals.latest(office.source) == original


def test_archiving_again_after_a_failure_half_way_is_harmless(office: Office) -> None:
    office.answers(whole(FIRST))
    retrieval = originals.download.fn(office.source)
    once, again = originals.archive.fn(retrieval), originals.archive.fn(retrieval)
    assert once == again
    assert len(list(site().archive.manifests.of(office.source))) == 1


def test_geodata_errors_are_never_retried() -> None:
    from prefect.states import Failed

    def retried(error: Exception) -> bool:
        return PUBLISHER.heals(None, None, Failed(data=error))  # type: ignore[arg-type]

    assert retried(originals.PublisherUnreachable("later"))
    assert retried(OSError("disk"))
    assert not retried(SourceError("gone"))
    assert not retried(TypeError("ours"))


def sqlite() -> bytes:
    """A synthetic SQLite file."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE a (b)")
    return connection.serialize()


def parquet() -> bytes:
    """A synthetic Parquet file."""
    buffer = io.BytesIO()
    pandas.DataFrame({"a": [1]}).to_parquet(buffer)
    return buffer.getvalue()


WORKBOOK = zipped("a sheet")
GOOD: dict[str, tuple[Container, bytes]] = {
    "zip": ("zip", FIRST),
    "workbook": ("xlsx", WORKBOOK),
    "gzip": ("gzip", gzip.compress(b"a")),
    "SQLite": ("sqlite", sqlite()),
    "Parquet": ("parquet", parquet()),
    "JSON with byte order mark": ("json", b'\xef\xbb\xbf {"type": "FeatureCollection"}\n'),
    "JSON list": ("json", b"[1]"),
    "XML": ("xml", b"<?xml version='1.0'?><gml/>\n"),
    "XML in UTF-16": ("xml", "\ufeff<gml/>".encode("utf-16-le")),
    "text in Latin-1": ("text", b"code;name\n1;Li\xe8ge\n"),
    "text in UTF-16": ("text", "code\n".encode("utf-16")),
    "7z": ("7z", b"7z\xbc\xaf\x27\x1c..."),
    "old workbook": ("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..."),
}
NO_LAYER = b"<?xml version='1.0'?><ServiceExceptionReport><ServiceException>No layer</"
SERVICE = b"<ows:ExceptionReport xmlns:ows='x'></ows:ExceptionReport>"
BAD: dict[str, tuple[Container, bytes, str]] = {
    "empty": ("zip", b"", "empty"),
    "cut zip": ("zip", FIRST[:-30], "central directory.* is missing"),
    "gzip for zip": ("zip", b"\x1f\x8b\x08\x00", "begins with the bytes 1f 8b"),
    "page for text": ("text", PAGE, "HTML page titled 'Maintenance page'"),
    "page for XML": ("xml", b"<?xml version='1.0'?>\n<html lang='fr'>", "HTML page"),
    "page after a comment": ("text", b"<!-- moved --><HTML>", "HTML page"),
    "cut exception": ("xml", NO_LAYER, "No layer"),
    "exception with a type": (
        "xml",
        b"<!DOCTYPE ServiceExceptionReport>" + SERVICE,
        "exception of",
    ),
    "home page": ("text", b"<!DOCTYPE html PUBLIC '-//W3C//DTD'>\n<p>", "HTML page"),
    "empty zip": ("zip", b"PK\x05\x06" + bytes(18), "an empty archive and not zip"),
    "exception without a text": ("xml", SERVICE, "exception of a web service"),
    "error in JSON": ("json", b'{"error": {"code": 400}}', "error message in JSON"),
    "cut JSON": ("json", b'{"features": [', "it was cut"),
    "text for JSON": ("json", b"nothing", "not as json"),
    "cut XML": ("xml", b"<gml><feature", "it was cut"),
    "text with NUL": ("text", b"a;b\x00c", "NUL"),
    "cut Parquet": ("parquet", parquet()[:-4], "footer is missing"),
    "zip for SQLite": ("sqlite", FIRST, "not those of sqlite"),
    "zip for old workbook": ("xls", FIRST, "not those of xls"),
    "zip for 7z": ("7z", FIRST, "of 7z"),
}


@pytest.mark.parametrize(("container", "body"), GOOD.values(), ids=GOOD)
def test_files_of_the_declared_format_pass(
    tmp_path: Path, container: Container, body: bytes
) -> None:
    (tmp_path / "file").write_bytes(body)
    assert magic.refusal(tmp_path / "file", replace(SOURCE, container=container)) is None


@pytest.mark.parametrize(("container", "body", "reason"), BAD.values(), ids=BAD)
def test_other_files_are_refused_with_a_reason(
    tmp_path: Path, container: Container, body: bytes, reason: str
) -> None:
    (tmp_path / "file").write_bytes(body)
    assert re.search(
        reason, magic.refusal(tmp_path / "file", replace(SOURCE, container=container)) or ""
    )


def test_too_few_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FIRST)
    declared = replace(SOURCE, minimum_bytes=len(FIRST))
    assert magic.refusal(tmp_path / "file", declared) is None
    assert "at least" in (
        magic.refusal(tmp_path / "file", replace(declared, minimum_bytes=len(FIRST) + 1)) or ""
    )
    assert magic.refusal(tmp_path / "file", declared, 2 * len(FIRST)) is None
    assert "less than half" in (
        magic.refusal(tmp_path / "file", declared, 2 * len(FIRST) + 1) or ""
    )


KINDS: dict[str, Container] = {
    ".zip": "zip",
    ".xlsx": "xlsx",
    ".xls": "xls",
    ".7z": "7z",
    ".gz": "gzip",
    ".gpkg": "sqlite",
    ".csv": "text",
    ".txt": "text",
    ".json": "json",
    ".geojson": "json",
    ".topojson": "json",
}


@pytest.mark.real
def test_every_real_file_passes(real_files: Path) -> None:
    files = [path for path in sorted(real_files.rglob("*")) if path.suffix in KINDS]
    assert len(files) > 40
    refused = {
        path.name: magic.refusal(path, replace(SOURCE, container=KINDS[path.suffix]))
        for path in files
    }
    assert {name: reason for name, reason in refused.items() if reason} == {}


def test_a_backup_in_a_flow_asks_at_once_retries_and_shows_its_progress(
    office: Office,
    prefect_server: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client

    monkeypatch.setattr(progress, "LONG_SECONDS", 0.2)
    monkeypatch.setattr(originals.download, "retry_delay_seconds", [0.1, 0.1])
    long = replace(
        SOURCE, slug="xx-long", urls=(office.server.script("/long", trickle(FIRST, 10, 0.1)),)
    )
    busy = replace(
        SOURCE,
        slug="xx-busy",
        urls=(office.server.script("/busy", *[status(503)] * 3, whole(SECOND)),),
    )
    gone = replace(SOURCE, slug="xx-gone", urls=(office.server.script("/gone", status(404)),))
    found: list[Original] = []

    @flow(flow_run_name="backing-up")
    def backing_up() -> None:
        found.extend(originals.backup(long=long, busy=busy).originals)
        originals.backup(gone=gone, late=replace(busy, slug="xx-late"))

    with (
        caplog.at_level(logging.INFO),
        pytest.raises(SourceError, match="xx-gone 2025 of An office is gone"),
    ):
        backing_up()
    names = {getattr(record, "task_run_name", "") for record in caplog.records}
    with get_client(sync_client=True) as client:
        shown = [
            artifact.data
            for artifact in client.read_artifacts()
            if artifact.key == "download-xx-long-2025"
        ]
    assert [(original.source.slug, original.size) for original in found] == [
        ("xx-long", len(FIRST)),
        ("xx-busy", len(SECOND)),
    ]
    assert {
        "download xx-long 2025",
        "archive xx-long 2025",
        "download xx-gone 2025",
        "archive xx-late 2025",
    } <= names
    assert shown == [100]
    assert [asked.path for asked in office.server.asked].count(
        "/busy"
    ) == 5  # three quick tries, the retry, and xx-late
    assert [asked.path for asked in office.server.asked].count("/gone") == 1
    assert site().archive.originals.latest(replace(busy, slug="xx-late")) is not None
