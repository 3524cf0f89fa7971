"""Metrics of a catalog with something of everything: each has its figures, and one that cannot be
read is said to be down.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import DATASET, database_of_its_own
from prometheus_client import Metric
from prometheus_client.registry import CollectorRegistry

from deployments.observability import exporter
from deployments.observability.families import FAMILIES
from tasks.core.catalog import runs
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import records as rebuild_records

SOMETHING = """
INSERT INTO catalog.publisher VALUES ('office', 'An office', '');
INSERT INTO catalog.licence VALUES ('open', 'Open', '', '');
INSERT INTO catalog.dataset
VALUES ('land', 'Land', 'ZZ', 'land', 2), ('sea', 'Sea', 'ZZ', 'sea', 2);
INSERT INTO catalog.source
SELECT 'zz-areas', year, '', 'office', 'open', '', '{}', make_date(year, 1, 1), 'yearly', 10,
       'permanent', 'high', '{}'
  FROM generate_series(2024, 2026) AS year;
INSERT INTO catalog.artifact (sha256, size_bytes)
VALUES (repeat('a', 64), 100), (repeat('b', 64), 20), (repeat('c', 64), 3);
INSERT INTO catalog.run (id, flow, dataset, parameters, code_revision, machine, started_at,
                         ended_at, outcome)
VALUES ('1', 'land', 'land', '{}', '', '', now() - interval '3 days', now() - interval '3 days'
        + interval '90 seconds', 'published'),
       ('2', 'land', 'land', '{}', '', '', now() - interval '1 day', now() - interval '1 day'
        + interval '5 seconds', 'failed'),
       ('3', 'land', 'land', '{}', '', '', now(), NULL, 'running');
INSERT INTO catalog.retrieval (source, source_vintage, asked_at, state, url, sha256, received,
                               last_modified)
VALUES ('zz-areas', 2024, '2025-06-01', 'new', 'https://office.example/2024', repeat('a', 64),
        repeat('a', 64), 'Sat, 31 May 2025 00:00:00 GMT'),
       ('zz-areas', 2025, '2026-06-01', 'new', 'https://office.example/2025', repeat('b', 64),
        repeat('b', 64), 'Sun, 31 May 2026 00:00:00 GMT');
INSERT INTO catalog.edition (dataset, number, vintage, code_revision, fingerprint, schema_name,
                             state)
VALUES ('land', 1, 2024, '', '', '', 'published'), ('land', 2, 2025, '', '', '', 'published');
INSERT INTO catalog.edition_input (dataset, number, source, source_vintage, sha256, url,
                                   retrieved_at)
VALUES ('land', 1, 'zz-areas', 2024, repeat('a', 64), '', '2025-06-01'),
       ('land', 2, 'zz-areas', 2025, repeat('b', 64), '', '2026-06-01');
INSERT INTO catalog.publication (dataset, vintage, number, action, at)
VALUES ('land', 2024, 1, 'publish', '2025-06-03'), ('land', 2025, 2, 'publish', '2026-06-03');
INSERT INTO catalog.layer VALUES ('land', 2, 'areas', '', '{code}', 7, NULL, NULL, NULL, 8192, '');
INSERT INTO catalog.join_report (dataset, number, areas, figures, key, area_count, areas_matched,
                                 figure_count, figures_matched, figures_unlocated, population,
                                 population_matched, areas_orphaned, figures_orphaned)
VALUES ('land', 2, 'areas', 'people', 'code', 8, 6, 4, 4, 0, 1000, 990, '{}', '{}'),
       ('land', 2, 'areas', 'nothing', 'code', 0, 0, 0, 0, 0, NULL, NULL, '{}', '{}');
INSERT INTO catalog.step (dataset, number, ordinal, verb, subject, sentence, seconds, peak_mib,
                          figures)
VALUES ('land', 2, 1, 'load', 'a', '', 2.5, 100, '{}'),
       ('land', 2, 2, 'load', 'b', '', 1.5, 300, '{}');
INSERT INTO catalog.check_result (dataset, number, title, expected, found, passed, required)
VALUES ('land', 1, 'rows', '', '', false, true), ('land', 2, 'rows', '', '', true, true),
       ('land', 2, 'names', '', '', false, false);
INSERT INTO catalog.prospect (dataset, vintage, source, state, url, released_at, seen_at, asked_at)
VALUES ('land', 2026, 'zz-areas', 'out', 'https://office.example/2026', '2026-10-01', '2026-10-02',
        now());
INSERT INTO catalog.tombstone VALUES (repeat('a', 64), 'zz-areas', 2024, '', now(), 100, '', now()),
       (repeat('b', 64), 'zz-areas', 2025, '', now(), 20, '', '2026-05-01');
INSERT INTO catalog.archive_audit (name, location, audited_at, verdict)
VALUES ('x', 's3://a', now() - interval '9 days', 'whole'), ('y', 's3://a', now(), 'lost'),
       ('z', 's3://b', NULL, 'failed');
INSERT INTO catalog.rebuild (drill, scope, archive, code_revision, machine, started_at, ended_at,
                             verdict)
VALUES (true, 'current', '{}', '', '', '2026-10-01', '2026-10-01 00:10', 'identical'),
       (true, 'current', '{}', '', '', '2026-10-08', '2026-10-08 00:05', 'incomplete');
"""


@pytest.fixture(scope="module")
def told(
    cluster_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Metric]]:
    """The metrics of a catalog with something of everything."""
    archive = tmp_path_factory.mktemp("metrics") / "archive"
    with database_of_its_own(cluster_database, archive) as database:
        with database.session() as cursor:
            cursor.execute(SOMETHING)
        yield [*exporter.CatalogCollector(database).collect()]


def test_every_metric_has_a_figure(told: list[Metric]) -> None:
    there = {sample.name for family in told for sample in family.samples}
    expected = {
        f"geodata_{figure.name}{'_total' if figure.is_counter else ''}"
        for family in FAMILIES
        for figure in family.figures
    }
    assert expected - there == set()


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("catalog_up", {}, 1),
        ("source_overdue", {"source": "zz-areas", "vintage": "2025", "datasets": "land"}, 1),
        (
            "unshown_overdue",
            {"dataset": "land", "vintage": "2026", "as_of": "", "state": "seen"},
            1,
        ),
        ("vintage_released_timestamp_seconds", {"vintage": "2025"}, 1780185600),
        ("vintage_showing_seconds", {"vintage": "2025"}, 3 * 86400),
        ("vintage_within_promise", {"vintage": "2026"}, 0),
        ("layer_rows", {"vintage": "2025", "layer": "areas"}, 7),
        ("join_areas_matched_ratio", {"figures": "people"}, 0.75),
        ("join_population_matched_ratio", {"figures": "people"}, 0.99),
        ("join_areas_matched_ratio", {"figures": "nothing"}, None),  # a share of nothing is none
        ("step_seconds", {"vintage": "2025", "verb": "load"}, 4),
        ("step_peak_bytes", {"vintage": "2025", "verb": "load"}, 300 * 2**20),
        ("checks_failed", {"vintage": "2024", "required": "yes"}, 1),
        ("checks_failed", {"vintage": "2025", "required": "yes"}, 0),
        ("checks_failed", {"vintage": "2025", "required": "no"}, 1),
        ("editions", {"dataset": "land", "state": "published"}, 2),
        ("editions", {"dataset": "sea", "state": "review"}, 0),
        ("runs", {"dataset": "land", "outcome": "failed"}, 1),
        ("runs", {"dataset": "sea", "outcome": "failed"}, 0),
        ("run_failed", {"dataset": "land"}, 1),  # the one under way says nothing yet
        ("run_seconds", {"dataset": "land"}, 5),
        ("archive_originals", {}, 2),  # one is buried, one was received again since
        ("archive_original_bytes", {}, 23),
        ("archive_copies", {"location": "s3://a", "verdict": "lost"}, 1),
        ("archive_copies", {"location": "s3://b", "verdict": "lost"}, 0),
        ("archive_copies", {"location": "s3://b", "verdict": "failed"}, 1),
        ("rebuild_failed", {"kind": "drill"}, 1),
        ("rebuild_seconds", {"kind": "drill"}, 300),
        ("rebuild_succeeded_timestamp_seconds", {"kind": "drill"}, 1790813400),
    ],
)
def test_figures_are_those_of_the_catalog(
    told: list[Metric], name: str, labels: dict[str, str], value: float | None
) -> None:
    found = [
        sample.value
        for family in told
        for sample in family.samples
        if sample.name == f"geodata_{name}" and labels.items() <= sample.labels.items()
    ]
    assert found == ([] if value is None else [pytest.approx(value)])


def test_a_catalog_that_cannot_be_read_is_said_to_be_down(
    cluster_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    url = cluster_database.url.set(database="nowhere", password="hidden-in-metrics")
    registry = CollectorRegistry()
    registry.register(exporter.CatalogCollector(Database(url)))
    assert registry.get_sample_value("geodata_catalog_up") == 0
    assert 'database "nowhere" does not exist' in caplog.text
    assert "hidden-in-metrics" not in caplog.text
    assert {sample.name for family in registry.collect() for sample in family.samples} == {
        "geodata_catalog_up",
        "geodata_catalog_read_seconds",
    }


@pytest.mark.parametrize(
    ("verdict", "same_code", "failed"),
    [("differing", False, 0), ("differing", True, 1), ("missing", None, 1)],
)
def test_what_newer_code_makes_otherwise_is_no_failed_drill(
    other_database: Database, verdict: str, same_code: bool | None, failed: int
) -> None:
    rebuild = rebuild_records.begin(other_database, "current", [], drill=True)
    with other_database.session() as cursor:
        cursor.execute(
            "INSERT INTO catalog.rebuilt_edition (rebuild, dataset, number, vintage, verdict,"
            " same_code, seconds) VALUES (%s, 'land', 1, 2024, %s, %s, 0)",
            (rebuild, verdict, same_code),
        )
    result = rebuild_records.end(other_database, rebuild, [])
    told = {
        sample.name: sample.value
        for family in exporter.CatalogCollector(other_database).collect()
        for sample in family.samples
    }
    assert told["geodata_rebuild_failed"] == failed == result.unexplained
    assert ("geodata_rebuild_succeeded_timestamp_seconds" in told) is not result.unexplained


def test_a_run_that_is_tried_again_makes_no_counter_fall(other_database: Database) -> None:
    runs.begin(other_database, DATASET, "run", "testland", {})
    runs.end(other_database, "run", "failed", "It was asked to end.", {})
    before = _of("runs", other_database)
    runs.begin(other_database, DATASET, "run", "testland", {})
    after = _of("runs", other_database)
    ended = [sum(sample.value for sample in metric.samples) for metric in (before, after)]
    assert ended == [1, 0]
    assert before.type == "gauge"


def _of(name: str, database: Database) -> Metric:
    metrics = exporter.CatalogCollector(database).collect()
    return next(metric for metric in metrics if metric.name == f"geodata_{name}")


def test_a_scrape_can_change_nothing(database: Database) -> None:
    with database.session() as cursor:
        cursor.execute(exporter.BOUNDS)
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("on",)
