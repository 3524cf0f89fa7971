"""Vintages withdrawn from publication, and the archive's record of what persons switched: on a real
PostGIS, in real folders.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from made_up_land import made_up, original, people, published, staged
from psycopg2 import sql

from tasks.core.archive import archive as archives
from tasks.core.catalog import editions, foundations, layers, publications, removals
from tasks.core.catalog.edition_documents import edition_document
from tasks.core.catalog.publication_documents import publication_documents
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Edition
from tasks.core.postgres.database import Database
from tasks.running import steps
from tasks.running.site import Site, site
from tasks.verbs import publishing as verbs

ZONES = """
CREATE TABLE zones AS TABLE areas;
COMMENT ON TABLE zones IS 'Zones of a made-up land';
COMMENT ON COLUMN zones.code IS 'Code [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN zones.people IS 'People [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN zones.geom IS 'Border [unit: m; aggregate: none; from: made up]';
"""


@pytest.fixture
def dataset(database: Database, request: pytest.FixtureRequest) -> Dataset:
    return made_up(database, request.node.name)


class Archive:
    """An archive in a folder and a replica, and what was said of it aloud."""

    def __init__(self, folder: Path) -> None:
        self.primary, self.replica, self.loud = folder / "archive", folder / "replica", list[str]()

    def documents(self, folder: Path, dataset: Dataset) -> dict[str, Any]:
        return dict(
            archives.Archive([str(folder)]).documents.read_all(f"publications/{dataset.slug}")
        )

    def log(self, level: int, sentence: str) -> None:
        self.loud += [sentence] if level >= logging.WARNING else []


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    found = Archive(tmp_path)
    monkeypatch.setenv("GEODATA_ARCHIVE", str(found.primary))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(found.replica))
    monkeypatch.setattr(steps, "log", found.log)
    return found


def withdraw(database: Database, dataset: Dataset, vintage: int = 2024) -> int | None:
    return publications.withdraw(database, dataset.slug, vintage)


def roll_back(
    database: Database, dataset: Dataset, edition: Edition
) -> tuple[int, int | None, int]:
    return publications.roll_back(database, dataset.slug, edition.number)


def views(database: Database, dataset: Dataset) -> list[str]:
    return [
        name
        for (name,) in database.rows(
            "SELECT viewname FROM pg_views WHERE schemaname = %s ORDER BY 1", dataset.schema
        )
    ]


def switches(database: Database, dataset: Dataset) -> list[tuple[int, int, str]]:
    return database.rows(
        "SELECT vintage, number, action FROM catalog.publication WHERE dataset = %s ORDER BY id",
        dataset.slug,
    )


def published_with_zones(
    database: Database, dataset: Dataset, people: int, vintage: int
) -> Edition:
    staging = staged(database, dataset, people, vintage, extra=ZONES)
    staging = replace(
        staging, dataset=replace(dataset, layers={"areas": ("code",), "zones": ("code",)})
    )
    for layer in ("areas", "zones"):
        layers.seal(database, staging, layer, ("code",))
    return editions.publish(database, staging)


def test_without_the_newest_vintage_the_views_show_the_one_before_and_without_any_they_go(
    database: Database, dataset: Dataset
) -> None:
    older, newest = published(database, dataset, 7, vintage=2023), published(database, dataset, 10)
    assert withdraw(database, dataset) == newest.number
    assert views(database, dataset) == ["areas", "areas_2023"]
    assert people(database, dataset) == people(database, dataset, "areas_2023") == 42
    assert database.rows(
        "SELECT view_name FROM catalog.current_layer WHERE dataset = %s", dataset.slug
    ) == [(f"{dataset.schema}.areas_2023",)]
    assert database.rows(
        "SELECT vintage FROM catalog.licence_to_print WHERE dataset = %s", dataset.slug
    ) == [(2023,)]
    assert (
        database.value(
            "SELECT bool_or(shown_now) FROM catalog.lineage WHERE dataset = %s AND number = %s",
            dataset.slug,
            newest.number,
        )
        is False
    )
    assert (
        database.value(
            sql.SQL("SELECT sum(people) FROM {}").format(sql.Identifier(newest.schema, "areas"))
        )
        == 60
    )
    assert withdraw(database, dataset, 2023) == older.number
    assert views(database, dataset) == []
    assert switches(database, dataset)[2:] == [
        (2024, newest.number, "withdraw"),
        (2023, older.number, "withdraw"),
    ]


def test_readers_read_what_is_shown_instead(database: Database, dataset: Dataset) -> None:
    published(database, dataset, 7, vintage=2023)
    newest = published(
        database,
        dataset,
        10,
        extra=(
            "ALTER TABLE areas ADD COLUMN households int; COMMENT ON COLUMN areas.households IS"
            " 'Households [unit: households; aggregate: sum; from: made up]'"
        ),
    )
    withdraw(database, dataset)
    with database.session() as cursor:
        cursor.execute("SET LOCAL ROLE geodata_reader")
        cursor.execute(f'SELECT sum(people) FROM "{dataset.schema}".areas')
        assert cursor.fetchall() == [(42,)]
        cursor.execute("SELECT has_schema_privilege(%s, 'usage')", (newest.schema,))
        assert cursor.fetchall() == [(False,)]


def test_without_an_older_vintage_the_newest_keeps_its_place(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 7, vintage=2023)
    published(database, dataset, 10)
    withdraw(database, dataset, 2023)
    assert (views(database, dataset), people(database, dataset)) == (["areas", "areas_2024"], 60)


def test_a_layer_of_the_withdrawn_vintage_alone_is_shown_under_no_name(
    database: Database, dataset: Dataset
) -> None:
    published_with_zones(database, dataset, 7, 2023)
    published(database, dataset, 10)
    assert views(database, dataset) == ["areas", "areas_2023", "areas_2024", "zones", "zones_2023"]
    withdraw(database, dataset, 2023)
    assert views(database, dataset) == ["areas", "areas_2024"]
    published_with_zones(database, dataset, 8, 2025)
    withdraw(database, dataset, 2025)
    assert (views(database, dataset), people(database, dataset)) == (["areas", "areas_2024"], 60)


def test_a_view_of_a_reader_on_it_is_named_and_nothing_is_switched(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 7, vintage=2023)
    published(database, dataset, 10)
    with database.session() as cursor:
        cursor.execute(
            f'CREATE VIEW "{dataset.schema}".mine AS SELECT people FROM'
            f' "{dataset.schema}".areas_2024'
        )
    with pytest.raises(
        CheckFailed,
        match=(
            r"areas_2024 must change \(the vintage 2024 is withdrawn\).*mine.*nothing was switched"
        ),
    ):
        withdraw(database, dataset)
    assert (people(database, dataset), len(switches(database, dataset))) == (60, 2)


def test_a_view_of_a_reader_without_a_year_follows_to_the_vintage_before(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 7, vintage=2023)
    published(database, dataset, 10)
    with database.session() as cursor:
        cursor.execute(
            f'CREATE VIEW "{dataset.schema}".mine AS SELECT people FROM "{dataset.schema}".areas'
        )
    withdraw(database, dataset)
    assert people(database, dataset, "mine") == 42


def test_what_is_not_shown_cannot_be_withdrawn(database: Database, dataset: Dataset) -> None:
    older, newest = published(database, dataset, 7, vintage=2023), published(database, dataset, 10)
    shown = (
        rf"shown are: {dataset.slug} 2024 \(edition {newest.number}\); {dataset.slug} 2023"
        rf" \(edition {older.number}\)\."
    )
    with pytest.raises(
        ConfigurationError,
        match=f"No edition of '{dataset.slug}' 1999 is shown, so none can be withdrawn; {shown}",
    ):
        withdraw(database, dataset, 1999)
    with pytest.raises(
        ConfigurationError,
        match=(
            rf"No edition of 'nowhere' 2024 is shown.*{dataset.slug} 2024 \(edition"
            rf" {newest.number}\)"
        ),
    ):
        publications.withdraw(database, "nowhere", 2024)


def test_a_second_withdrawal_changes_nothing(database: Database, dataset: Dataset) -> None:
    published(database, dataset, 10)
    withdraw(database, dataset)
    assert withdraw(database, dataset) is None
    assert len(switches(database, dataset)) == 2


def in_background(action: Callable[..., Any], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=action, args=arguments)
    thread.start()
    thread.join(timeout=1.5)
    assert thread.is_alive()
    return thread


def test_a_withdrawal_gives_way_to_a_long_reader_and_then_completes(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    reader = psycopg2.connect(database.libpq_uri)
    reader.cursor().execute(f'SELECT * FROM "{dataset.schema}".areas_2024')
    switch = in_background(withdraw, database, dataset)
    assert people(database, dataset) == 60  # another reader is served meanwhile
    reader.close()
    switch.join(timeout=300)
    assert views(database, dataset) == []


def test_a_withdrawal_waits_for_another_switch_of_the_dataset(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    with database.session() as cursor:
        publications.take_turn(cursor, dataset.slug)
        switch = in_background(withdraw, database, dataset)
    switch.join(timeout=300)
    assert views(database, dataset) == []


def test_a_withdrawal_stays_until_files_change_or_a_rebuild_is_asked_for(
    database: Database, dataset: Dataset
) -> None:
    edition = published(database, dataset, 10)
    withdraw(database, dataset)
    stays = (
        f"Nothing new for {dataset.slug} 2024: edition {edition.number} was made from these files"
        " by this code and was withdrawn and stays so"
    )
    with pytest.raises(editions.NothingNew, match=stays):
        staged(database, dataset, 10)
    assert published(database, dataset, 20).number == edition.number + 1
    assert people(database, dataset) == people(database, dataset, "areas_2024") == 120
    with pytest.raises(editions.NothingNew, match=stays):  # the publisher took the new release back
        staged(database, dataset, 10)
    again = editions.begin(
        database, dataset, 2024, (original(database, dataset, "10 2024"),), None, rebuild=True
    )
    assert again.edition == edition.number + 2


def test_what_a_rebuild_published_again_is_shown_and_may_change_back_and_forth(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    withdraw(database, dataset)
    again = published(database, dataset, 10, rebuild=True)
    assert people(database, dataset) == 60
    with pytest.raises(editions.NothingNew, match=f"edition {again.number} .* is shown"):
        staged(database, dataset, 10)
    published(database, dataset, 20)
    assert staged(database, dataset, 10).edition == again.number + 2


@pytest.mark.parametrize("change", ["manifest = NULL", "state = 'removed'"])
def test_a_withdrawal_stays_where_the_tables_or_the_manifest_are_not_there(
    database: Database, dataset: Dataset, change: str
) -> None:
    """As after a rebuild of what is shown alone, or a run killed before its last step."""
    published(database, dataset, 10)
    withdraw(database, dataset)
    with database.session() as cursor:
        cursor.execute(f"UPDATE catalog.edition SET {change} WHERE dataset = %s", (dataset.slug,))
    with pytest.raises(editions.NothingNew, match="was withdrawn and stays so"):
        staged(database, dataset, 10)


def test_a_rollback_stays_where_the_tables_of_the_newer_edition_are_not_there(
    database: Database, dataset: Dataset
) -> None:
    first, second = published(database, dataset, 10), published(database, dataset, 20)
    roll_back(database, dataset, first)
    with database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.edition SET state = 'removed' WHERE dataset = %s AND number = %s",
            (dataset.slug, second.number),
        )
    with pytest.raises(
        editions.NothingNew,
        match=f"edition {second.number} .* was rolled back to edition {first.number} and stays so",
    ):
        staged(database, dataset, 20)


def test_the_withdrawal_of_what_was_rolled_back_to_lets_neither_return(
    database: Database, dataset: Dataset
) -> None:
    first, _ = published(database, dataset, 10), published(database, dataset, 20)
    roll_back(database, dataset, first)
    assert withdraw(database, dataset) == first.number
    for figure in (10, 20):
        with pytest.raises(editions.NothingNew, match="was withdrawn and stays so"):
            staged(database, dataset, figure)


def test_a_rollback_by_number_shows_a_withdrawn_vintage_again(
    database: Database, dataset: Dataset
) -> None:
    older, newest = published(database, dataset, 7, vintage=2023), published(database, dataset, 10)
    withdraw(database, dataset)
    assert roll_back(database, dataset, newest) == (2024, None, newest.number)
    assert (views(database, dataset), people(database, dataset)) == (
        ["areas", "areas_2023", "areas_2024"],
        60,
    )
    assert roll_back(database, dataset, newest) == (2024, newest.number, newest.number)
    assert roll_back(database, dataset, older) == (2023, older.number, older.number)
    assert switches(database, dataset)[3:] == [
        (2024, newest.number, "rollback")
    ]  # what is shown is not switched to
    with pytest.raises(editions.NothingNew, match="is shown"):
        staged(database, dataset, 10)


def test_a_rollback_without_a_number_knows_shown_vintages_and_passes_over_withdrawn_editions(
    database: Database, dataset: Dataset
) -> None:
    older, old = (
        published(database, dataset, 6, vintage=2023),
        published(database, dataset, 7, vintage=2023),
    )
    newest = published(database, dataset, 10)
    withdraw(database, dataset)
    assert publications.edition_before(database, dataset.slug) == older.number
    corrected = published(database, dataset, 20)
    offered = (
        rf"edition {corrected.number} of 2024 \(shown\); edition {newest.number} of 2024"
        rf" \(withdrawn\); edition {old.number} of 2023 \(shown\)"
    )
    with pytest.raises(
        ConfigurationError,
        match=rf"'{dataset.slug}' answers to the one before: choose one of these: {offered}; .*"
        " withdrawal of the vintage",
    ):
        publications.edition_before(database, dataset.slug)


def test_a_withdrawn_vintage_keeps_as_many_editions_as_any(
    database: Database, dataset: Dataset
) -> None:
    first, *_, last = (published(database, dataset, figure) for figure in (1, 2, 3))
    withdraw(database, dataset)
    assert removals.remove_old(database, dataset, 2024) == ([first.number], [])
    assert roll_back(database, dataset, last)[2] == last.number
    assert removals.remove_old(database, dataset, 2024) == ([], [])


def test_no_dataset_is_made_from_a_withdrawn_edition(database: Database, dataset: Dataset) -> None:
    published(database, dataset, 7, vintage=2023)
    published(database, dataset, 10)
    withdraw(database, dataset)
    assert foundations.find(database, dataset.slug, ("areas",), 2023).vintage == 2023
    with pytest.raises(CheckFailed, match=r"the newest edition shown, \d+, is of 2023"):
        foundations.find(database, dataset.slug, ("areas",), 2024)
    withdraw(database, dataset, 2023)
    with pytest.raises(CheckFailed, match="no edition of it is shown"):
        foundations.find(database, dataset.slug, ("areas",), 2023)


def test_a_mirror_does_not_take_the_place_of_withdrawn_official_data(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    withdraw(database, dataset)
    with pytest.raises(ConfigurationError, match="must not take its place"):
        staged(database, dataset, 20, mirror="synthetic")


def test_a_withdrawal_emits_an_event_and_names_what_was_made_from_it(
    database: Database, dataset: Dataset, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition, upper = published(database, dataset, 10), made_up(database, "upper")
    on_it = published(database, upper, 1)
    with database.session() as cursor:
        row = (upper.slug, on_it.number, dataset.slug, edition.number, ["areas"])
        cursor.execute("INSERT INTO catalog.edition_dependency VALUES (%s, %s, %s, %s, %s)", row)
    emitted: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(verbs, "emit_event", lambda event, **told: emitted.append((event, told)))
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", str(uuid.uuid4()))
    verbs.show_no_longer.fn(dataset.slug, 2024)
    verbs.show_no_longer.fn(dataset.slug, 2024)
    told = {"vintage": 2024, "edition": edition.number, "mirror": ""}
    assert emitted == [
        (
            "geodata.edition.withdrawn",
            {
                "resource": {"prefect.resource.id": f"geodata.dataset.{dataset.slug}"},
                "payload": told,
            },
        )
    ]
    assert archive.loud == [
        (
            f"Made from it and still shown: edition {on_it.number} of {upper.slug} 2024. Run their"
            " flows, or withdraw them too."
        ),
        f"The vintage 2024 of {dataset.slug} was withdrawn already.",
    ]


def test_the_archive_has_every_switch_of_a_person_as_the_catalog_has_it(
    database: Database, dataset: Dataset, archive: Archive
) -> None:
    first, _ = published(database, dataset, 10), published(database, dataset, 20)
    verbs.show_again.fn(dataset.slug, first.number)
    verbs.keep_switches.fn(dataset.slug)
    verbs.show_no_longer.fn(dataset.slug, 2024)
    verbs.keep_switches.fn(dataset.slug)
    kept = archive.documents(archive.primary, dataset)
    assert kept == archive.documents(archive.replica, dataset)
    rows = database.rows(
        "SELECT at, action, to_jsonb(p) FROM catalog.publication p WHERE dataset = %s ORDER BY id"
        " OFFSET 2",
        dataset.slug,
    )
    assert {action for _, action, _ in rows} == {"rollback", "withdraw"}
    assert kept == {
        f"publications/{dataset.slug}/2024/{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{action}.json": {
            "document": "publication of geodata-flows",
            "version": 1,
            "publication": row,
        }
        for at, action, row in rows
    }
    assert [document["publication"]["number"] for document in kept.values()] == [
        first.number,
        first.number,
    ]
    assert [
        row["action"]
        for row in edition_document(database, dataset.slug, first.number)["publications"]
    ] == ["publish", "rollback", "withdraw"]


def test_a_location_that_was_down_gets_the_records_with_the_next_switch(
    database: Database, dataset: Dataset, archive: Archive
) -> None:
    edition = published(database, dataset, 10)
    archive.replica.write_text("a file where a folder should be: down, also for root")
    verbs.show_no_longer.fn(dataset.slug, 2024)
    verbs.keep_switches.fn(dataset.slug)
    (told,) = archive.loud
    assert f"The archive location {archive.replica} (" in told
    assert f"lacks records in publications/{dataset.slug}" in told
    archive.replica.unlink()
    verbs.show_again.fn(dataset.slug, edition.number)
    verbs.keep_switches.fn(dataset.slug)
    assert len(archive.loud) == 1
    assert [name.rpartition("-")[2] for name in archive.documents(archive.replica, dataset)] == [
        "withdraw.json",
        "rollback.json",
    ]


def test_a_record_the_archive_has_is_not_written_again_whatever_its_row_number(
    database: Database, dataset: Dataset, archive: Archive
) -> None:
    """As when a rebuild restored the rows, under other numbers or in another time zone."""
    published(database, dataset, 10)
    withdraw(database, dataset)
    ((name, document),) = publication_documents(database, dataset.slug).items()
    site().archive.documents.put(
        name, document | {"publication": document["publication"] | {"id": -1}}
    )
    verbs.keep_switches.fn(dataset.slug)
    assert archive.documents(archive.primary, dataset)[name]["publication"]["id"] == -1


def test_without_any_archive_the_switch_stands_and_the_same_again_writes_its_record(
    database: Database, dataset: Dataset, archive: Archive
) -> None:
    edition, _ = published(database, dataset, 10), published(database, dataset, 20)
    for folder in (archive.primary, archive.replica):
        folder.write_text("down")
    verbs.show_again.fn(dataset.slug, edition.number)
    lacking = rf"publications/{dataset.slug}/2024/\w+\.\w+-rollback\.json"
    with pytest.raises(
        ConfigurationError, match=rf"are switched and stay so, .*{lacking}.*run the same again"
    ):
        verbs.keep_switches.fn(dataset.slug)
    assert people(database, dataset) == 60
    for folder in (archive.primary, archive.replica):
        folder.unlink()
    verbs.show_again.fn(dataset.slug, edition.number)
    verbs.keep_switches.fn(dataset.slug)
    assert people(database, dataset) == 60
    assert (
        len(archive.documents(archive.primary, dataset))
        == len(archive.documents(archive.replica, dataset))
        == 1
    )
    assert archive.loud == [f"Edition {edition.number} of {dataset.slug} 2024 is shown already."]


def test_a_run_started_a_second_time_does_not_guess_which_edition_is_before(
    database: Database, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(database, dataset, 10)
    published(database, dataset, 20)
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__RUN_COUNT", "2")
    with pytest.raises(
        ConfigurationError,
        match=r"may have switched already: .* start a new run that names the edition",
    ):
        verbs.rollback(dataset.slug)
    assert len(switches(database, dataset)) == 2


def test_the_flows_switch_once_and_write_by_a_retry_what_the_archive_could_not_take(
    database: Database,
    dataset: Dataset,
    archive: Archive,
    prefect_server: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flows.rollback import rollback
    from flows.withdraw import withdraw

    def back_at_the_second_attempt(_site: Site) -> archives.Archive:
        if archive.primary.is_file() and asked:
            archive.primary.unlink()
        asked.append(1)
        return archives.Archive([str(archive.primary)])

    asked: list[int] = []
    first, second = published(database, dataset, 10), published(database, dataset, 20)
    archive.primary.write_text("down")
    monkeypatch.setattr(Site, "archive", property(back_at_the_second_attempt))
    monkeypatch.setattr(verbs.keep_switches, "retry_delay_seconds", 0)
    rollback(dataset.slug)
    assert people(database, dataset) == 60
    assert len(asked) == 2
    withdraw(dataset.slug, 2024)
    assert views(database, dataset) == []
    rollback(dataset.slug, edition=second.number)
    assert people(database, dataset) == 120
    made = [
        (2024, first.number, "rollback"),
        (2024, first.number, "withdraw"),
        (2024, second.number, "rollback"),
    ]
    assert switches(database, dataset)[2:] == made
    assert [
        (d["publication"]["number"], d["publication"]["action"])
        for d in archive.documents(archive.primary, dataset).values()
    ] == [(number, action) for _, number, action in made]
