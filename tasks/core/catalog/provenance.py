"""Writes the catalog: each function records one fact about a run, a file or an edition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from psycopg2.extensions import cursor as Cursor

from tasks.core.archive.tombstones import Tombstone
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Dataset, Source
from tasks.core.model.handles import Original, Retrieval, Staging
from tasks.core.postgres.database import Database

INSERT_SOURCE = """
INSERT INTO catalog.source (slug, vintage, title, publisher, licence, landing_page, urls, reference_date, released, asked_every_days,
                            retention, confidence, declaration)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (slug, vintage) DO """
UPDATE_SOURCE = """UPDATE SET
    title = excluded.title, publisher = excluded.publisher, licence = excluded.licence, landing_page = excluded.landing_page,
    urls = excluded.urls, reference_date = excluded.reference_date, released = excluded.released,
    asked_every_days = excluded.asked_every_days, retention = excluded.retention, confidence = excluded.confidence,
    declaration = excluded.declaration
"""
# The earliest retrieval of the bytes, as the manifests tell it: an original that stands in, or that
# has new validators, may be told of later.
INSERT_ARTIFACT = """
INSERT INTO catalog.artifact AS known (sha256, size_bytes, first_archived_at) VALUES (%s, %s, %s)
ON CONFLICT (sha256) DO UPDATE SET first_archived_at = excluded.first_archived_at WHERE known.first_archived_at > excluded.first_archived_at
"""


def record_dataset(cursor: Cursor, dataset: Dataset) -> None:
    """Keep what a flow says about its dataset."""
    cursor.execute(
        "INSERT INTO catalog.dataset (slug, title, country, published_schema, keep) VALUES (%s, %s,"
        " %s, %s, %s) ON CONFLICT (slug) DO UPDATE SET title = excluded.title, country ="
        " excluded.country, published_schema = excluded.published_schema, keep = excluded.keep",
        (dataset.slug, dataset.title, dataset.country, dataset.schema, dataset.keep),
    )


def record_source(cursor: Cursor, source: Source) -> None:
    """Keep what a flow declares about a file, its publisher and its licence."""
    cursor.execute(
        "INSERT INTO catalog.publisher VALUES (%s, %s, %s) ON CONFLICT (slug) DO UPDATE SET name ="
        " excluded.name, url = excluded.url",
        (source.publisher.slug, source.publisher.name, source.publisher.url),
    )
    licence = source.licence
    cursor.execute(
        "INSERT INTO catalog.licence VALUES (%s, %s, %s, %s) ON CONFLICT (slug) DO UPDATE "
        "SET title = excluded.title, url = excluded.url, attribution = excluded.attribution",
        (licence.slug, licence.title, licence.url, licence.attribution),
    )
    facts = ("container", "member", "reads", "rows", "totals", "distinct", "counts")
    declaration = {name: value for name, value in asdict(source).items() if name in facts}
    urls = (
        [] if source.mirror else [redact(url) for url in source.urls]
    )  # what a mirror says never replaces what is declared
    cursor.execute(
        INSERT_SOURCE + ("NOTHING" if source.mirror else UPDATE_SOURCE),
        (
            source.slug,
            source.vintage,
            source.title,
            source.publisher.slug,
            licence.slug,
            source.landing_page,
            urls,
            source.reference_date,
            source.released,
            source.asked_every_days,
            source.retention,
            source.confidence,
            as_json(declaration),
        ),
    )


def record_artifact(cursor: Cursor, original: Original) -> None:
    """Keep which bytes the archive has, and since when."""
    cursor.execute(INSERT_ARTIFACT, (original.sha256, original.size, original.retrieved_at))


def record_tombstones(cursor: Cursor, stones: Iterable[Tombstone]) -> None:
    """Keep which originals are no more; those known already stay as they are."""
    cursor.executemany(
        "INSERT INTO catalog.tombstone (sha256, source, source_vintage, mirror, retrieved_at,"
        " size_bytes, reason, buried_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO"
        " NOTHING",
        [
            (
                each.sha256,
                each.source,
                each.vintage,
                each.mirror,
                each.retrieved_at,
                each.size,
                each.reason,
                each.buried_at,
            )
            for each in stones
        ],
    )


def record_retrieval(
    database: Database, retrieval: Retrieval, original: Original | None, run: str | None = None
) -> None:
    """Keep a question to a publisher, its answer, and the original used after it (None when there
    is none).

    run: the flow run that asked; it is kept where the catalog knows it.
    """
    source = retrieval.source
    with database.session() as cursor:
        record_source(cursor, source)
        if original:
            record_artifact(cursor, original)
        cursor.execute(
            "INSERT INTO catalog.retrieval (source, source_vintage, mirror, asked_at, state, url,"
            " sha256, received, etag, last_modified, detail, run) VALUES (%s, %s, %s, %s, %s, %s,"
            " %s, %s, %s, %s, %s, (SELECT id FROM catalog.run WHERE id = %s))",
            (
                source.slug,
                source.vintage,
                source.mirror,
                retrieval.asked_at,
                retrieval.state,
                retrieval.url,
                original.sha256 if original else None,
                retrieval.sha256,
                retrieval.etag,
                retrieval.last_modified,
                retrieval.detail,
                run,
            ),
        )


def record_step(
    database: Database,
    staging: Staging,
    verb: str,
    subject: str,
    sentence: str,
    rows: int | None,
    seconds: float,
    peak_mib: float,
    figures: dict[str, Any],
) -> None:
    """Keep what one verb did to an edition; steps are numbered in the order in which they end."""
    with database.session() as cursor:
        cursor.execute(
            "SELECT FROM catalog.edition WHERE dataset = %s AND number = %s FOR UPDATE",
            (staging.dataset.slug, staging.edition),
        )
        cursor.execute(
            "INSERT INTO catalog.step (dataset, number, ordinal, verb, subject, sentence,"
            " row_count, seconds, peak_mib, figures) SELECT %s, %s, coalesce(max(ordinal), 0) + 1,"
            " %s, %s, %s, %s, %s, %s, %s FROM catalog.step WHERE dataset = %s AND number = %s",
            (
                staging.dataset.slug,
                staging.edition,
                verb,
                subject,
                sentence,
                rows,
                seconds,
                peak_mib,
                as_json(figures),
                staging.dataset.slug,
                staging.edition,
            ),
        )


def record_check(
    database: Database,
    staging: Staging,
    title: str,
    expected: str,
    found: str,
    passed: bool,
    required: bool,
) -> None:
    """Keep the verdict of one check."""
    with database.session() as cursor:
        cursor.execute(
            "INSERT INTO catalog.check_result (dataset, number, title, expected, found, passed,"
            " required) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (dataset, number, title) DO"
            " UPDATE SET expected = excluded.expected, found = excluded.found, passed ="
            " excluded.passed, required = excluded.required, at = excluded.at",
            (staging.dataset.slug, staging.edition, title, expected, found, passed, required),
        )


def record_code_change(
    cursor: Cursor,
    staging: Staging,
    table: str,
    change: str,
    before: Sequence[str],
    after: Sequence[str],
    verdict: str,
    reason: str,
) -> None:
    """Keep what became of the rows of a table whose codes changed, in the transaction that changes
    them.
    """
    cursor.execute(
        "INSERT INTO catalog.code_change VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            staging.dataset.slug,
            staging.edition,
            table,
            change,
            list(before),
            list(after),
            verdict,
            reason,
        ),
    )


def code_changes(cursor: Cursor, staging: Staging, table: str) -> set[str]:
    """The changes of codes already dealt with in a table of this edition."""
    cursor.execute(
        "SELECT change FROM catalog.code_change WHERE dataset = %s AND number = %s AND table_name"
        " = %s",
        (staging.dataset.slug, staging.edition, table),
    )
    return {change for (change,) in cursor.fetchall()}


def record_topology(database: Database, staging: Staging, layer: str, report: Any) -> None:
    """Keep what the cleaning of a coverage found; `report` is a dataclass of plain figures."""
    with database.session() as cursor:
        cursor.execute(
            "INSERT INTO catalog.topology_report VALUES (%s, %s, %s, %s) ON CONFLICT (dataset,"
            " number, layer) DO UPDATE SET report = excluded.report",
            (staging.dataset.slug, staging.edition, layer, as_json(asdict(report))),
        )


def as_json(value: Any) -> str:
    """JSON text of plain values; dates and the like by their text."""
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
