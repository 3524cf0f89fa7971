"""The history in the archive, put back into an empty catalog; and the plan of what is made again
from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import database_of_its_own
from made_up_land import made_up, original, published

from tasks.core.catalog.edition_documents import edition_document
from tasks.core.catalog.publication_documents import publication_documents
from tasks.core.catalog.publications import roll_back, withdraw
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Input, Inputs, Original
from tasks.core.model.recipes import Recipe
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import histories
from tasks.core.rebuilding import plans as rebuild_plans
from tasks.core.rebuilding import records as rebuild_records
from tasks.running.locks import alone
from tasks.running.site import site
from tasks.verbs.publishing import open_staging
from tasks.verbs.rebuilds import rebuilding, restore_catalog

TABLES = (
    "source",
    "artifact",
    "edition",
    "edition_input",
    "edition_dependency",
    "layer",
    "layer_column",
    "publication",
)


class Kept:
    """A dataset whose editions are published, and kept in the archive as the flows keep them."""

    def __init__(self, database: Database, name: str) -> None:
        self.database, self.dataset = database, made_up(database, name)

    def edition(
        self, people: int, vintage: int = 2024, on: int | None = None, seconds: int = 0
    ) -> str:
        """Publish an edition, made from an original of its own and perhaps standing on another, and
        write its documents; gives its name.
        """
        site().archive.manifests.write(
            original(self.database, self.dataset, f"{people} {vintage}", vintage)
        )
        edition = published(self.database, self.dataset, people, vintage, rebuild=True)
        with self.database.session() as cursor:
            facts = (timedelta(seconds=seconds), self.dataset.slug, edition.number)
            cursor.execute(
                "UPDATE catalog.edition SET started_at = published_at - %s WHERE dataset = %s AND"
                " number = %s",
                facts,
            )
            if on:
                cursor.execute(
                    "INSERT INTO catalog.edition_dependency VALUES (%s, %s, %s, %s, %s)",
                    (*facts[1:], self.dataset.slug, on, ["areas"]),
                )
        return self.write(edition.number, vintage)

    def write(self, number: int, vintage: int, more: str = "") -> str:
        name = f"editions/{self.dataset.slug}/{vintage}/{number:04d}-20260101T000000{more}.json"
        site().archive.documents.put(
            name, edition_document(self.database, self.dataset.slug, number)
        )
        return name

    def rolled_back(self, number: int) -> None:
        roll_back(self.database, self.dataset.slug, number)
        self._write_publications()

    def withdrawn(self, vintage: int) -> None:
        withdraw(self.database, self.dataset.slug, vintage)
        self._write_publications()

    def _write_publications(self) -> None:
        site().archive.documents.put_missing(
            "publications", publication_documents(self.database, self.dataset.slug)
        )


def dump(database: Database) -> dict[str, Any]:
    return {
        table: database.rows(
            f"SELECT to_jsonb(t) - 'id' - 'manifest' FROM catalog.{table} t ORDER BY 1"
        )
        for table in TABLES
    }


@pytest.fixture
def kept(other_database: Database) -> Kept:
    """A dataset in an archive and a database of their own."""
    return Kept(other_database, "histories")


@pytest.fixture
def empty(kept: Kept, cluster_database: Database, tmp_path: Path) -> Iterator[Database]:
    """An empty database on the same archive."""
    with database_of_its_own(cluster_database, tmp_path / "archive") as made:
        yield made


def restored(database: Database) -> list[str]:
    return histories.restore(database, histories.read(site().archive))


def test_the_history_comes_back_as_it_was_and_a_second_time_changes_nothing(
    kept: Kept, empty: Database
) -> None:
    kept.edition(1)
    kept.edition(2, on=1)
    kept.edition(3, vintage=2025)
    kept.rolled_back(1)
    before = dump(kept.database)
    assert restored(empty) == []
    assert empty.rows("SELECT DISTINCT state FROM catalog.edition") == [("removed",)], (
        "no table is there yet"
    )
    with empty.session() as cursor:
        cursor.execute("UPDATE catalog.edition SET state = 'published'")
    after = dump(empty)
    assert after == before
    assert empty.rows("SELECT vintage, number FROM catalog.current_edition ORDER BY 1") == [
        (2024, 1),
        (2025, 3),
    ]
    assert restored(empty) == []
    assert dump(empty) == after


def test_what_is_there_already_stays(kept: Kept, empty: Database) -> None:
    kept.edition(1)
    published(empty, made_up(empty, "histories"), 5)
    with empty.session() as cursor:
        cursor.execute("UPDATE catalog.edition SET manifest = 'another'")
        cursor.execute("UPDATE catalog.source SET title = 'Newer title'")
    (problem,) = restored(empty)
    assert problem.startswith(
        f"The number 1 of {kept.dataset.slug} is that of another edition (another) already"
    )
    assert empty.rows("SELECT number, state, manifest FROM catalog.edition") == [
        (1, "published", "another")
    ]
    assert empty.rows("SELECT title FROM catalog.source") == [("Newer title",)]


def test_a_lost_manifest_costs_its_edition_and_no_other(
    kept: Kept, empty: Database, tmp_path: Path
) -> None:
    kept.edition(1)
    kept.edition(2, vintage=2025)
    (lost,) = (tmp_path / "archive").glob("manifests/*/2024/*.json")
    lost.unlink()
    (problem,) = restored(empty)
    assert f"Edition 1 of {kept.dataset.slug} depends on what no document tells" in problem
    assert empty.rows("SELECT vintage, number FROM catalog.current_edition") == [(2025, 2)]


def test_a_document_that_no_location_gives_is_named_and_the_rest_comes_back(
    kept: Kept, empty: Database, tmp_path: Path
) -> None:
    name = kept.edition(1)
    kept.edition(2, vintage=2025)
    broken = tmp_path / "archive" / name
    broken.chmod(0o644)
    broken.write_text("{")
    (problem,) = restored(empty)
    assert f"The document {name} cannot be read from any location" in problem
    found = restore_catalog.fn(rebuild_records.begin(empty, "current", [], drill=False), "current")
    assert found.unrestored == (problem,)
    assert found.wanted == ((kept.dataset.slug, 2),), "the first is not known to have been shown"
    result = rebuild_records.end(empty, found.rebuild, found.unrestored)
    assert (result.verdict, result.unexplained) == ("incomplete", True)
    assert problem in result.message
    assert empty.rows("SELECT vintage, number FROM catalog.current_edition") == [(2025, 2)]


def test_a_document_of_another_form_is_named_and_the_rest_comes_back(
    kept: Kept, empty: Database
) -> None:
    kept.edition(1)
    name = f"editions/{kept.dataset.slug}/2025/0002-20270101T000000.json"
    site().archive.documents.put(name, {"document": "edition of geodata-flows", "version": 2})
    (problem,) = restored(empty)
    assert problem.startswith(
        f"The document {name} was expected to have {{'document': 'edition of geodata-flows',"
        " 'version': 1}, found"
    )
    assert empty.rows("SELECT vintage, number FROM catalog.current_edition") == [(2024, 1)]


def test_the_numbers_of_the_archive_are_not_given_again_in_an_empty_database(
    kept: Kept, empty: Database
) -> None:
    kept.edition(1)
    kept.edition(2)
    made = made_up(empty, "histories")
    new = Input(name="areas", original=original(empty, made, "new"))
    inputs = Inputs({"areas": {"": new}})
    assert open_staging(made, 2024, inputs).edition == 3


# --- the plan


def plan(
    database: Database, *datasets: str, scope: rebuild_plans.Scope = "current"
) -> rebuild_plans.Plan:
    history = histories.read(site().archive)
    histories.restore(database, history)
    return rebuild_plans.plan(database, history, 1, scope, datasets)


def steps(recipes: tuple[Recipe, ...]) -> list[tuple[int, bool]]:
    return [(recipe.number, recipe.wanted) for recipe in recipes]


def test_what_an_edition_stands_on_is_made_first_also_when_it_is_not_shown(
    kept: Kept, empty: Database
) -> None:
    kept.edition(1, seconds=1)
    kept.edition(2, vintage=2025, on=1, seconds=1)
    kept.edition(3, seconds=1)
    found = plan(empty)
    assert set(found.wanted) == {(kept.dataset.slug, 2), (kept.dataset.slug, 3)}
    assert steps(found.recipes)[0] == (1, False), "needed for the second, and not shown itself"
    assert set(steps(found.recipes)[1:]) == {(2, True), (3, True)}
    assert set(steps(plan(empty, scope="kept").recipes)) == {(1, True), (2, True), (3, True)}


def test_what_is_there_is_not_made_again(kept: Kept) -> None:
    kept.edition(1)
    kept.edition(2, vintage=2025)
    assert plan(kept.database).recipes == ()
    with kept.database.session() as cursor:
        cursor.execute(f"DROP SCHEMA {kept.dataset.slug}_edition_2 CASCADE")
    assert steps(plan(kept.database).recipes) == [(2, True)]


def test_the_longest_way_is_begun_first(kept: Kept, empty: Database) -> None:
    kept.edition(1, vintage=2021, seconds=50)
    kept.edition(2, vintage=2022, seconds=30)
    kept.edition(3, vintage=2023, on=2, seconds=40)
    kept.edition(4, vintage=2024, seconds=60)
    assert [number for number, _ in steps(plan(empty).recipes)] == [2, 4, 1, 3]


def test_a_recipe_says_from_what_an_edition_was_made(kept: Kept, empty: Database) -> None:
    kept.edition(1)
    kept.edition(2, vintage=2025, on=1)
    recipe = next(recipe for recipe in plan(empty).recipes if recipe.number == 2)
    source = f"{kept.dataset.slug}-areas"
    assert list(recipe.originals) == [(source, 2025)]
    assert (
        site().archive.manifests.with_bytes(
            original_of(kept.dataset), recipe.originals[source, 2025]
        )
        is None
    ), "that vintage has its own"
    assert recipe.foundations == {kept.dataset.slug: 1}
    assert (recipe.vintage, recipe.mirror, recipe.parameters, recipe.throwaway) == (
        2025,
        "",
        {},
        "",
    )


def original_of(dataset: Dataset) -> Any:
    found: Original = next(
        each for each in site().archive.manifests.all() if each.source.vintage == 2024
    )
    return found.source


def test_an_archive_without_editions_and_a_dataset_without_any_are_refused(
    kept: Kept, empty: Database
) -> None:
    with pytest.raises(
        ConfigurationError,
        match="no manifest of an edition, so there is nothing to rebuild: check GEODATA_ARCHIVE",
    ):
        plan(empty)
    kept.edition(1)
    with pytest.raises(
        ConfigurationError, match=f"no edition of nowhere: choose among {kept.dataset.slug}"
    ):
        plan(empty, "nowhere")


def test_a_rebuild_of_nothing_is_refused_where_all_was_withdrawn(
    kept: Kept, empty: Database
) -> None:
    kept.edition(1)
    kept.withdrawn(2024)
    slug = kept.dataset.slug
    said = f"expected of {slug}, and the archive shows none, .* choose the scope kept"
    for datasets in ((), (slug,)):
        with pytest.raises(ConfigurationError, match=said):
            plan(empty, *datasets)
    assert steps(plan(empty, scope="kept").recipes) == [(1, True)]


def test_a_rebuild_and_a_run_do_not_publish_at_the_same_time(other_database: Database) -> None:
    made = made_up(other_database, "locked")
    refused = pytest.raises(
        ConfigurationError, match="A rebuild, or the run of a dataset, is under way"
    )
    with alone(other_database, made), refused, rebuilding("current"):
        pytest.fail("it began beside a run")
    refused = pytest.raises(ConfigurationError, match="A rebuild is under way in")
    with rebuilding("current"), refused, alone(other_database, made):
        pytest.fail("a run began beside it")


def test_a_rebuild_that_fails_says_so_in_its_record(other_database: Database) -> None:
    with (
        pytest.raises(ConfigurationError, match="nothing to rebuild"),
        rebuilding("current") as record,
    ):
        restore_catalog.fn(record, "current")
    assert other_database.rows(
        "SELECT verdict, message LIKE '%%nothing to rebuild%%', ended_at IS NOT NULL FROM"
        " catalog.rebuild"
    ) == [("failed", True, True)]
