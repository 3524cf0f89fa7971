"""An archive in a bucket with faults: slow, busy, cut off, behind in its listings, with credentials
that it refuses, without the right to delete.

The quick part tries each kind once; `make test-faults` tries every kind at every request of a run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import faulty_bucket
import pytest
import s3fs.core
from archives import FIRST, SECOND, STOCK, TwoFolders
from fault_land import MINUTES, Land
from faulty_bucket import (
    BUSY,
    EXPIRED,
    FORBIDDEN,
    UNSIGNED,
    WRONG,
    Fault,
    FaultyBucket,
    cut,
    done_and_lost,
    lost,
    slow,
)
from prefect.states import Failed
from s3fs import S3FileSystem
from test_killed_runs import moments, settled

from tasks.core.archive import locations
from tasks.core.archive.copies import scratch_copy
from tasks.core.archive.hashed_files import original_name
from tasks.core.archive.locations import open_location
from tasks.core.model.errors import ConfigurationError, Refused
from tasks.core.model.settings import scratch_folder
from tasks.core.postgres.database import Database
from tasks.running import steps
from tasks.running.policies import RECORD
from tasks.running.site import site
from tasks.verbs import audits, purges

pytestmark = pytest.mark.faults
RAW = re.compile(r"\w+Error\b|Errno|botocore|An error occurred|Traceback|HeadObject|PutObject")
"""What a driver says, and no person."""


@pytest.fixture(scope="module")
def proxy(s3_api: Any) -> Iterator[FaultyBucket]:
    """A proxy in front of a real S3 API, which the environment names in its place."""
    port = urlsplit(os.environ["AWS_ENDPOINT_URL"]).port
    assert port is not None
    with faulty_bucket.before(port) as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", found.url)
        s3_api.create_bucket(Bucket="faulty")
        s3_api.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        yield found


@pytest.fixture
def bucket(
    proxy: FaultyBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultyBucket]:
    """The proxy without faults, and an empty archive behind it."""
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GEODATA_ARCHIVE", f"s3://faulty/{tmp_path.name}")
    S3FileSystem.clear_instance_cache()  # an instance of before is connected already
    proxy.heal()
    yield proxy
    proxy.heal()
    S3FileSystem.clear_instance_cache()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of an office."""
    path = tmp_path / "file"
    path.write_bytes(FIRST)
    return path


SHA256 = hashlib.sha256(FIRST).hexdigest()
TEMPORARY: dict[str, Fault] = {
    "busy": BUSY,
    "done and lost": done_and_lost,
    "cut": cut,
    "lost": lost,
    "slow": slow(0.2),
    "too slow": slow(1.5),
}
LASTING: dict[str, tuple[Fault, str]] = {
    "denied": (FORBIDDEN, "it denies us this, check our credentials"),
    "wrong key": (WRONG, "it does not know our credentials, correct them"),
    "wrong secret": (UNSIGNED, "it does not know our credentials, correct them"),
    "expired": (EXPIRED, "our credentials have expired, renew them"),
}


long = pytest.mark.skipif(not MINUTES, reason="a long part, of `make test-faults`")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=name, marks=() if name in ("busy", "done and lost", "cut") else long)
        for name, fault in TEMPORARY.items()
    ],
)
def test_a_fault_that_passes_is_not_noticed(
    bucket: FaultyBucket, file: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(locations.S3_PATIENCE, "read_timeout", 1)
    store = site().archive
    for chosen in ("writes", "reads", "lists"):
        bucket.fail(fault, lambda asked, chosen=chosen: bool(getattr(asked, chosen)), times=1)
    assert store.originals.put(file, SHA256) == ()
    assert store.documents.put("runs/land/2026/a.json", {"a": "b"}) == ()
    assert store.documents.names("runs") == ["runs/land/2026/a.json"]
    assert store.originals.fetch(SHA256).read_bytes() == FIRST


@pytest.mark.parametrize(("fault", "words"), LASTING.values(), ids=LASTING.keys())
def test_a_refusal_is_told_in_a_sentence_with_what_can_be_done(
    bucket: FaultyBucket, file: Path, fault: Fault, words: str
) -> None:
    store = site().archive
    store.originals.put(file, SHA256)
    scratch_copy(SHA256).unlink(missing_ok=True)
    bucket.fail(fault)
    for asked in (
        lambda: store.documents.names("manifests"),
        lambda: store.originals._files.fetch(SHA256),
        lambda: store.originals.put(file, hashlib.sha256(SECOND).hexdigest()),
    ):
        with pytest.raises(Refused) as told:
            asked()
        assert not RECORD.heals(None, None, Failed(data=told.value)), "it was waited for"
        assert not RAW.search(str(told.value))
        assert "Restore" not in str(told.value)
        assert "remove its manifest" not in str(told.value)
    with pytest.raises(Refused, match=words):
        store.documents.names("manifests")


def test_a_location_that_refuses_beside_one_that_is_busy_is_asked_again(
    bucket: FaultyBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", f"s3://faulty/{tmp_path.name}-replica")
    monkeypatch.setattr(S3FileSystem, "retries", 1)
    store = site().archive
    bucket.fail(BUSY, lambda asked: "-replica" in str(asked.query))
    bucket.fail(FORBIDDEN)
    with pytest.raises(ConfigurationError, match="it is too busy") as told:
        store.documents.names("manifests")
    assert RECORD.heals(None, None, Failed(data=told.value))


def test_an_answer_that_is_cut_again_and_again_is_told_and_leaves_nothing_of_it(
    bucket: FaultyBucket, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(S3FileSystem, "retries", 2)
    store = site().archive
    store.originals.put(file, SHA256)
    bucket.fail(cut, lambda asked: asked.reads)
    with pytest.raises(ConfigurationError, match=r"the line to it breaks.* and run again") as told:
        store.originals.fetch(SHA256)
    assert not RAW.search(str(told.value))
    assert not [path for path in scratch_folder().rglob("*.part")]
    assert not scratch_copy(SHA256).exists()


def test_what_was_just_written_is_found_though_it_is_not_listed(
    bucket: FaultyBucket, file: Path
) -> None:
    store, document = site().archive, {"number": 1}
    bucket.freeze()
    store.documents.put("editions/land/2026/0001-20260101T000000.json", document)
    assert store.documents.names("editions") == []
    found = store.documents.find("editions/land/2026/0001-20260101T000000.json")
    assert found == document
    assert store.documents.put_missing("editions", {}) == ()


def test_a_burial_that_is_not_listed_yet_may_be_repeated(bucket: FaultyBucket) -> None:
    store, folders = site().archive, TwoFolders(scratch_folder())
    original = folders.add(FIRST, 20, STOCK)
    bucket.freeze()
    store.tombstones.bury(original, "a court's order")
    store.tombstones.bury(original, "a court's order")
    assert not store.originals.exists(original.sha256)
    bucket.heal()
    assert len(store.tombstones.all()) == 1
    assert store.tombstones.standing(original.sha256) is not None


def test_what_is_deleted_and_still_listed_is_nowhere_an_original(
    bucket: FaultyBucket, other_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GEODATA_ARCHIVE", f"s3://faulty/{tmp_path.name}")
    folders = TwoFolders(tmp_path)
    monkeypatch.setattr(steps, "log", folders.log)
    original = folders.add(FIRST, 400, STOCK)
    bucket.freeze()
    purges.bury_expired.fn()
    assert original_name(original.sha256) in open_location(f"s3://faulty/{tmp_path.name}").names(
        "originals"
    )
    audits.audit.fn(1)
    purges.bury_expired.fn()
    assert not site().archive.originals.exists(original.sha256)
    bucket.heal()
    audits.audit.fn(1)
    assert site().archive.locations.names("originals") == set()


def test_an_upload_in_parts_that_breaks_is_never_an_original_and_is_cleared(
    bucket: FaultyBucket, s3_api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = 5 << 20
    monkeypatch.setattr(s3fs.core, "calculate_chunksize", lambda size, chunksize=None: part)
    monkeypatch.setattr(S3FileSystem, "retries", 1)
    large, content = tmp_path / "large", os.urandom(2 * part + 5)
    large.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    bucket.fail(FORBIDDEN, lambda asked: asked.method == "POST" and "uploadId" in asked.query)
    bucket.fail(FORBIDDEN, lambda asked: asked.method == "DELETE")  # nor is it aborted
    store = site().archive
    with pytest.raises(ConfigurationError, match="it denies us this"):
        store.originals.put(large, sha256)
    assert not store.originals.exists(sha256)
    assert store.locations.names("originals") == set()
    assert len(s3_api.list_multipart_uploads(Bucket="faulty")["Uploads"]) == 1
    bucket.heal()
    place = store.locations.all[0]
    assert place.clear() == [original_name(sha256)]  # an upload of this S3 API began in 2010
    assert "Uploads" not in s3_api.list_multipart_uploads(Bucket="faulty")
    assert store.originals.put(large, sha256) == ()


def test_a_bucket_that_forbids_deletion_is_told_of_and_all_the_rest_is_done(
    bucket: FaultyBucket, other_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_ARCHIVE", str(tmp_path / "archive"))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", f"s3://faulty/{tmp_path.name}")
    folders = TwoFolders(tmp_path)
    monkeypatch.setattr(steps, "log", folders.log)
    original = folders.add(FIRST, 400, STOCK)
    kept = folders.add(SECOND, 20, STOCK)
    bucket.fail(FORBIDDEN, lambda asked: asked.deletes)
    for _ in range(2):
        folders.loud.clear()
        purges.bury_expired.fn()
        (told,) = [each for each in folders.loud if "may still have bytes" in each]
        assert "it denies us this" in told
        assert not RAW.search(told)
    assert folders.holders(original) == []
    manifest = next(iter(site().archive.documents.names("manifests")))
    damaged = f"{tmp_path.name}/{manifest}"
    boto3.client("s3").put_object(Bucket="faulty", Key=damaged, Body=b"{")
    audits.audit.fn(1)
    place = open_location(f"s3://faulty/{tmp_path.name}")
    assert place.read(manifest) == (tmp_path / "archive" / manifest).read_bytes()
    assert place.exists(original_name(kept.sha256))
    bucket.heal()
    purges.bury_expired.fn()
    assert not place.exists(original_name(original.sha256))


def test_a_bucket_that_locks_its_objects_keeps_them_until_it_may_not(
    bucket: FaultyBucket, other_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, prefix = boto3.client("s3"), tmp_path.name
    monkeypatch.setenv("GEODATA_ARCHIVE", str(tmp_path / "archive"))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", f"s3://locked/{prefix}")
    folders = TwoFolders(tmp_path)
    monkeypatch.setattr(steps, "log", folders.log)
    original = folders.add(FIRST, 400, STOCK)
    key = f"{prefix}/{original_name(original.sha256)}"
    until = datetime.now(UTC) + timedelta(days=1)
    s3.put_object_retention(
        Bucket="locked", Key=key, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until}
    )
    for _ in range(2):
        folders.loud.clear()
        purges.bury_expired.fn()
        (told,) = [each for each in folders.loud if "may still have bytes" in each]
        assert not RAW.search(told)
        assert not site().archive.originals.exists(original.sha256)
    audits.audit.fn(1)
    version = s3.list_object_versions(Bucket="locked", Prefix=key)["Versions"][0]["VersionId"]
    s3.put_object_retention(
        Bucket="locked",
        Key=key,
        VersionId=version,
        BypassGovernanceRetention=True,
        Retention={},
    )
    purges.bury_expired.fn()
    assert "Versions" not in s3.list_object_versions(Bucket="locked", Prefix=key)


@pytest.fixture
def in_bucket(land: Land, bucket: FaultyBucket, monkeypatch: pytest.MonkeyPatch) -> Land:
    """A land whose archive is in two places of the bucket, with an edition that readers see."""
    land.bucket = f"s3://faulty/{land.folder.name}"
    monkeypatch.setenv("GEODATA_ARCHIVE", land.place("archive"))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", land.place("replica"))
    land.asked = len(bucket.asked)
    land.publish_day()
    return land


def attempt(land: Land) -> str:
    """Run on another day; return the sentence with which the run was refused, or ""."""
    ended = land.folder / "effects.ended"
    ended.unlink(missing_ok=True)
    before = land.codes()
    land.next_day()
    land.do("run", refused=True, mirror=land.mirror)
    assert land.shown() in (before, land.codes())
    if not ended.exists():
        return ""
    kind, sentence = json.loads(ended.read_text())
    assert kind in ("ConfigurationError", "Refused", "SourceError"), f"{kind}: {sentence}"
    assert not RAW.search(sentence), sentence
    return str(sentence)


def completed(land: Land) -> None:
    """The next run completes, what it made is shown, and nothing is lost or left over."""
    land.do("run", mirror=land.mirror)
    assert land.shown() == land.codes()
    settled(land)


def test_a_run_whose_credentials_expire_in_the_middle(
    in_bucket: Land, bucket: FaultyBucket
) -> None:
    first = len(bucket.asked) + 10
    bucket.fail(EXPIRED, lambda asked: asked.number >= first)
    assert "Check GEODATA_ARCHIVE" in attempt(in_bucket)
    bucket.heal()
    completed(in_bucket)


@long
@pytest.mark.parametrize("kind", [*TEMPORARY, *LASTING, "every third is busy", "stale"])
def test_every_fault_at_every_request_of_a_run(
    in_bucket: Land, bucket: FaultyBucket, kind: str
) -> None:
    tried = "Tried the fault at {} of {} requests."
    times = 1 if kind == "every third is busy" else 2  # that is a minute of waits by itself
    for moment in moments(len(bucket.asked) - in_bucket.asked, times, 1 / 20, tried):
        first = len(bucket.asked) + moment
        if kind in LASTING:
            bucket.fail(LASTING[kind][0], lambda asked, first=first: bool(asked.number >= first))
        elif kind == "stale":
            bucket.freeze()
        elif kind in TEMPORARY:
            fault = TEMPORARY[kind]
            bucket.fail(fault, lambda asked, first=first: bool(asked.number >= first), times=1)
        else:
            bucket.fail(BUSY, lambda asked, moment=moment: bool(asked.number % 3 == moment % 3))
        refused = attempt(in_bucket)
        assert kind in LASTING or not refused, refused
        bucket.heal()
        completed(in_bucket)
