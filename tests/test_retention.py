"""The legal maximum age of originals: bytes gone from every location, tombstone and manifest there,
and what flows do then.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import FIRST, SECOND, STOCK, TwoFolders, day
from faulty_server import FaultyServer, running, status, whole

from tasks.core.archive.archive import Archive
from tasks.core.archive.copies import forget, scratch_copy
from tasks.core.archive.hashed_files import original_name
from tasks.core.archive.tombstones import Tombstone
from tasks.core.model.errors import CheckFailed, ConfigurationError, SourceError
from tasks.core.model.handles import Retrieval
from tasks.core.model.settings import scratch_folder
from tasks.core.postgres.database import Database
from tasks.core.upstream import http
from tasks.running import steps
from tasks.running.site import site
from tasks.verbs import originals
from tasks.verbs import purges as retention

NOTES = replace(STOCK, slug="xx-notes", retention="permanent", keep_days=None)
TOO_OLD, YOUNG = 400, 20


@pytest.fixture(scope="module")
def s3(s3_api: Any) -> Any:
    """A real S3 API with a bucket that keeps versions and one that does not."""
    for bucket in ("plain", "versioned"):
        s3_api.create_bucket(Bucket=bucket)
    s3_api.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    return s3_api


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database) -> TwoFolders:
    """An empty archive in two places."""
    found = TwoFolders(tmp_path)
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GEODATA_ARCHIVE", str(found.primary))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(found.replica))
    monkeypatch.setattr(steps, "log", found.log)
    return found


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A publisher's server."""
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    with running() as server:
        yield server


def test_bytes_beyond_their_age_go_everywhere_and_a_tombstone_and_the_manifest_stay(
    archive: TwoFolders, database: Database
) -> None:
    old, young = archive.add(FIRST, TOO_OLD), archive.add(SECOND, YOUNG)
    unpacked = scratch_folder() / "unpacked" / old.sha256 / "12345678"
    unpacked.mkdir(parents=True)
    (unpacked / "stock.csv").write_bytes(FIRST)
    retention.bury_expired.fn()
    assert (archive.holders(old), archive.holders(young)) == ([], ["archive", "replica"])
    assert not unpacked.parent.exists()
    for folder in (archive.primary, archive.replica):
        stone = json.loads(
            (folder / "tombstones" / old.sha256[:2] / f"{old.sha256}.json").read_text(
                encoding="utf-8"
            )
        )
        assert (
            stone["sha256"],
            stone["size"],
            stone["source"],
            stone["vintage"],
            stone["title"],
        ) == (old.sha256, len(FIRST), "xx-stock", 2026, STOCK.title)
        assert stone["reason"] == "its legal maximum age of 365 days"
        assert "hidden" not in json.dumps(stone)
        assert len(list((folder / "manifests/xx-stock/2026").iterdir())) == 2
    store = site().archive
    assert [original.sha256 for original in store.manifests.of(STOCK)] == [young.sha256, old.sha256]
    assert (store.originals.exists(old.sha256), store.originals.exists(young.sha256)) == (
        False,
        True,
    )
    assert (store.originals.latest(STOCK), store.originals.passed_over(STOCK)) == (
        replace(young, url="https://***@office.example/stock.csv"),
        None,
    )
    assert archive.quiet == [
        "Buried 1 of 2 originals under a legal maximum age (xx-stock 2026 of"
        f" {day(old.retrieved_at)})."
    ]
    assert archive.loud == []
    rows = database.rows(
        "SELECT source, source_vintage, mirror, retrieved_at, size_bytes, reason, buried_at FROM"
        " catalog.tombstone WHERE sha256 = %s AND retrieved_at = %s",
        old.sha256,
        old.retrieved_at,
    )
    assert rows == [
        (
            "xx-stock",
            2026,
            "",
            old.retrieved_at,
            len(FIRST),
            "its legal maximum age of 365 days",
            rows[0][-1],
        )
    ]


def test_a_second_purge_finds_nothing_to_do(archive: TwoFolders) -> None:
    archive.add(FIRST, TOO_OLD)
    retention.bury_expired.fn()
    before = sorted(archive.primary.rglob("*.json"))
    retention.bury_expired.fn()
    assert sorted(archive.primary.rglob("*.json")) == before
    assert (
        archive.quiet[-1] == "Looked at 0 originals under a legal maximum age: none is beyond it."
    )


def test_days_of_grace_are_let_pass_and_never_taken_away(archive: TwoFolders) -> None:
    old = archive.add(FIRST, 370)
    retention.bury_expired.fn(grace_days=10)
    assert archive.holders(old) == ["archive", "replica"]
    with pytest.raises(
        ConfigurationError, match="grace_days was expected to be 0 or more, found -400"
    ):
        retention.bury_expired.fn(grace_days=-400)


def test_the_last_original_of_a_vintage_goes_too_and_is_named(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    retention.bury_expired.fn()
    assert archive.holders(old) == []
    assert any(
        "No original of xx-stock 2026 is left in the archive" in sentence
        for sentence in archive.loud
    )


def test_the_newest_manifest_of_a_source_tells_how_long_all_its_originals_may_stay(
    archive: TwoFolders,
) -> None:
    before = archive.add(FIRST, 100, replace(STOCK, vintage=2025))
    permanent_once = archive.add(
        b"0;0\n", 100, replace(STOCK, vintage=2024, retention="permanent", keep_days=None)
    )
    young = archive.add(SECOND, YOUNG, replace(STOCK, keep_days=90))
    retention.bury_expired.fn()
    assert [archive.holders(original) for original in (before, permanent_once, young)] == [
        [],
        [],
        ["archive", "replica"],
    ]


def test_bytes_of_a_permanent_source_stay(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    archive.add(FIRST, TOO_OLD + 100, NOTES)
    retention.bury_expired.fn()
    assert archive.holders(old) == ["archive", "replica"]
    assert site().archive.tombstones.all() == []
    assert "its bytes stay: they are those of xx-notes 2026 of" in archive.quiet[0]
    with pytest.raises(CheckFailed, match=r"xx-notes 2026 of .* may keep it"):
        site().archive.tombstones.bury(old, "a court's order")


def test_bytes_received_again_lately_stay(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    archive.add(SECOND, 200)
    archive.add(FIRST, YOUNG)
    retention.bury_expired.fn()
    assert archive.holders(old) == ["archive", "replica"]
    with pytest.raises(CheckFailed, match="xx-stock 2026"):
        site().archive.tombstones.bury(old, "its legal maximum age of 365 days")


def test_bytes_that_two_sources_have_go_when_both_are_beyond_their_age(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    archive.add(FIRST, 50, replace(STOCK, slug="xx-short", keep_days=30))
    retention.bury_expired.fn()
    assert archive.holders(old) == []
    assert [(stone.source, stone.reason) for stone in site().archive.tombstones.all()] == [
        ("xx-short", "its legal maximum age of 30 days")
    ]
    assert site().archive.originals.latest(STOCK) is None


def test_a_source_that_does_not_declare_its_age_stops_no_other(archive: TwoFolders) -> None:
    silent = archive.add(SECOND, 5000, replace(STOCK, slug="xx-silent", keep_days=None))
    old = archive.add(FIRST, TOO_OLD)
    with pytest.raises(
        ConfigurationError,
        match=r"xx-silent 2026 falls under a legal maximum age.*declare keep_days",
    ):
        retention.bury_expired.fn()
    assert (archive.holders(silent), archive.holders(old)) == (["archive", "replica"], [])


def test_a_location_that_is_down_is_named_and_finished_by_the_next_purge(
    archive: TwoFolders, tmp_path: Path
) -> None:
    old, young = archive.add(FIRST, TOO_OLD), archive.add(SECOND, YOUNG)
    archive.replica.rename(tmp_path / "elsewhere")
    archive.replica.write_text("a file where a folder should be: down, also for root")
    retention.bury_expired.fn()
    assert any(
        f"{archive.replica} (" in sentence and "the next purge that can reach it" in sentence
        for sentence in archive.loud
    )
    archive.replica.unlink()
    (tmp_path / "elsewhere").rename(archive.replica)
    assert archive.holders(old) == ["replica"]
    assert not site().archive.originals.exists(old.sha256)
    with pytest.raises(SourceError, match=r"was buried on .* by its legal maximum age of 365 days"):
        site().archive.originals.fetch(old.sha256)
    retention.bury_expired.fn()
    assert (archive.holders(old), archive.holders(young)) == ([], ["archive", "replica"])
    assert (archive.replica / "tombstones" / old.sha256[:2] / f"{old.sha256}.json").is_file()
    assert (
        archive.quiet[-1]
        == "Looked at 1 originals under a legal maximum age: none is beyond it; finished 1 earlier"
        " burials."
    )


def test_a_burial_is_refused_where_no_tombstone_can_be_set(
    archive: TwoFolders, tmp_path: Path
) -> None:
    old = archive.add(FIRST, TOO_OLD)
    for folder in (archive.primary, archive.replica):
        (folder / "tombstones").write_text("a file where a folder should be")
    with pytest.raises(ConfigurationError, match="could keep the document tombstones/"):
        site().archive.tombstones.bury(old, "its legal maximum age of 365 days")
    assert archive.holders(old) == ["archive", "replica"]


@pytest.mark.parametrize("bucket", ["plain", "versioned"])
def test_a_bucket_keeps_no_version_of_buried_bytes(
    archive: TwoFolders, s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", f"s3://{bucket}/geo")
    old = archive.add(FIRST, TOO_OLD)
    key = f"geo/{original_name(old.sha256)}"
    s3.put_object(Bucket=bucket, Key=key, Body=FIRST)
    Archive([f"s3://{bucket}/geo"]).originals.fetch(old.sha256)
    assert scratch_copy(old.sha256).is_file()
    retention.bury_expired.fn()
    assert "Versions" not in s3.list_object_versions(Bucket=bucket, Prefix=key)
    assert (archive.holders(old), scratch_copy(old.sha256).exists(), archive.loud[1:]) == (
        [],
        False,
        [],
    )
    listed = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="geo")["Contents"]]
    assert [name.split("/")[1] for name in listed] == ["manifests", "tombstones"]


def test_a_bucket_that_is_not_there_has_not_let_go(
    archive: TwoFolders, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = archive.add(FIRST, TOO_OLD)
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", "s3://not-there/geo")
    assert [
        failure.location
        for failure in site().archive.tombstones.bury(old, "its legal maximum age of 365 days")
    ] == ["s3://not-there/geo"]


def test_what_a_killed_run_left_half_written_goes_too(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    part = (archive.primary / original_name(old.sha256)).with_name(".killed.part")
    written_now = part.with_name(".running.part")
    for path in (part, written_now):
        path.write_bytes(FIRST[:100])
    os.utime(part, (time.time() - 2 * 86400,) * 2)
    retention.bury_expired.fn()
    assert (part.exists(), written_now.exists()) == (False, True)


def test_refused_bytes_age_like_originals(archive: TwoFolders, tmp_path: Path) -> None:
    store, names = site().archive, []
    (tmp_path / "cut").write_bytes(FIRST[:50])
    for source, days_ago in (
        (STOCK, TOO_OLD),
        (NOTES, TOO_OLD),
        (replace(STOCK, vintage=2025), YOUNG),
    ):
        asked_at = datetime.now(UTC) - timedelta(days=days_ago)
        refused = Retrieval(
            source=source,
            state="invalid",
            url="https://office.example",
            asked_at=asked_at,
            sha256=hashlib.sha256(FIRST[:50]).hexdigest(),
            size=50,
        )
        store.quarantine.put(tmp_path / "cut", refused, "it is truncated")
        names += [path for path in store.quarantine.all() if path not in names]
    retention.bury_expired.fn()
    assert [
        [(folder / name).exists() for name in names]
        for folder in (archive.primary, archive.replica)
    ] == [[False, True, True]] * 2
    assert len(list(store.documents.read_all("quarantine"))) == 3
    assert archive.quiet[-1].endswith("none is beyond it; removed 1 refused files from quarantine.")
    retention.bury_expired.fn()
    assert archive.quiet[-1].endswith("none is beyond it.")


def test_a_rebuild_from_the_archive_takes_the_next_allowed_original_and_says_so(
    archive: TwoFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_UPSTREAM", "archive")
    before, newest = archive.add(SECOND, 60), archive.add(FIRST, YOUNG)
    site().archive.tombstones.bury(newest, "a court's order")
    retrieval = originals.download.fn(STOCK)
    assert archive.loud == [
        f"The original of xx-stock 2026 of {day(newest.retrieved_at)} was buried on"
        f" {day(datetime.now(UTC))} by a court's order; the original of {day(before.retrieved_at)}"
        " is used."
    ]
    assert originals.archive.fn(retrieval).sha256 == before.sha256


def test_a_rebuild_with_nothing_but_tombstones_says_what_to_do(
    archive: TwoFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_UPSTREAM", "archive")
    old = archive.add(FIRST, TOO_OLD)
    retention.bury_expired.fn()
    with pytest.raises(SourceError) as raised:
        originals.download.fn(STOCK)
    assert (
        str(raised.value)
        == f"The original of xx-stock 2026 of {day(old.retrieved_at)} was buried on"
        f" {day(datetime.now(UTC))} by its legal maximum age of 365 days, and no other is left"
        " in the archive; GEODATA_UPSTREAM=archive forbids asking An office for it: unset"
        " GEODATA_UPSTREAM, so that the publisher is asked for a newer one; editions made from"
        " it stay as they are."
    )


def test_the_original_before_a_tombstone_stands_in_for_a_publisher_that_fails(
    archive: TwoFolders, office: FaultyServer
) -> None:
    source = replace(STOCK, urls=(office.script("/stock.csv", status(404)),))
    before, newest = archive.add(SECOND, 60, source), archive.add(FIRST, YOUNG, source)
    site().archive.tombstones.bury(newest, "a court's order")
    retrieval = originals.download.fn(source)
    assert (
        f"; the original of {day(before.retrieved_at)} is used unless the publisher gives another."
        in archive.loud[0]
    )
    assert originals.archive.fn(retrieval) == replace(before, state="gone")


def test_all_buried_and_gone_upstream_is_an_error_that_says_both(
    archive: TwoFolders, office: FaultyServer
) -> None:
    source = replace(STOCK, urls=(office.script("/stock.csv", status(404)),))
    archive.add(FIRST, TOO_OLD, source)
    retention.bury_expired.fn()
    with pytest.raises(
        SourceError,
        match=(
            r"is gone: .* was buried on .* of 365 days, and no other is left to stand in: look for"
            r" the file at"
        ),
    ):
        originals.download.fn(source)
    assert archive.loud[-1].endswith(
        "; none is left, and the publisher is asked for the file anew."
    )


def test_the_same_bytes_come_back_when_the_publisher_still_gives_them(
    archive: TwoFolders, office: FaultyServer
) -> None:
    source = replace(STOCK, urls=(office.script("/stock.csv", whole(FIRST, etag='"1"')),))
    old = replace(archive.add(FIRST, TOO_OLD, source), etag='"1"')
    retention.bury_expired.fn()
    retrieval = originals.download.fn(source)
    again = originals.archive.fn(retrieval)
    assert (again.sha256, again.state, archive.holders(again)) == (
        old.sha256,
        "new",
        ["archive", "replica"],
    )
    store = site().archive
    assert (
        store.originals.latest(source),
        store.originals.exists(old.sha256),
        store.originals.passed_over(source),
    ) == (
        again,
        True,
        None,
    )
    assert store.originals.fetch(old.sha256).read_bytes() == FIRST
    assert len(store.tombstones.all()) == 1
    retention.bury_expired.fn()
    assert archive.holders(again) == ["archive", "replica"]
    assert originals.download.fn(source).state == "unchanged"
    store.tombstones.bury(again, "a court's order")
    assert (
        archive.holders(again),
        len(store.tombstones.all()),
        store.originals.latest(source),
    ) == ([], 2, None)


def test_buried_bytes_do_not_come_back_from_before(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    retention.bury_expired.fn()
    for days_ago in (
        TOO_OLD,
        YOUNG,
    ):  # a manifest of before the burial, as a restored backup would bring
        with pytest.raises(SourceError, match="were expected from the publisher after that day"):
            archive.add(FIRST, days_ago)
    with pytest.raises(SourceError, match="were buried"):
        site().archive.originals.put(scratch_folder() / "received", old.sha256)
    assert archive.holders(old) == []


def test_a_restored_backup_is_purged_again(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    retention.bury_expired.fn()
    (archive.primary / original_name(old.sha256)).write_bytes(FIRST)
    assert not site().archive.originals.exists(old.sha256)
    retention.bury_expired.fn()
    assert archive.holders(old) == []
    assert len(site().archive.tombstones.all()) == 1


def test_a_new_catalog_learns_all_tombstones_of_the_archive(
    archive: TwoFolders, other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_ARCHIVE", str(archive.primary))
    old = archive.add(FIRST, TOO_OLD)
    site().archive.tombstones.bury(old, "a court's order")
    for _ in range(2):
        retention.bury_expired.fn()
    assert other_database.rows("SELECT sha256, reason FROM catalog.tombstone") == [
        (old.sha256, "a court's order")
    ]


def test_forgetting_what_is_not_there_is_harmless(archive: TwoFolders) -> None:
    forget("0" * 64)


def test_a_tombstone_reads_as_it_was_written(archive: TwoFolders) -> None:
    old = archive.add(FIRST, TOO_OLD)
    site().archive.tombstones.bury(old, "a court's order")
    (stone,) = site().archive.tombstones.all()
    assert stone == Tombstone(
        sha256=old.sha256,
        size=len(FIRST),
        url="https://***@office.example/stock.csv",
        source="xx-stock",
        vintage=2026,
        mirror="",
        title=STOCK.title,
        retrieved_at=old.retrieved_at,
        reason="a court's order",
        buried_at=stone.buried_at,
    )


def test_the_flow_keeps_a_table_of_what_was_buried(
    archive: TwoFolders, prefect_server: None
) -> None:
    from prefect.artifacts import Artifact

    from flows.purge import purge

    old = archive.add(FIRST, TOO_OLD)
    purge()
    assert archive.holders(old) == []
    kept = Artifact.get("purge", _sync=True)
    assert kept is not None
    assert old.sha256 in str(kept.data)
    assert "removed everywhere" in str(kept.data)
