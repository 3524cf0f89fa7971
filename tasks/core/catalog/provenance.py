"""Writes the catalog: each function records one fact about a run, a file or an edition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.archive.tombstones import Tombstone
from tasks.core.catalog import rows
from tasks.core.catalog.rows import as_json
from tasks.core.catalog.statements import INSERT_ARTIFACT
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Dataset, Source
from tasks.core.model.handles import Original, Retrieval, Staging
from tasks.core.postgres.database import Database

SAID = (
    "slug vintage title landing_page reference_date released asked_every_days retention confidence"
)
DECLARED = ("container", "member", "reads", "rows", "totals", "distinct", "counts", "current")


def record_dataset(cursor: Cursor, dataset: Dataset) -> None:
    """Keep what a flow says about its dataset."""
    row = rows.same(dataset, "slug title country keep") | {"published_schema": dataset.schema}
    rows.upsert(cursor, "dataset", row, key=("slug",))


def record_source(cursor: Cursor, source: Source) -> None:
    """Keep what a flow declares of a file, publisher and licence; a mirror never replaces it."""
    told = asdict(source)
    rows.upsert(cursor, "publisher", told["publisher"], key=("slug",))
    rows.upsert(cursor, "licence", told["licence"], key=("slug",))
    row = rows.same(source, SAID) | {
        "publisher": source.publisher.slug,
        "licence": source.licence.slug,
        "urls": [] if source.mirror else [redact(url) for url in source.urls],
        "declaration": as_json({name: told[name] for name in DECLARED if name in told}),
    }
    if source.mirror:
        rows.insert_new(cursor, "source", row)
    else:
        rows.upsert(cursor, "source", row, key=("slug", "vintage"))


def record_artifact(cursor: Cursor, original: Original) -> None:
    """Keep which bytes the archive has, and since when."""
    row = {
        "sha256": original.sha256,
        "size_bytes": original.size,
        "first_archived_at": original.retrieved_at,
    }
    cursor.execute(INSERT_ARTIFACT, row)


def record_tombstones(cursor: Cursor, stones: Iterable[Tombstone]) -> None:
    """Keep which originals are no more; those known already stay as they are."""
    for stone in stones:
        row = rows.same(stone, "sha256 source mirror retrieved_at reason buried_at")
        row |= {"source_vintage": stone.vintage, "size_bytes": stone.size}
        rows.insert_new(cursor, "tombstone", row)


def record_retrieval(
    database: Database, retrieval: Retrieval, original: Original | None, run: str | None = None
) -> None:
    """Keep a question to a publisher, its answer, and the original used after it, if any.

    run: the flow run that asked; it is kept where the catalog knows it.
    """
    source = retrieval.source
    known_run = sql.SQL("(SELECT id FROM catalog.run WHERE id = {})").format(sql.Literal(run))
    row = rows.same(retrieval, "asked_at state url etag last_modified") | {
        "detail": retrieval.remarks,
        "source": source.slug,
        "source_vintage": source.vintage,
        "mirror": source.mirror,
        "sha256": original.sha256 if original else None,
        "received": retrieval.sha256,
        "run": known_run,
    }
    with database.session() as cursor:
        record_source(cursor, source)
        if original:
            record_artifact(cursor, original)
        rows.insert(cursor, "retrieval", row)


def record_step(
    database: Database,
    staging: Staging,
    verb: str,
    subject: str,
    sentence: str,
    row_count: int | None,
    seconds: float,
    peak_mib: float,
    figures: dict[str, Any],
) -> None:
    """Keep what one verb did to an edition; steps are numbered in the order in which they end."""
    row = {
        "verb": verb,
        "subject": subject,
        "sentence": sentence,
        "row_count": row_count,
        "seconds": seconds,
        "peak_mib": peak_mib,
        "figures": as_json(figures),
    }
    with database.session() as cursor:
        edition = rows.of_edition(staging)
        rows.insert(cursor, "step", edition | {"ordinal": _next_ordinal(cursor, edition)} | row)


def _next_ordinal(cursor: Cursor, edition: rows.Row) -> int:
    """Return the number of the next step; the lock on the edition gives one at a time."""
    of_edition = "WHERE dataset = %(dataset)s AND number = %(number)s"
    cursor.execute(f"SELECT FROM catalog.edition {of_edition} FOR UPDATE", edition)
    query = f"SELECT coalesce(max(ordinal), 0) + 1 FROM catalog.step {of_edition}"
    cursor.execute(query, edition)
    return int(cursor.fetchall()[0][0])


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
    row = {
        "title": title,
        "expected": expected,
        "found": found,
        "passed": passed,
        "required": required,
        "at": rows.NOW,
    }
    with database.session() as cursor:
        row = rows.of_edition(staging) | row
        rows.upsert(cursor, "check_result", row, key=("dataset", "number", "title"))


def checked(database: Database, staging: Staging) -> bool:
    """Tell whether any check was made of an edition."""
    query = "SELECT EXISTS (SELECT FROM catalog.check_result WHERE dataset = %s AND number = %s)"
    return bool(database.value(query, staging.dataset.slug, staging.edition))


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
    """Keep what became of rows whose codes changed, in the transaction that changes them."""
    row = {
        "table_name": table,
        "change": change,
        "before": before,
        "after": after,
        "verdict": verdict,
        "reason": reason,
    }
    rows.insert(cursor, "code_change", rows.of_edition(staging) | row)


def code_changes(cursor: Cursor, staging: Staging, table: str) -> set[str]:
    """Return the changes of codes already dealt with in a table of this edition."""
    cursor.execute(
        "SELECT change FROM catalog.code_change"
        " WHERE dataset = %s AND number = %s AND table_name = %s",
        (staging.dataset.slug, staging.edition, table),
    )
    return {change for (change,) in cursor.fetchall()}


def record_topology(database: Database, staging: Staging, layer: str, report: Any) -> None:
    """Keep what the cleaning of a coverage found; `report` is a dataclass of plain figures."""
    row = {"layer": layer, "report": as_json(asdict(report))}
    with database.session() as cursor:
        row = rows.of_edition(staging) | row
        rows.upsert(cursor, "topology_report", row, key=("dataset", "number", "layer"))
