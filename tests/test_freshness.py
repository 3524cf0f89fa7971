"""The promise to ask each publisher often enough, held against the catalog."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest

from flows.freshness import freshness
from tasks.core.catalog.promptness.promises import read_freshness
from tasks.core.catalog.provenance import record_dataset, record_retrieval
from tasks.core.model.columns import text
from tasks.core.model.declarations import Dataset, Licence, Publisher, Source, Table
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Original, Retrieval, State
from tasks.core.postgres.database import Database
from tasks.verbs.freshness import check_freshness

OFFICE = Publisher(slug="zz", name="Office of Testland", url="https://testland.example")
OPEN = Licence(
    slug="zz-open",
    title="Open",
    url="https://testland.example/open",
    attribution="Source: Testland",
)
DATASET = Dataset(
    slug="testland", title="Testland", country="ZZ", schema="testland", layers={"areas": ("code",)}
)
AREAS = Source(
    slug="zz-areas",
    vintage=2025,
    title="Areas",
    publisher=OFFICE,
    licence=OPEN,
    landing_page="https://testland.example/areas",
    urls=("https://testland.example/areas.csv",),
    container="text",
    reads=Table(columns={"code": text("code")}),
    reference_date=date(2025, 1, 1),
    released="yearly",
    confidence="high",
    asked_every_days=14,
)
PUBLICATION = (
    "INSERT INTO catalog.publication (dataset, vintage, number, action) VALUES ('testland', %s, %s,"
    " 'publish')"
)


def publish(
    database: Database, number: int, source: Source, days_ago: float, state: State = "unchanged"
) -> None:
    """An edition of Testland that is shown, made from a source that was asked for so many days
    ago.
    """
    asked, sha256 = datetime.now(UTC) - timedelta(days=days_ago), f"{number:064x}"
    original = Original(
        source=source, sha256=sha256, size=1, url=source.urls[0], retrieved_at=asked, state=state
    )
    record_retrieval(
        database,
        Retrieval(source=source, state=state, url=source.urls[0], asked_at=asked),
        original,
    )
    with database.session() as cursor:
        record_dataset(cursor, DATASET)
        cursor.execute(
            "INSERT INTO catalog.edition (dataset, number, vintage, mirror, code_revision,"
            " fingerprint, schema_name, state) VALUES ('testland', %s, %s, %s, '', '', '',"
            " 'published')",
            (number, source.vintage, source.mirror),
        )
        cursor.execute(
            "INSERT INTO catalog.edition_input VALUES ('testland', %s, %s, %s, %s, '', %s)",
            (number, source.slug, source.vintage, sha256, asked),
        )
        cursor.execute(PUBLICATION, (source.vintage, number))


def test_a_catalog_without_publications_promises_nothing(other_database: Database) -> None:
    check_freshness.fn()


def test_a_source_asked_in_time_is_fresh(other_database: Database) -> None:
    publish(other_database, 1, AREAS, days_ago=13)
    check_freshness.fn()
    assert [(source.source, source.overdue) for source in read_freshness(other_database)] == [
        ("zz-areas", False)
    ]


def test_an_overdue_source_fails_and_is_named(other_database: Database) -> None:
    publish(other_database, 1, AREAS, days_ago=15)
    with pytest.raises(
        CheckFailed,
        match=(
            r"1 of 1 sources .* zz-areas 2025 of testland \(last answered on .*, promised every 14"
            r" days, unchanged\)"
        ),
    ):
        check_freshness.fn()
    check_freshness.fn(grace_days=2)


def test_a_publisher_that_does_not_answer_does_not_count_as_asked(other_database: Database) -> None:
    publish(other_database, 1, AREAS, days_ago=15)
    record_retrieval(
        other_database,
        Retrieval(source=AREAS, state="unreachable", url="", asked_at=datetime.now(UTC)),
        None,
    )
    with pytest.raises(CheckFailed, match="unreachable"):
        check_freshness.fn()


def test_backfills_and_mirrors_promise_nothing(other_database: Database) -> None:
    publish(other_database, 1, dataclasses.replace(AREAS, vintage=2019), days_ago=400)
    publish(other_database, 2, AREAS, days_ago=1)
    publish(
        other_database,
        3,
        dataclasses.replace(AREAS, vintage=2026, mirror="synthetic"),
        days_ago=400,
    )
    check_freshness.fn()
    assert [source.vintage for source in read_freshness(other_database)] == [2025]


def test_a_withdrawn_vintage_promises_nothing(other_database: Database) -> None:
    publish(other_database, 1, AREAS, days_ago=15)
    with other_database.session() as cursor:
        cursor.execute(PUBLICATION.replace("'publish'", "'withdraw'"), (AREAS.vintage, 1))
    check_freshness.fn()
    assert read_freshness(other_database) == []


def test_the_run_ends_in_failed_and_keeps_the_table(
    other_database: Database, prefect_server: None
) -> None:
    from prefect.artifacts import Artifact

    publish(other_database, 1, AREAS, days_ago=15)
    state = freshness(return_state=True)
    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), CheckFailed)
    assert all(Artifact.get(key, _sync=True) for key in ("promptness", "rhythm"))
    kept = Artifact.get("freshness", _sync=True)
    assert kept is not None
    assert '"zz-areas"' in str(kept.data)
