"""The audit of the archive: copies hashed anew, repaired from whole ones, named where there is
none, a share each day.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from s3fs import S3FileSystem

from tasks.core.archive import manifests
from tasks.core.archive.buckets import Bucket
from tasks.core.archive.copies import scratch_copy
from tasks.core.archive.hashed_files import digests_name, original_name
from tasks.core.archive.locations import open_location
from tasks.core.archive.shares import REQUEST_BYTES, Copy, share
from tasks.core.model.columns import text
from tasks.core.model.declarations import Licence, Publisher, Source, Table
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Original
from tasks.core.model.settings import scratch_folder
from tasks.core.postgres.database import Database
from tasks.running import steps
from tasks.running.site import site
from tasks.verbs import audits

FIRST, SECOND, DAMAGED = (
    b"code;synthetic\n" + b"1;a\n" * 1000,
    b"code;synthetic\n" + b"2;b\n" * 1200,
    b"code;synth",
)
FIGURES = Source(
    slug="xx-figures",
    vintage=2026,
    title="Figures (synthetic)",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(
        slug="open",
        title="Open",
        url="https://office.example/licence",
        attribution="Source: an office",
    ),
    landing_page="https://office.example/figures",
    urls=("https://office.example/figures.csv",),
    container="text",
    reads=Table(columns={"code": text("code")}),
    reference_date=date(2026, 1, 1),
    released="monthly",
    confidence="high",
)


@pytest.fixture(scope="module")
def s3(s3_api: Any) -> Any:
    """A real S3 API with a bucket."""
    s3_api.create_bucket(Bucket="audited")
    return s3_api


class TwoFolders:
    """An archive in a folder and a replica, and what was said of it aloud and quietly."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.primary, self.replica, self.database = folder / "archive", folder / "replica", database
        self.folders = {"primary": self.primary, "replica": self.replica}
        self.loud: list[str] = []
        self.quiet: list[str] = []

    def add(self, content: bytes, source: Source = FIGURES, days_ago: float = 20) -> Original:
        """An original in every location."""
        received = scratch_folder() / "received"
        received.write_bytes(content)
        original = Original(
            source=source,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            url=source.urls[0],
            retrieved_at=datetime.now(UTC) - timedelta(days=days_ago),
            state="new",
        )
        site().archive.originals.put(received, original.sha256, original)
        site().archive.manifests.write(original)
        return original

    def path(self, where: str, original: Original) -> Path:
        """Its bytes in one of the two folders."""
        return self.folders[where] / original_name(original.sha256)

    def found(self, name: str) -> dict[str, tuple[str, str]]:
        """Verdict and detail in each location by its last part."""
        rows = self.database.rows(
            "SELECT location, verdict, detail FROM catalog.archive_audit WHERE name = %s", name
        )
        ours = {str(folder): where for where, folder in self.folders.items()}
        return {
            ours.get(location, location): (verdict, detail)
            for location, verdict, detail in rows
            if location in ours or "://" in location
        }

    def verdicts(self, original: Original) -> dict[str, str]:
        """Verdict in each location."""
        return {
            where: verdict
            for where, (verdict, _) in self.found(original_name(original.sha256)).items()
        }

    def log(self, level: int, sentence: str) -> None:
        """Keep a sentence, a warning apart."""
        (self.loud if level >= logging.WARNING else self.quiet).append(sentence)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database) -> TwoFolders:
    """An empty archive in two places."""
    found = TwoFolders(tmp_path, database)
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GEODATA_ARCHIVE", str(found.primary))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(found.replica))
    monkeypatch.setattr(steps, "log", found.log)
    return found


def overwrite(path: Path, content: bytes) -> None:
    """Other bytes under the same name, as a failing disk gives."""
    path.chmod(0o644)
    path.write_bytes(content)


def manifest(original: Original) -> str:
    """Name of its manifest."""
    stamp = manifests.stamp(original.retrieved_at, original.sha256)
    return f"manifests/{manifests.shelf(original.source)}/{stamp}.json"


def test_a_whole_archive_is_found_whole(archive: TwoFolders) -> None:
    original = archive.add(FIRST)
    audits.audit.fn(1)
    assert archive.found(original_name(original.sha256)) == {
        "primary": ("whole", ""),
        "replica": ("whole", ""),
    }
    assert archive.found(manifest(original)) == {"primary": ("whole", ""), "replica": ("whole", "")}
    assert (archive.loud, archive.quiet) == (
        [],
        [
            "Audited 2 of 2 objects of the archive: 4 copies whole, 0 repaired, 0 not repaired, 0"
            " not read or written."
        ],
    )


@pytest.mark.parametrize(("bad", "good"), [("primary", "replica"), ("replica", "primary")])
def test_a_corrupt_original_is_repaired_and_its_bytes_are_kept_with_a_reason(
    archive: TwoFolders, bad: str, good: str
) -> None:
    original = archive.add(FIRST)
    overwrite(archive.path(bad, original), DAMAGED)
    audits.audit.fn(1)
    assert (
        archive.path(bad, original).read_bytes()
        == archive.path(good, original).read_bytes()
        == FIRST
    )
    assert archive.verdicts(original) == {bad: "repaired", good: "whole"}
    ((name, refused),) = site().archive.quarantine.all().items()
    assert (archive.folders[good] / name).read_bytes() == DAMAGED
    assert (refused.source, refused.retrieved_at) == (FIGURES, original.retrieved_at)
    (reason,) = [
        document["reason"] for _, document in site().archive.documents.read_all("quarantine")
    ]
    assert reason == f"a copy of the original {original.sha256} that no longer had this SHA-256"
    assert (
        f"xx-figures 2026, retrieved on {original.retrieved_at:%Y-%m-%d}, SHA-256 {original.sha256}"
        f" in {archive.folders[bad]}" in archive.loud[0]
    )
    assert "kept in quarantine" in archive.loud[0]
    audits.audit.fn(1)
    assert archive.verdicts(original) == {bad: "whole", good: "whole"}


def test_bytes_that_changed_without_size_and_time_are_found(archive: TwoFolders) -> None:
    original = archive.add(FIRST)
    path = archive.path("primary", original)
    site().archive.originals.fetch(original.sha256)  # this process has hashed it before
    facts = path.stat()
    overwrite(path, FIRST.replace(b"1;a", b"1;b"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    audits.audit.fn(1)
    assert archive.verdicts(original) == {"primary": "repaired", "replica": "whole"}
    assert path.read_bytes() == FIRST


def test_corrupt_bytes_that_quarantine_cannot_keep_are_not_replaced(archive: TwoFolders) -> None:
    original = archive.add(FIRST)
    overwrite(archive.path("primary", original), DAMAGED)
    for folder in archive.folders.values():
        (folder / "quarantine").write_text("a file where a folder should be")
    audits.audit.fn(1)
    assert archive.path("primary", original).read_bytes() == DAMAGED
    verdict, detail = archive.found(original_name(original.sha256))["primary"]
    assert (verdict, "could not be kept in quarantine and were not replaced" in detail) == (
        "failed",
        True,
    )


@pytest.mark.parametrize("bad", ["primary", "replica"])
def test_what_is_missing_in_one_place_is_given_back_at_once(archive: TwoFolders, bad: str) -> None:
    original = archive.add(FIRST)
    audits.audit.fn(1)
    archive.path(bad, original).unlink()
    (archive.folders[bad] / manifest(original)).unlink()
    audits.audit.fn(30)
    assert archive.path(bad, original).read_bytes() == FIRST
    assert archive.found(original_name(original.sha256))[bad] == ("repaired", "was missing")
    assert archive.found(manifest(original))[bad] == ("repaired", "was missing")


def test_what_is_whole_nowhere_is_named_every_day_after_all_the_rest(archive: TwoFolders) -> None:
    lost, damaged = archive.add(FIRST), archive.add(SECOND, replace(FIGURES, vintage=2025))
    archive.path("primary", lost).unlink()
    overwrite(archive.path("replica", lost), DAMAGED)
    overwrite(archive.path("replica", damaged), DAMAGED)
    for period_days in (1, 30):
        with pytest.raises(CheckFailed) as raised:
            audits.audit.fn(period_days)
        assert str(raised.value).startswith(
            "1 objects of the archive were expected to be whole in a location, found the original"
            " xx-figures 2026, "
        )
        for part in (
            f"retrieved on {lost.retrieved_at:%Y-%m-%d}, SHA-256 {lost.sha256} (",
            f"{archive.primary}: missing",
            (
                f"{archive.replica}: corrupt: its bytes have the SHA-256"
                f" {hashlib.sha256(DAMAGED).hexdigest()}"
            ),
        ):
            assert part in str(raised.value)
        assert any(
            "Not whole in any location that answers: the original xx-figures 2026" in sentence
            for sentence in archive.loud
        )
    assert archive.verdicts(lost) == {"primary": "lost", "replica": "lost"}
    assert (archive.path("primary", lost).exists(), archive.path("replica", lost).read_bytes()) == (
        False,
        DAMAGED,
    )
    assert archive.verdicts(damaged)["primary"] == "whole"
    assert archive.path("replica", damaged).read_bytes() == SECOND


EDITION = "editions/testland/2026/0004-20260301T120000.json"


def add_digests(archive: TwoFolders, content: bytes, edition: str = EDITION) -> str:
    """A file of row digests in every location, named by the document of an edition."""
    written, sha256 = scratch_folder() / "written", hashlib.sha256(content).hexdigest()
    written.write_bytes(content)
    assert site().archive.digests.put(written, sha256) == ()
    named = {"areas": {"sha256": sha256, "key": ["code"], "size": len(content)}}
    site().archive.documents.put(
        edition,
        {"edition": {"dataset": "testland", "vintage": 2026, "number": 4}, "digests": named},
    )
    return sha256


@pytest.mark.parametrize(("bad", "good"), [("primary", "replica"), ("replica", "primary")])
def test_corrupt_row_digests_are_repaired_from_a_whole_copy(
    archive: TwoFolders, bad: str, good: str
) -> None:
    name = digests_name(sha256 := add_digests(archive, FIRST))
    audits.audit.fn(1)
    assert archive.found(name) == {bad: ("whole", ""), good: ("whole", "")}
    overwrite(archive.folders[bad] / name, DAMAGED)
    audits.audit.fn(1)
    corrupt = hashlib.sha256(DAMAGED).hexdigest()
    detail = (
        f"was corrupt: its bytes have the SHA-256 {corrupt}, not kept because they came from no"
        " publisher"
    )
    assert archive.found(name) == {bad: ("repaired", detail), good: ("whole", "")}
    assert (
        site().archive.digests.fetch(sha256).read_bytes()
        == (archive.folders[bad] / name).read_bytes()
        == FIRST
    )
    assert (
        f"the row digests of areas in edition 4 of testland 2026, SHA-256 {sha256} in"
        f" {archive.folders[bad]}: repaired" in archive.loud[0]
    )
    (archive.folders[bad] / name).unlink()
    audits.audit.fn(30)
    assert archive.found(name)[bad] == ("repaired", "was missing")


def test_row_digests_that_only_an_edition_still_names_are_lost(archive: TwoFolders) -> None:
    sha256 = add_digests(archive, FIRST)
    for folder in archive.folders.values():
        (folder / digests_name(sha256)).unlink()
    with pytest.raises(
        CheckFailed,
        match=f"the row digests of areas in edition 4 of testland 2026, SHA-256 {sha256} .*missing",
    ):
        audits.audit.fn(1)
    assert {verdict for verdict, _ in archive.found(digests_name(sha256)).values()} == {"lost"}
    with pytest.raises(
        ConfigurationError, match=f"file of row digests {sha256} cannot be read from any location"
    ):
        site().archive.digests.fetch(sha256)


def test_row_digests_of_no_edition_are_audited_too(archive: TwoFolders) -> None:
    sha256 = add_digests(archive, FIRST)
    for folder in archive.folders.values():
        (folder / EDITION).unlink()
        overwrite(folder / digests_name(sha256), DAMAGED)
    with pytest.raises(CheckFailed, match=f"row digests that no edition names, SHA-256 {sha256}"):
        audits.audit.fn(1)


def test_a_burial_never_takes_row_digests(archive: TwoFolders) -> None:
    content = FIRST + b"the same bytes in both\n"
    old, sha256 = (
        archive.add(content),
        add_digests(archive, content, EDITION.replace("0004", "0005")),
    )
    site().archive.tombstones.bury(old, "a court's order")
    assert site().archive.digests.fetch(sha256).read_bytes() == content
    (archive.replica / digests_name(sha256)).unlink()
    audits.audit.fn(1)
    assert archive.found(digests_name(sha256)) == {
        "primary": ("whole", ""),
        "replica": ("repaired", "was missing"),
    }
    assert set(archive.verdicts(old).values()) == {"buried"}


def test_the_document_of_an_edition_that_no_longer_names_digests_as_it_did_is_repaired(
    archive: TwoFolders,
) -> None:
    sha256 = add_digests(archive, FIRST)
    before = (archive.replica / EDITION).read_bytes()
    overwrite(archive.primary / EDITION, before.replace(sha256.encode(), b"elsewhere"))
    audits.audit.fn(1)
    assert (archive.primary / EDITION).read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00 no text", b"", b"5", b'{"format": 1}'],
    ids=["no text", "empty", "a number", "another document"],
)
def test_a_corrupt_manifest_is_repaired(archive: TwoFolders, content: bytes) -> None:
    original = archive.add(FIRST)
    before = (archive.replica / manifest(original)).read_bytes()
    overwrite(archive.primary / manifest(original), content)
    audits.audit.fn(1)
    assert (archive.primary / manifest(original)).read_bytes() == before
    verdict, detail = archive.found(manifest(original))["primary"]
    assert (verdict, detail) == ("repaired", f"was unreadable, it begins {content!a}")
    assert site().archive.originals.latest(FIGURES) == original


def test_documents_that_differ_are_settled_by_the_last_audit_and_else_by_most_copies(
    archive: TwoFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, other = "editions/belgium/2025/0001-20250301T120000.json", b'{"rows": 2}'
    site().archive.documents.put(name, {"rows": 1})
    before = (archive.primary / name).read_bytes()
    overwrite(archive.primary / name, other)
    with pytest.raises(
        CheckFailed, match=r"the document editions/belgium/2025/0001-.*other content, SHA-256"
    ):
        audits.audit.fn(1)
    assert {verdict for verdict, _ in archive.found(name).values()} == {"differing"}
    assert (archive.primary / name).read_bytes() == other
    overwrite(archive.primary / name, before)
    audits.audit.fn(1)
    overwrite(archive.primary / name, other)
    audits.audit.fn(1)
    assert (archive.primary / name).read_bytes() == before
    second = name.replace("0001", "0002")
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", f"{archive.replica} {tmp_path / 'third'}")
    site().archive.documents.put(second, {"rows": 1})
    overwrite(archive.replica / second, other)
    audits.audit.fn(1)
    assert (archive.replica / second).read_bytes() == before


def test_a_document_gone_everywhere_is_missed(archive: TwoFolders) -> None:
    original = archive.add(FIRST)
    audits.audit.fn(1)
    for folder in archive.folders.values():
        (folder / manifest(original)).unlink()
    with pytest.raises(CheckFailed, match=f"the document {manifest(original)} .*missing"):
        audits.audit.fn(30)
    archive.database.rows(
        "DELETE FROM catalog.archive_audit WHERE name = %s RETURNING name", manifest(original)
    )
    audits.audit.fn(1)


@pytest.mark.parametrize("stone_is_readable", [True, False])
def test_buried_bytes_are_not_brought_back(archive: TwoFolders, stone_is_readable: bool) -> None:
    old = archive.add(FIRST)
    site().archive.tombstones.bury(old, "a court's order")
    archive.path("replica", old).write_bytes(FIRST)  # as a restored backup brings them
    stone = f"tombstones/{old.sha256[:2]}/{old.sha256}.json"
    if stone_is_readable:
        audits.audit.fn(1)
    else:
        for folder in archive.folders.values():
            overwrite(folder / stone, b"{")
        with pytest.raises(CheckFailed, match=f"the document {stone}"):
            audits.audit.fn(1)
    assert not archive.path("primary", old).exists()
    assert archive.found(original_name(old.sha256)) == {
        "primary": ("buried", ""),
        "replica": ("buried", "its bytes are still there: the next purge removes them"),
    }
    assert list(site().archive.documents.read_all("quarantine")) == []


def test_bytes_buried_while_an_audit_runs_are_not_brought_back(archive: TwoFolders) -> None:
    old = archive.add(FIRST)
    archive.path("primary", old).unlink()
    running = audits.Audit(site().archive, [])
    due = running.due(1, datetime.now(UTC))
    site().archive.tombstones.bury(old, "a court's order")
    archive.path("replica", old).write_bytes(FIRST)
    findings = running.check(original_name(old.sha256), due[original_name(old.sha256)])
    assert {
        finding.verdict for finding in findings if finding.location == str(archive.primary)
    } == {"buried"}
    assert not archive.path("primary", old).exists()


def test_a_location_that_is_down_is_named_and_audited_by_the_next_run(
    archive: TwoFolders, tmp_path: Path
) -> None:
    originals = [
        archive.add(b"%d\n" % number * 100, replace(FIGURES, vintage=2000 + number))
        for number in range(6)
    ]
    archive.replica.rename(tmp_path / "elsewhere")
    archive.replica.write_text("a file where a folder should be: down, also for root")
    audits.audit.fn(1)
    assert any(f"The archive location {archive.replica} (" in sentence for sentence in archive.loud)
    assert {archive.verdicts(original)["primary"] for original in originals} == {"whole"}
    assert {archive.verdicts(original).get("replica", "failed") for original in originals} == {
        "failed"
    }
    archive.replica.unlink()
    (tmp_path / "elsewhere").rename(archive.replica)
    overwrite(archive.path("replica", originals[5]), DAMAGED)
    archive.path("replica", originals[0]).unlink()
    archive.loud.clear()
    audits.audit.fn(1)
    assert [archive.verdicts(original)["replica"] for original in originals] == [
        "repaired",
        *["whole"] * 4,
        "repaired",
    ]
    assert not any("location" in sentence and "failed" in sentence for sentence in archive.loud)


def test_no_location_that_answers_is_an_error(
    archive: TwoFolders, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GEODATA_ARCHIVE", "s3://audited/down")
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", "")
    S3FileSystem.clear_instance_cache()
    with pytest.raises(ConfigurationError, match="No location of the archive can be listed"):
        audits.audit.fn(1)
    S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize(("bad", "good"), [("s3", "folder"), ("folder", "s3")])
def test_a_bucket_and_a_folder_repair_each_other(
    archive: TwoFolders, s3: Any, bad: str, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"repairs-{bad}"
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", f"s3://audited/{prefix}")
    contents = [FIRST + bad.encode(), SECOND + bad.encode()]
    corrupt, missing = map(archive.add, contents)
    key = f"{prefix}/{original_name(missing.sha256)}"
    if bad == "s3":
        s3.put_object(
            Bucket="audited", Key=f"{prefix}/{original_name(corrupt.sha256)}", Body=DAMAGED
        )
        s3.put_object(Bucket="audited", Key=f"{prefix}/{manifest(corrupt)}", Body=b"{")
        s3.delete_object(Bucket="audited", Key=key)
    else:
        overwrite(archive.path("primary", corrupt), DAMAGED)
        overwrite(archive.primary / manifest(corrupt), b"{")
        archive.path("primary", missing).unlink()
    audits.audit.fn(1)
    bucket = open_location(f"s3://audited/{prefix}")
    for original, content in zip((corrupt, missing), contents, strict=True):
        assert (
            bucket.read(original_name(original.sha256))
            == archive.path("primary", original).read_bytes()
            == content
        )
        assert not scratch_copy(original.sha256).exists()
    assert bucket.read(manifest(corrupt)) == (archive.primary / manifest(corrupt)).read_bytes()
    (name,) = site().archive.quarantine.all()
    assert bucket.read(name) == DAMAGED
    assert sorted(archive.verdicts(corrupt).values()) == ["repaired", "whole"]


def test_a_bucket_that_does_not_answer_is_named_and_caught_up(
    archive: TwoFolders, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", "s3://audited/later")
    original = archive.add(FIRST + b"later")
    s3.put_object(Bucket="audited", Key=f"later/{original_name(original.sha256)}", Body=DAMAGED)
    with monkeypatch.context() as outage:
        outage.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        S3FileSystem.clear_instance_cache()
        audits.audit.fn(1)
        S3FileSystem.clear_instance_cache()
    assert any("The archive location s3://audited/later (" in sentence for sentence in archive.loud)
    assert archive.verdicts(original) == {"primary": "whole"}
    audits.audit.fn(1)
    assert archive.verdicts(original) == {"primary": "whole", "s3://audited/later": "repaired"}


def test_a_bucket_that_is_not_there_is_named(
    archive: TwoFolders, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = archive.add(FIRST)
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", "s3://not-there/geo")
    audits.audit.fn(1)
    assert any("The archive location s3://not-there/geo (" in sentence for sentence in archive.loud)
    assert archive.verdicts(original)["primary"] == "whole"


def test_daily_shares_cover_all_within_the_period_at_a_bounded_cost() -> None:
    day, sizes = (
        datetime(2026, 1, 1, 5, 15, tzinfo=UTC),
        [(number * 7919) % 97 * 1_000_000 for number in range(400)],
    )
    copies = {
        f"{number:03}": Copy(name=f"{number:03}", location="here", size=size)
        for number, size in enumerate(sizes)
    }
    total = sum(size + REQUEST_BYTES for size in sizes)
    last: dict[str, datetime] = {}
    for count in range(95):
        taken = share(copies.values(), 30, day)
        cost = sum(copy.size + REQUEST_BYTES for copy in taken)
        assert total / 30 <= cost <= 2 * total / 30
        for copy in taken:
            copies[copy.name] = replace(copy, audited_at=day)
            last[copy.name] = day
        if count >= 29:
            assert set(last) == set(copies)
            assert min(last.values()) >= day - timedelta(days=30)
        day += timedelta(days=1, minutes=(count % 5) * 3 - 6)


def test_a_share_catches_up_after_days_without_a_run_and_failures_hold_up_nobody() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    copies = [
        Copy(name=f"{age:02}", location="here", size=0, audited_at=now - timedelta(days=age))
        for age in range(40)
    ]
    assert [copy.name for copy in share(copies, 30, now)] == [f"{age}" for age in range(39, 28, -1)]
    stuck = [
        replace(copies[39], failed=True),
        replace(copies[0], urgent=True),
        Copy(name="new", location="here", size=0),
        *copies[1:20],
    ]
    assert [copy.name for copy in share(stuck, 30, now)] == ["00", "new", "39"]


def test_runs_of_a_share_each_audit_everything_within_the_period(archive: TwoFolders) -> None:
    originals = [
        archive.add(b"%d\n" % number * 100, replace(FIGURES, vintage=2000 + number))
        for number in range(6)
    ]
    counts = []
    for _ in range(3):
        audits.audit.fn(3)
        counts.append(sum(len(archive.verdicts(original)) == 2 for original in originals))
    assert counts[0] < counts[-1] == len(originals)
    assert all(
        set(archive.found(manifest(original))) == {"primary", "replica"} for original in originals
    )


def test_an_empty_catalog_means_that_all_is_due(
    archive: TwoFolders, other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_ARCHIVE", str(archive.primary))
    original = archive.add(FIRST)
    overwrite(archive.path("primary", original), DAMAGED)
    audits.audit.fn(1)
    assert archive.path("primary", original).read_bytes() == FIRST
    rows = other_database.rows(
        "SELECT verdict, audited_at IS NOT NULL FROM catalog.archive_audit WHERE name = %s",
        original_name(original.sha256),
    )
    assert sorted(rows) == [("repaired", True), ("whole", True)]


def test_hashing_holds_no_more_of_a_file_than_a_block(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(96 << 20)
    for location in (
        open_location(str(tmp_path)),
        Bucket("file", fsspec.filesystem("file"), str(tmp_path)),
    ):
        tracemalloc.start()
        location.digest("large")
        location.save("large", tmp_path / "copy")
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
        tracemalloc.stop()


def test_a_period_is_at_least_a_day(archive: TwoFolders) -> None:
    with pytest.raises(
        ConfigurationError, match="period_days was expected to be 1 or more, found 0"
    ):
        audits.audit.fn(0)


def test_the_flow_keeps_a_table_and_fails_for_what_is_lost(
    archive: TwoFolders, prefect_server: None
) -> None:
    from prefect.artifacts import Artifact

    from flows.audit_archive import audit_archive

    lost, damaged = archive.add(FIRST), archive.add(SECOND)
    for folder in archive.folders:
        archive.path(folder, lost).unlink()
    overwrite(archive.path("replica", damaged), DAMAGED)
    with pytest.raises(CheckFailed, match=lost.sha256):
        audit_archive(1)
    assert archive.path("replica", damaged).read_bytes() == SECOND
    kept = Artifact.get("audit-archive", _sync=True)
    assert kept is not None
    rows = json.loads(str(kept.data))
    assert {row["verdict"] for row in rows} == {"repaired", "lost"}
