"""What killed programs leave in scratch, archive and catalog: found, cleared, and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import processes
import pytest
from archives import FIRST, STOCK, TwoFolders
from deployed import wait
from test_histories import Kept

from tasks.core.archive import buckets, parts
from tasks.core.archive.hashed_files import original_name
from tasks.core.archive.locations import open_location
from tasks.core.catalog.publication_documents import publication_documents
from tasks.core.catalog.publications import roll_back
from tasks.core.model import scratch
from tasks.core.model.errors import CheckFailed
from tasks.core.model.settings import scratch_folder
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import histories, records
from tasks.running import steps
from tasks.running.arrears import settle
from tasks.running.site import site
from tasks.verbs import audits

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[1]
WORKS = """
import os, signal, sys, time
from pathlib import Path
from tasks.core.archive.parts import part_beside
from tasks.core.model.scratch import workplace
(workplace() / "unfinished").write_text("half")
with part_beside(Path(sys.argv[1]) / "name") as part:
    part.write_text("half")
    part.chmod(0o444)
    print(part, flush=True)
    if sys.argv[2] == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    while sys.argv[2] == "works":
        time.sleep(0.1)
"""
OLD = time.time() - 8 * 86400


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own."""
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))


@contextmanager
def working(folder: Path, ending: str) -> Iterator[Path]:
    """A program that writes into scratch and beside a name in a folder; its part."""
    folder.mkdir(exist_ok=True)
    command = (sys.executable, "-c", WORKS, str(folder), ending)
    with processes.started(*command, cwd=ROOT) as program:
        if ending != "works":
            program.finish(-signal.SIGKILL if ending == "is killed" else 0)
        yield Path(str(wait(program.said, "the name of the part")).strip())


def in_work() -> list[str]:
    """What programs have in scratch."""
    return sorted(path.name for path in (scratch_folder() / "work").glob("*/*"))


def test_what_a_killed_program_left_in_scratch_goes_when_another_begins(tmp_path: Path) -> None:
    with working(tmp_path / "a", "is killed"):
        assert in_work() == ["unfinished"]
    mine = scratch.workplace()
    (mine / "mine").touch()
    assert in_work() == ["mine"]
    assert scratch.clear() == []
    assert scratch.workplace() == mine


def test_what_a_program_works_with_stays_and_goes_at_its_end(tmp_path: Path) -> None:
    with working(tmp_path / "a", "works"):
        assert scratch.clear() == []
        assert in_work() == ["unfinished"]
    with working(tmp_path / "a", "ends"):
        assert list((scratch_folder() / "work").glob("*")) == []
    assert scratch.clear() == []


def test_scratch_keeps_what_was_used_this_week_and_no_more() -> None:
    place = scratch_folder()
    for name in ("unpacked/a/1/old.csv", "unpacked/b/1/used.csv", "originals/c", "tmpx.json"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
        for part in (place / name, (place / name).parent.parent):
            os.utime(part, (OLD, OLD))
    scratch.use(place / "unpacked" / "b")
    scratch.use(place / "unpacked" / "nothing")
    assert scratch.clear() == ["originals/c", "tmpx.json", "unpacked/a"]
    assert (place / "unpacked/b/1/used.csv").exists()


def test_a_part_goes_when_its_writer_was_killed_and_not_before(tmp_path: Path) -> None:
    folder, place = tmp_path / "archive", open_location(str(tmp_path / "archive"))
    with working(folder, "works") as part:
        assert place.clear() == []
        assert part.exists()
        with parts.part_beside(folder / "other"):
            assert part.exists()
    assert place.clear() == [part.name]
    with working(folder, "is killed") as part, parts.part_beside(folder / "other"):
        assert not part.exists()


def test_a_part_of_another_machine_has_a_day(tmp_path: Path) -> None:
    place = open_location(str(tmp_path))
    for name in (".0123abcd-1.part", ".0123abcd-2.part"):
        (tmp_path / name).touch()
    os.utime(tmp_path / ".0123abcd-1.part", (OLD, OLD))
    assert place.clear() == [".0123abcd-1.part"]


def test_an_upload_in_parts_that_nobody_went_on_with_is_aborted(
    s3_api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_api.create_bucket(Bucket="uploads")
    for key in ("geo/originals/x", "other/y"):
        s3_api.create_multipart_upload(Bucket="uploads", Key=key)
    place = open_location("s3://uploads/geo")
    monkeypatch.setattr(buckets, "ABANDONED_SECONDS", 50 * 366 * 86400)
    assert place.clear() == []
    monkeypatch.undo()  # an upload of this S3 API began in 2010
    assert place.clear() == ["originals/x"]
    left = s3_api.list_multipart_uploads(Bucket="uploads")["Uploads"]
    assert [upload["Key"] for upload in left] == ["other/y"]


def test_the_audit_says_what_it_clears_and_what_no_document_tells_of(
    tmp_path: Path, other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = TwoFolders(tmp_path)
    monkeypatch.setattr(steps, "log", archive.log)
    original = archive.add(FIRST, 1, STOCK)
    with working(archive.primary / "originals", "is killed") as part:
        pass
    untold = archive.primary / original_name("ab" * 32)
    untold.parent.mkdir()
    untold.write_text("")
    (archive.primary / "quarantine").mkdir()
    (archive.primary / "quarantine" / "x.bin").touch()
    with pytest.raises(CheckFailed):
        audits.audit.fn(1)
    assert not part.exists()
    assert f"Removed from {archive.primary} what a killed run had not finished" in archive.loud[0]
    assert [sentence.partition(": a run")[0] for sentence in archive.loud[1:3]] == [
        f"No document that can be read tells of the original without a manifest, SHA-256"
        f" {'ab' * 32}",
        "No document that can be read tells of the file quarantine/x.bin",
    ]
    assert original.sha256 not in " ".join(archive.loud[1:3])


def test_a_switch_that_the_archive_lacks_is_written_by_the_audit_and_by_the_next_run(
    other_database: Database,
) -> None:
    kept = Kept(other_database, "arrears")
    kept.edition(1)
    kept.edition(2)
    for number, pay in ((1, lambda: audits.audit.fn(1)), (2, lambda: settle(site(), kept.dataset))):
        roll_back(other_database, kept.dataset.slug, number)
        switched = publication_documents(other_database, kept.dataset.slug)
        documents = site().archive.documents
        assert len(switched.keys() - set(documents.names("publications"))) == 1
        with suppress(CheckFailed):  # the bytes of the originals are not there
            pay()
        assert switched.keys() == set(documents.names("publications"))


def test_a_document_whose_name_the_catalog_lacks_is_no_other_edition(
    other_database: Database,
) -> None:
    kept = Kept(other_database, "unnamed")
    name = kept.edition(1)
    with other_database.session() as cursor:
        cursor.execute("UPDATE catalog.edition SET manifest = NULL")
    assert histories.restore(other_database, histories.read(site().archive)) == []
    assert other_database.value("SELECT manifest FROM catalog.edition") == name


def test_the_record_of_a_killed_rebuild_is_closed_by_the_next(other_database: Database) -> None:
    killed = records.begin(other_database, "current", ["archive"], drill=False)
    records.begin(other_database, "current", ["archive"], drill=False)
    found = other_database.rows("SELECT id, verdict, ended_at FROM catalog.rebuild ORDER BY id")
    assert [row[1:] for row in found] == [("failed", None), ("running", None)]
    assert found[0][0] == killed
