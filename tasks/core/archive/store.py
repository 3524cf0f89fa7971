"""The archive: every original byte for byte under its SHA-256, in a primary location and its replicas; nothing is overwritten.

originals/sha256/ab/<64 hexadecimal digits>            bytes as received
manifests/<shelf>/<vintage>/<UTC time>-<sha12>.json    what they are, where from, when
quarantine/<shelf>/<vintage>/<UTC time>-<sha12>.bin    bytes refused, with the reason in a .json beside them
editions/<dataset>/<vintage>/<number>.json             what was made of them
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tasks.core.archive import manifests
from tasks.core.archive.locations import Location, Occupied, open_location, outages
from tasks.core.catalogue.revision import code_revision
from tasks.core.declarations import Source
from tasks.core.errors import CheckFailed, ConfigurationError
from tasks.core.handles import Original, Retrieval
from tasks.core.settings import archive_locations, scratch_folder
from tasks.core.upstream.addresses import redact

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """A location of the archive that could not take or give its part, and why."""

    location: str
    reason: str

    def __str__(self) -> str:
        return f"{self.location} ({self.reason})"


Failures = tuple[Failure, ...]


class Store:
    """The archive over its locations, the primary first. Writers return the locations that failed, to be said loudly.

    Raises ConfigurationError when no location at all could do the work.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.locations: tuple[Location, ...] = tuple(map(open_location, urls))

    def put(self, path: Path, sha256: str) -> Failures:
        """Keep the bytes of a file, verified in every location by reading them back."""
        return self._write(f"the original {sha256}", lambda location: location.add(path, object_name(sha256), sha256))

    def exists(self, sha256: str) -> bool:
        """Whether a location that answers has the bytes (their hash is verified when they are fetched)."""
        found, _ = self._each(lambda location: location.exists(object_name(sha256)))
        return any(there for _, there in found)

    def fetch(self, sha256: str) -> Path:
        """A path on this machine with the bytes, verified, from the first location that has them whole."""
        failures = []
        for location in self.locations:
            try:
                path = location.fetch(object_name(sha256), sha256)
            except outages() as error:
                failures.append(_failure(location, error))
                continue
            if failures:
                logger.warning("Read the original %s from %s because it could not be read from %s.", sha256[:12], location.url, _listed(failures))
            return path
        raise ConfigurationError(
            f"The original {sha256} cannot be read from any location of the archive: {_listed(failures)}. "
            "Restore it from a backup, or remove its manifest so that the publisher is asked for it again."
        )

    def catch_up(self, source: Source, sha256: str) -> Failures:
        """Give the locations that were down before the original and the source's manifests they lack."""
        found, failures = self._each(lambda location: location.exists(object_name(sha256)))
        if lacking := [location for location, there in found if not there]:
            path = self.fetch(sha256)
            failures += self._each(lambda location: location.add(path, object_name(sha256), sha256), lacking)[1]
        return (*failures, *self._share(f"manifests/{manifests.shelf(source)}"))

    def originals(self, source: Source) -> list[Original]:
        """All archived originals of a source and vintage, the newest first, each with the source as declared then."""
        return [manifests.original_of(manifest) for _, manifest in reversed(list(self.documents(f"manifests/{manifests.shelf(source)}")))]

    def latest(self, source: Source) -> Original | None:
        """The newest archived original of a source and vintage, as a handle on the source declared now."""
        names = self._listed(f"manifests/{manifests.shelf(source)}")
        return replace(manifests.original_of(self._read(max(names))), source=source) if names else None

    def write_manifest(self, original: Original, *, headers: Mapping[str, str] | None = None, detail: str = "") -> Failures:
        """Describe an original beside its bytes."""
        name = f"manifests/{manifests.shelf(original.source)}/{manifests.stamp(original.retrieved_at, original.sha256)}.json"
        return self.put_document(name, manifests.describe(original, headers or {}, detail, code_revision()))

    def quarantine(self, path: Path, retrieval: Retrieval, reason: str) -> Failures:
        """Keep refused bytes (once) and why they were refused, apart from the originals."""
        sha256 = retrieval.sha256 or ""
        folder = f"quarantine/{manifests.shelf(retrieval.source)}"
        name = f"{folder}/{manifests.stamp(retrieval.asked_at, sha256)}"
        kept = next((known for known in self._listed(folder) if known.endswith(f"-{sha256[:12]}.bin")), None)
        failures = () if kept else self._write(name, lambda location: location.add(path, f"{name}.bin", sha256))
        document = {
            "reason": redact(reason), "bytes": kept or f"{name}.bin", "sha256": sha256, "size": retrieval.size, "url": redact(retrieval.url),
            "asked_at": retrieval.asked_at.isoformat(), "headers": dict(retrieval.headers), "source": manifests.declared(retrieval.source),
        }
        return (*failures, *self.put_document(f"{name}.json", document))

    def put_document(self, name: str, document: Mapping[str, Any]) -> Failures:
        """Keep a JSON document under a name of its own; raises CheckFailed when that name holds another document."""
        with _text_file(_json(document)) as (path, sha256):
            try:
                return self._write(f"the document {name}", lambda location: location.add(path, name, sha256))
            except Occupied as error:
                raise CheckFailed(
                    f"The archive already holds a different document under this name: {error}. Nothing in it is overwritten: use a new name."
                ) from None

    def documents(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """All JSON documents under a folder of the archive, by name, from every location that answers."""
        for name in sorted(self._listed(prefix)):
            if name.endswith(".json"):
                yield name, self._read(name)

    def _share(self, prefix: str) -> Failures:
        """Copy the documents one location has to those that lack them."""
        listings, failures = self._each(lambda location: location.names(prefix))
        for name in sorted({name for _, names in listings for name in names}):
            if lacking := [location for location, names in listings if name not in names]:
                failures += self._copy(name, lacking)
        return tuple(failures)

    def _copy(self, name: str, lacking: Sequence[Location]) -> list[Failure]:
        with _text_file(_json(self._read(name))) as (path, sha256):
            return self._each(lambda location: location.add(path, name, sha256), lacking)[1]

    def _listed(self, prefix: str) -> set[str]:
        """Names under a folder, in any location that answers."""
        listings, failures = self._each(lambda location: location.names(prefix))
        if not listings:
            raise ConfigurationError(f"No location of the archive can be listed: {_listed(failures)}. Check GEODATA_ARCHIVE and its credentials.")
        return {name for _, names in listings for name in names}

    def _read(self, name: str) -> dict[str, Any]:
        failures = []
        for location in self.locations:
            try:
                document: dict[str, Any] = json.loads(location.read(name))
            except json.JSONDecodeError as error:
                failures.append(_failure(location, error))
            except outages() as error:
                failures.append(_failure(location, error))
            else:
                return document
        raise ConfigurationError(f"The document {name} cannot be read in any location of the archive: {_listed(failures)}. Restore it from a backup.")

    def _write(self, what: str, action: Callable[[Location], None]) -> Failures:
        done, failures = self._each(action)
        if not done:
            raise ConfigurationError(
                f"No location of the archive could keep {what}: {_listed(failures)}. Check GEODATA_ARCHIVE, its credentials and its free space."
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
                failures.append(_failure(location, error))
        return done, failures


def configured() -> Store:
    """The archive this machine is set to use."""
    return Store(archive_locations())


def object_name(sha256: str) -> str:
    """Name of an original in the archive."""
    return f"originals/sha256/{sha256[:2]}/{sha256}"


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


@contextmanager
def _text_file(text: bytes) -> Iterator[tuple[Path, str]]:
    with tempfile.NamedTemporaryFile(dir=scratch_folder(), suffix=".json") as file:
        file.write(text)
        file.flush()
        yield Path(file.name), hashlib.sha256(text).hexdigest()


def _failure(location: Location, error: BaseException) -> Failure:
    return Failure(location.url, redact(f"{type(error).__name__}: {error}"))


def _listed(failures: Sequence[Failure]) -> str:
    return "; ".join(map(str, failures)) or "none is configured"
