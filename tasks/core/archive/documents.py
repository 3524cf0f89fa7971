"""JSON documents in every location of an archive, each written once and never changed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tasks.core.archive.copies import Occupied
from tasks.core.archive.locations import Location
from tasks.core.archive.replication import (
    Failures,
    Listings,
    Locations,
    all_names,
    once_each,
    require_listing,
)
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.scratch import workplace

Result = TypeVar("Result")
READERS = 8  # documents asked for at the same time: an object store takes its time for each


class Documents:
    """The JSON documents of an archive."""

    def __init__(self, locations: Locations) -> None:
        self._locations = locations

    def put(self, name: str, document: Mapping[str, Any]) -> Failures:
        """Keep a document under a new name; raise CheckFailed when it holds another document."""
        with _text_file(_json(document)) as (path, sha256):
            try:
                return self._locations.add(path, name, sha256, f"the document {name}")
            except Occupied as error:
                raise CheckFailed(
                    f"The archive already holds a different document under this name: {error}."
                    " Nothing in it is overwritten: use a new name."
                ) from None

    def put_missing(self, prefix: str, documents: Mapping[str, Mapping[str, Any]]) -> Failures:
        """Keep the documents of a folder that no location has, then complete every location."""
        missing = sorted(documents.keys() - self._locations.names(prefix))
        failures = [failure for name in missing for failure in self.put(name, documents[name])]
        return once_each((*failures, *self.replicate_folder(prefix)))

    def names(self, prefix: str) -> list[str]:
        """Give the names of all documents under a folder, in any location that answers, sorted."""
        return sorted(name for name in self._locations.names(prefix) if name.endswith(".json"))

    def read(self, name: str) -> dict[str, Any]:
        """Give the document of that name, from the first location that has it readable."""
        document: dict[str, Any]
        document, _ = self._locations.first(
            lambda location: json.loads(location.read(name)),
            f"The document {name}",
            faults=(ValueError,),  # no JSON, or no UTF-8
        )
        return document

    def find(self, name: str) -> dict[str, Any] | None:
        """Give the document of that name, or None when no location that answers has it."""
        return self.read(name) if self.exists(name) else None

    def exists(self, name: str) -> bool:
        """Tell whether a location that answers has it, also where no listing has it yet."""
        found, failures = self._locations.each(lambda location: location.exists(name))
        require_listing(found, failures)
        return any(there for _, there in found)

    def read_all(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give all documents under a folder with their names, in order, several read at a time."""
        return self._each(prefix, self.read)

    def readable(self, prefix: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Give the readable documents under a folder by name, and why the others cannot be read."""
        reasons: list[str] = []

        def read(name: str) -> dict[str, Any] | None:
            try:
                return self.read(name)
            except ConfigurationError as error:
                reasons.append(str(error))
                return None

        found = list(self._each(prefix, read))
        return {name: content for name, content in found if content is not None}, sorted(reasons)

    def replicate(self, listings: Listings, most: int | None = None) -> Failures:
        """Copy documents to the locations that lack them, in the order of names, `most` at most."""
        lacking = {
            name: [location for location, names in listings if name not in names]
            for name in all_names(listings)
        }
        incomplete = sorted(name for name, locations in lacking.items() if locations)[:most]
        return tuple(failure for name in incomplete for failure in self._copy(name, lacking[name]))

    def replicate_folder(self, prefix: str) -> Failures:
        """Copy all documents under a folder that one location has to those that lack them."""
        listings, failures = self._locations.listings(prefix)
        return (*failures, *self.replicate(listings))

    def _each(self, prefix: str, read: Callable[[str], Result]) -> Iterator[tuple[str, Result]]:
        names = self.names(prefix)
        with ThreadPoolExecutor(READERS) as readers:
            yield from zip(names, readers.map(read, names), strict=True)

    def _copy(self, name: str, lacking: Sequence[Location]) -> Failures:
        with _text_file(_json(self.read(name))) as (path, sha256):
            return self._locations.give(path, name, sha256, lacking)[1]


def replace_in(location: Location, name: str, document: Mapping[str, Any]) -> None:
    """Give a location a document that it lacks, or that it no longer holds as it was written."""
    with _text_file(_json(document)) as (path, sha256):
        location.replace(path, name, sha256)


def fingerprint(document: Mapping[str, Any]) -> str:
    """Give the SHA-256 of the content of a document, as it is written."""
    return hashlib.sha256(_json(document)).hexdigest()


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


@contextmanager
def _text_file(text: bytes) -> Iterator[tuple[Path, str]]:
    with tempfile.NamedTemporaryFile(dir=workplace(), suffix=".json") as file:
        file.write(text)
        file.flush()
        yield Path(file.name), hashlib.sha256(text).hexdigest()
