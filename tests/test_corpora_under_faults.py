"""Files of every format under faults: whatever happens to connection, server, unpacked file or disk
while one is loaded, its next try gives the rows that it gives undisturbed, and never part of them.

The files are those that once differed (tests/truth/cases), and sound ones of each format.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import crashes
import pyarrow as pa
import pytest
from conftest import database_of_its_own
from fault_land import MINUTES
from hypothesis import HealthCheck, Phase, given, seed, settings
from made_up_land import made_up, original
from test_full_disks import full, small_disk, without_inodes
from test_truth import KINDS
from truth.cases import KEPT, Case, Row, in_order, rows_of

from tasks.core.catalog import editions, removals
from tasks.core.catalog.provenance import record_retrieval
from tasks.core.making.geometry import geometry_tables
from tasks.core.making.tables import staging_tables
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError, GeodataError, WorkLost
from tasks.core.model.handles import File, Original, Retrieval, Staging
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database
from tasks.running.policies import DATABASE
from tasks.running.site import site
from tasks.running.wholeness import prove
from tasks.verbs.files import unpack_original
from tasks.verbs.tables import load_geometries, load_table

pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings(
        "ignore::RuntimeWarning", "ignore::hypothesis.errors.HypothesisWarning"
    ),
]
SOUND = [kind for kind in KINDS if "broken" not in kind and "strange" not in kind]
TRIES = 4
MOST_PARTS = 20  # in which the rows of a batch are sent
Fault = Callable[["Load"], None]


@dataclass
class Load:
    """The load of one file, with a fault at one of its places: before it, between its
    transactions, or before a part of its rows is sent.

    number: of the place, from 0. sent: how many rows it has, where that is known.
    """

    case: Case
    original: Original
    staging: Staging
    fault: Fault | None = None
    number: int = 0
    sent: int | None = None
    places: int = 0
    files: tuple[File, ...] = ()

    def place(self) -> None:
        """Come to the next place, and do there what is to be done, once."""
        here, fault = self.places == self.number, self.fault
        self.places += 1
        if here and fault:
            self.fault = None
            fault(self)

    def rows(self) -> list[Row] | GeodataError:
        """Try as a run does: again after an outage, from the archive where work was lost."""
        for _ in range(TRIES):
            try:
                return self._tried()
            except WorkLost:
                self._begin_again()
            except DATABASE.but:
                raise
            except DATABASE.errors:
                crashes.answer(site().database)
            except GeodataError as error:
                return error
            self._require_none_or_all()
        raise AssertionError(f"{TRIES} tries were not enough for {self.case}")

    def _tried(self) -> list[Row]:
        self.files = unpack_original.fn(self.original)
        verb: Any = load_geometries if self.case.is_layer else load_table
        with self._counting():
            self.place()
            verb.fn(self.staging, self.files[0], "loaded")
        prove(self.staging)  # as the next verb does
        return rows_of(self.case, site().database, self.staging.schema)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count places before each transaction and before each part of the rows."""
        session = Database.session

        def counted(database: Database, *schemas: str) -> Any:
            self.place()
            return session(database, *schemas)

        def copy(database: Database, schema: str, table: str, reader: Any, *streams: int) -> int:
            parts = pa.RecordBatchReader.from_batches(reader.schema, self._in_parts(reader))
            return copy_batches(database, schema, table, parts, *streams)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Database, "session", counted)
            patch.setattr(staging_tables, "copy_batches", copy)
            if len(str(self.case)) % 2:  # half of the tables go over two connections, as long ones
                patch.setattr(staging_tables, "LONG", 0)
            patch.setattr(geometry_tables, "copy_batches", copy)
            yield

    def _in_parts(self, reader: Any) -> Iterator[pa.RecordBatch]:
        for batch in reader:
            step = -(-batch.num_rows // MOST_PARTS) or 1
            for number in range(0, batch.num_rows, step):
                self.place()
                yield batch.slice(number, step)
        self.place()

    def _begin_again(self) -> None:
        removals.abandon(site().database, self.staging.dataset)
        self.staging = begun(self.original, self.staging.dataset)

    def _require_none_or_all(self) -> None:
        database, table = site().database, f"{self.staging.schema}.loaded"
        if self.sent is not None and database.value("SELECT to_regclass(%s)", table):
            with database.session(self.staging.schema) as cursor:
                cursor.execute("SELECT count(*) FROM loaded")
                assert cursor.fetchone() in [(0,), (self.sent,)], f"part of {self.case}"


def begun(of: Original, dataset: Dataset) -> Staging:
    """A staging of its own, in which nothing is yet."""
    return editions.begin(site().database, dataset, 2024, (of,), None, rebuild=True)


def ended(load: Load) -> None:
    crashes.backends_ended(site().database)


def killed(load: Load) -> None:
    crashes.backend_killed(site().database)


def place_of(load: Load) -> Path:
    """The unpacked file, or one that is read with it; where it only names the original, a copy."""
    file = load.files[0]
    names = sorted(file.digests)
    path = Path(file.path).with_name(names[load.number % len(names)])
    assert path.is_relative_to(site().scratch)
    content = path.read_bytes()
    if path.is_symlink():
        path.unlink()
        path.write_bytes(content)
    path.chmod(0o600)
    return path


def changed(load: Load) -> None:
    path = place_of(load)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"7")
        file.flush()


def cut(load: Load) -> None:
    path = place_of(load)
    os.truncate(path, path.stat().st_size // 2)


def removed(load: Load) -> None:
    place_of(load).unlink()


def kept_cases() -> dict[str, Case]:
    """The files that once differed."""
    paths = sorted(KEPT.glob("*.json"))
    return {path.stem: Case.of_json(path.read_text(encoding="ascii")) for path in paths}


def sound_case(kind: str, number: int) -> Case:
    """A sound file of a format: the same one for the same number."""
    drawn: list[Case] = []

    @seed(number)
    @settings(
        max_examples=6,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS[kind])
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    return max(drawn, key=lambda case: len(case.content))


def kept_original(case: Case, dataset: Dataset, folder: Path) -> Original:
    """The file of a case in catalog and archive."""
    place, like = site(), original(site().database, dataset, "x")
    source = replace(
        like.source,
        reads=case.reads(),
        urls=(f"https://office.example/file.{case.format.removeprefix('shp.')}",),
    )
    sha256 = hashlib.sha256(case.content).hexdigest()
    found = replace(like, source=source, sha256=sha256, size=len(case.content), url=source.urls[0])
    answer = Retrieval(
        source=source,
        state="new",
        url=source.urls[0],
        asked_at=found.retrieved_at,
        sha256=sha256,
        size=found.size,
    )
    record_retrieval(place.database, answer, found)
    path = folder / sha256
    path.write_bytes(case.content)
    place.archive.originals.put(path, sha256)
    return found


def undisturbed(case: Case, dataset: Dataset, folder: Path) -> tuple[Load, list[Row] | None]:
    """Load a file without any fault; give its rows, or None where it is refused."""
    of = kept_original(case, dataset, folder)
    load = Load(case, of, begun(of, dataset), number=-1)
    rows = load.rows()
    return load, None if isinstance(rows, GeodataError) else rows


def sound(kind: str, land: tuple[Dataset, Path], number: int) -> tuple[Load, list[Row]]:
    """Load a sound file without any fault, the first from a number on that no limit refuses."""
    while True:
        plain, rows = undisturbed(sound_case(kind, number), *land)
        if rows:
            return plain, rows
        number += 1000


def try_fault(plain: Load, expected: list[Row] | None, fault: Fault, number: int) -> None:
    """Load a file with a fault at a place; require what it gives undisturbed."""
    dataset = plain.staging.dataset
    sent = None if expected is None else len(expected)
    load = Load(plain.case, plain.original, begun(plain.original, dataset), fault, number, sent)
    rows = load.rows()
    assert load.fault is None, f"place {number} of {plain.places} was not reached"
    if expected is None:
        assert isinstance(rows, GeodataError), f"{fault.__name__}: loaded {rows} of {plain.case}"
        return
    assert not isinstance(rows, GeodataError), f"{fault.__name__} at {number}: {rows}"
    assert in_order(rows) == in_order(expected), f"{fault.__name__} at {number} of {plain.case}"
    assert site().archive.proofs.before(plain.original) is None, "it proves nothing of the original"


@pytest.fixture(scope="module")
def land(
    cluster_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Dataset, Path]]:
    """A dataset in a database of its own, and a folder."""
    folder = tmp_path_factory.mktemp("corpora")
    with database_of_its_own(cluster_database, folder / "archive") as database:
        yield made_up(database, "corpora"), folder


FAULTS: tuple[Fault, ...] = (ended, changed, cut, removed, killed)
KEPT_CASES = kept_cases()


def some(faults: Sequence[Fault], number: int) -> Sequence[Fault]:
    """One of the faults in the quick part, another for the next file; all in the long one."""
    return faults if MINUTES else [faults[number % len(faults)]]


@pytest.mark.parametrize("name", KEPT_CASES)
def test_a_file_that_once_differed(name: str, land: tuple[Dataset, Path]) -> None:
    plain, expected = undisturbed(KEPT_CASES[name], *land)
    chance, number = random.Random(name), list(KEPT_CASES).index(name)
    for fault in some(FAULTS[:4], number):
        try_fault(plain, expected, fault, chance.randrange(plain.places))


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_file(kind: str, land: tuple[Dataset, Path]) -> None:
    plain, expected = sound(kind, land, 1)
    chance, number = random.Random(kind), SOUND.index(kind)
    for fault in some(FAULTS, number):
        try_fault(plain, expected, fault, chance.randrange(plain.places))


@pytest.mark.parametrize("fault", FAULTS[1:4])
def test_a_file_that_is_spoilt_while_it_is_read(fault: Fault, land: tuple[Dataset, Path]) -> None:
    plain, expected = sound("GeoJSON", land, 1)  # which is read twice
    try_fault(plain, expected, fault, plain.places // 2)


@pytest.mark.parametrize("kind", SOUND if MINUTES else ["Shapefile"])
def test_a_full_scratch(kind: str, land: tuple[Dataset, Path]) -> None:
    plain, expected = sound(kind, land, 2)
    disk = land[1] / "small"
    with pytest.MonkeyPatch.context() as patch, small_disk(disk, 4):
        patch.setenv("GEODATA_DATA", str(disk))
        for fault in (full, without_inodes):
            shutil.rmtree(disk / "scratch", ignore_errors=True)
            load = Load(plain.case, plain.original, begun(plain.original, land[0]), number=-1)
            with fault(disk):
                found = load.rows()
            if isinstance(found, GeodataError):
                assert isinstance(found, ConfigurationError)
                assert "GEODATA_DATA" in str(found)
                found = load.rows()
            assert not isinstance(found, GeodataError)
            assert in_order(found) == in_order(expected)


@pytest.mark.skipif(not MINUTES, reason="set GEODATA_FAULT_MINUTES for how long")
def test_every_fault_at_every_place(land: tuple[Dataset, Path]) -> None:
    until, tally = time.monotonic() + 60 * MINUTES, Counter[tuple[str, str]]()
    chance, cases = random.Random(MINUTES), KEPT_CASES
    while time.monotonic() < until:
        name = chance.choice([*cases, *SOUND])
        case = cases[name] if name in cases else sound_case(name, chance.randrange(1 << 30))
        plain, expected = undisturbed(case, *land)
        for fault in FAULTS:
            try_fault(plain, expected, fault, chance.randrange(plain.places))
            tally[fault.__name__, "refused" if expected is None else "whole"] += 1
    print(f"{tally.total():,} faults: {dict(tally)}")
    assert tally
