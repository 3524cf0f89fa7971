"""The history in the archive, put back into a catalog that lost it; existing rows stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.core.archive import manifests, tombstones
from tasks.core.archive.archive import Archive
from tasks.core.catalog import provenance
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import restoration
from tasks.core.rebuilding.restoration import JsonDocument

FORMS: Mapping[str, Mapping[str, Any]] = {
    "manifests": {"format": manifests.FORMAT},
    "editions": {"document": "edition of geodata-flows", "version": 1},
    "publications": {"document": "publication of geodata-flows", "version": 1},
    "runs": {"document": "run of geodata-flows", "version": 1},
    "tombstones": {"format": tombstones.FORMAT},
}


@dataclass(frozen=True, kw_only=True)
class History:
    """All documents of an archive, by name; `unreadable`: why no location gives the others."""

    manifests: Mapping[str, JsonDocument]
    editions: Mapping[str, JsonDocument]
    publications: Mapping[str, JsonDocument]
    runs: Mapping[str, JsonDocument]
    tombstones: Mapping[str, JsonDocument]
    unreadable: Sequence[str] = field(default=())

    def edition_documents(self) -> Iterable[tuple[str, JsonDocument]]:
        """Return editions with the name of their manifest, newest first, then those without.

        Editions without a manifest are in the document of their run.
        """
        yield from sorted(self.editions.items(), key=_published_at, reverse=True)
        for document in self.run_documents():
            yield from (("", edition) for edition in document["editions"])

    def run_documents(self) -> Iterable[JsonDocument]:
        """Return runs, the newest first: of one that was tried again the last document counts."""
        names = sorted(self.runs, key=lambda name: name.rpartition("/")[2], reverse=True)
        return (self.runs[name] for name in names)


def _published_at(named: tuple[str, JsonDocument]) -> datetime:
    return datetime.fromisoformat(named[1]["edition"]["published_at"])


def read(store: Archive) -> History:
    """Read every document once, from the first location that has it."""
    unreadable: list[str] = []
    folders = {name: dict(_readable(store, name, form, unreadable)) for name, form in FORMS.items()}
    return History(**folders, unreadable=unreadable)


def _readable(
    store: Archive, folder: str, form: Mapping[str, Any], unreadable: list[str]
) -> Iterator[tuple[str, JsonDocument]]:
    """Return a folder's documents in a known form; `unreadable` gets why others are not."""
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
    """Put the whole history into the catalog, in one transaction; return what could not be.

    Editions come as removed, because their tables are not there; the publications say which of them
    were shown.
    """
    runs, named = list(history.run_documents()), list(history.edition_documents())
    editions = [document for _, document in named]
    with_manifest = [document for name, document in named if name]
    originals = [manifests.original_of(manifest) for manifest in history.manifests.values()]
    with database.session() as cursor:
        restoration.restore_originals(cursor, originals)
        restoration.restore_runs(cursor, with_manifest, runs)
        verdicts = [restoration.restore_edition(cursor, *edition) for edition in named]
        restoration.restore_publications(cursor, editions, history.publications.values())
        restoration.restore_retrievals(cursor, runs, history.manifests.values())
        provenance.record_tombstones(cursor, map(tombstones.read, history.tombstones.values()))
    return [*history.unreadable, *filter(None, verdicts)]
