"""Switches among readers of every kind, on a real PostGIS: nobody waits, sees a mixture or nothing,
and whoever is in the way of a switch is named.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import runland
from crowd import Crowd, watched
from made_up_land import made_up, people, published, staged
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection
from switches import COLUMN, MORE, ROWS, Switches, of_three_layers

from tasks.core.catalog import editions, layers, publications, removals
from tasks.core.catalog.shelving import readers, shelves
from tasks.core.catalog.shelving.statements import SELECT_HOLDERS
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

MINUTES = float(os.environ.get("GEODATA_FAULT_MINUTES", 0))
LONGEST = 5.0  # seconds that a reader may wait, on a busy machine; 0.5 on one that is not


@pytest.fixture
def dataset(database: Database, request: pytest.FixtureRequest) -> Dataset:
    return made_up(database, request.node.name)


@pytest.fixture
def reader(database: Database) -> Iterator[Connection]:
    """A session of a reader, with a name of its own."""
    with closing(psycopg2.connect(database.libpq_uri, application_name="a map")) as connection:
        yield connection


def ask(reader: Connection, query: str) -> object:
    with reader.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()[0][0]


def sum_of(dataset: Dataset, view: str = "areas") -> str:
    return f'SELECT sum(people) FROM "{dataset.schema}"."{view}"'


def sealed(database: Database, dataset: Dataset, people: int) -> Staging:
    staging = staged(database, dataset, people)
    layers.seal_all(database, staging)
    return staging


@pytest.mark.faults
def test_in_a_crowd_every_switch_is_done_and_every_answer_is_of_one_edition(
    database: Database, request: pytest.FixtureRequest
) -> None:
    told, switches = watched(
        database,
        of_three_layers(database, request.node.name),
        idle=60 if MINUTES else 0.2,
        switches=100 if MINUTES else 9,
    )
    assert told.mixed == told.errors == switches.refused == []
    assert told.answers > switches.count()


@pytest.mark.faults
def test_in_a_crowd_switches_that_lock_views_hold_nobody_up_for_long(
    database: Database, request: pytest.FixtureRequest
) -> None:
    """A reader waits for an attempt at most, and each ends, or is refused with names."""
    dataset = of_three_layers(database, request.node.name)
    idle = 60 if MINUTES else 0.2
    told, switches = watched(database, dataset, idle=idle, switches=0, locking=1)
    assert told.mixed == told.errors == []
    assert [each for each in switches.refused if "process" not in each] == []
    assert told.longest_lock < LONGEST


def test_a_snapshot_of_before_an_edition_was_made_sees_the_one_before(
    database: Database, dataset: Dataset, reader: Connection
) -> None:
    published(database, dataset, 10)
    reader.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
    assert ask(reader, "SELECT 1") == 1
    published(database, dataset, 20)
    assert ask(reader, sum_of(dataset)) == ask(reader, sum_of(dataset, "areas_2024")) == 60
    reader.commit()
    assert ask(reader, sum_of(dataset)) == 120


@pytest.mark.parametrize(
    "change",
    ["", "ALTER TABLE areas ALTER COLUMN people TYPE bigint"],
    ids=["the first edition", "other columns"],
)
def test_a_snapshot_that_no_edition_on_the_shelf_answers_is_told_so(
    database: Database, dataset: Dataset, reader: Connection, change: str
) -> None:
    if change:
        published(database, dataset, 10)
    reader.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
    assert ask(reader, "SELECT 1") == 1
    published(database, dataset, 20, extra=change)
    told = rf"{dataset.schema}.areas was changed after this transaction began: begin another"
    with pytest.raises(psycopg2.Error, match=told):
        ask(reader, sum_of(dataset))
    reader.rollback()
    assert ask(reader, sum_of(dataset)) == 120


def test_an_edition_stays_while_a_snapshot_may_show_it(
    database: Database, dataset: Dataset, reader: Connection
) -> None:
    first = published(database, dataset, 1)
    reader.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
    assert ask(reader, "SELECT 1") == 1
    for each in (2, 3):
        published(database, dataset, each)
    assert removals.remove_old(database, dataset, 2024) == ([], [first.number])
    assert ask(reader, sum_of(dataset)) == 6
    reader.commit()
    assert removals.remove_old(database, dataset, 2024) == ([first.number], [])
    assert people(database, dataset) == 18


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE areas ALTER people TYPE bigint", COLUMN.format(layer="areas", name="more")],
    ids=["a column of another kind", "a column more"],
)
def test_a_reader_in_the_way_is_named_and_what_was_built_is_shown_later(
    database: Database,
    dataset: Dataset,
    reader: Connection,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    """Views whose columns change must be locked against readers."""
    before, shown = published(database, dataset, 10), published(database, dataset, 20)
    staging = staged(database, dataset, 30, extra=change)
    layers.seal_all(database, staging)
    assert ask(reader, sum_of(dataset)) == 120
    monkeypatch.setattr(readers, "PATIENCE", 0.2)
    named = (
        rf"Edition {staging.edition} of {dataset.slug} .*was expected to be shown .* process"
        rf" {reader.info.backend_pid} \(user .*, application a map, idle in transaction since 20"
    )
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=named):
            editions.publish(database, staging)
    assert people(database, dataset) == 120
    assert removals.abandon(database, dataset) == []
    publications.roll_back(database, dataset.slug, before.number)
    assert ask(reader, sum_of(dataset)) == 120  # as when it began
    assert people(database, dataset) == 60
    reader.commit()
    assert editions.publish(database, staging).number == staging.edition
    assert people(database, dataset) == people(database, dataset, "areas_2024") == 180
    assert publications.edition_before(database, dataset.slug) == shown.number


def test_a_withdrawal_in_whose_way_a_reader_is_is_refused_by_name_and_changes_nothing(
    database: Database, dataset: Dataset, reader: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = published(database, dataset, 10)
    assert ask(reader, sum_of(dataset)) == 60
    monkeypatch.setattr(readers, "PATIENCE", 0.2)
    with pytest.raises(ConfigurationError, match=rf"process {reader.info.backend_pid} "):
        publications.withdraw(database, dataset.slug, 2024)
    assert people(database, dataset) == 60
    reader.commit()
    assert publications.withdraw(database, dataset.slug, 2024) == edition.number


def test_who_locks_all_tables_as_pg_dump_does_is_in_no_deadlock_with_a_publication(
    database: Database, reader: Connection
) -> None:
    made = of_three_layers(database, "dumped")
    switches = Switches(database, made)
    switches.publish()
    staging = staged(database, made, 2, extra=MORE.format(people=2, rows=ROWS))
    layers.seal_all(database, staging)
    editions.put_away(database, staging, "sealed")
    schema = f"{made.slug}_edition_{staging.edition}"
    lock = f"LOCK TABLE {schema}.{{}} IN ACCESS SHARE MODE; SELECT 1"
    assert ask(reader, lock.format("zones")) == 1
    showing = threading.Thread(target=editions.publish, args=(database, staging))
    showing.start()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
    while showing.is_alive() and not database.value(waiting, f"{schema}.zones"):
        pass
    try:
        assert ask(reader, lock.format("areas")) == 1
    finally:
        reader.rollback()
        showing.join()
    assert people(database, made) == 2 * ROWS


@pytest.mark.parametrize("prepared", [False, True], ids=["asked anew", "prepared"])
def test_nobody_waits_for_a_transaction_that_read_before_and_it_keeps_its_edition(
    database: Database, dataset: Dataset, reader: Connection, prepared: bool
) -> None:
    """PostgreSQL plans for a table that a transaction has locked with what it knew of it then."""
    first = published(database, dataset, 1)
    query = sum_of(dataset)
    if prepared:
        ask(reader, f"PREPARE asked AS {query}; SELECT 1")
        query = "EXECUTE asked"
    assert [ask(reader, query) for _ in range(10)] == [6] * 10
    for each in (2, 3):
        published(database, dataset, each)
        assert ask(reader, query) == ask(reader, sum_of(dataset, "areas_2024")) == 6
        assert people(database, dataset) == 6 * each
    publications.roll_back(database, dataset.slug, 2)
    assert [ask(reader, query), people(database, dataset)] == [6, 12]
    assert removals.remove_old(database, dataset, 2024) == ([], [first.number])
    assert ask(reader, query) == 6
    reader.commit()
    assert ask(reader, query) == 12
    assert removals.abandon(database, dataset) == []  # as each run begins
    shown = "SELECT DISTINCT number FROM catalog.showing WHERE view_schema = %s"
    assert database.rows(shown, dataset.schema) == [(2,)]
    reader.commit()
    assert removals.remove_old(database, dataset, 2024) == ([first.number], [])


def test_a_transaction_keeps_its_edition_while_its_views_change_shelves(
    database: Database, dataset: Dataset, reader: Connection
) -> None:
    """It began before, and reads only after its views were made anew, thrice."""
    published(database, dataset, 1, vintage=2022)
    assert ask(reader, "SELECT 1") == 1
    for vintage in (2023, 2024):
        published(database, dataset, vintage, vintage=vintage)
        assert people(database, dataset) == 6 * vintage
    assert ask(reader, sum_of(dataset)) == 6
    reader.commit()
    assert ask(reader, sum_of(dataset)) == 6 * 2024


@pytest.mark.parametrize("behind", ["1 hour", "-1 hour"], ids=["set back", "set forward"])
def test_a_clock_that_was_set_shows_nobody_an_edition_of_before(
    database: Database, dataset: Dataset, reader: Connection, behind: str
) -> None:
    """What was shown before goes as soon as nobody needs it, so no clock leads back to it."""
    published(database, dataset, 1)
    set_clock(database, dataset, behind)
    published(database, dataset, 2)
    assert ask(reader, sum_of(dataset)) == people(database, dataset) == 12
    reader.commit()
    set_clock(database, dataset, behind)
    assert ask(reader, sum_of(dataset)) == people(database, dataset) == 12


def set_clock(database: Database, dataset: Dataset, behind: str) -> None:
    """Let all moments that the catalog knows of a dataset be as of a clock that was set since."""
    with database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.showing SET at = at + %s::interval WHERE view_schema = %s",
            (behind, dataset.schema),
        )
        cursor.execute(
            "UPDATE catalog.shelved_edition SET known_at = known_at + %s::interval"
            " WHERE dataset = %s",
            (behind, dataset.slug),
        )


def test_a_transaction_of_which_nothing_may_be_known_is_waited_for_and_named(
    database: Database, dataset: Dataset, reader: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it began before the switch is told to members of pg_read_all_stats only."""
    published(database, dataset, 1)
    assert ask(reader, sum_of(dataset)) == 6
    hidden = SELECT_HOLDERS.replace("a.xact_start AS began", "NULL::timestamptz AS began")
    monkeypatch.setattr(readers, "SELECT_HOLDERS", hidden)
    switch = in_background(editions.publish, database, sealed(database, dataset, 2))
    switch.join(timeout=0.5)
    assert switch.is_alive()
    assert people(database, dataset) == 6
    reader.commit()
    switch.join(timeout=300)
    assert people(database, dataset) == 12


def test_a_new_vintage_is_shown_beside_joins_that_never_pause(
    database: Database, request: pytest.FixtureRequest
) -> None:
    """The views without a year read another shelf then, each of which is locked alone."""
    dataset = of_three_layers(database, request.node.name)
    switches = Switches(database, dataset)
    switches.publish(vintage=2023)
    with Crowd(database, dataset, idle=0) as crowd:
        switches.publish(vintage=2024)
    assert crowd.told.mixed == crowd.told.errors == switches.refused == []
    assert people(database, dataset) == 2 * ROWS
    assert people(database, dataset, "areas_2023") == ROWS
    moments = (
        "SELECT count(DISTINCT at) FROM catalog.showing WHERE view_schema = %s AND number = %s"
    )
    assert database.value(moments, dataset.schema, switches.shown) == 1  # so no statement sees two
    branches = "SELECT count(*) FROM regexp_matches(pg_get_viewdef(%s::regclass), 'UNION ALL', 'g')"
    publications.roll_back(database, dataset.slug, 2)
    assert database.value(branches, f"{dataset.schema}.areas") == 0


def test_views_of_before_there_were_shelves_are_switched_forth_and_back(
    database: Database, dataset: Dataset
) -> None:
    first = published(database, dataset, 10)
    table, views = (
        f"{first.schema}.areas",
        [f"{dataset.schema}.{v}" for v in ("areas", "areas_2024")],
    )
    with database.session() as cursor:
        cursor.execute(
            f"DROP VIEW {', '.join(views)}; CREATE TABLE {table}_now AS SELECT code, people, geom"
            f" FROM {table}; DROP SCHEMA {dataset.slug}_shelves CASCADE;"
            f"ALTER TABLE {table}_now RENAME TO areas; DELETE FROM catalog.shelved_edition"
        )
        for view in views:
            cursor.execute(f"CREATE VIEW {view} AS SELECT * FROM {table}")
    second = published(database, dataset, 20)
    assert people(database, dataset) == 120
    publications.roll_back(database, dataset.slug, first.number)
    assert people(database, dataset) == people(database, dataset, "areas_2024") == 60
    publications.roll_back(database, dataset.slug, second.number)
    assert people(database, dataset) == 120


def in_background(action: Callable[..., object], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=action, args=arguments)
    thread.start()
    return thread


def test_a_view_reads_one_edition_by_its_indexes(
    database: Database, dataset: Dataset, reader: Connection
) -> None:
    for each in (10, 20):
        published(database, dataset, each)
    asked = f'FROM "{dataset.schema}".areas'
    for condition in (
        "WHERE code = 'A2'",
        "WHERE geom && ST_MakeEnvelope(1, 0, 2, 1, 31370)",
        "ORDER BY geom <-> ST_SetSRID(ST_Point(2, 0), 31370) LIMIT 1",
    ):
        with reader.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) SELECT people {asked} {condition}")
            read = [line for (line,) in cursor.fetchall() if " on areas areas_" in line]
        assert ["never executed" in line for line in read] == [True, False]
        assert not any("Seq Scan" in line for line in read)
    assert database.rows(
        "SELECT DISTINCT type, srid FROM geometry_columns WHERE f_table_schema = %s", dataset.schema
    ) == [("POLYGON", 31370)]
    reader.rollback()


@pytest.mark.usefixtures("prefect_server")
def test_the_next_run_shows_what_the_one_before_could_not_and_builds_nothing(
    other_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    runland.write(mirror)
    assert runland.runland(mirror=str(mirror), return_state=True).is_completed()
    url = other_database.libpq_uri
    with closing(psycopg2.connect(url)) as reader, monkeypatch.context() as hurry:
        shelf = ask(reader, "SELECT shelf FROM catalog.showing LIMIT 1")
        hurry.setattr(readers, "PATIENCE", 0.2)
        hurry.setattr(shelves, "OWN_WAIT", "100ms")
        ask(reader, f"ANALYZE {shelf}; SELECT 1")  # a lock that readers never have
        refused = runland.runland(mirror=str(mirror), rebuild=True, return_state=True)
        assert f"process {reader.info.backend_pid} (" in str(refused.message)
        with pytest.raises(ConfigurationError, match="which makes nothing anew"):
            refused.result()
    state = runland.runland(mirror=str(mirror), return_state=True)
    assert state.message == (
        "Edition 2 of runland 2026, which an earlier run made of these files by this code, is shown"
        " now."
    )
    made = "SELECT number, state, manifest IS NOT NULL FROM catalog.edition ORDER BY number"
    assert other_database.rows(made) == [(1, "published", True), (2, "published", True)]
