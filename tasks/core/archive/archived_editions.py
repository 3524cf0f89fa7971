"""Editions as the archive alone describes them: which are shown or kept, and their dependencies."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tasks.core.archive import edition_records
from tasks.core.archive.documents import Documents
from tasks.core.archive.edition_records import ArchivedEdition, Publication, Slot
from tasks.core.model.errors import CheckFailed

Record = TypeVar("Record")
RecordOf = Callable[[str, Mapping[str, Any]], Record]
Editions = Iterable[ArchivedEdition]
Publications = Iterable[Publication]
Numbered = dict[tuple[str, int], list[ArchivedEdition]]
"""Editions by dataset and number, in order of publication."""
Shown = dict[Slot, ArchivedEdition | None]
"""The edition that each slot shows, None after a withdrawal."""
VERSION = 1
STAMP = re.compile(r"[/-](\d{8}T\d{6})[^/]*\.json$")
WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Floor:
    """The highest number an edition of a dataset ever had, and the end of its last second.

    A database that is newer than the archive, or whose clock is behind, goes on from there.
    """

    number: int = 0
    moment: datetime | None = None


NO_FLOOR = Floor()


class ArchivedEditions:
    """The editions of an archive; documents of another kind or version raise CheckFailed."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def all(self) -> list[ArchivedEdition]:
        """Give every edition ever recorded in the archive, in order of publication."""
        return sorted(self._records("edition", edition_records.edition_of), key=_age)

    def publications(self) -> list[Publication]:
        """Give every rollback and withdrawal, in order of time."""
        found = self._records("publication", edition_records.publication_of)
        return sorted(found, key=lambda publication: publication.at)

    def needed(self) -> list[ArchivedEdition]:
        """Give the editions that must stay rebuildable: those kept and their dependencies."""
        everything = self.all()
        return with_dependencies(kept(everything, self.publications()), everything)

    def floor(self, dataset: str) -> Floor:
        """Give what the next edition of a dataset comes after, by the names of documents."""
        names = self._documents.names(f"editions/{dataset}")
        stems = (name.rpartition("/")[2] for name in names)
        number = max((int(stem.partition("-")[0]) for stem in stems), default=0)
        names += self._documents.names(f"publications/{dataset}")
        stamps = [found[1] for name in names if (found := STAMP.search(name))]
        if not stamps:
            return Floor(number)
        newest = datetime.strptime(max(stamps), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return Floor(number, newest + timedelta(seconds=1))

    def _records(self, kind: str, record_of: RecordOf[Record]) -> Iterator[Record]:
        for name, document in self._documents.read_all(f"{kind}s"):
            yield _record(name, document, kind, record_of)


def shown(editions: Editions, publications: Publications) -> list[ArchivedEdition]:
    """Give the edition that each dataset and vintage shows, oldest first; none after a withdrawal.

    A mirror's edition is shown only where there never was an official one: what a mirror published
    after that is in another database.
    """
    official, mirrored = _shown(list(editions), publications)
    return sorted((edition for edition in {**mirrored, **official}.values() if edition), key=_age)


def kept(editions: Editions, publications: Publications) -> list[ArchivedEdition]:
    """Give the editions whose tables the database keeps: those shown and the newest others.

    The oldest come first. `keep` of the newest edition says how many are kept in all, counted apart
    for each mirror because several databases may write to one archive.
    """
    newest_first = sorted(editions, key=_age, reverse=True)
    now = [edition for shown in _shown(newest_first, publications) for edition in shown.values()]
    lines: dict[tuple[Slot, str], list[ArchivedEdition]] = defaultdict(list)
    for edition in newest_first:
        lines[edition.slot, edition.mirror].append(edition)
    found: list[ArchivedEdition] = []
    for line in lines.values():
        found += sorted(line, key=lambda edition: edition not in now)[: line[0].keep]
    return sorted(found, key=_age)


def with_dependencies(chosen: Editions, editions: Editions) -> list[ArchivedEdition]:
    """Give some editions and all that they depend on, each once and after those it depends on.

    editions: all there are. One that has no document is left out.
    """
    numbered = _numbered(editions)
    found: dict[str, ArchivedEdition] = {}

    def add(edition: ArchivedEdition) -> None:
        if edition.document not in found:
            for foundation in _foundations(edition, numbered):
                add(foundation)
            found[edition.document] = edition

    for edition in chosen:
        add(edition)
    return list(found.values())


def _foundations(edition: ArchivedEdition, numbered: Numbered) -> Iterator[ArchivedEdition]:
    """Give what an edition depends on: of several with one number, the last published before it.

    What an official edition depends on is official too.
    """
    for dependency in edition.dependencies:
        others = numbered.get((dependency.dataset, dependency.number), [])
        meant = [other for other in others if edition.mirror or not other.mirror]
        yield from _last_before(meant, edition.published_at)


def _last_before(editions: Sequence[ArchivedEdition], at: datetime) -> Sequence[ArchivedEdition]:
    """Give the last of some editions that was published before a moment, or the first of all.

    It was there, so that a later stamp is that of a clock which was ahead.
    """
    return [edition for edition in editions if edition.published_at <= at][-1:] or editions[:1]


def _shown(editions: Sequence[ArchivedEdition], publications: Publications) -> tuple[Shown, Shown]:
    """Give what official publications show, which end those of mirrors, and what mirrors show."""
    official: Shown = {}
    mirrored: Shown = {}
    for publication, edition in _history(editions, publications):
        now = None if publication.action == WITHDRAW else edition
        if edition.mirror:
            mirrored[edition.slot] = now
        else:
            official[edition.slot], mirrored[edition.slot] = now, None
    return official, mirrored


def _history(
    editions: Sequence[ArchivedEdition], publications: Publications
) -> list[tuple[Publication, ArchivedEdition]]:
    """Give all publications with their editions, in order of time."""
    numbered = _numbered(editions)
    events = [(own, edition) for edition in editions for own in edition.publications]
    for publication in publications:
        others = numbered.get((publication.dataset, publication.number), [])
        meant = [other for other in others if publication.mirror in (None, other.mirror)]
        events += [(publication, each) for each in _last_before(meant, publication.at)]
    return sorted(events, key=lambda event: event[0].at)


def _numbered(editions: Editions) -> Numbered:
    found: Numbered = defaultdict(list)
    for edition in sorted(editions, key=_age):
        found[edition.dataset, edition.number].append(edition)
    return found


def _age(edition: ArchivedEdition) -> tuple[datetime, int]:
    return edition.published_at, edition.number


def _record(name: str, document: Mapping[str, Any], kind: str, read: RecordOf[Record]) -> Record:
    try:
        if (document["document"], document["version"]) == (f"{kind} of geodata-flows", VERSION):
            return read(name, document)
        found = f"{document['document']!r}, version {document['version']!r}"
    except (KeyError, TypeError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
    raise CheckFailed(
        f"The document {name} of the archive was expected to be '{kind} of geodata-flows', version"
        f" {VERSION}; found {found}. Read the archive with the code that wrote it, or restore the"
        " document from a backup."
    )
