"""Tombstones: documents of the archive about originals whose bytes had to go.

    tombstones/ab/<64 hexadecimal digits>-<UTC time>.json     the same bytes buried once more

A tombstone speaks of what was retrieved before it. The same bytes received again after it are a new
original, whose manifest supersedes the tombstone; nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from tasks.core.archive.documents import Documents
from tasks.core.archive.expiry import may_stay, series_of
from tasks.core.archive.hashed_files import HashedFiles
from tasks.core.archive.manifests import Manifests
from tasks.core.archive.replication import Failures, Locations, all_names, once_each
from tasks.core.model.addresses import redact
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Original
from tasks.core.model.moments import following

FOLDER = "tombstones"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """An original that is no more: its hash, size and origin.

    reason: follows the word "by" ("its legal maximum age of 365 days").
    """

    sha256: str
    size: int
    url: str
    source: str
    vintage: int
    mirror: str
    title: str
    retrieved_at: datetime
    reason: str
    buried_at: datetime


TOMBSTONES: TypeAdapter[Tombstone] = TypeAdapter(Tombstone)


class Tombstones:
    """The tombstones of an archive, and the burials they are set for."""

    def __init__(
        self,
        locations: Locations,
        documents: Documents,
        manifests: Manifests,
        originals: HashedFiles,
    ) -> None:
        self._locations, self._documents = locations, documents
        self._manifests, self._originals = manifests, originals

    def all(self) -> list[Tombstone]:
        """Give all tombstones, including those superseded."""
        return [read(document) for _, document in self._documents.read_all(FOLDER)]

    def over(self, original: Original) -> Tombstone | None:
        """Give the tombstone of an original; None if not buried since it was retrieved."""
        return over(original, self._of(original.sha256))

    def last_moment(self, sha256: str) -> datetime | None:
        """Give the moment of the last burial of these bytes, None without one."""
        return max((stone.buried_at for stone in self._of(sha256)), default=None)

    def standing(self, sha256: str) -> Tombstone | None:
        """Give the tombstone of bytes that no original may use now, or None."""
        stones = self._of(sha256)
        return standing(stones, self._manifests.carrying(sha256)).get(sha256) if stones else None

    def bury(self, original: Original, reason: str, judged: Collection[Original] = ()) -> Failures:
        """Set a tombstone, then remove an original's bytes everywhere; its manifests stay.

        judged: originals with the same bytes that were found to need them no longer. A location
        that failed is returned and may still have the bytes: they are not used, and burying again
        finishes it. Raises CheckFailed, and removes nothing, when the same bytes may stay as an
        original of another source, or as a newer one of this.
        """
        now, sha256 = datetime.now(UTC), original.sha256
        same = self._manifests.carrying(sha256)
        keepers = self._keepers(original, same, now)
        if keepers := [keeper for keeper in keepers if keeper not in judged]:
            raise CheckFailed(
                f"The original {sha256} of {original.source.slug} {original.source.vintage} was to"
                f" be buried by {reason}, and no other use of it was expected; found in the"
                f" manifests that {', '.join(map(_name, keepers))} may keep it. Bury it when these"
                " too may go."
            )
        failures = Failures()
        at = following(now, *(each.retrieved_at for each in (original, *same)))
        if self.standing(sha256) is None:
            name = name_of(sha256, again_at=at if self._of(sha256) else None)
            failures = self._documents.put(name, document(set_for(original, reason, at)))
        return once_each((*failures, *self._originals.remove(sha256)[1]))

    def finish(self, stones: Iterable[Tombstone]) -> tuple[list[Tombstone], Failures]:
        """Complete burials in locations that were down or restored: add tombstones, remove bytes.

        Returns the given tombstones under which bytes were found, and the locations that failed.
        """
        failures, found = self._documents.replicate_folder(FOLDER), []
        for stone in stones:
            removed, failed = self._originals.remove(stone.sha256)
            failures += failed
            found += [stone] if removed else []
        return found, once_each(failures)

    def _of(self, sha256: str) -> list[Tombstone]:
        """Give all tombstones of a hash in the locations that answer."""
        listings, _ = self._locations.listings(folder(sha256))
        beginning = f"{folder(sha256)}/{sha256}"
        names = sorted(name for name in all_names(listings) if name.startswith(beginning))
        if not names and self._documents.exists(first := name_of(sha256)):
            names = [first]  # set a moment ago, and not listed yet
        return [read(self._documents.read(name)) for name in names]

    def _keepers(
        self, original: Original, same: Iterable[Original], at: datetime
    ) -> list[Original]:
        """Give originals of other sources, and newer ones of this, that keep the same bytes."""
        declared, found = self._manifests.newest_declaration, list[Original]()
        for other in same:
            is_newer = other.retrieved_at > original.retrieved_at
            if is_newer or series_of(other.source) != series_of(original.source):
                found += [other] if may_stay(other, declared(other.source), at) else []
        return found


def folder(sha256: str) -> str:
    """Give the folder that has the tombstones of an original."""
    return f"{FOLDER}/{sha256[:2]}"


def name_of(sha256: str, again_at: datetime | None = None) -> str:
    """Give the name of a tombstone; again_at: the moment, where there is an earlier one."""
    again = f"-{again_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}" if again_at else ""
    return f"{folder(sha256)}/{sha256}{again}.json"


def set_for(original: Original, reason: str, at: datetime) -> Tombstone:
    """Give the tombstone of an original."""
    source = original.source
    return Tombstone(
        sha256=original.sha256,
        size=original.size,
        url=redact(original.url),
        source=source.slug,
        vintage=source.vintage,
        mirror=source.mirror,
        title=source.title,
        retrieved_at=original.retrieved_at,
        reason=reason,
        buried_at=at,
    )


def document(tombstone: Tombstone) -> dict[str, Any]:
    """Give a tombstone as plain JSON values."""
    return {"format": FORMAT, **TOMBSTONES.dump_python(tombstone, mode="json")}


def read(document: Mapping[str, Any]) -> Tombstone:
    """Give the tombstone in a document."""
    return TOMBSTONES.validate_python(document)


def burial(original: Original, stone: Tombstone) -> str:
    """Say what became of an original: a sentence without its full stop."""
    buried = f"was buried on {stone.buried_at:%Y-%m-%d} by {stone.reason}"
    return f"The original of {_name(original)} {buried}"


def over(original: Original, stones: Iterable[Tombstone]) -> Tombstone | None:
    """Give the first tombstone set after an original was retrieved, or None."""
    same = (stone for stone in stones if stone.sha256 == original.sha256)
    later = (stone for stone in same if stone.buried_at >= original.retrieved_at)
    return min(later, key=lambda stone: stone.buried_at, default=None)


def standing(stones: Iterable[Tombstone], originals: Iterable[Original]) -> dict[str, Tombstone]:
    """Give the newest tombstone of each hash, by hash, unless a later original supersedes it."""
    newest = {stone.sha256: stone for stone in sorted(stones, key=lambda stone: stone.buried_at)}
    for original in originals:
        if original.sha256 in newest and original.retrieved_at > newest[original.sha256].buried_at:
            del newest[original.sha256]
    return newest


def _name(original: Original) -> str:
    return f"{original.source.slug} {original.source.vintage} of {original.retrieved_at:%Y-%m-%d}"
