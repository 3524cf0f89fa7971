"""Prospects: which vintage is shown, and what publishers have of those that are not."""

from __future__ import annotations

from datetime import UTC, datetime

from psycopg2 import sql

from tasks.core.catalog import provenance, rows
from tasks.core.model.declarations import Dataset, Source
from tasks.core.postgres.database import Database
from tasks.core.upstream.probes import Sighting


def newest_shown(database: Database, dataset: str, mirror: str) -> int | None:
    """Return the newest vintage of a dataset that is shown, or was withdrawn, from a mirror or, by
    the label "", from the publishers.
    """
    newest: int | None = database.value(
        "SELECT max(p.vintage) FROM catalog.publication p JOIN catalog.edition e USING (dataset,"
        " number) WHERE dataset = %s AND mirror = %s",
        dataset,
        mirror,
    )
    return newest


def record(
    database: Database, dataset: Dataset, vintage: int, source: Source, sighting: Sighting
) -> None:
    """Keep whether a file of a vintage is out; when it was first seen to be stays."""
    now, is_out = datetime.now(UTC), sighting.state == "out"
    row = {
        "dataset": dataset.slug,
        "vintage": vintage,
        "source": source.slug,
        "mirror": source.mirror,
        "state": sighting.state,
        "url": sighting.url,
        "released_at": sighting.released,
        "seen_at": now if is_out else None,
        "asked_at": now,
        "detail": "" if is_out else sighting.detail,
    }
    key = ("dataset", "vintage", "source", "mirror")
    with database.session() as cursor:
        provenance.record_dataset(cursor, dataset)
        kept = sql.SQL(
            "(SELECT seen_at FROM catalog.prospect WHERE (dataset, vintage, source, mirror)"
            " = ({}, {}, {}, {}))"
        ).format(*(sql.Literal(row[name]) for name in key))
        seen = sql.SQL("coalesce({}, {})").format(kept, sql.Literal(row["seen_at"]))
        rows.upsert(cursor, "prospect", row | {"seen_at": seen}, key=key)
