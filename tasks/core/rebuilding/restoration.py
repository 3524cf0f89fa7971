"""The rows of a catalog put back from documents of the archive; existing rows stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor

from tasks.core.archive import manifests
from tasks.core.catalog import provenance, rows
from tasks.core.catalog.edition_documents import PARTS
from tasks.core.model.handles import Original
from tasks.core.rebuilding.statements import (
    SELECT_EDITION_OF_NUMBER,
    WHERE_BOTH_EDITIONS_ARE_KNOWN,
    WHERE_PUBLICATION_IS_NEW,
    WHERE_RETRIEVAL_IS_NEW,
)

JsonDocument = Mapping[str, Any]


def restore_originals(cursor: Cursor, originals: Sequence[Original]) -> None:
    """Restore sources by their newest manifest (mirrors: their first) and what was archived."""
    cursor.execute("SELECT slug, vintage FROM catalog.source")
    known = set(cursor.fetchall())
    sources = [original.source for original in _by_time(originals)]
    official = [source for source in reversed(sources) if not source.mirror]
    mirrored = [source for source in sources if source.mirror]
    for source in (*official, *mirrored):
        if (source.slug, source.vintage) not in known:
            provenance.record_source(cursor, source)
            known.add((source.slug, source.vintage))
    for original in _by_time(originals):
        provenance.record_artifact(cursor, original)


def restore_runs(
    cursor: Cursor, editions: Sequence[JsonDocument], runs: Sequence[JsonDocument]
) -> None:
    """Restore runs by their document, or as the manifest of their edition saw them at the end."""
    datasets = [document["dataset"] for document in (*editions, *runs)]
    rows.insert_json(cursor, "dataset", datasets)
    rows.insert_json(cursor, "run", [document["run"] for document in runs])
    seen = [
        {**document["run"], "outcome": "published", "ended_at": document["edition"]["published_at"]}
        for document in editions
        if document["run"]
    ]
    rows.insert_json(cursor, "run", seen)


def restore_edition(cursor: Cursor, name: str, document: JsonDocument) -> str | None:
    """Restore an edition, as removed since it has no tables; return why it could not be.

    Parts of its record that need other editions follow in restore_publications.
    """
    edition = dict(document["edition"]) | {"manifest": name or None}
    key = _key(document)
    cursor.execute(SELECT_EDITION_OF_NUMBER, edition)
    for there, is_same in cursor.fetchall():
        if is_same and name and not there:  # a run was killed between the document and its name
            rows.update(cursor, "edition", {"manifest": name}, key)
        other = (
            f"The number {key['number']} of {key['dataset']} is that of another edition"
            f" ({there or 'without a manifest'}) already: {name} was left out"
        )
        return None if not name or there == name or (is_same and not there) else other
    if edition["state"] in ("published", "sealed", "review"):
        edition["state"] = "removed"
    cursor.execute("SAVEPOINT edition")
    try:
        rows.insert_json(cursor, "edition", [edition])
        for part, table in PARTS.items():
            if part not in ("dependencies", "publications"):
                rows.insert_json(cursor, table, [row | key for row in document.get(part, [])])
    except errors.ForeignKeyViolation as error:
        cursor.execute("ROLLBACK TO SAVEPOINT edition")
        return (
            f"Edition {key['number']} of {key['dataset']} depends on what no document tells"
            f" ({error.diag.message_detail}): it was left out"
        )
    cursor.execute("RELEASE SAVEPOINT edition")
    return None


def restore_publications(
    cursor: Cursor, editions: Sequence[JsonDocument], switches: Iterable[JsonDocument]
) -> None:
    """Restore dependencies and publications, once all editions are there."""
    dependencies = [
        row | _key(edition) for edition in editions for row in edition.get("dependencies", [])
    ]
    publications = [document["publication"] for document in switches] + [
        row | _key(edition) for edition in editions for row in edition["publications"]
    ]
    rows.insert_json(cursor, "edition_dependency", dependencies, WHERE_BOTH_EDITIONS_ARE_KNOWN)
    rows.insert_json(cursor, "publication", publications, WHERE_PUBLICATION_IS_NEW)


def restore_retrievals(
    cursor: Cursor, runs: Iterable[JsonDocument], originals: Iterable[JsonDocument]
) -> None:
    """Restore publishers' answers by the documents of runs, else by originals' manifests."""
    told = [row for document in runs for row in document["retrievals"]]
    rows.insert_json(cursor, "retrieval", told, WHERE_RETRIEVAL_IS_NEW)
    received = list(map(_retrieval, originals))
    rows.insert_json(cursor, "retrieval", received, WHERE_RETRIEVAL_IS_NEW)


def _key(edition: JsonDocument) -> dict[str, Any]:
    return {name: edition["edition"][name] for name in ("dataset", "number")}


def _retrieval(manifest: JsonDocument) -> rows.Row:
    original = manifests.original_of(manifest)
    return rows.same(original, "state url sha256 etag last_modified") | {
        "source": original.source.slug,
        "source_vintage": original.source.vintage,
        "mirror": original.source.mirror,
        "asked_at": original.retrieved_at.isoformat(),
        "received": original.sha256,
        "detail": manifest["detail"],
    }


def _by_time(originals: Iterable[Original]) -> list[Original]:
    return sorted(originals, key=lambda original: original.retrieved_at)
