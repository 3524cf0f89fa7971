"""Listed files: what publishers list of the sources, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Source
from tasks.core.upstream.listings.listed import Listed

KEY = ("source", "source_vintage", "mirror", "url")
TOLD = ("listing", "title", "issued", "modified", "licence", "size_bytes", "last_seen_at")


def record(
    cursor: Cursor, source: Source, files: Iterable[Listed], seen_at: datetime | None = None
) -> None:
    """Keep what a listing says of a source's files; what it said before is replaced.

    seen_at: when it was read, otherwise now. When a file was first seen stays.
    """
    if source.listing is None:
        return
    seen = rows.NOW if seen_at is None else seen_at
    for file in files:
        row = rows.same(file, "title issued modified licence") | {
            "source": source.slug,
            "source_vintage": source.vintage,
            "mirror": source.mirror,
            "url": redact(file.url),
            "listing": redact(source.listing.url),
            "size_bytes": file.size,
            "first_seen_at": seen,
            "last_seen_at": seen,
        }
        rows.upsert(cursor, "listed_file", row, KEY, refreshed=TOLD)
