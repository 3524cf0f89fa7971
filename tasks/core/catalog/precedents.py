"""Precedents: the existing editions, which a new one must not repeat or displace."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.publications import last_publication
from tasks.core.catalog.statements import SELECT_EDITION_MADE
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import records


def protect_official_data(cursor: Cursor, dataset: Dataset, vintage: int, mirror: str) -> None:
    """Refuse a mirror if the last edition shown of the vintage is official, even if withdrawn."""
    number, _ = last_publication(cursor, dataset.slug, vintage)
    cursor.execute(
        "SELECT number FROM catalog.edition WHERE dataset = %s AND number = %s AND mirror = ''",
        (dataset.slug, number),
    )
    if cursor.fetchall():
        raise ConfigurationError(
            f"Edition {number} of {dataset.slug} {vintage} was made from the publisher's own files;"
            f" the mirror {mirror} must not take its place: publish in another database"
            " (GEODATA_DATABASE_URL), or without the mirror."
        )


def made_by(
    cursor: Cursor, run: str | None, dataset: Dataset, vintage: int, fingerprint: str
) -> bool:
    """Tell whether a run, before it was started again, has made an edition with a fingerprint."""
    cursor.execute(
        "SELECT FROM catalog.edition WHERE run = %s AND (dataset, vintage, fingerprint) ="
        " (%s, %s, %s) AND state IN ('published', 'sealed', 'review')",
        (run, dataset.slug, vintage, fingerprint),
    )
    return bool(cursor.rowcount)


def made_already(
    cursor: Cursor, dataset: Dataset, vintage: int, fingerprint: str
) -> tuple[int, str] | None:
    """Return the edition with this fingerprint that need not be made again, and why.

    It is shown, or was switched by a person. One whose files or foundations only changed back is
    made again.
    """
    last, action = last_publication(cursor, dataset.slug, vintage)
    facts = {"dataset": dataset.slug, "vintage": vintage, "fingerprint": fingerprint, "last": last}
    for made in records(cursor, SELECT_EDITION_MADE, **facts):
        if "withdraw" in (action, made.action):
            return made.number, "was withdrawn and stays so"
        if made.number == last and made.state == "published" and made.closed:
            return made.number, "is shown"
        if made.number != last and action == "rollback":
            return made.number, f"was rolled back to edition {last} and stays so"
    return None


def waiting(
    cursor: Cursor, dataset: Dataset, vintage: int, fingerprint: str, mirror: str
) -> tuple[str, Staging] | None:
    """Return what an earlier run made with this fingerprint, and why it is not shown yet.

    Its state: sealed (readers kept it from view) or review (a person has to accept it).
    """
    cursor.execute(
        "SELECT state, number, schema_name FROM catalog.edition WHERE dataset = %s AND vintage = %s"
        " AND fingerprint = %s AND state IN ('sealed', 'review') ORDER BY number DESC LIMIT 1",
        (dataset.slug, vintage, fingerprint),
    )
    for state, number, schema in cursor.fetchall():
        return state, Staging(
            dataset=dataset, vintage=vintage, schema=schema, edition=number, mirror=mirror
        )
    return None
