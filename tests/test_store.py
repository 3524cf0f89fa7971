"""The archive in folders and in a real S3 API: content-addressed, verified, replicated, never
overwritten.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from s3fs import S3FileSystem

from tasks.core.archive import manifests
from tasks.core.archive.archive import Archive
from tasks.core.archive.hashed_files import original_name
from tasks.core.model.columns import text
from tasks.core.model.declarations import Licence, Publisher, Rows, Source, Table, Total
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Original, Retrieval

BODY = b"synthetic;1\n" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()
MOMENT = datetime(2025, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
SOURCE = Source(
    slug="be-figures",
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
    urls=("https://me:hidden@office.example/figures.csv?key=hidden",),
    container="text",
    reads=Table(columns={"code": text("CODE", "Code")}, key=("code",), missing={"*": "suppressed"}),
    reference_date=date(2025, 1, 1),
    released="2025-02-01",
    confidence="high",
    rows=Rows(low=1, high=9),
    totals={"residents": Total(expected=12.5)},
    member="*.csv",
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file as it was received."""
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    path = tmp_path / "received"
    path.write_bytes(BODY)
    return path


@pytest.fixture(scope="module")
def s3(s3_api: Any) -> Any:
    """A real S3 API with a bucket."""
    s3_api.create_bucket(Bucket="archive")
    return s3_api


def original(**changes: Any) -> Original:
    """The handle of the file."""
    facts = {
        "source": SOURCE,
        "sha256": DIGEST,
        "size": len(BODY),
        "retrieved_at": MOMENT,
        "state": "new",
    }
    return Original(**{**facts, "url": "https://office.example/a?token=hidden", **changes})


def test_originals_stand_under_their_hash_and_are_read_in_place(file: Path, tmp_path: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    assert not archive.originals.exists(DIGEST)
    assert archive.originals.put(file, DIGEST) == ()
    assert archive.originals.exists(DIGEST)
    assert (
        archive.originals.fetch(DIGEST)
        == tmp_path / "archive/originals/sha256" / DIGEST[:2] / DIGEST
    )
    assert archive.originals.fetch(DIGEST).read_bytes() == BODY
    assert file.read_bytes() == BODY


def test_an_original_is_written_once(file: Path, tmp_path: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    archive.originals.put(file, DIGEST)
    before = archive.originals.fetch(DIGEST).stat()
    archive.originals.put(file, DIGEST)
    assert archive.originals.fetch(DIGEST).stat() == before
    assert [path for path in (tmp_path / "archive").rglob("*.part")] == []


def test_bytes_that_are_not_what_they_are_called_are_not_kept(file: Path, tmp_path: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    with pytest.raises(ConfigurationError, match="could keep the original"):
        archive.originals.put(file, "0" * 64)
    assert not archive.originals.exists("0" * 64)


def test_a_replica_that_is_down_is_named_and_catches_up(file: Path, tmp_path: Path) -> None:
    (tmp_path / "replica").write_text("a file where a folder should be: down, also for root")
    archive = Archive([str(tmp_path / "archive"), str(tmp_path / "replica")])
    (failure,) = archive.originals.put(file, DIGEST)
    assert failure.location == str(tmp_path / "replica")
    assert [failed.location for failed in archive.manifests.write(original())] == [
        str(tmp_path / "replica")
    ]
    (tmp_path / "replica").unlink()
    assert archive.originals.put(file, DIGEST) == ()
    assert archive.originals.catch_up(SOURCE, DIGEST) == ()
    assert (tmp_path / "replica" / original_name(DIGEST)).read_bytes() == BODY
    assert Archive([str(tmp_path / "replica")]).originals.latest(SOURCE) == original(
        url="https://office.example/a?token=***"
    )


def test_catching_up_needs_no_new_bytes(file: Path, tmp_path: Path) -> None:
    alone = Archive([str(tmp_path / "archive")])
    alone.originals.put(file, DIGEST)
    alone.manifests.write(original())
    assert (
        Archive([str(tmp_path / "archive"), str(tmp_path / "replica")]).originals.catch_up(
            SOURCE, DIGEST
        )
        == ()
    )
    assert Archive([str(tmp_path / "replica")]).originals.fetch(DIGEST).read_bytes() == BODY
    assert Archive([str(tmp_path / "replica")]).originals.latest(SOURCE) is not None


def test_a_primary_that_is_down_is_replaced_by_its_replica(file: Path, tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("down")
    archive = Archive([str(tmp_path / "archive"), str(tmp_path / "replica")])
    assert len(archive.originals.put(file, DIGEST)) == 1
    assert archive.originals.fetch(DIGEST).read_bytes() == BODY
    with pytest.raises(ConfigurationError, match="No location of the archive could keep"):
        Archive([str(tmp_path / "archive")]).originals.put(file, DIGEST)


def test_a_corrupt_primary_is_read_from_the_replica_and_repaired(
    file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive([str(tmp_path / "archive"), str(tmp_path / "replica")])
    archive.originals.put(file, DIGEST)
    corrupt = tmp_path / "archive" / original_name(DIGEST)
    corrupt.chmod(0o644)
    corrupt.write_bytes(BODY.replace(b"1", b"2"))
    with caplog.at_level(logging.WARNING):
        assert archive.originals.fetch(DIGEST) == tmp_path / "replica" / original_name(DIGEST)
    assert str(tmp_path / "archive") in caplog.text
    archive.originals.put(file, DIGEST)
    assert corrupt.read_bytes() == BODY


def test_the_last_corrupt_copy_is_named(file: Path, tmp_path: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    archive.originals.put(file, DIGEST)
    copy = archive.originals.fetch(DIGEST)
    copy.chmod(0o644)
    copy.write_bytes(b"other")
    with pytest.raises(ConfigurationError, match=f"{DIGEST} in {tmp_path}/archive is corrupt"):
        archive.originals.fetch(DIGEST)


def test_a_manifest_describes_itself(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive([str(tmp_path / "archive")])
    archive.manifests.write(
        original(etag='"1"'),
        headers={"content-type": "text/csv"},
        detail="moved for good to https://x?key=hidden",
    )
    (path,) = (tmp_path / "archive/manifests/be-figures/2025").iterdir()
    assert path.name == f"20250301T123015.123456Z-{DIGEST[:12]}.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert "hidden" not in path.read_text(encoding="utf-8")
    assert manifest["source"]["licence"]["attribution"] == "Source: an office"
    assert (manifest["source"]["container"], manifest["source"]["member"]) == ("text", "*.csv")
    assert (manifest["sha256"], manifest["size"], manifest["etag"]) == (DIGEST, len(BODY), '"1"')
    assert manifest["headers"] == {"content-type": "text/csv"}
    assert manifest["revision"]
    (rebuilt,) = archive.manifests.of(SOURCE)
    assert rebuilt.source.reads == SOURCE.reads
    assert repr(rebuilt.source.totals) == repr(SOURCE.totals)


def test_the_newest_manifest_is_the_latest_original(tmp_path: Path, file: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    assert archive.originals.latest(SOURCE) is None
    for day, digest in ((2, "b" * 64), (1, "a" * 64), (3, "c" * 64)):
        archive.manifests.write(original(sha256=digest, retrieved_at=MOMENT + timedelta(days=day)))
    latest = archive.originals.latest(SOURCE)
    assert latest is not None
    assert (latest.sha256, latest.source) == ("c" * 64, SOURCE)
    assert [found.sha256[0] for found in archive.manifests.of(SOURCE)] == ["c", "b", "a"]


def test_a_mirror_has_shelves_of_its_own(tmp_path: Path, file: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    sample = replace(SOURCE, mirror="synthetic-belgium")
    archive.manifests.write(original(source=sample))
    assert archive.originals.latest(SOURCE) is None
    assert archive.originals.latest(sample) is not None
    assert (
        archive.originals.latest(replace(SOURCE, vintage=2024, mirror="synthetic-belgium")) is None
    )
    assert manifests.shelf(sample) == "mirror-synthetic-belgium/be-figures/2025"


def test_documents_are_never_overwritten(tmp_path: Path, file: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    archive.documents.put("editions/belgium/2025/1.json", {"rows": 1, "name": "Liège"})
    archive.documents.put("editions/belgium/2025/1.json", {"rows": 1, "name": "Liège"})
    with pytest.raises(CheckFailed, match=r"editions/belgium/2025/1\.json"):
        archive.documents.put("editions/belgium/2025/1.json", {"rows": 2})
    assert list(archive.documents.read_all("editions/belgium")) == [
        ("editions/belgium/2025/1.json", {"rows": 1, "name": "Liège"})
    ]
    assert list(archive.documents.read_all("editions/france")) == []


@pytest.mark.parametrize("damage", [b"{", b"\xff\xfe\x00"], ids=["cut", "no text"])
def test_a_damaged_document_is_read_from_the_replica(
    tmp_path: Path, file: Path, damage: bytes
) -> None:
    archive = Archive([str(tmp_path / "archive"), str(tmp_path / "replica")])
    archive.documents.put("editions/belgium/2025/1.json", {"rows": 1})
    damaged = tmp_path / "archive/editions/belgium/2025/1.json"
    damaged.chmod(0o644)
    damaged.write_bytes(damage)
    assert list(archive.documents.read_all("editions")) == [
        ("editions/belgium/2025/1.json", {"rows": 1})
    ]


def test_refused_bytes_are_kept_once_with_each_reason(tmp_path: Path, file: Path) -> None:
    archive = Archive([str(tmp_path / "archive")])
    for seconds in (0, 1):
        refused = Retrieval(
            source=SOURCE,
            state="invalid",
            url="https://office.example/a?key=hidden",
            asked_at=MOMENT + timedelta(seconds=seconds),
            sha256=DIGEST,
            size=len(BODY),
        )
        assert archive.quarantine.put(file, refused, "it is an HTML page") == ()
    names = sorted(
        path.name for path in (tmp_path / "archive/quarantine/be-figures/2025").iterdir()
    )
    stamp, later = (
        f"20250301T123015.123456Z-{DIGEST[:12]}",
        f"20250301T123016.123456Z-{DIGEST[:12]}",
    )
    assert names == [f"{stamp}.bin", f"{stamp}.json", f"{later}.json"]
    documents = [document for _, document in archive.documents.read_all("quarantine")]
    assert [document["bytes"] for document in documents] == [
        f"quarantine/be-figures/2025/{stamp}.bin"
    ] * 2
    assert documents[0]["reason"] == "it is an HTML page"
    assert "hidden" not in json.dumps(documents)
    assert not archive.originals.exists(DIGEST)


def test_an_unknown_location_says_what_is_known() -> None:
    with pytest.raises(ConfigurationError, match="s3://bucket/folder"):
        Archive(["nowhere://bucket"])


def test_object_storage(s3: Any, file: Path) -> None:
    archive = Archive(["s3://archive/geo"])
    assert not archive.originals.exists(DIGEST)
    assert archive.originals.put(file, DIGEST) == ()
    written = s3.head_object(Bucket="archive", Key=f"geo/{original_name(DIGEST)}")["LastModified"]
    archive.originals.put(file, DIGEST)
    assert (
        s3.head_object(Bucket="archive", Key=f"geo/{original_name(DIGEST)}")["LastModified"]
        == written
    )
    assert archive.originals.fetch(DIGEST).read_bytes() == BODY
    assert archive.originals.latest(SOURCE) is None
    archive.manifests.write(original())
    assert archive.originals.latest(SOURCE) == original(url="https://office.example/a?token=***")
    with pytest.raises(CheckFailed):
        archive.documents.put(
            f"manifests/be-figures/2025/{manifests.stamp(MOMENT, DIGEST)}.json", {}
        )


def test_object_storage_is_read_back_after_writing(s3: Any, file: Path) -> None:
    with pytest.raises(ConfigurationError, match="is corrupt"):
        Archive(["s3://archive/fourth"]).originals.put(file, "0" * 64)


def test_a_corrupt_object_is_read_from_the_folder_and_repaired(
    s3: Any, file: Path, tmp_path: Path
) -> None:
    archive = Archive(["s3://archive/second", str(tmp_path / "replica")])
    archive.originals.put(file, DIGEST)
    s3.put_object(Bucket="archive", Key=f"second/{original_name(DIGEST)}", Body=b"damaged")
    assert archive.originals.fetch(DIGEST) == tmp_path / "replica" / original_name(DIGEST)
    archive.originals.put(file, DIGEST)
    assert (
        s3.get_object(Bucket="archive", Key=f"second/{original_name(DIGEST)}")["Body"].read()
        == BODY
    )


def test_a_damaged_scratch_copy_is_fetched_again(s3: Any, file: Path) -> None:
    archive = Archive(["s3://archive/third"])
    archive.originals.put(file, DIGEST)
    archive.originals.fetch(DIGEST).write_bytes(b"damaged here")
    assert archive.originals.fetch(DIGEST).read_bytes() == BODY


def test_a_missing_bucket_is_a_replica_that_is_down(s3: Any, file: Path, tmp_path: Path) -> None:
    archive = Archive([str(tmp_path / "archive"), "s3://not-there/geo"])
    (failure,) = archive.originals.put(file, DIGEST)
    assert failure.location == "s3://not-there/geo"
    assert len(archive.originals.catch_up(SOURCE, DIGEST)) >= 1


def test_object_storage_that_is_down_does_not_hold_up_the_run(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()  # an instance of before is connected already
    started = time.monotonic()
    (failure,) = Archive([str(tmp_path / "archive"), "s3://elsewhere/geo"]).originals.put(
        file, DIGEST
    )
    S3FileSystem.clear_instance_cache()
    assert "127.0.0.1:9" in failure.reason
    assert time.monotonic() - started < 300
