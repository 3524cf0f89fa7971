"""Burials: bytes that must go leave every location and this machine, and a tombstone stays."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from tasks.core.archive import manifests, tombstones
from tasks.core.archive.copies import forget
from tasks.core.archive.documents import Documents, Failure, Failures, once_each
from tasks.core.archive.lifespans import may_stay, series
from tasks.core.archive.tombstones import Tombstone
from tasks.core.model.declarations import Source
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Original


class Burials(Documents):
    """What an archive lets go, and what it says of it afterwards."""

    def bury(self, original: Original, reason: str, judged: Collection[Original] = ()) -> Failures:
        """Set a tombstone, then remove the bytes of an original from every location and from this
        machine; its manifests stay.

        judged: originals with the same bytes that were found to need them no longer. A location
        that failed is returned, and may still have the bytes: they are not used, and burying again
        finishes it. Raises CheckFailed, and removes nothing, when the same bytes may stay as an
        original of another source, or as a newer one of this.
        """
        at, sha256 = datetime.now(UTC), original.sha256
        if keepers := [keeper for keeper in self._keepers(original, at) if keeper not in judged]:
            raise CheckFailed(
                f"The original {sha256} of {original.source.slug} {original.source.vintage} was to"
                f" be buried by {reason}, and no other use of it was expected; found in the"
                f" manifests that {_named(keepers)} may keep it. Bury it when these too may go."
            )
        failures: Failures = ()
        if self.standing(sha256) is None:
            name = tombstones.name(sha256, again_at=at if self._stones(sha256) else None)
            failures = self.put_document(
                name, tombstones.document(tombstones.set_for(original, reason, at))
            )
        return once_each((*failures, *self._remove(sha256)[1]))

    def finish(self, stones: Iterable[Tombstone]) -> tuple[list[Tombstone], Failures]:
        """Complete earlier burials in locations that were down, or that a backup was restored into:
        tombstones go there, bytes away.

        Returns those of the given tombstones under which bytes were found, and the locations that
        failed once more.
        """
        failures, found = list(self._share("tombstones")), []
        for stone in stones:
            removed, failed = self._remove(stone.sha256)
            failures += failed
            found += [stone] if removed else []
        return found, once_each(failures)

    def refused(self) -> dict[str, Original]:
        """The bytes in quarantine by their name, each as it was refused the last time."""
        there = self._listed("quarantine")
        documents = [document for _, document in self.documents("quarantine")]
        return {
            document["bytes"]: manifests.refused_of(document)
            for document in documents
            if document["bytes"] in there
        }

    def remove_refused(self, name: str) -> Failures:
        """Remove refused bytes from every location; the document beside them, with their hash and
        the reason, is their tombstone.
        """
        return tuple(self._each(lambda location: location.remove(name))[1])

    def tombstones(self) -> list[Tombstone]:
        """All tombstones, also those superseded."""
        return [tombstones.read(document) for _, document in self.documents("tombstones")]

    def tombstone(self, original: Original) -> Tombstone | None:
        """The tombstone of one original, None when it was not buried since it was retrieved."""
        return tombstones.over(original, self._stones(original.sha256))

    def standing(self, sha256: str) -> Tombstone | None:
        """The tombstone of bytes that no original may use now."""
        stones = self._stones(sha256)
        return tombstones.standing(stones, self.carrying(sha256)).get(sha256) if stones else None

    def carrying(self, sha256: str) -> list[Original]:
        """All originals, of any source, that have these bytes."""
        names = [
            name for name in self._listed("manifests") if name.endswith(f"-{sha256[:12]}.json")
        ]
        originals = [manifests.original_of(self._read(name)) for name in sorted(names)]
        return [original for original in originals if original.sha256 == sha256]

    def _keepers(self, original: Original, at: datetime) -> list[Original]:
        """Originals with the same bytes that may stay: those of other sources, and newer ones of
        this.
        """
        others = [
            other
            for other in self.carrying(original.sha256)
            if series(other.source) != series(original.source)
            or other.retrieved_at > original.retrieved_at
        ]
        return [other for other in others if may_stay(other, self._declared_last(other.source), at)]

    def _declared_last(self, source: Source) -> Source:
        """A source as the newest manifest of any vintage declares it."""
        names = self._listed(f"manifests/{manifests.shelf(source).rpartition('/')[0]}")
        return manifests.original_of(
            self._read(max(names, key=lambda name: name.rpartition("/")[2]))
        ).source

    def _stones(self, sha256: str) -> list[Tombstone]:
        """All tombstones of a hash in the locations that answer."""
        listings, _ = self._each(lambda location: location.names(tombstones.folder(sha256)))
        names = {
            name
            for _, names in listings
            for name in names
            if name.startswith(f"{tombstones.folder(sha256)}/{sha256}")
        }
        return [tombstones.read(self._read(name)) for name in sorted(names)]

    def _remove(self, sha256: str) -> tuple[bool, list[Failure]]:
        """Whether a location had the bytes, and the locations that could not let go of them."""
        forget(sha256)
        removed, failures = self._each(lambda location: location.remove(object_name(sha256)))
        return any(there for _, there in removed), failures


def object_name(sha256: str) -> str:
    """Name of an original in the archive."""
    return f"originals/sha256/{sha256[:2]}/{sha256}"


def _named(originals: Iterable[Original]) -> str:
    return ", ".join(
        f"{original.source.slug} {original.source.vintage} of {original.retrieved_at:%Y-%m-%d}"
        for original in originals
    )
