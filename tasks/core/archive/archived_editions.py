"""Editions as the archive alone tells of them, by their documents.

editions/<dataset>/<vintage>/<number>-<time>.json      an edition, written when it was published
publications/<dataset>/<vintage>/<time>-<action>.json  an edition shown again by a person, or a
    vintage withdrawn
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from tasks.core.archive.documents import Documents
from tasks.core.archive.edition_records import (
    ArchivedEdition,
    Publication,
    edition_of,
    publication_of,
)
from tasks.core.archive.kept_editions import age, kept, with_dependencies
from tasks.core.model.errors import CheckFailed

VERSION = 1
Record = TypeVar("Record")


class ArchivedEditions:
    """The editions of an archive; every method that reads them raises CheckFailed for a document
    that is of another kind or version.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def all(self) -> list[ArchivedEdition]:
        """All editions ever recorded in the archive, in the order in which they were published."""
        return sorted(self._records("edition", edition_of), key=age)

    def publications(self) -> list[Publication]:
        """All rollbacks and withdrawals, in the order of their time."""
        found = self._records("publication", publication_of)
        return sorted(found, key=lambda publication: publication.at)

    def needed(self) -> list[ArchivedEdition]:
        """The editions that must stay rebuildable by the account of the archive alone: those kept,
        and all that they depend on.
        """
        everything = self.all()
        return with_dependencies(kept(everything, self.publications()), everything)

    def last_number(self, dataset: str) -> int:
        """The highest number that an edition of a dataset ever had; 0 when there was none."""
        names = (name.rpartition("/")[2] for name in self._documents.names(f"editions/{dataset}"))
        return max((int(name.partition("-")[0]) for name in names), default=0)

    def _records(
        self, kind: str, record_of: Callable[[str, Mapping[str, Any]], Record]
    ) -> Iterator[Record]:
        for name, document in self._documents.read_all(f"{kind}s"):
            yield _record(name, document, kind, record_of)


def _record(
    name: str,
    document: Mapping[str, Any],
    kind: str,
    record_of: Callable[[str, Mapping[str, Any]], Record],
) -> Record:
    try:
        if (document["document"], document["version"]) == (f"{kind} of geodata-flows", VERSION):
            return record_of(name, document)
        found = f"{document['document']!r}, version {document['version']!r}"
    except (KeyError, TypeError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
    raise CheckFailed(
        f"The document {name} of the archive was expected to be '{kind} of geodata-flows', version"
        f" {VERSION}; found {found}. Read the archive with the code that wrote it, or restore the"
        " document from a backup."
    )
