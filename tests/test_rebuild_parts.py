"""The parts of a rebuild by the database's locks and records, and how the end of a run is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from conftest import DATASET
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Crashed, Scheduled
from prefect.types._datetime import now

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.recipes import Recipe
from tasks.core.postgres.database import Database, engine
from tasks.core.rebuilding import plans, records
from tasks.running import pooled_rebuild
from tasks.running.locks import (
    Taken,
    alone,
    await_parts,
    holding,
    is_being_rebuilt,
    lock_of_part,
    prove_lock,
)
from tasks.running.parts import is_busy, told, was_cancelled_before_start, was_stopped
from tasks.running.pooled_rebuild import begin_part
from tasks.running.site import site
from tasks.verbs.rebuilds import rebuild_as_part


def recipe(number: int, rebuild: int = 1, **foundations: int) -> Recipe:
    return Recipe(
        dataset=DATASET.slug,
        number=number,
        vintage=2020,
        mirror="",
        parameters={},
        originals={},
        foundations=foundations,
        digests={},
        seconds=1.0,
        wanted=True,
        rebuild=rebuild,
        throwaway="",
    )


def test_an_edition_has_one_maker_and_its_dataset_no_run_meanwhile(
    other_database: Database,
) -> None:
    with holding(lock_of_part(other_database, recipe(1))):
        prove_lock()
        with holding(lock_of_part(other_database, recipe(2))):
            pass
        with pytest.raises(Taken, match="edition 1 of testland 2020 is being made again"):
            lock_of_part(other_database, recipe(1))
        with (
            pytest.raises(ConfigurationError, match="Another run of testland is under way"),
            alone(other_database, DATASET),
        ):
            pass
    lock_of_part(other_database, recipe(1)).release()
    with (
        alone(other_database, DATASET),
        pytest.raises(Taken, match="A run of testland is under way"),
    ):
        lock_of_part(other_database, recipe(1))


def test_a_rebuild_begins_beside_a_part_and_waits_for_its_end(other_database: Database) -> None:
    part = lock_of_part(other_database, recipe(1))
    with alone(other_database):
        waiting = threading.Thread(target=await_parts, args=(other_database,))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        part.release()
        waiting.join(60)
        assert not waiting.is_alive()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pooled_rebuild, "PATIENCE", 0)
    return


def test_a_part_begins_only_for_a_rebuild_that_is_under_way_and_lives(
    other_database: Database, impatient: None
) -> None:
    assert site().database == other_database
    killed = records.begin(other_database, "current", ["archive"], drill=False)
    assert "has died: run it again" in str(begin_part(recipe(1, killed)))
    with alone(other_database):
        assert is_being_rebuilt(other_database)
        under_way = records.begin(other_database, "current", ["archive"], drill=False)
        assert "has ended; another makes what it lacks" in str(begin_part(recipe(1, killed)))
        begun = begin_part(recipe(1, under_way))
        assert not isinstance(begun, str)
        begun.release()
    assert not is_being_rebuilt(other_database)


def test_an_edition_that_the_catalog_does_not_know_is_refused(other_database: Database) -> None:
    with pytest.raises(ConfigurationError, match="knows no manifest of it: run rebuild"):
        plans.recipe_of(other_database, site().archive, 1, ("testland", 1), "")


def test_a_part_leaves_any_other_database_alone(
    cluster_database: Database, other_database: Database
) -> None:
    name = other_database.url.database + "_of_others"
    cluster_database.outside_transaction(f'CREATE DATABASE "{name}"')
    with pytest.raises(ConfigurationError, match=r"geodata_drill_…, found 'geodata_.*_of_others'"):
        rebuild_as_part(1, "testland", 1, name)
    others = Database(cluster_database.url.set(database=name))
    assert others.value("SELECT to_regnamespace('catalog')") is None
    engine(others).dispose()
    cluster_database.outside_transaction(f'DROP DATABASE "{name}"')


def test_ready_are_those_whose_foundations_are_neither_ahead_nor_under_way() -> None:
    ahead = {
        ("upper", 1): recipe(1, ground=1),
        ("upper", 2): recipe(2, ground=2),
        ("other", 1): recipe(3, ground=3),
        ("ground", 2): recipe(4),
    }
    assert plans.ready(ahead, [("ground", 1)]) == [("other", 1), ("ground", 2)]
    assert plans.ready(ahead, []) == [("upper", 1), ("other", 1), ("ground", 2)]


@pytest.mark.parametrize(
    ("state", "began", "words", "is_early", "is_taken"),
    [
        (Crashed(message="The pod is\ngone."), True, "as Crashed (The pod is gone)", False, False),
        (Cancelled(), True, "as Cancelled", False, False),
        (Cancelled(message="By a person."), False, "as Cancelled (By a person)", True, False),
        (
            Cancelled(message="Deployment concurrency limit reached."),
            False,
            "as Cancelled (Deployment concurrency limit reached)",
            True,
            True,
        ),
        (Scheduled(message=None), False, "as Scheduled", False, False),
    ],
)
def test_the_end_of_a_run_is_told_by_its_state(
    state: object, began: bool, words: str, is_early: bool, is_taken: bool
) -> None:
    run = FlowRun(
        flow_id="0" * 32,
        state=state,
        state_type=state.type,  # type: ignore[attr-defined]
        start_time=now(),  # as a server gives one to all that have ended
        run_count=int(began),
    )
    assert told(run) == f"ended {words}"
    assert was_cancelled_before_start(run) is is_early
    assert was_stopped(run) is (run.state_type == "CANCELLED" and began)
    assert is_busy(run) is is_taken
    assert told(None) == "is unknown to the Prefect server by now"
    assert not is_busy(None)
