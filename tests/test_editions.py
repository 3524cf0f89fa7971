"""Editions in a real PostGIS: sealed, published in one transaction, rolled back and forth,
removed.
"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from deployed import wait
from made_up_land import WAITING, made_up, original, people, published, staged

from tasks.core.catalog import (
    editions,
    layers,
    publications,
    removals,
    rows,
    runs,
)
from tasks.core.catalog.column_rules import column_comments
from tasks.core.catalog.provenance import record_check, record_step
from tasks.core.catalog.reports import facts
from tasks.core.catalog.reports.editions import section
from tasks.core.catalog.shelving import readers
from tasks.core.catalog.shelving.readers import open_schema
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.postgres.database import Database
from tasks.core.postgres.migrations import TURN
from tasks.verbs.publishing import show_again

KEY = ("dataset", "number")


@pytest.fixture
def dataset(database: Database, request: pytest.FixtureRequest) -> Dataset:
    return made_up(database, request.node.name)


def test_a_published_layer_has_a_view_a_key_an_index_and_its_provenance(
    database: Database, dataset: Dataset
) -> None:
    edition = published(database, dataset, 10)
    assert people(database, dataset) == people(database, dataset, "areas_2024") == 60
    indexes = database.value(
        "SELECT string_agg(indexdef, ' ') FROM pg_indexes WHERE schemaname = %s", edition.schema
    )
    assert "UNIQUE" in indexes
    assert "gist (geom)" in indexes
    row = database.rows(
        "SELECT row_count, geometry_type, srid, extent, length(content_hash) FROM catalog.layer"
        " WHERE dataset = %s",
        dataset.slug,
    )
    assert row == [(3, "POLYGON", 31370, [1.0, 0.0, 4.0, 1.0], 37)]
    comment = database.value("SELECT obj_description(%s::regclass)", f"{dataset.schema}.areas")
    assert comment == f"Areas of a made-up land. Edition {edition.number} of {dataset.slug} 2024."
    columns = database.rows(
        "SELECT name, unit, aggregation, data_type FROM catalog.layer_column WHERE dataset = %s"
        " ORDER BY ordinal",
        dataset.slug,
    )
    assert columns == [
        ("code", "code", "key", "text"),
        ("people", "persons", "sum", "integer"),
        ("geom", "m", "none", "geometry(Polygon,31370)"),
    ]
    lineage = database.rows(
        "SELECT layer, source, shown_now FROM catalog.lineage WHERE dataset = %s", dataset.slug
    )
    assert lineage == [("areas", f"{dataset.slug}-areas", True)]
    assert database.rows(
        "SELECT attribution FROM catalog.licence_to_print WHERE dataset = %s", dataset.slug
    ) == [
        (
            "Source: Office, Areas, 2024-01-01, Open (https://office.example/open), received"
            f" {datetime.now(UTC):%Y-%m-%d}, data changed",
        )
    ]


def test_the_planner_looks_at_a_shelf_for_its_first_two_editions(
    database: Database, dataset: Dataset
) -> None:
    known = "SELECT attname::text, inherited FROM pg_stats WHERE schemaname = %s ORDER BY 1"
    names = ("_edition", "code", "geom", "people")
    looked = []
    for count in (10, 20, 30):
        edition = published(database, dataset, count)
        assert database.rows(known, edition.schema) == [(name, False) for name in names]
        shelf = database.rows(known, f"{dataset.slug}_shelves")
        assert shelf == [(name, True) for name in names]
        most = "SELECT most_common_vals::text FROM pg_stats WHERE schemaname = %s AND attname = %s"
        looked.append(database.value(most, f"{dataset.slug}_shelves", "_edition"))
    assert looked[0] != looked[1] == looked[2]


def test_readers_of_a_later_edition_are_planned_for_with_all_its_rows(
    database: Database, dataset: Dataset
) -> None:
    more = "INSERT INTO areas SELECT 'B' || n, n, NULL FROM generate_series(1, 3000) AS n;"
    for count in range(1, 6):
        published(database, dataset, count, extra=more)
        removals.remove_old(database, dataset, 2024)
    view = f'"{dataset.schema}".areas_2024'
    (plan,) = database.rows(f"EXPLAIN (FORMAT json) SELECT FROM {view}")[0]
    assert plan[0]["Plan"]["Plan Rows"] >= 3000


def test_an_edition_from_a_mirror_can_never_pass_for_official_data(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10, mirror="synthetic")
    assert database.value(
        "SELECT obj_description(%s::regclass)", f"{dataset.schema}.areas"
    ).startswith("NOT OFFICIAL DATA (mirror synthetic)")
    assert database.rows(
        "SELECT mirror FROM catalog.current_layer WHERE dataset = %s", dataset.slug
    ) == [("synthetic",)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE areas SET code = 'A1'", "cannot have the key code"),
        ("ALTER TABLE areas ALTER COLUMN geom TYPE geometry", "declared type and SRID"),
        ("COMMENT ON COLUMN areas.people IS NULL", "people"),
        ("COMMENT ON TABLE areas IS NULL", "has no description"),
        ("ALTER TABLE areas RENAME TO other", "areas"),
    ],
)
def test_a_table_that_is_not_finished_is_not_sealed(
    database: Database, dataset: Dataset, change: str, told: str
) -> None:
    staging = staged(database, dataset, 10, extra=change)
    with pytest.raises(CheckFailed, match=told):
        layers.seal(database, staging, "areas", ("code",))


def test_a_layer_may_be_empty_only_where_that_is_declared(
    database: Database, dataset: Dataset
) -> None:
    keys = {"areas": ("code",), "rivers": ("code",)}
    rivers = (
        "CREATE TABLE rivers (code text); COMMENT ON TABLE rivers IS 'Rivers'; COMMENT ON COLUMN"
        " rivers.code IS 'Code [unit: code; aggregate: key; from: made up]'"
    )
    staging = staged(database, replace(dataset, layers=keys), 10, extra=rivers)
    with pytest.raises(
        CheckFailed, match=r"layer rivers .* was expected to have rows and has none"
    ):
        layers.seal_all(database, staging)
    allowed = replace(dataset, layers=keys, may_be_empty=("rivers",))
    staging = staged(database, allowed, 10, extra=rivers, rebuild=True)
    assert layers.seal_all(database, staging) == {"areas": 3, "rivers": 0}
    editions.publish(database, staging)


def test_the_columns_of_the_key_and_no_others_are_said_to_be_it(
    database: Database, dataset: Dataset
) -> None:
    extra = (
        "COMMENT ON COLUMN areas.code IS 'Code [unit: code; aggregate: same; from: made up]';"
        "ALTER TABLE areas ADD parent text; COMMENT ON COLUMN areas.parent IS"
        " 'Parent [unit: code; aggregate: key; from: made up]'"
    )
    published(database, dataset, 10, extra=extra)
    kept = "SELECT name, aggregation FROM catalog.layer_column WHERE dataset = %s ORDER BY name"
    assert database.rows(kept, dataset.slug) == [
        ("code", "key"),
        ("geom", "none"),
        ("parent", "same"),
        ("people", "sum"),
    ]
    shown = column_comments(database, dataset.schema, "areas")
    assert shown["code"] == "Code [unit: code; aggregate: key; from: made up]"
    assert shown["parent"] == "Parent [unit: code; aggregate: same; from: made up]"


def test_rollback_back_and_forth_while_a_reader_s_view_keeps_working(
    database: Database, dataset: Dataset
) -> None:
    first, second = published(database, dataset, 10), None
    with database.session() as cursor:
        cursor.execute(
            f'CREATE VIEW "{dataset.schema}".mine AS SELECT sum(people) AS people FROM'
            f' "{dataset.schema}".areas'
        )
    second = published(database, dataset, 20)
    assert people(database, dataset, "mine") == 120
    assert publications.edition_before(database, dataset.slug) == first.number
    assert publications.roll_back(database, dataset.slug, first.number) == (
        2024,
        second.number,
        first.number,
    )
    assert people(database, dataset, "mine") == 60
    publications.roll_back(database, dataset.slug, second.number)
    assert people(database, dataset, "mine") == people(database, dataset, "areas_2024") == 120
    with pytest.raises(
        ConfigurationError,
        match=(
            rf"99: choose one of these: edition {second.number} of 2024 \(shown\); edition"
            rf" {first.number} of"
        ),
    ):
        publications.roll_back(database, dataset.slug, 99)


def test_an_older_vintage_does_not_take_the_place_of_the_newest(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10, vintage=2024)
    published(database, dataset, 7, vintage=2020)
    assert (
        people(database, dataset),
        people(database, dataset, "areas_2024"),
        people(database, dataset, "areas_2020"),
    ) == (60, 60, 42)


def test_columns_may_be_added_but_not_taken_from_under_a_reader(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    with database.session() as cursor:
        cursor.execute(
            f'CREATE VIEW "{dataset.schema}".mine AS SELECT people FROM "{dataset.schema}".areas'
        )
    staging = staged(
        database, dataset, 20, extra="ALTER TABLE areas ALTER COLUMN people TYPE text;"
    )
    layers.seal(database, staging, "areas", ("code",))
    with pytest.raises(CheckFailed, match="mine"):
        editions.publish(database, staging)
    assert people(database, dataset) == 60
    assert database.rows(
        "SELECT count(*) FROM catalog.publication WHERE dataset = %s", dataset.slug
    ) == [(1,)]
    with database.session() as cursor:
        cursor.execute(f'DROP VIEW "{dataset.schema}".mine')
    editions.publish(database, staging)
    assert database.value(f'SELECT max(people) FROM "{dataset.schema}".areas') == "60"


def test_a_layer_that_is_no_longer_made_is_no_longer_shown(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    staging = staged(database, dataset, 20, extra="ALTER TABLE areas RENAME TO zones;")
    staging = replace(staging, dataset=replace(dataset, layers={"zones": ("code",)}))
    layers.seal(database, staging, "zones", ("code",))
    editions.publish(database, staging)
    views = database.rows(
        "SELECT viewname FROM pg_views WHERE schemaname = %s ORDER BY 1", dataset.schema
    )
    assert views == [("zones",), ("zones_2024",)]


def test_a_mirror_never_takes_the_place_of_official_data(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    with pytest.raises(ConfigurationError, match="must not take its place"):
        staged(database, dataset, 20, mirror="synthetic")
    assert published(database, dataset, 20, vintage=2020, mirror="synthetic").vintage == 2020


def test_the_same_files_and_code_are_nothing_new(database: Database, dataset: Dataset) -> None:
    edition = published(database, dataset, 10)
    same = original(database, dataset, "10 2024")
    with pytest.raises(
        editions.NothingNew,
        match=f"edition {edition.number} was made from these files by this code and is shown",
    ):
        editions.begin(database, dataset, 2024, (same,), None, rebuild=False)
    assert (
        editions.begin(database, dataset, 2024, (same,), None, rebuild=True).edition
        == edition.number + 1
    )
    removals.abandon(database, dataset)
    with database.session() as cursor:  # its run was killed before the manifest was written
        cursor.execute(
            "UPDATE catalog.edition SET manifest = NULL WHERE dataset = %s", (dataset.slug,)
        )
    assert (
        editions.begin(database, dataset, 2024, (same,), None, rebuild=False).edition
        == edition.number + 2
    )


def test_what_changed_back_without_a_rollback_is_made_again(
    database: Database, dataset: Dataset
) -> None:
    """As when the dataset it stands on is rolled back, or a publisher takes a release back."""
    first, second = published(database, dataset, 10), published(database, dataset, 20)
    assert published(database, dataset, 10).number == second.number + 1
    assert people(database, dataset) == 60
    publications.roll_back(database, dataset.slug, first.number)
    with pytest.raises(
        editions.NothingNew,
        match=f"edition {first.number} was made from these files by this code and is shown",
    ):
        staged(database, dataset, 10)
    with pytest.raises(
        editions.NothingNew,
        match=f"edition {second.number} .* was rolled back to edition {first.number} and stays so",
    ):
        staged(database, dataset, 20)


def test_a_rollback_emits_an_event_in_a_run(
    database: Database, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = published(database, dataset, 10), published(database, dataset, 20)
    emitted: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        "tasks.verbs.publishing.emit_event", lambda event, **told: emitted.append((event, told))
    )
    show_again.fn(dataset.slug, first.number)
    assert emitted == []
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", str(uuid.uuid4()))
    show_again.fn(dataset.slug, second.number)
    show_again.fn(dataset.slug, second.number)
    told = {"vintage": 2024, "edition": second.number, "instead_of": first.number, "mirror": ""}
    assert emitted == [
        (
            "geodata.edition.rolled_back",
            {
                "resource": {"prefect.resource.id": f"geodata.dataset.{dataset.slug}"},
                "payload": told,
            },
        )
    ]


def test_what_a_killed_run_left_is_cleared_and_the_published_edition_stays(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    staging = staged(database, dataset, 20)
    assert removals.abandon(database, dataset) == [staging.schema]
    assert (
        database.value(
            "SELECT state FROM catalog.edition WHERE dataset = %s AND number = %s",
            dataset.slug,
            staging.edition,
        )
        == "abandoned"
    )
    assert people(database, dataset) == 60


def test_old_editions_are_removed_but_never_those_that_others_need(
    database: Database, dataset: Dataset
) -> None:
    kept = published(database, dataset, 1)
    with database.session() as cursor:
        cursor.execute(f'CREATE SCHEMA "{dataset.slug}_mine"')
        cursor.execute(
            f'CREATE VIEW "{dataset.slug}_mine".v AS SELECT * FROM "{kept.schema}".areas'
        )
    gone = published(database, dataset, 2)
    older, newest = published(database, dataset, 3), published(database, dataset, 4)
    assert removals.remove_old(database, dataset, 2024) == ([gone.number], [kept.number])
    states = dict(
        database.rows("SELECT number, state FROM catalog.edition WHERE dataset = %s", dataset.slug)
    )
    assert states == {
        kept.number: "published",
        gone.number: "removed",
        older.number: "published",
        newest.number: "published",
    }


def test_readers_can_read_what_is_published_and_nothing_else(
    database: Database, dataset: Dataset
) -> None:
    published(database, dataset, 10)
    staging = staged(database, dataset, 20)
    with database.session() as cursor:
        cursor.execute("SET LOCAL ROLE geodata_reader")
        cursor.execute(f'SELECT count(*) FROM "{dataset.schema}".areas')
        cursor.execute("SELECT count(*) FROM catalog.current_layer")
    for query in (
        f'DELETE FROM "{dataset.schema}".areas',
        f'SELECT * FROM "{staging.schema}".areas',
        "DELETE FROM catalog.publication",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            _as_reader(database, query)


def _as_reader(database: Database, query: str) -> None:
    with database.session() as cursor:
        cursor.execute("SET LOCAL ROLE geodata_reader")
        cursor.execute(query)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM areas", "was expected to have rows and has none"),
        ("UPDATE areas SET people = -1 WHERE code = 'A2'", "counts persons and has -1, less than"),
        (
            "ALTER TABLE areas ALTER people TYPE float; UPDATE areas SET people = 'NaN'",
            "Every people .* 3 of 3 are NaN or infinite",
        ),
        (
            "UPDATE areas SET people = NULL; COMMENT ON COLUMN areas.people IS"
            " 'People [unit: persons; aggregate: sum; from: zz-people.POP]'",
            r"Figures of zz-people were expected .* every one is absent \(people\)",
        ),
        (
            "UPDATE areas SET people = NULL; COMMENT ON COLUMN areas.people IS"
            " 'People [unit: persons; aggregate: sum; from: not in zz-people]'",
            "Figures of zz-people were expected",
        ),
    ],
)
def test_figures_that_cannot_be_are_not_sealed(
    database: Database, dataset: Dataset, change: str, told: str
) -> None:
    staging = staged(database, dataset, 10, extra=change)
    with pytest.raises(CheckFailed, match=told):
        layers.seal_all(database, staging)


def test_coordinates_that_a_file_does_not_have_do_not_stop_the_figures(
    database: Database, dataset: Dataset
) -> None:
    extra = (
        "ALTER TABLE areas ADD latitude float; COMMENT ON COLUMN areas.latitude IS"
        " 'Latitude [unit: degree; aggregate: none; from: zz-places.gps]'"
    )
    published(database, dataset, 10, extra=extra)
    assert people(database, dataset) == 60


def test_a_balance_may_be_less_than_none(database: Database, dataset: Dataset) -> None:
    extra = (
        "UPDATE areas SET people = -people; COMMENT ON COLUMN areas.people IS"
        " 'Migration [unit: balance of persons; aggregate: sum; from: made up]'"
    )
    published(database, dataset, 10, extra=extra)
    assert people(database, dataset) == -60


@pytest.mark.parametrize(
    "loaded",
    [
        "ALTER TABLE areas ADD PRIMARY KEY (code)",
        "ALTER TABLE areas SET UNLOGGED; ALTER TABLE areas ADD CONSTRAINT own PRIMARY KEY (people)",
        "CREATE UNIQUE INDEX ON areas (code)",
    ],
)
def test_a_loaded_table_may_be_a_layer_and_lasts(
    database: Database, dataset: Dataset, loaded: str
) -> None:
    edition = published(database, dataset, 10, extra=loaded)
    assert people(database, dataset) == 60
    kept = "SELECT relpersistence FROM pg_class WHERE oid = %s::regclass"
    assert database.value(kept, f"{edition.schema}.areas") == "p"


@pytest.mark.parametrize(
    "union",
    [
        "ALTER TABLE areas RENAME TO areas_1; CREATE TABLE areas (LIKE areas_1 INCLUDING COMMENTS);"
        "ALTER TABLE areas_1 INHERIT areas; COMMENT ON TABLE areas IS 'Areas'",
        "ALTER TABLE areas RENAME TO own; CREATE VIEW areas AS SELECT * FROM own;"
        "COMMENT ON VIEW areas IS 'Areas'; COMMENT ON COLUMN areas.code IS"
        " 'Code [unit: code; aggregate: key; from: made up]'; COMMENT ON COLUMN areas.people IS"
        " 'People [unit: persons; aggregate: sum; from: made up]'; COMMENT ON COLUMN areas.geom IS"
        " 'Border [unit: m; aggregate: none; from: made up]'",
    ],
)
def test_a_layer_has_rows_of_its_own(database: Database, dataset: Dataset, union: str) -> None:
    staging = staged(database, dataset, 10, extra=union)
    with pytest.raises(ConfigurationError, match="only reads those of other tables"):
        layers.seal_all(database, staging)


def test_an_edition_whose_check_failed_is_not_published_though_the_flow_went_on(
    database: Database, dataset: Dataset
) -> None:
    staging = staged(database, dataset, 10)
    record_check(database, staging, "advice", "1", "2", passed=False, required=False)
    record_check(database, staging, "total", "60", "61", passed=False, required=True)
    with pytest.raises(CheckFailed, match=r"\(total: expected 60, found 61\): let the flow wait"):
        layers.seal_all(database, staging)
    record_check(database, staging, "total", "60", "60", passed=True, required=True)
    assert layers.seal_all(database, staging) == {"areas": 3}


def test_a_licence_line_is_of_the_sources_of_its_layer_and_tells_their_last_update(
    database: Database, dataset: Dataset
) -> None:
    slug = f"{dataset.slug}-areas"
    extra = (
        "COMMENT ON COLUMN areas.people IS"
        f" 'People [unit: persons; aggregate: sum; from: {slug}.POP]';"
        "CREATE TABLE other AS SELECT code FROM areas; COMMENT ON TABLE other IS 'Other areas';"
        "COMMENT ON COLUMN other.code IS 'Code [unit: code; aggregate: key; from: computed]'"
    )
    staging = staged(database, dataset, 10, extra=extra)
    named = "(SELECT sha256 FROM catalog.edition_input WHERE (dataset, number) = (%s, %s))"
    edition = (dataset.slug, staging.edition)
    with database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.retrieval SET last_modified = 'Thu, 12 Jun 2025 08:00:00 GMT'"
            f" WHERE source = %s AND sha256 = {named}",
            (slug, *edition),
        )
        cursor.execute(
            "INSERT INTO catalog.source SELECT (jsonb_populate_record(s, jsonb_build_object('slug',"
            " slug || '-2', 'title', 'Rivers'))).* FROM catalog.source s WHERE slug = %s",
            (slug,),
        )
        cursor.execute(
            "INSERT INTO catalog.edition_input SELECT dataset, number, source || '-2',"
            " source_vintage, sha256, url, retrieved_at FROM catalog.edition_input WHERE dataset ="
            " %s AND number = %s",
            edition,
        )
    for layer in ("areas", "other"):
        layers.seal(database, staging, layer, ("code",))
    editions.publish(
        database, replace(staging, dataset=replace(dataset, layers={"areas": (), "other": ()}))
    )
    lines = database.rows(
        "SELECT split_part(layer, '.', 2), attribution, last_update FROM catalog.licence_to_print"
        " WHERE dataset = %s ORDER BY 1, 2",
        dataset.slug,
    )
    terms = "Open (https://office.example/open)"
    assert lines[0] == (
        "areas",
        f"Source: Office, Areas, 2024-01-01, {terms}, last update 2025-06-12, data changed",
        "2025-06-12",
    )
    assert [(layer, "Rivers" in line) for layer, line, _ in lines[1:]] == [
        ("other", False),
        ("other", True),  # its columns name no file, so all of the edition are named
    ]


def test_what_is_absent_or_left_out_is_asked_of_the_catalog(
    database: Database, dataset: Dataset
) -> None:
    extra = (
        "ALTER TABLE areas ADD jobs bigint; COMMENT ON COLUMN areas.jobs IS"
        " 'Jobs [unit: jobs; aggregate: sum; from: not in zz-people]';"
        "COMMENT ON COLUMN areas.people IS"
        " 'People [unit: persons; aggregate: sum; from: zz-people.POP]'"
    )
    staging = staged(database, dataset, 10, extra=extra)
    told = {
        "absent": ["jobs", "gps"],
        "left_out": {"notes": 2, "where": 5},
        "skipped": ["(c) Office"],
        "notes": [],
    }
    record_step(database, staging, "load_table", "people", "Loaded 3", 3, 0.1, 1.0, told)
    record_step(database, staging, "join", "x.sql", "Joined", 3, 0.1, 1.0, {})
    layers.seal(database, staging, "areas", ("code",))
    editions.publish(database, staging)
    edition = (dataset.slug, staging.edition)
    assert database.rows(
        "SELECT table_name, column_name, layers FROM catalog.absent_column WHERE (dataset, number)"
        " = (%s, %s) ORDER BY 2",
        *edition,
    ) == [("people", "gps", None), ("people", "jobs", ["areas"])]
    assert database.rows(
        "SELECT table_name, reason, row_count, named FROM catalog.rows_left_out WHERE (dataset,"
        " number) = (%s, %s) ORDER BY 2",
        *edition,
    ) == [
        ("people", "notes", 2, None),
        ("people", "skipped", 1, ["(c) Office"]),
        ("people", "where", 5, None),
    ]
    with database.session() as cursor:
        row = {"id": dataset.slug, "flow": "x", "dataset": dataset.slug, "parameters": "{}"}
        rows.insert(cursor, "run", row | {"code_revision": "", "machine": ""})
        rows.update(cursor, "edition", {"run": dataset.slug}, dict(zip(KEY, edition, strict=True)))
    assert runs.published(database, dataset.slug).endswith(
        "Absent from its files: people.gps, people.jobs. Rows left out: people 2 notes, people 1"
        " skipped, people 5 where."
    )
    page = section(facts.of_edition(database, *edition)[1])
    assert "| people | gps |" in page
    assert "| people | where | 5 |" in page


@pytest.mark.parametrize("before", ["SELECT", 'CREATE SCHEMA "{}"'], ids=["no schema", "no rights"])
def test_datasets_that_share_a_schema_may_be_first_shown_at_one_time(
    other_database: Database, before: str
) -> None:
    land = made_up(other_database, "land")
    staging = staged(other_database, land, 10)
    layers.seal(other_database, staging, "areas", ("code",))
    other_database.outside_transaction(before.format(land.schema))
    with ThreadPoolExecutor() as threads:
        with other_database.session() as cursor:
            open_schema(cursor, land.schema)  # as the other dataset's publication does
            shown = threads.submit(editions.publish, other_database, staging)
            wait(lambda: shown.done() or other_database.value(WAITING), "one that waits", 0.02)
        shown.result()
    with other_database.session() as cursor:
        cursor.execute("SET LOCAL ROLE geodata_reader")
        cursor.execute(f'SELECT FROM "{land.schema}".areas')
        assert cursor.rowcount == 3


def test_who_keeps_a_schema_from_being_opened_is_named(
    other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "PATIENCE", 0.2)
    land = made_up(other_database, "land")
    staging = staged(other_database, land, 10)
    layers.seal(other_database, staging, "areas", ("code",))
    with other_database.session() as cursor:
        cursor.execute(TURN)
        cursor.execute("SELECT pg_backend_pid()")
        named = rf"shown within .*: process {cursor.fetchall()[0][0]} \("
        with pytest.raises(ConfigurationError, match=named):
            editions.publish(other_database, staging)
    assert editions.publish(other_database, staging).number == staging.edition
