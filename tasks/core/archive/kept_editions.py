"""Editions that are shown, that are kept, and those they depend on, by the records of the archive
alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from tasks.core.archive.edition_records import ArchivedEdition, Publication, Slot

WITHDRAW = "withdraw"


def shown(
    editions: Iterable[ArchivedEdition], publications: Iterable[Publication]
) -> list[ArchivedEdition]:
    """The edition that each dataset and vintage shows, the oldest first; none of a vintage that was
    withdrawn.

    A mirror's edition is shown only where there never was an official one: what a mirror published
    after that is in another database.
    """
    official, mirrored = _shown(list(editions), publications)
    return sorted((edition for edition in {**mirrored, **official}.values() if edition), key=age)


def kept(
    editions: Iterable[ArchivedEdition], publications: Iterable[Publication]
) -> list[ArchivedEdition]:
    """The editions whose tables are kept, as the database removes them: the one shown and the
    newest others, `keep` in all; the oldest first.

    Counted apart for each mirror, because several databases may write to one archive; as many as
    the newest of them says.
    """
    everything = list(editions)
    now = [edition for shown in _shown(everything, publications) for edition in shown.values()]
    lines: dict[tuple[Slot, str], list[ArchivedEdition]] = defaultdict(list)
    for edition in everything:
        lines[edition.slot, edition.mirror].append(edition)
    found: list[ArchivedEdition] = []
    for line in lines.values():
        newest = sorted(line, key=age, reverse=True)
        first = [edition for edition in newest if edition in now]
        found += [*first, *(edition for edition in newest if edition not in first)][
            : newest[0].keep
        ]
    return sorted(found, key=age)


def with_dependencies(
    chosen: Iterable[ArchivedEdition], editions: Iterable[ArchivedEdition]
) -> list[ArchivedEdition]:
    """Some editions and all that they stand on, directly or through one another, each once and
    after those it stands on.

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


def _foundations(
    edition: ArchivedEdition, numbered: Mapping[tuple[str, int], list[ArchivedEdition]]
) -> Iterator[ArchivedEdition]:
    """What an edition stands on; of several with one number, the last published before it, and
    official where it is official itself.
    """
    for dependency in edition.dependencies:
        before = [
            other
            for other in numbered.get((dependency.dataset, dependency.number), [])
            if other.published_at <= edition.published_at and (edition.mirror or not other.mirror)
        ]
        yield from sorted(before, key=age)[-1:]


Shown = dict[Slot, ArchivedEdition | None]
"""The edition that each slot shows, None after a withdrawal."""


def _shown(
    editions: list[ArchivedEdition], publications: Iterable[Publication]
) -> tuple[Shown, Shown]:
    """What the official publications show, and what those of mirrors do, None after a withdrawal;
    an official one ends what a mirror showed.
    """
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
    editions: list[ArchivedEdition], publications: Iterable[Publication]
) -> list[tuple[Publication, ArchivedEdition]]:
    """All publications with their editions, in the order of time."""
    numbered = _numbered(editions)
    events = [
        (publication, edition) for edition in editions for publication in edition.publications
    ]
    for publication in publications:
        meant = [
            edition
            for edition in numbered.get((publication.dataset, publication.number), [])
            if edition.published_at <= publication.at
            and publication.mirror in (None, edition.mirror)
        ]
        events += [(publication, edition) for edition in sorted(meant, key=age)[-1:]]
    return sorted(events, key=lambda event: event[0].at)


def _numbered(editions: Iterable[ArchivedEdition]) -> dict[tuple[str, int], list[ArchivedEdition]]:
    found: dict[tuple[str, int], list[ArchivedEdition]] = defaultdict(list)
    for edition in editions:
        found[edition.dataset, edition.number].append(edition)
    return found


def age(edition: ArchivedEdition) -> tuple[datetime, int]:
    """When an edition was published, and its number; sorts editions in their order."""
    return edition.published_at, edition.number
