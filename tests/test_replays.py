"""Editions made again while another one of their dataset has its turn, on a real PostGIS."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from deployed import wait
from made_up_land import AREAS, WAITING, made_up, original, people, published
from test_rebuild_parts import recipe

from tasks.core.catalog import layers
from tasks.core.catalog.shelving import readers
from tasks.core.catalog.shelving.readers import take_turn
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Edition, Staging
from tasks.core.model.recipes import Recipe
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import records, replays

BEYOND = 0.4  # seconds, more than one waits here for its turn before it asks again


def put_back(database: Database, staging: Staging, stated: Recipe) -> Edition:
    return replays.put_back(database, staging, stated)


def publish_instead(database: Database, staging: Staging, stated: Recipe) -> Edition:
    return replays.publish_instead(database, staging, stated, {"areas": {"summary": "otherwise"}})


def burnt(database: Database) -> tuple[Dataset, Staging, Recipe]:
    """An edition whose tables burnt, made again as far as its staging, with what it is made by."""
    dataset = made_up(database, "again")
    edition = published(database, dataset, 10)
    with database.session() as cursor:
        cursor.execute(f'DROP SCHEMA "{edition.schema}" CASCADE')
        cursor.execute("UPDATE catalog.edition SET state = 'removed'")
    rebuild = records.begin(database, "current", ["/archive"], drill=False)
    stated = replace(recipe(edition.number, rebuild), dataset=dataset.slug, vintage=2024)
    return dataset, made_again(database, dataset), stated


def made_again(database: Database, dataset: Dataset) -> Staging:
    """What a rebuild makes of an edition before it is put back."""
    found = original(database, dataset, "10 2024")
    staging = replays.begin(database, dataset, 2024, (found,), ())
    with database.session(staging.schema) as cursor:
        cursor.execute(AREAS.format(people=10))
    layers.seal(database, staging, "areas", ("code",))
    return staging


@pytest.mark.parametrize(
    ("publish", "verdict"), [(put_back, "identical"), (publish_instead, "differing")]
)
def test_an_edition_made_again_waits_for_the_turn_of_another_of_its_dataset(
    other_database: Database,
    publish: Callable[[Database, Staging, Recipe], Edition],
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "TURN_WAIT", "100ms")
    database = other_database
    dataset, staging, stated = burnt(database)
    with ThreadPoolExecutor() as threads:
        with database.session() as cursor:
            take_turn(cursor, dataset.slug)
            made = threads.submit(publish, database, staging, stated)
            wait(lambda: made.done() or database.value(WAITING), "one that waits", 0.02)
            time.sleep(BEYOND)
            assert not made.done(), made.result()
        shown = made.result()
    assert people(database, dataset) == 60
    assert database.rows("SELECT verdict FROM catalog.rebuilt_edition") == [(verdict,)]
    assert database.rows(
        "SELECT number FROM catalog.current_edition WHERE dataset = %s", dataset.slug
    ) == [(shown.number,)]


def test_an_edition_that_got_no_turn_is_said_to_be_made_anew_and_can_be(
    other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "TURN_WAIT", "100ms")
    monkeypatch.setattr(readers, "PATIENCE", 0.2)
    dataset, staging, stated = burnt(other_database)
    with other_database.session() as cursor:
        take_turn(cursor, dataset.slug)
        with pytest.raises(ConfigurationError, match=r"switched: end .* which makes it anew\.$"):
            put_back(other_database, staging, stated)
    put_back(other_database, made_again(other_database, dataset), stated)
    assert people(other_database, dataset) == 60
