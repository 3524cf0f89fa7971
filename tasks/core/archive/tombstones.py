"""Tombstones: what is left of an original whose bytes had to go, as a document of its own in the
archive.

    tombstones/ab/<64 hexadecimal digits>.json                what it was, why and when its bytes
        went
    tombstones/ab/<64 hexadecimal digits>-<UTC time>.json     the same bytes buried once more

A tombstone speaks of what was retrieved before it. The same bytes, asked for and received again
after it, are a new original with a newer manifest: that manifest supersedes the tombstone, and
nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from tasks.core.model.addresses import redact
from tasks.core.model.handles import Original

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """An original that is no more: its hash, size and origin; `reason` follows the word "by" ("its
    legal maximum age of 365 days").
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


def folder(sha256: str) -> str:
    """Where the tombstones of an original stand."""
    return f"tombstones/{sha256[:2]}"


def name(sha256: str, again_at: datetime | None = None) -> str:
    """Name of a tombstone; again_at: the moment, where there is an earlier one."""
    return f"{folder(sha256)}/{sha256}{f'-{again_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}' if again_at else ''}.json"


def set_for(original: Original, reason: str, at: datetime) -> Tombstone:
    """The tombstone of an original."""
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
    """A tombstone as plain JSON values."""
    return {"format": FORMAT, **TOMBSTONES.dump_python(tombstone, mode="json")}


def read(document: Mapping[str, Any]) -> Tombstone:
    """The tombstone in a document."""
    return TOMBSTONES.validate_python(
        {name: value for name, value in document.items() if name != "format"}
    )


def burial(original: Original, stone: Tombstone) -> str:
    """What became of an original: a sentence without its end."""
    name = f"{original.source.slug} {original.source.vintage} of {original.retrieved_at:%Y-%m-%d}"
    return f"The original of {name} was buried on {stone.buried_at:%Y-%m-%d} by {stone.reason}"


def over(original: Original, stones: Iterable[Tombstone]) -> Tombstone | None:
    """The first tombstone set after an original was retrieved."""
    later = [
        stone
        for stone in stones
        if stone.sha256 == original.sha256 and stone.buried_at >= original.retrieved_at
    ]
    return min(later, key=lambda stone: stone.buried_at, default=None)


def standing(stones: Iterable[Tombstone], originals: Iterable[Original]) -> dict[str, Tombstone]:
    """The newest tombstone of each hash that no original retrieved after it supersedes, by hash."""
    newest = {stone.sha256: stone for stone in sorted(stones, key=lambda stone: stone.buried_at)}
    for original in originals:
        if original.sha256 in newest and original.retrieved_at > newest[original.sha256].buried_at:
            del newest[original.sha256]
    return newest
