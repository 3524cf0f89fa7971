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
import pytest
from conftest import database_of_its_own
from crashes import Crash
from made_up_land import made_up, people, published, staged
from prefect.client.schemas.objects import State
from runland import RUNLAND, runland, write

from tasks.core.catalog import editions, layers
from tasks.core.catalog.wholeness import require_whole
from tasks.core.model.errors import ConfigurationError, WorkLost
from tasks.core.postgres.database import Database
from tasks.running.locks import alone, prove_lock

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
    before it begins.
    """

    def __init__(self, crash: Crash, number: int, *, inside: bool) -> None:
        self.crash, self.number, self.inside = crash, number, inside
        self.seen, self.session = 0, Database.session

    @contextmanager
    def opened(self, database: Database, *schemas: str) -> Iterator[Any]:
        self.seen += 1
        here = self.seen == self.number
        if here and not self.inside:
            self.crash(database)
        with self.session(database, *schemas) as cursor:
            yield cursor
            if here and self.inside:
                self.crash(database)


@contextmanager
def crash_at(crash: Crash, number: int, *, inside: bool) -> Iterator[Boundary]:
    boundary = Boundary(crash, number, inside=inside)
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


def transactions(mirror: Path) -> int:
    """How many transactions a run of the new figures has, from its first second to its last."""
    with crash_at(crashes.server_killed, 0, inside=False) as boundary:
        assert run(mirror, rebuild=True).is_completed()
    return boundary.seen


def crash_in_a_run(database: Database, mirror: Path, crash: Crash, number: int, inside: bool) -> None:
    """Crash in a run of new figures, while readers have those of the edition before."""
    new = 13 - seen(database)
    publishes(mirror, new)
    with crash_at(crash, number, inside=inside) as boundary:
        state = run(mirror)
    assert boundary.seen >= number
    assert state.is_completed() or crash in crashes.HARMLESS or boundary.seen
    if not state.is_completed():
        assert seen(database) in OFFICE
    require_well(database, mirror, new)


def test_wherever_the_database_crashes_an_edition_is_whole_and_the_run_or_the_next_completes(
    place: Database, tmp_path: Path, prefect_server: None
) -> None:
    mirror = tmp_path / "mirror"
    publishes(mirror, 6)
    assert run(mirror).is_completed()
    count = transactions(mirror)
    for number in range(1, count + 1):
      for crash in (crashes.server_killed, crashes.backends_ended):
        for inside in (False, True):
            t = time.perf_counter()
            new = 13 - seen(place); publishes(mirror, new)
            with crash_at(crash, number, inside=inside) as boundary:
                state = run(mirror)
            said = place.rows("SELECT outcome, message FROM catalog.run ORDER BY started_at DESC LIMIT 1")
            print("RESULT", crash.__name__, number, inside, boundary.seen, round(time.perf_counter() - t,1), state.name, str(state.message)[:150], seen(place), new, place.value("SELECT count(*) FROM catalog.edition WHERE state='published' AND manifest IS NULL"))
            if not state.is_completed():
                print("ERR", repr(state.result(raise_on_failure=False))[:300])
            require_well(place, mirror, new)
