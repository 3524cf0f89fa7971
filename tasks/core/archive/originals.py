"""Originals: the bytes that publishers sent, where no tombstone forbids their use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.core.archive.expiry import may_stay
from tasks.core.archive.files import Files
from tasks.core.archive.manifests import Manifests
from tasks.core.archive.replication import Failures
from tasks.core.archive.tombstones import Tombstone, Tombstones
from tasks.core.model.declarations import Source
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Original


class Originals:
    """The originals of an archive."""

    def __init__(self, files: Files, manifests: Manifests, tombstones: Tombstones) -> None:
        self._files, self._manifests, self._tombstones = files, manifests, tombstones

    def put(self, path: Path, sha256: str, original: Original | None = None) -> Failures:
        """Keep the bytes of a file, verified in every location by reading them back.

        original: its description. Bytes that were buried come back only as an original that the
        publisher gave after the burial and that is within its source's maximum age; raises
        SourceError otherwise. Its manifest then supersedes the tombstone.
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
        """Whether a location that answers has the bytes (their hash is verified when they are
        fetched) and they were not buried.
        """
        return self._files.exists(sha256) and self._tombstones.standing(sha256) is None

    def fetch(self, sha256: str) -> Path:
        """A path on this machine with the bytes, verified, from the first location that has them
        whole; raises SourceError when they were buried.
        """
        self._refuse_buried(sha256)
        return self._files.fetch(sha256)

    def mend(self, sha256: str) -> Failures:
        """Put whole bytes where `fetch` would pass a location over; returns what was wrong there,
        where it is right now.
        """
        self._refuse_buried(sha256)
        return self._files.mend(sha256)

    def catch_up(self, source: Source, sha256: str) -> Failures:
        """Give the locations that were down before the original and the source's manifests they
        lack.
        """
        self._refuse_buried(sha256)
        return self._files.replicate(sha256) + self._manifests.replicate(source)

    def latest(self, source: Source) -> Original | None:
        """The newest original of a source and vintage that was not buried, as a handle on the
        source declared now.
        """
        allowed = (
            original
            for original in self._manifests.of(source)
            if self._tombstones.over(original) is None
        )
        return next((replace(original, source=source) for original in allowed), None)

    def passed_over(self, source: Source) -> tuple[Original, Tombstone] | None:
        """The newest original of a source and vintage, where it was buried; None when it may be
        used, or there never was any.
        """
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
