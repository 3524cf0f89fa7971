"""The history in the archive, put back into a catalog that has lost it: what is there already
stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.archive import manifests, tombstones
from tasks.core.archive.archive import Archive
from tasks.core.catalog import provenance
from tasks.core.catalog.edition_documents import PARTS
from tasks.core.model.handles import Original
from tasks.core.postgres.database import Database

DEPENDENCY = """
WHERE EXISTS (SELECT FROM catalog.edition e WHERE (e.dataset, e.number) = (new.dataset, new.number))
  AND EXISTS (SELECT FROM catalog.edition e WHERE (e.dataset, e.number) = (new.on_dataset, new.on_number))
"""
PUBLICATION = """
WHERE EXISTS (SELECT FROM catalog.edition e WHERE (e.dataset, e.number) = (new.dataset, new.number))
  AND NOT EXISTS (SELECT FROM catalog.publication p WHERE (p.dataset, p.number, p.action, p.at) = (new.dataset, new.number, new.action, new.at))
ORDER BY new.at
"""
RETRIEVAL = """
WHERE EXISTS (SELECT FROM catalog.source s WHERE (s.slug, s.vintage) = (new.source, new.source_vintage))
  AND (new.sha256 IS NULL OR EXISTS (SELECT FROM catalog.artifact a WHERE a.sha256 = new.sha256))
  AND NOT EXISTS (SELECT FROM catalog.retrieval r
                   WHERE (r.source, r.source_vintage, r.mirror, r.asked_at, r.state)
                       = (new.source, new.source_vintage, new.mirror, new.asked_at, new.state)
                     AND (new.run IS NULL OR r.run IS NOT DISTINCT FROM new.run))
ORDER BY new.asked_at
"""
FORMS: Mapping[str, Mapping[str, Any]] = {
    "manifests": {"format": manifests.FORMAT},
    "editions": {"document": "edition of geodata-flows", "version": 1},
    "publications": {"document": "publication of geodata-flows", "version": 1},
    "runs": {"document": "run of geodata-flows", "version": 1},
    "tombstones": {"format": tombstones.FORMAT},
}
Document = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class History:
    """All the documents of an archive, by name; `unreadable` says of the others why no location
    gives them.
    """

    manifests: Mapping[str, Document]
    editions: Mapping[str, Document]
    publications: Mapping[str, Document]
    runs: Mapping[str, Document]
    tombstones: Mapping[str, Document]
    unreadable: Sequence[str] = field(default=())

    def edition_documents(self) -> Iterable[tuple[str, Document]]:
        """Editions with the name of their manifest, the newest first; those that have none stand in
        the document of their run.
        """
        yield from sorted(
            self.editions.items(),
            key=lambda item: str(item[1]["edition"]["published_at"]),
            reverse=True,
        )
        for document in self.run_documents():
            yield from (("", edition) for edition in document["editions"])

    def run_documents(self) -> Iterable[Document]:
        """Runs, the newest first: of one that was tried again the last document counts."""
        return (
            self.runs[name]
            for name in sorted(self.runs, key=lambda name: name.rpartition("/")[2], reverse=True)
        )


def read(store: Archive) -> History:
    """Read every document once, from the first location that has it."""
    unreadable: list[str] = []
    folders = {name: dict(_readable(store, name, form, unreadable)) for name, form in FORMS.items()}
    return History(**folders, unreadable=unreadable)


def _readable(
    store: Archive, folder: str, form: Mapping[str, Any], unreadable: list[str]
) -> Iterator[tuple[str, Document]]:
    """Documents of a folder in the form that this code knows; why the others are not read goes to
    `unreadable`.
    """
    documents, failures = store.documents.readable(folder)
    unreadable += failures
    for name, document in documents.items():
        if form.items() <= document.items():
            yield name, document
        else:
            found = {key: document.get(key) for key in form}
            unreadable.append(
                f"The document {name} was expected to have {dict(form)}, found {found}: it was"
                " written by other code than this"
            )


def restore(database: Database, history: History) -> list[str]:
    """Put the whole history into the catalog, in one transaction; returns sentences on what could
    not be.

    Editions come as removed, because their tables are not there; the publications say which of them
    were shown.
    """
    with database.session() as cursor:
        _restore_originals(
            cursor, [manifests.original_of(manifest) for manifest in history.manifests.values()]
        )
        _restore_runs(cursor, history)
        problems = [
            problem
            for name, document in history.edition_documents()
            if (problem := _restore_edition(cursor, name, document))
        ]
        _restore_publications(cursor, history)
        _restore_retrievals(cursor, history)
        provenance.record_tombstones(cursor, map(tombstones.read, history.tombstones.values()))
    return [*history.unreadable, *problems]


def _restore_originals(cursor: Cursor, originals: Sequence[Original]) -> None:
    """Sources as their newest manifest declares them, of mirrors as the first one did, and when
    each file was first archived.
    """
    cursor.execute("SELECT slug, vintage FROM catalog.source")
    known = set(cursor.fetchall())
    official = [
        original.source for original in reversed(_by_time(originals)) if not original.source.mirror
    ]
    mirrored = [original.source for original in _by_time(originals) if original.source.mirror]
    for source in (*official, *mirrored):
        if (source.slug, source.vintage) not in known:
            provenance.record_source(cursor, source)
            known.add((source.slug, source.vintage))
    for original in _by_time(originals):
        provenance.record_artifact(cursor, original)


def _restore_runs(cursor: Cursor, history: History) -> None:
    """Runs by their own document; where there is none, as the manifest of their edition saw them
    just before their end.
    """
    editions = [document for name, document in history.edition_documents() if name]
    _insert(
        cursor,
        "dataset",
        [document["dataset"] for document in (*editions, *history.run_documents())],
    )
    _insert(cursor, "run", [document["run"] for document in history.run_documents()])
    ended = [
        (document["run"], document["edition"]["published_at"])
        for document in editions
        if document["run"]
    ]
    _insert(
        cursor, "run", [dict(run) | {"outcome": "published", "ended_at": at} for run, at in ended]
    )


def _restore_edition(cursor: Cursor, name: str, document: Document) -> str | None:
    edition = dict(document["edition"]) | {"manifest": name or None}
    place = {"dataset": edition["dataset"], "number": edition["number"]}
    cursor.execute(
        "SELECT manifest FROM catalog.edition WHERE dataset = %(dataset)s AND number = %(number)s",
        place,
    )
    for (there,) in cursor.fetchall():
        other = (
            f"The number {place['number']} of {place['dataset']} is that of another edition"
            f" ({there}) already: {name} was left out"
        )
        return None if not name or there == name else other
    if edition["state"] == "published":
        edition["state"] = "removed"
    cursor.execute("SAVEPOINT edition")
    try:
        _insert(cursor, "edition", [edition])
        for part, table in PARTS.items():
            if part not in ("dependencies", "publications"):
                _insert(cursor, table, [dict(row) | place for row in document.get(part, [])])
    except errors.ForeignKeyViolation as error:
        cursor.execute("ROLLBACK TO SAVEPOINT edition")
        return (
            f"Edition {place['number']} of {place['dataset']} stands on what no document tells"
            f" ({error.diag.message_detail}): it was left out"
        )
    cursor.execute("RELEASE SAVEPOINT edition")
    return None


def _restore_publications(cursor: Cursor, history: History) -> None:
    """What stands on what, and what was shown when, once all editions are there."""
    dependencies, publications = (
        [],
        [document["publication"] for document in history.publications.values()],
    )
    for _, document in history.edition_documents():
        place = {name: document["edition"][name] for name in ("dataset", "number")}
        dependencies += [dict(row) | place for row in document.get("dependencies", [])]
        publications += [dict(row) | place for row in document["publications"]]
    _insert(cursor, "edition_dependency", dependencies, DEPENDENCY)
    _insert(cursor, "publication", publications, PUBLICATION)


def _restore_retrievals(cursor: Cursor, history: History) -> None:
    """What publishers answered, by the documents of runs; where there is none, by the manifests of
    what they sent.
    """
    _insert(
        cursor,
        "retrieval",
        [row for document in history.run_documents() for row in document["retrievals"]],
        RETRIEVAL,
    )
    _insert(
        cursor,
        "retrieval",
        [_retrieval(manifest) for manifest in history.manifests.values()],
        RETRIEVAL,
    )


def _retrieval(manifest: Document) -> Row:
    original = manifests.original_of(manifest)
    return {
        "source": original.source.slug,
        "source_vintage": original.source.vintage,
        "mirror": original.source.mirror,
        "state": original.state,
        "asked_at": original.retrieved_at.isoformat(),
        "url": original.url,
        "sha256": original.sha256,
        "received": original.sha256,
        "etag": original.etag,
        "last_modified": original.last_modified,
        "detail": manifest["detail"],
    }


def _insert(cursor: Cursor, table: str, rows: Sequence[Row], condition: str = "") -> None:
    """Add rows of documents to a table of the catalog, as far as its keys do not know them; row
    numbers are given anew.
    """
    if not rows:
        return
    columns = sql.SQL(", ").join(
        map(
            sql.Identifier,
            (name for name in _columns(cursor, table) if any(name in row for row in rows)),
        )
    )
    target = sql.Identifier("catalog", table)
    statement = sql.SQL(
        "INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, %s) AS new {2}"
        " ON CONFLICT DO NOTHING"
    )
    cursor.execute(
        statement.format(target, columns, sql.SQL(condition)), (provenance.as_json(rows),)
    )


def _columns(cursor: Cursor, table: str) -> list[str]:
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND"
        " attidentity = ''",
        (f"catalog.{table}",),
    )
    return [name for (name,) in cursor.fetchall()]


def _by_time(originals: Iterable[Original]) -> list[Original]:
    return sorted(originals, key=lambda original: original.retrieved_at)
