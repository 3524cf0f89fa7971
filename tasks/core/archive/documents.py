"""JSON documents in a primary location and its replicas; a document is written once, and never
again differently.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tasks.core.archive.copies import Occupied
from tasks.core.archive.locations import Location, open_location, outages
from tasks.core.model.addresses import redact
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.settings import scratch_folder

Result = TypeVar("Result")
READERS = 8  # documents asked for at the same time: an object store takes its time for each
Listings = list[tuple[Location, set[str]]]


@dataclass(frozen=True)
class Failure:
    """A location of the archive that could not take or give its part, and why."""

    location: str
    reason: str

    def __str__(self) -> str:
        return f"{self.location} ({self.reason})"


Failures = tuple[Failure, ...]


class Documents:
    """What is kept in all locations, the primary first. Writers return the locations that failed,
    to be said loudly.

    Raises ConfigurationError when no location at all could do the work.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.locations: tuple[Location, ...] = tuple(map(open_location, urls))

    def put_document(self, name: str, document: Mapping[str, Any]) -> Failures:
        """Keep a JSON document under a name of its own; raises CheckFailed when that name holds
        another document.
        """
        with _text_file(_json(document)) as (path, sha256):
            try:
                return self._write(
                    f"the document {name}", lambda location: location.add(path, name, sha256)
                )
            except Occupied as error:
                raise CheckFailed(
                    f"The archive already holds a different document under this name: {error}."
                    " Nothing in it is overwritten: use a new name."
                ) from None

    def put_missing(self, prefix: str, documents: Mapping[str, Mapping[str, Any]]) -> Failures:
        """Keep those documents of a folder that no location has yet, then give every location what
        it lacks of that folder.
        """
        missing = sorted(documents.keys() - self._listed(prefix))
        failures = [
            failure for name in missing for failure in self.put_document(name, documents[name])
        ]
        return once_each((*failures, *self._share(prefix)))

    def documents(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """All JSON documents under a folder of the archive, by name, from every location that
        answers; some are read at the same time.
        """
        names = sorted(name for name in self._listed(prefix) if name.endswith(".json"))
        with ThreadPoolExecutor(READERS) as readers:
            yield from zip(names, readers.map(self._read, names), strict=True)

    def down(self) -> Failures:
        """The locations that cannot be listed now, and may hold documents that no other has."""
        return tuple(self._each(lambda location: location.names("editions"))[1])

    def read_all(self, prefix: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """All JSON documents under a folder that can be read, by name, and why no location gives
        the others.
        """

        def read(name: str) -> dict[str, Any] | str:
            try:
                return self._read(name)
            except ConfigurationError as error:
                return str(error)

        names = sorted(name for name in self._listed(prefix) if name.endswith(".json"))
        with ThreadPoolExecutor(READERS) as readers:
            found = dict(zip(names, readers.map(read, names), strict=True))
        documents = {
            name: content for name, content in found.items() if not isinstance(content, str)
        }
        return documents, [content for content in found.values() if isinstance(content, str)]

    def listings(self, prefix: str) -> tuple[Listings, Failures]:
        """Names under a folder in each location that answers, and the locations that do not."""
        listings, failures = self._each(lambda location: set(location.names(prefix)))
        return listings, tuple(failures)

    def share(self, listings: Listings, most: int | None = None) -> Failures:
        """Copy the documents that one listing has to the locations that lack them, in the order of
        their names; no more than `most`.
        """
        lacking = {
            name: [location for location, names in listings if name not in names]
            for name in _all_names(listings)
        }
        failures: list[Failure] = []
        for name in sorted(name for name, locations in lacking.items() if locations)[:most]:
            failures += self._copy(name, lacking[name])
        return tuple(failures)

    def _share(self, prefix: str) -> Failures:
        """Copy all documents under a folder that one location has to those that lack them."""
        listings, failures = self.listings(prefix)
        return (*failures, *self.share(listings))

    def _copy(self, name: str, lacking: Sequence[Location]) -> list[Failure]:
        with _text_file(_json(self._read(name))) as (path, sha256):
            return self._each(lambda location: location.add(path, name, sha256), lacking)[1]

    def _replace(self, name: str, document: Mapping[str, Any], location: Location) -> None:
        """Give a location a document that it lacks, or that it no longer holds as it was
        written.
        """
        with _text_file(_json(document)) as (path, sha256):
            location.remove(name)
            location.add(path, name, sha256)

    def _listed(self, prefix: str) -> set[str]:
        """Names under a folder, in any location that answers."""
        listings, failures = self.listings(prefix)
        if not listings:
            raise ConfigurationError(
                f"No location of the archive can be listed: {listed(failures)}. Check"
                " GEODATA_ARCHIVE and its credentials."
            )
        return _all_names(listings)

    def _read(self, name: str) -> dict[str, Any]:
        failures = []
        for location in self.locations:
            try:
                document: dict[str, Any] = json.loads(location.read(name))
            except ValueError as error:  # no JSON, or no UTF-8
                failures.append(failure_at(location, error))
            except outages() as error:
                failures.append(failure_at(location, error))
            else:
                return document
        raise ConfigurationError(
            f"The document {name} cannot be read in any location of the archive:"
            f" {listed(failures)}. Restore it from a backup."
        )

    def _write(self, what: str, action: Callable[[Location], None]) -> Failures:
        done, failures = self._each(action)
        if not done:
            raise ConfigurationError(
                f"No location of the archive could keep {what}: {listed(failures)}. Check"
                " GEODATA_ARCHIVE, its credentials and its free space."
            )
        return tuple(failures)

    def _each(
        self, action: Callable[[Location], Result], locations: Sequence[Location] | None = None
    ) -> tuple[list[tuple[Location, Result]], list[Failure]]:
        done, failures = [], []
        for location in self.locations if locations is None else locations:
            try:
                done.append((location, action(location)))
            except outages() as error:
                failures.append(failure_at(location, error))
        return done, failures


def _all_names(listings: Listings) -> set[str]:
    return {name for _, names in listings for name in names}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def fingerprint(document: Mapping[str, Any]) -> str:
    """SHA-256 of the content of a document, as it is written."""
    return hashlib.sha256(_json(document)).hexdigest()


@contextmanager
def _text_file(text: bytes) -> Iterator[tuple[Path, str]]:
    with tempfile.NamedTemporaryFile(dir=scratch_folder(), suffix=".json") as file:
        file.write(text)
        file.flush()
        yield Path(file.name), hashlib.sha256(text).hexdigest()


def failure_at(location: Location, error: BaseException) -> Failure:
    """What went wrong in a location, without credentials."""
    return Failure(location.url, redact(f"{type(error).__name__}: {error}"))


def listed(failures: Iterable[Failure]) -> str:
    """Locations that failed, in a sentence."""
    return "; ".join(map(str, failures)) or "none is configured"


def once_each(failures: Iterable[Failure]) -> Failures:
    """The first failure of each location."""
    return tuple({failure.location: failure for failure in reversed(list(failures))}.values())
