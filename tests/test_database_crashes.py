"""The database crashes, or connections end, in the middle of a run: nothing empty is published."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import crashes
import psycopg2
import pyarrow as pa
import pytest
import runland as runlands
from conftest import database_of_its_own
from crashes import Crash
from made_up_land import made_up, people, published, staged
from prefect.client.schemas.objects import State
from runland import RUNLAND, runland, write

from tasks.core.catalog import editions, layers, removals
from tasks.core.model.errors import ConfigurationError, WorkLost
from tasks.core.model.handles import Files, Inputs, Staging
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database
from tasks.core.postgres.outages import is_cut, is_outage
from tasks.running.locks import Lock, alone, claims, prove_lock
from tasks.running.site import site
from tasks.verbs import files
from tasks.verbs.checks import check_keys

pytestmark = pytest.mark.faults
SETTINGS = {"wal_level": "replica", "restore_command": "false"}  # for a failover
MINUTES = float(os.environ.get("GEODATA_FAULT_MINUTES", 0))


@pytest.fixture(scope="module")
def crashing(cluster_database: Database) -> Iterator[Database]:
    """The session's server, which can fail over meanwhile."""
    for name, value in SETTINGS.items():
        cluster_database.outside_transaction(f"ALTER SYSTEM SET {name} = '{value}'")
    crashes.restart("fast")
    yield cluster_database
    for name in SETTINGS:
        cluster_database.outside_transaction(f"ALTER SYSTEM RESET {name}")
    crashes.restart("fast")


@pytest.fixture
def place(crashing: Database, tmp_path: Path) -> Iterator[Database]:
    """An empty database on it, and an empty archive."""
    with database_of_its_own(crashing, tmp_path / "archive") as made:
        yield made


class Boundary:
    """The server crashes at one of the boundaries between the transactions of this process.

    number: of the transaction, from 1; 0 only counts. inside: just before it is committed, and not
    before it begins. of: counts only those that work in a schema of this name.
    """

    def __init__(self, crash: Crash, number: int, inside: bool, of: str) -> None:
        self.crash, self.number, self.inside, self.of = crash, number, inside, of
        self.seen, self.session = 0, Database.session

    @contextmanager
    def opened(self, database: Database, *schemas: str) -> Iterator[Any]:
        is_meant = self.of in " ".join(schemas)
        self.seen += is_meant
        here = is_meant and self.seen == self.number
        if here and not self.inside:
            self.crash(database)
        with self.session(database, *schemas) as cursor:
            yield cursor
            if here and self.inside:
                self.crash(database)


@contextmanager
def crash_at(
    crash: Crash, number: int, *, inside: bool = False, of: str = ""
) -> Iterator[Boundary]:
    boundary = Boundary(crash, number, inside, of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "session", lambda *given: boundary.opened(*given))
        yield boundary


def run(mirror: Path, **parameters: Any) -> State[Any]:
    return runland(mirror=str(mirror), **parameters, return_state=True)  # type: ignore[call-overload, no-any-return]


OFFICE = {6: "A;1\nB;2\nC;3\n", 7: "A;1\nB;2\nC;4\n"}  # what it publishes, by its people


def publishes(mirror: Path, people: int) -> None:
    """Let the office publish other figures."""
    write(mirror, people=people)
    (mirror / "places.csv").write_text("code;people\n" + OFFICE[people])


def seen(database: Database) -> int:
    """What a reader sees."""
    return int(database.value("SELECT sum(people) FROM runland.places"))


def require_well(database: Database, mirror: Path, people: int) -> None:
    """The next run completes, its edition is shown whole, and nothing is left over."""
    ended = run(mirror)
    assert ended.is_completed(), ended
    assert seen(database) == people
    left = "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%%_staging_%%'"
    assert database.rows(left) == []
    assert database.rows("SELECT FROM catalog.edition WHERE state = 'building'") == []
    unlogged = "SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
    assert database.rows(unlogged) == []


@pytest.fixture(scope="module")
def country(
    crashing: Database, tmp_path_factory: pytest.TempPathFactory, prefect_server: None
) -> Iterator[tuple[Database, Path, int]]:
    """A country whose edition readers see, its mirror, and the transactions that a run has."""
    folder = tmp_path_factory.mktemp("country")
    mirror = folder / "mirror"
    with database_of_its_own(crashing, folder / "archive") as database:
        publishes(mirror, 6)
        assert run(mirror).is_completed()
        with crash_at(crashes.restarted, 0) as counted:
            assert run(mirror, rebuild=True).is_completed()
        yield database, mirror, counted.seen


def crash_in_a_run(
    database: Database, mirror: Path, crash: Crash, number: int, *, inside: bool, of: str = ""
) -> State[Any]:
    """Crash in a run that brings new figures; whatever comes of it, readers see one edition."""
    people = 13 - seen(database)
    publishes(mirror, people)
    with crash_at(crash, number, inside=inside, of=of) as boundary:
        state = run(mirror)
    assert boundary.seen >= number
    assert seen(database) == people if state.is_completed() else seen(database) in OFFICE
    require_well(database, mirror, people)
    return state


@pytest.mark.parametrize("crash", crashes.EMPTYING)
def test_a_run_whose_staging_a_crash_emptied_begins_again_and_publishes_what_is_true(
    country: tuple[Database, Path, int], crash: Crash
) -> None:
    database, mirror, _ = country
    before = database.value("SELECT max(number) FROM catalog.edition")
    assert crash_in_a_run(database, mirror, crash, 3, inside=True, of="staging").is_completed()
    assert database.rows(
        "SELECT state, count(*) FROM catalog.edition WHERE number > %s GROUP BY 1 ORDER BY 1",
        before,
    ) == [("failed", 1), ("published", 1)]


@pytest.mark.parametrize("tenth", [2, 5, 8] if MINUTES else [5])
def test_wherever_the_database_crashes_between_two_transactions_the_run_completes(
    country: tuple[Database, Path, int], tenth: int
) -> None:
    database, mirror, count = country
    number = 1 + count * tenth // 10
    assert crash_in_a_run(
        database, mirror, crashes.backend_killed, number, inside=False
    ).is_completed()


def test_a_run_whose_connections_are_ended_goes_on_with_its_staging(
    country: tuple[Database, Path, int],
) -> None:
    database, mirror, count = country
    before = database.value("SELECT max(number) FROM catalog.edition")
    crash = crashes.backends_ended
    assert crash_in_a_run(database, mirror, crash, count // 2, inside=False).is_completed()
    assert database.value("SELECT max(number) FROM catalog.edition") == before + 1


def test_a_run_whose_unpacked_file_is_changed_before_it_is_loaded_begins_again(
    country: tuple[Database, Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, mirror, _ = country
    count = 13 - seen(database)
    publishes(mirror, count)
    taken = files.unpack

    def unpack_and_change(inputs: Inputs) -> Files:
        unpacked = taken(inputs)
        if not changed:
            (file,) = (file for _, file in unpacked)
            path = Path(file.path)
            changed.append(path.read_text())
            path.unlink()  # which only names the original
            path.write_text(changed[0].replace("A;1", "A;9"))
        return unpacked

    changed: list[str] = []
    monkeypatch.setattr(runlands, "unpack", unpack_and_change)
    assert run(mirror).is_completed()
    assert seen(database) == count
    assert changed


@pytest.mark.skipif(not MINUTES, reason="set GEODATA_FAULT_MINUTES for how long")
def test_every_crash_at_every_boundary(country: tuple[Database, Path, int]) -> None:
    database, mirror, count = country
    kinds = (*crashes.EMPTYING, *crashes.HARMLESS)
    every = [(crash, n, inside) for crash in kinds for n in range(1, count) for inside in (0, 1)]
    random.Random(MINUTES).shuffle(every)
    end, ended = time.monotonic() + MINUTES * 60, list[tuple[Any, ...]]()
    while every and time.monotonic() < end:
        crash, number, inside = every.pop()
        state = crash_in_a_run(database, mirror, crash, number, inside=bool(inside))
        ended.append((crash.__name__, number, inside, state.name))
        print(*ended[-1], flush=True)
    print(f"{len(ended)} crashes, {sum(each[-1] == 'Completed' for each in ended)} runs completed")


@pytest.mark.parametrize(
    "crash", [crashes.server_killed, crashes.backend_killed, crashes.backends_ended]
)
def test_a_connection_that_dies_inside_a_transaction_is_an_outage(
    crashing: Database, crash: Crash
) -> None:
    def cut(*after: str) -> None:
        with crashing.session() as cursor:
            cursor.execute("SELECT 1")
            crash(crashing)
            for statement in after:
                cursor.execute(statement)

    for after in [], ["SELECT 1"]:  # the first is cut when it is committed
        with pytest.raises(psycopg2.OperationalError) as raised:
            cut(*after)
        assert is_cut(raised.value)
        assert crashing.value("SELECT 1") == 1


@pytest.mark.parametrize("error", ["SELECT 1/0", "SELECT nothing", "SELECT pg_sleep('x')"])
def test_an_error_of_a_statement_is_no_outage(crashing: Database, error: str) -> None:
    with pytest.raises(psycopg2.Error) as raised:
        crashing.rows(error)
    assert not is_outage(raised.value)


@pytest.mark.parametrize("crash", [crashes.server_killed, crashes.backends_ended])
def test_a_copy_that_is_cut_is_an_outage(
    staging: Staging, crashing: Database, crash: Crash
) -> None:
    database = site().database
    with database.session(staging.schema) as cursor:
        cursor.execute("CREATE UNLOGGED TABLE copied (number bigint)")
    batch = pa.record_batch([pa.array(range(100_000))], names=["number"])

    def batches() -> Iterator[pa.RecordBatch]:
        yield from [batch] * 20
        crash(database)
        yield from [batch] * 20

    reader = pa.RecordBatchReader.from_batches(batch.schema, batches())
    with pytest.raises(psycopg2.OperationalError) as raised:
        copy_batches(database, staging.schema, "copied", reader)
    assert is_cut(raised.value)


@pytest.mark.parametrize("crash", [*crashes.EMPTYING, *crashes.HARMLESS])
def test_a_staging_that_was_emptied_is_not_published(
    place: Database, request: pytest.FixtureRequest, crash: Crash
) -> None:
    dataset = made_up(place, request.node.name)
    published(place, dataset, 10)
    staging = staged(place, dataset, 20, extra="ALTER TABLE areas SET UNLOGGED;")
    layers.seal(place, staging, "areas", ("code",))
    crash(place)
    if crash in crashes.HARMLESS:
        editions.publish(place, staging)
        assert people(place, dataset) == 120
        return
    with pytest.raises(WorkLost, match=f"tables of {staging.schema} were .* a crash or a failover"):
        editions.publish(place, staging)
    assert people(place, dataset) == 60


def test_a_verb_says_what_a_crash_did_and_not_what_it_found_then(
    staging: Staging, crashing: Database
) -> None:
    with site().database.session(staging.schema) as cursor:
        cursor.execute("CREATE UNLOGGED TABLE areas AS SELECT 'A' AS code")
    check_keys.fn(staging, "areas", ("code",))
    with crash_at(crashes.backend_killed, 2), pytest.raises(WorkLost, match="emptied"):
        check_keys.fn(staging, "areas", ("code",))  # after it was found whole
    with pytest.raises(WorkLost, match="emptied"):
        check_keys.fn(staging, "areas", ("code",))


def test_a_second_run_that_cleared_the_staging_of_one_without_its_lock_stops_it(
    place: Database, request: pytest.FixtureRequest
) -> None:
    dataset = made_up(place, request.node.name)
    staging = staged(place, dataset, 20)
    layers.seal(place, staging, "areas", ("code",))
    assert removals.abandon(place, dataset) == [staging.schema]
    with pytest.raises(WorkLost, match="another run has cleared it"):
        editions.publish(place, staging)


@pytest.mark.parametrize("crash", [crashes.backends_ended, crashes.backend_killed])
def test_a_run_takes_its_lock_again_where_nobody_else_has_it(place: Database, crash: Crash) -> None:
    with alone(place, RUNLAND):
        crash(place)
        prove_lock()
        with pytest.raises(ConfigurationError, match="Another run of runland is under way"):
            Lock(place, claims(place, RUNLAND))
        with pytest.raises(ConfigurationError, match="or the run of a dataset, is under way"):
            Lock(place, claims(place, None))
    Lock(place, claims(place, None)).release()


def test_a_line_that_is_cut_on_this_side_only_does_not_keep_the_lock_from_its_run(
    place: Database,
) -> None:
    lock = Lock(place, claims(place, RUNLAND))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), lock._connection.fileno())
    lock.prove()
    lock.release()


def test_a_run_whose_lock_another_has_by_now_stops(place: Database) -> None:
    with alone(place, RUNLAND):
        crashes.backends_ended(place)
        other = Lock(place, claims(place, RUNLAND))
        with pytest.raises(ConfigurationError, match="Another run of runland is under way"):
            prove_lock()
        other.release()
        prove_lock()
