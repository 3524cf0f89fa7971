"""The archive: every original byte for byte under its SHA-256, in a primary location and its
replicas; nothing is overwritten, and nothing is removed but the bytes of originals that a law,
their source's declared number or a person gives an end.

originals/sha256/ab/<64 hexadecimal digits>            bytes as received
manifests/<shelf>/<vintage>/<UTC time>-<sha12>.json    what they are, where from, when
quarantine/<shelf>/<vintage>/<UTC time>-<sha12>.bin    bytes refused, with the reason in a .json
    beside them
editions/<dataset>/<vintage>/<number>-<time>.json      what was made of them
publications/<dataset>/<vintage>/<time>-<action>.json  which edition a person had shown again, or
    withdrawn
runs/<dataset>/<year>/<time>-<run>.json                every run, with what it asked the publishers
tombstones/ab/<64 hexadecimal digits>.json             what originals were whose bytes had to go
digests/sha256/ab/<64 hexadecimal digits>              row digests of a published table, named in
    the document of its edition
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.core.archive import lifespans as retention
from tasks.core.archive import manifests
from tasks.core.archive.burials import Burials, object_name
from tasks.core.archive.documents import Failure, Failures, failure_at, listed
from tasks.core.archive.locations import Location, outages
from tasks.core.archive.tombstones import Tombstone
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Source
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.model.handles import Original, Retrieval
from tasks.core.model.revision import code_revision
from tasks.core.model.settings import archive_locations

__all__ = ["Failures", "Store", "configured", "digests_name", "object_name"]

logger = logging.getLogger(__name__)


class Store(Burials):
    """The archive over its locations, the primary first. Writers return the locations that failed,
    to be said loudly.

    Raises ConfigurationError when no location at all could do the work.
    """

    def put(self, path: Path, sha256: str, original: Original | None = None) -> Failures:
        """Keep the bytes of a file, verified in every location by reading them back.

        original: what they are. Bytes that were buried come back only as an original that the
        publisher gave after the burial and that is within its source's maximum age; raises
        SourceError otherwise. Its manifest then supersedes the tombstone.
        """
        if (stone := self.standing(sha256)) and not (original and _is_newer(original, stone)):
            raise SourceError(
                f"The bytes {sha256} of {stone.source} {stone.vintage} were buried on"
                f" {stone.buried_at:%Y-%m-%d} by {stone.reason}: to come back, they were expected"
                " from the publisher after that day; found no such retrieval. Run the flow, so"
                " that the publisher is asked."
            )
        return self._write(
            f"the original {sha256}",
            lambda location: location.add(path, object_name(sha256), sha256),
        )

    def exists(self, sha256: str) -> bool:
        """Whether a location that answers has the bytes (their hash is verified when they are
        fetched) and they were not buried.
        """
        found, _ = self._each(lambda location: location.exists(object_name(sha256)))
        return any(there for _, there in found) and self.standing(sha256) is None

    def fetch(self, sha256: str) -> Path:
        """A path on this machine with the bytes, verified, from the first location that has them
        whole; raises SourceError when they were buried.
        """
        self._refuse_buried(sha256)
        return self._fetch(f"The original {sha256}", object_name(sha256), sha256)

    def mend(self, sha256: str) -> Failures:
        """Put whole bytes where `fetch` would pass a location over; returns what was wrong there,
        where it is right now.
        """
        self._refuse_buried(sha256)
        name = object_name(sha256)
        path, passed = self._whole(f"The original {sha256}", name, sha256)
        mended, _ = self._each(
            lambda location: location.add(path, name, sha256), [location for location, _ in passed]
        )
        right = {location for location, _ in mended}
        return tuple(failure for location, failure in passed if location in right)

    def put_digests(self, path: Path, sha256: str) -> Failures:
        """Keep a file of row digests, verified in every location by reading it back."""
        return self._write(
            f"the row digests {sha256}",
            lambda location: location.add(path, digests_name(sha256), sha256),
        )

    def fetch_digests(self, sha256: str) -> Path:
        """A path on this machine with a file of row digests, verified, from the first location that
        has it whole.
        """
        return self._fetch(f"The file of row digests {sha256}", digests_name(sha256), sha256)

    def _fetch(self, what: str, name: str, sha256: str) -> Path:
        path, passed = self._whole(what, name, sha256)
        if passed:
            place, failures = (
                self.locations[len(passed)].url,
                listed(failure for _, failure in passed),
            )
            logger.warning(
                "%s was read from %s because it could not be read from %s.", what, place, failures
            )
        return path

    def _whole(
        self, what: str, name: str, sha256: str
    ) -> tuple[Path, list[tuple[Location, Failure]]]:
        """The bytes from the first location that has them whole, and the locations before it with
        their failures.
        """
        passed: list[tuple[Location, Failure]] = []
        for location in self.locations:
            try:
                return location.fetch(name, sha256), passed
            except outages() as error:
                passed.append((location, failure_at(location, error)))
        remedy = (
            ""
            if name == digests_name(sha256)
            else ", or remove its manifest so that the publisher is asked for it again"
        )
        failures = listed(failure for _, failure in passed)
        raise ConfigurationError(
            f"{what} cannot be read from any location of the archive: {failures}. Restore it from a"
            f" backup{remedy}."
        )

    def _refuse_buried(self, sha256: str) -> None:
        if stone := self.standing(sha256):
            raise SourceError(
                f"The original {sha256} of {stone.source} {stone.vintage} was buried on"
                f" {stone.buried_at:%Y-%m-%d} by {stone.reason}: its bytes were expected in the"
                " archive, and must not be used any more. Run the flow again: it takes the next"
                " original, or asks the publisher."
            )

    def catch_up(self, source: Source, sha256: str) -> Failures:
        """Give the locations that were down before the original and the source's manifests they
        lack.
        """
        found, failures = self._each(lambda location: location.exists(object_name(sha256)))
        if lacking := [location for location, there in found if not there]:
            path = self.fetch(sha256)
            failures += self._each(
                lambda location: location.add(path, object_name(sha256), sha256), lacking
            )[1]
        return (*failures, *self._share(f"manifests/{manifests.shelf(source)}"))

    def originals(self, source: Source) -> list[Original]:
        """All originals ever archived of a source and vintage, the newest first, each with the
        source as declared then; also those buried.
        """
        return list(self._newest_first(source))

    def all_originals(self) -> list[Original]:
        """The originals of all sources ever archived, also those buried."""
        return [manifests.original_of(manifest) for _, manifest in self.documents("manifests")]

    def latest(self, source: Source) -> Original | None:
        """The newest original of a source and vintage that was not buried, as a handle on the
        source declared now.
        """
        allowed = (
            original for original in self._newest_first(source) if self.tombstone(original) is None
        )
        return next((replace(original, source=source) for original in allowed), None)

    def with_bytes(self, source: Source, sha256: str) -> Original | None:
        """The newest original of a source and vintage that has these bytes, with the source as
        declared then; None when there is none.
        """
        return next(
            (original for original in self._newest_first(source) if original.sha256 == sha256), None
        )

    def passed_over(self, source: Source) -> tuple[Original, Tombstone] | None:
        """The newest original of a source and vintage, where it was buried; None when it may be
        used, or there never was any.
        """
        newest = next(self._newest_first(source), None)
        stone = self.tombstone(newest) if newest else None
        return (newest, stone) if newest and stone else None

    def _newest_first(self, source: Source) -> Iterator[Original]:
        names = self._listed(f"manifests/{manifests.shelf(source)}")
        return (
            manifests.original_of(self._read(name))
            for name in sorted(names, reverse=True)
            if name.endswith(".json")
        )

    def last_number(self, dataset: str) -> int:
        """The highest number that an edition of a dataset ever had; 0 when there was none."""
        names = (name.rpartition("/")[2] for name in self._listed(f"editions/{dataset}"))
        return max((int(name.partition("-")[0]) for name in names), default=0)

    def write_manifest(
        self, original: Original, *, headers: Mapping[str, str] | None = None, detail: str = ""
    ) -> Failures:
        """Describe an original beside its bytes."""
        name = f"manifests/{manifests.shelf(original.source)}/{manifests.stamp(original.retrieved_at, original.sha256)}.json"
        return self.put_document(
            name, manifests.describe(original, headers or {}, detail, code_revision())
        )

    def quarantine(self, path: Path, retrieval: Retrieval, reason: str) -> Failures:
        """Keep refused bytes (once) and why they were refused, apart from the originals."""
        sha256 = retrieval.sha256 or ""
        folder = f"quarantine/{manifests.shelf(retrieval.source)}"
        name = f"{folder}/{manifests.stamp(retrieval.asked_at, sha256)}"
        kept = next(
            (known for known in self._listed(folder) if known.endswith(f"-{sha256[:12]}.bin")), None
        )
        failures = (
            ()
            if kept
            else self._write(name, lambda location: location.add(path, f"{name}.bin", sha256))
        )
        document = {
            "reason": redact(reason),
            "bytes": kept or f"{name}.bin",
            "sha256": sha256,
            "size": retrieval.size,
            "url": redact(retrieval.url),
            "asked_at": retrieval.asked_at.isoformat(),
            "headers": dict(retrieval.headers),
            "source": manifests.declared(retrieval.source),
        }
        return (*failures, *self.put_document(f"{name}.json", document))


def digests_name(sha256: str) -> str:
    """Name of a file of row digests in the archive."""
    return f"digests/sha256/{sha256[:2]}/{sha256}"


def configured() -> Store:
    """The archive this machine is set to use."""
    return Store(archive_locations())


def _is_newer(original: Original, stone: Tombstone) -> bool:
    return original.retrieved_at > stone.buried_at and retention.may_stay(
        original, original.source, datetime.now(UTC)
    )
