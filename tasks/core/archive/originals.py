"""Originals: the bytes that publishers sent, where no tombstone forbids their use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.core.archive.expiry import may_stay
from tasks.core.archive.hashed_files import HashedFiles
from tasks.core.archive.manifests import Manifests
from tasks.core.archive.proofs import Proofs
from tasks.core.archive.replication import Failures
from tasks.core.archive.todays_files import is_meant
from tasks.core.archive.tombstones import Tombstone, Tombstones
from tasks.core.model.declarations import Source
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Original


class Originals:
    """The originals of an archive."""

    def __init__(
        self, files: HashedFiles, manifests: Manifests, tombstones: Tombstones, proofs: Proofs
    ) -> None:
        self._files, self._manifests = files, manifests
        self._tombstones, self._proofs = tombstones, proofs

    def put(self, path: Path, sha256: str, original: Original | None = None) -> Failures:
        """Keep the bytes of a file, verified in every location by reading them back.

        original: its description. Bytes that were buried come back only as an original that the
        publisher gave after the burial and that is within its source's maximum age; its manifest
        then supersedes the tombstone. Raises SourceError otherwise.
        """
        stone = self._tombstones.standing(sha256)
        if stone and not (original and _is_newer(original, stone)):
            raise SourceError(
                f"The bytes {sha256} of {stone.source} {stone.vintage} were buried on"
                f" {stone.buried_at:%Y-%m-%d} by {stone.reason}: to come back, they were expected"
                " from the publisher after that day; found no such retrieval. Run the flow, so"
                " that the publisher is asked."
            )
        return self._files.put(path, sha256)

    def exists(self, sha256: str) -> bool:
        """Tell whether a location that answers has the bytes, unverified, and they may be used."""
        return self._files.exists(sha256) and self._tombstones.standing(sha256) is None

    def fetch(self, sha256: str) -> Path:
        """Give a path with the bytes, verified, as files are; raise SourceError if buried."""
        self._refuse_buried(sha256)
        return self._files.fetch(sha256)

    def mend(self, sha256: str) -> Failures:
        """Put whole bytes where `fetch` would pass a location over, as HashedFiles does."""
        self._refuse_buried(sha256)
        return self._files.mend(sha256)

    def catch_up(self, source: Source, sha256: str) -> Failures:
        """Give locations that were down the original and the source's manifests they lack."""
        self._refuse_buried(sha256)
        return self._files.replicate(sha256) + self._manifests.replicate(source)

    def latest(self, source: Source) -> Original | None:
        """Give the newest original that is meant, neither buried nor proved unusable, or None.

        Its source is as it is declared now. One that was taken as long as the source was not out is
        of another day, and not meant.
        """
        newest: Original | None = None
        for original in self._usable(source):
            newest = newest or original
            if original.source.reference_date == source.reference_date:
                return replace(original, source=source)
        return replace(newest, source=source) if newest and not source.otherwise else None

    def _usable(self, source: Source) -> Iterator[Original]:
        meant = (each for each in self._manifests.of(source) if is_meant(source, each))
        kept = (each for each in meant if not self._tombstones.over(each))
        return (each for each in kept if not self._proofs.against(each))

    def passed_over(self, source: Source) -> tuple[Original, Tombstone] | None:
        """Give the newest original with its tombstone where it was buried, otherwise None."""
        newest = next(self._manifests.of(source), None)
        stone = self._tombstones.over(newest) if newest else None
        return (newest, stone) if newest and stone else None

    def _refuse_buried(self, sha256: str) -> None:
        if stone := self._tombstones.standing(sha256):
            raise SourceError(
                f"The original {sha256} of {stone.source} {stone.vintage} was buried on"
                f" {stone.buried_at:%Y-%m-%d} by {stone.reason}: its bytes were expected in the"
                " archive, and must not be used any more. Run the flow again: it takes the next"
                " original, or asks the publisher."
            )


def _is_newer(original: Original, stone: Tombstone) -> bool:
    return original.retrieved_at > stone.buried_at and may_stay(
        original, original.source, datetime.now(UTC)
    )
