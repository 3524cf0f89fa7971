"""Disks that are full, without inodes, read-only or forbidden, under scratch, archive, replica and
database: one sentence, nothing half published, and the next run completes once they take it again.

The disks are small ones of the test's own; where this account may not mount them, it is skipped.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pytest
from fault_land import MINUTES, Land

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres import cluster
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database, engine
from tasks.running.disks import explaining_disks

pytestmark = pytest.mark.faults
INODES = 600
Fault = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    """Mount a small disk at a folder, for as long as the context lasts."""
    place.mkdir(parents=True, exist_ok=True)
    size = f"size={megabytes}m,nr_inodes={INODES},mode=755"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], text=True)
    if done.returncode:
        pytest.skip("this account may not mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def full(place: Path) -> Iterator[None]:
    """Leave a disk without space."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while file.write(b"0" * size):
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def without_inodes(place: Path) -> Iterator[None]:
    """Leave a disk on which no file can be made."""
    fillers = place / "fillers"
    fillers.mkdir()
    with suppress(OSError):
        for number in range(INODES):
            (fillers / str(number)).touch()
    try:
        yield
    finally:
        shutil.rmtree(fillers)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Let a disk be read, as after an error of the disk."""
    mode = ["mount", "-o", "remount,ro", str(place)]
    subprocess.run(mode, check=True)
    try:
        yield
    finally:
        subprocess.run([*mode[:2], "remount,rw", mode[3]], check=True)


@contextmanager
def forbidden(place: Path) -> Iterator[None]:
    """Forbid all changes in a folder, also to root."""
    change = ["chattr", "-R", "-f"]
    subprocess.run([*change, "+i", str(place)], check=False)  # a link of scratch has no flags
    with pytest.raises(PermissionError):
        (place / "probe").touch()
    try:
        yield
    finally:
        subprocess.run([*change, "-i", str(place)], check=False)


FAULTS: tuple[Fault, ...] = (full, without_inodes, read_only, forbidden)


def faults(first: Fault) -> tuple[Fault, ...]:
    """One fault in the quick part, all of them in the long one."""
    return FAULTS if MINUTES else (first,)


def refused(land: Land, fault: Fault, *places: Path) -> str:
    """Run where disks refuse, then where they take again; return the sentence in between."""
    before = land.codes()
    land.next_day()
    with ExitStack() as faults:
        for place in places:
            faults.enter_context(fault(place))
        sentence = land.refused("run", mirror=land.mirror)
        assert land.shown() == before, fault
    land.do("run", mirror=land.mirror)
    assert land.shown() == land.codes(), fault
    assert land.audit() == [], fault
    assert land.left() == [], fault
    assert sentence.count(". ") <= 1, sentence
    return sentence


def test_a_scratch_that_takes_nothing(land: Land) -> None:
    with small_disk(land.folder / "data", 4):
        land.publish_day()
        for fault in faults(full):
            sentence = refused(land, fault, land.folder / "data")
            assert "GEODATA_DATA" in sentence, sentence


def test_an_archive_that_takes_nothing(land: Land) -> None:
    places = (land.folder / "archive", land.folder / "replica")
    with small_disk(places[0], 4), small_disk(places[1], 4):
        land.publish_day()
        for fault in faults(without_inodes):
            sentence = refused(land, fault, *places)
            assert "No location of the archive could keep" in sentence
            assert "GEODATA_ARCHIVE" in sentence


def test_a_replica_that_takes_nothing_holds_nothing_up(land: Land) -> None:
    with small_disk(land.folder / "replica", 4):
        land.publish_day()
        for fault in faults(read_only):
            land.next_day()
            with fault(land.folder / "replica"):
                land.do("run", mirror=land.mirror)
                assert land.shown() == land.codes(), fault
            assert f"The archive location {land.folder / 'replica'}" in land.program.said()
            land.do("audit", period_days=1)
            assert land.audit() == [], fault
            assert land.left() == [], fault


@contextmanager
def on_its_disk(database: Database, disk: Path) -> Iterator[None]:
    """Have the tables of a database on a small disk of their own meanwhile."""
    name = f"small_{uuid.uuid4().hex[:8]}"
    server = Database(database.url.set(database="postgres"))
    (disk / "tables").mkdir()
    cluster._give_to_owner(disk / "tables")
    server.outside_transaction(f"CREATE TABLESPACE {name} LOCATION '{disk / 'tables'}'")

    def move(space: str) -> None:
        engine(database).dispose()
        moved = f'ALTER DATABASE "{database.url.database}" SET TABLESPACE {space}'
        server.outside_transaction(moved)

    move(name)
    try:
        yield
    finally:
        move("pg_default")
        server.outside_transaction(f"DROP TABLESPACE {name}")


def test_a_database_whose_disk_is_full(land: Land) -> None:
    disk = Path(tempfile.mkdtemp(prefix="disk-"))  # where the server's account can walk to
    disk.chmod(0o755)
    with small_disk(disk, 64), on_its_disk(land.database, disk):
        land.publish_day()
        for fault in faults(full)[:2]:  # the server holds its files open, and owns them
            sentence = refused(land, fault, disk)
            assert "The disk of the database has no space left" in sentence
        with land.database.session() as cursor:
            cursor.execute("CREATE TABLE public.much (words text)")
        with full(disk), pytest.raises(ConfigurationError, match="database has no space"):
            copy_much(land.database)
    disk.rmdir()


def copy_much(database: Database) -> None:
    """Load 20 MB by the way that tables take."""
    words = pa.record_batch({"words": ["x" * 1000 + str(number) for number in range(20000)]})
    batches = pa.RecordBatchReader.from_batches(words.schema, [words])
    with explaining_disks():
        copy_batches(database, "public", "much", batches)
