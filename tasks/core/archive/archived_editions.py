"""Editions as the archive alone tells of them: their documents, which of them are shown and kept,
and what these stand on.

editions/<dataset>/<vintage>/<number>-<time>.json      an edition, written when it was published
publications/<dataset>/<vintage>/<time>-<action>.json  an edition shown again by a person, or a
    vintage withdrawn
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tasks.core.archive.documents import Documents
from tasks.core.model.errors import CheckFailed

Result = TypeVar("Result")
VERSION = 1
WITHDRAW = "withdraw"

Place = tuple[str, int]
"""Dataset and vintage: what the stable views of a year show."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A switch of the views of a vintage: to an edition (publish, rollback), or to none (withdraw,
    with the edition shown until then).
    """

    dataset: str
    vintage: int
    number: int
    action: str
    at: datetime
    mirror: str | None = None


@dataclass(frozen=True, kw_only=True)
class Input:
    """An original that an edition was made from."""

    source: str
    vintage: int
    sha256: str
    url: str
    retrieved_at: datetime


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """An edition of another dataset that an edition was made from, and the layers it reads."""

    dataset: str
    number: int
    layers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ArchivedEdition:
    """One published edition, by its document in the archive.

    A new database counts from 1 again, so that only `document`, its name, tells two editions apart
    for certain. keep: editions of its vintage that were kept when it was published. publications:
    what its own document knows of them.
    """

    document: str
    dataset: str
    vintage: int
    number: int
    mirror: str
    published_at: datetime
    keep: int
    inputs: tuple[Input, ...]
    dependencies: tuple[Dependency, ...]
    publications: tuple[Publication, ...]

    @property
    def place(self) -> Place:
        """Dataset and vintage."""
        return self.dataset, self.vintage


def read(store: Documents) -> list[ArchivedEdition]:
    """All editions ever cataloged in the archive, in the order in which they were published.

    Raises CheckFailed for a document that is none of an edition.
    """
    found = [
        _read(name, document, "edition", edition_of)
        for name, document in store.documents("editions")
    ]
    return sorted(found, key=_age)


def read_publications(store: Documents) -> list[Publication]:
    """All rollbacks and withdrawals in the archive, in the order of their time; raises CheckFailed
    for a document that is none.
    """
    found = [
        _read(name, document, "publication", publication_of)
        for name, document in store.documents("publications")
    ]
    return sorted(found, key=lambda publication: publication.at)


def _read(
    name: str,
    document: Mapping[str, Any],
    kind: str,
    reader: Callable[[str, Mapping[str, Any]], Result],
) -> Result:
    try:
        if (document["document"], document["version"]) == (f"{kind} of geodata-flows", VERSION):
            return reader(name, document)
        found = f"{document['document']!r}, version {document['version']!r}"
    except (KeyError, TypeError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
    raise CheckFailed(
        f"The document {name} of the archive was expected to be '{kind} of geodata-flows', version"
        f" {VERSION}; found {found}. Read the archive with the code that wrote it, or restore the"
        " document from a backup."
    )


def edition_of(name: str, document: Mapping[str, Any]) -> ArchivedEdition:
    """The edition a document describes."""
    edition, dataset = document["edition"], document["dataset"]
    place = {"dataset": dataset["slug"], "vintage": edition["vintage"], "number": edition["number"]}
    return ArchivedEdition(
        **place,
        document=name,
        mirror=edition["mirror"],
        published_at=datetime.fromisoformat(edition["published_at"]),
        keep=dataset["keep"],
        inputs=tuple(
            Input(
                source=row["source"],
                vintage=row["source_vintage"],
                sha256=row["sha256"],
                url=row["url"],
                retrieved_at=datetime.fromisoformat(row["retrieved_at"]),
            )
            for row in document["inputs"]
        ),
        dependencies=tuple(
            Dependency(
                dataset=row["on_dataset"], number=row["on_number"], layers=tuple(row["layers"])
            )
            for row in document["dependencies"]
        ),
        publications=tuple(
            Publication(
                **place,
                action=row["action"],
                at=datetime.fromisoformat(row["at"]),
                mirror=edition["mirror"],
            )
            for row in document["publications"]
        ),
    )


def publication_of(name: str, document: Mapping[str, Any]) -> Publication:
    """The rollback or withdrawal a document describes."""
    facts = document["publication"]
    return Publication(
        dataset=facts["dataset"],
        vintage=facts["vintage"],
        number=facts["number"],
        action=facts["action"],
        at=datetime.fromisoformat(facts["at"]),
        mirror=facts.get("mirror"),
    )


def shown(
    editions: Iterable[ArchivedEdition], publications: Iterable[Publication]
) -> list[ArchivedEdition]:
    """The edition that each dataset and vintage shows, the oldest first; none of a vintage that was
    withdrawn.

    A mirror's edition is shown only where there never was an official one: what a mirror published
    after that is in another database.
    """
    official, mirrored = _shown(list(editions), publications)
    return sorted((edition for edition in {**mirrored, **official}.values() if edition), key=_age)


def kept(
    editions: Iterable[ArchivedEdition], publications: Iterable[Publication]
) -> list[ArchivedEdition]:
    """The editions whose tables are kept, as the database removes them: the one shown and the
    newest others, `keep` in all; the oldest first.

    Counted apart for each mirror, because several databases may write to one archive; as many as
    the newest of them says.
    """
    everything = list(editions)
    now = [edition for slot in _shown(everything, publications) for edition in slot.values()]
    lines: dict[tuple[Place, str], list[ArchivedEdition]] = defaultdict(list)
    for edition in everything:
        lines[edition.place, edition.mirror].append(edition)
    found: list[ArchivedEdition] = []
    for line in lines.values():
        newest = sorted(line, key=_age, reverse=True)
        first = [edition for edition in newest if edition in now]
        found += [*first, *(edition for edition in newest if edition not in first)][
            : newest[0].keep
        ]
    return sorted(found, key=_age)


def needed(store: Documents) -> list[ArchivedEdition]:
    """The editions that must stay rebuildable by the account of the archive alone: those kept, and
    all that they stand on.
    """
    everything = read(store)
    return with_dependencies(kept(everything, read_publications(store)), everything)


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
        yield from sorted(before, key=_age)[-1:]


Slots = dict[Place, ArchivedEdition | None]


def _shown(
    editions: list[ArchivedEdition], publications: Iterable[Publication]
) -> tuple[Slots, Slots]:
    """What the official publications show, and what those of mirrors do, None after a withdrawal;
    an official one ends what a mirror showed.
    """
    official: Slots = {}
    mirrored: Slots = {}
    for publication, edition in _history(editions, publications):
        now = None if publication.action == WITHDRAW else edition
        if edition.mirror:
            mirrored[edition.place] = now
        else:
            official[edition.place], mirrored[edition.place] = now, None
    return official, mirrored


def _history(
    editions: list[ArchivedEdition], publications: Iterable[Publication]
) -> list[tuple[Publication, ArchivedEdition]]:
    """All publications with their editions, in the order of time."""
    numbered, events = (
        _numbered(editions),
        [(publication, edition) for edition in editions for publication in edition.publications],
    )
    for publication in publications:
        meant = [
            edition
            for edition in numbered.get((publication.dataset, publication.number), [])
            if edition.published_at <= publication.at
            and publication.mirror in (None, edition.mirror)
        ]
        events += [(publication, edition) for edition in sorted(meant, key=_age)[-1:]]
    return sorted(events, key=lambda event: event[0].at)


def _numbered(editions: Iterable[ArchivedEdition]) -> dict[tuple[str, int], list[ArchivedEdition]]:
    found: dict[tuple[str, int], list[ArchivedEdition]] = defaultdict(list)
    for edition in editions:
        found[edition.dataset, edition.number].append(edition)
    return found


def _age(edition: ArchivedEdition) -> tuple[datetime, int]:
    return edition.published_at, edition.number
