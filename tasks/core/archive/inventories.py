"""Inventories: what the archive should have, by all its listings, manifests, tombstones and
editions, and by what earlier audits knew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.core.archive import manifests, tombstones
from tasks.core.archive.files import (
    digests_name,
    is_original,
    original_name,
    sha256_in,
)
from tasks.core.archive.quarantine import refused_of
from tasks.core.archive.shares import Copy
from tasks.core.model.handles import Original

DOCUMENTS = ("manifests", "tombstones", "editions", "publications", "runs", "quarantine")
SETTLED = ("whole", "repaired", "buried", "failed")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the last audit knew of one copy; sha256: of an original or row digests, or of the
    content of a document.
    """

    name: str
    location: str
    sha256: str | None
    audited_at: datetime | None
    verdict: str


@dataclass(frozen=True, kw_only=True)
class RowDigests:
    """A file of row digests, as the document of the newest edition that has it says; size:
    bytes.
    """

    layer: str
    dataset: str
    vintage: int
    edition: int
    size: int


@dataclass
class Inventory:
    """What should be in every location.

    listings: names by location, of those that answer. originals: the newest retrieval of all bytes,
    by hash. buried: hashes of originals under a tombstone. digests: files of row digests that an
    edition names, by hash. unreadable: documents that say what should be there, and that no
    location gives as they were written.
    """

    listings: dict[str, set[str]]
    originals: dict[str, Original] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)
    digests: dict[str, RowDigests] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    def names(self) -> set[str]:
        """Originals, row digests and documents, those too that are only known by a manifest or the
        document of an edition.
        """
        listed = {
            name
            for names in self.listings.values()
            for name in names
            if sha256_in(name) or name.endswith(".json")
        }
        return (
            listed | set(map(original_name, self.originals)) | set(map(digests_name, self.digests))
        )

    def copies(self, location: str, records: Mapping[tuple[str, str], Record]) -> list[Copy]:
        """The copies that one location should have."""
        known = {name for name, place in records if place == location}
        return [
            self._copy(name, location, records.get((name, location)))
            for name in self.names() | known
        ]

    def describe(self, name: str) -> str:
        """An object as a person knows it."""
        sha256 = sha256_in(name)
        if sha256 is None:
            return f"the document {name}"
        if not is_original(name):
            return self._describe_digests(sha256)
        if sha256 not in self.originals:
            return f"the original without a manifest, SHA-256 {sha256}"
        original = self.originals[sha256]
        source, mirror = (
            original.source,
            f" of the mirror {original.source.mirror}" if original.source.mirror else "",
        )
        return (
            f"the original {source.slug} {source.vintage}{mirror}, retrieved on"
            f" {original.retrieved_at:%Y-%m-%d}, SHA-256 {sha256}"
        )

    def is_buried(self, name: str) -> bool:
        """Whether an object is an original under a tombstone; row digests are no original, whatever
        their bytes.
        """
        return is_original(name) and sha256_in(name) in self.buried

    def _describe_digests(self, sha256: str) -> str:
        if sha256 not in self.digests:
            return f"row digests that no edition names, SHA-256 {sha256}"
        found = self.digests[sha256]
        return (
            f"the row digests of {found.layer} in edition {found.edition} of {found.dataset}"
            f" {found.vintage}, SHA-256 {sha256}"
        )

    def _size(self, name: str) -> int:
        known: Mapping[str, Original | RowDigests] = (
            self.originals if is_original(name) else self.digests
        )
        found = known.get(sha256_in(name) or "")
        return found.size if found and not self.is_buried(name) else 0

    def _copy(self, name: str, location: str, record: Record | None) -> Copy:
        missing = (
            location in self.listings
            and name not in self.listings[location]
            and not self.is_buried(name)
        )
        urgent = (
            missing
            or name in self.unreadable
            or (record is not None and record.verdict not in SETTLED)
        )
        return Copy(
            name=name,
            location=location,
            size=self._size(name),
            audited_at=record.audited_at if record else None,
            urgent=urgent,
            failed=record is not None and record.verdict == "failed",
        )


def digests_in(edition: Mapping[str, Any]) -> dict[str, RowDigests]:
    """The files of row digests that the document of an edition names, by hash; none where it was
    written before there were any.
    """
    facts, named = edition.get("edition", {}), edition.get("digests", {})
    return {
        file["sha256"]: RowDigests(
            layer=layer,
            dataset=facts["dataset"],
            vintage=facts["vintage"],
            edition=facts["number"],
            size=file.get("size", 0),
        )
        for layer, file in named.items()
    }


def content(name: str, text: bytes) -> dict[str, Any] | None:
    """A document that is what its name says; None when its bytes no longer are that."""
    try:
        document = json.loads(text)
        return document if isinstance(document, dict) and _fits(name, document) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _fits(name: str, document: Mapping[str, Any]) -> bool:
    folder = name.partition("/")[0]
    if folder == manifests.FOLDER:
        return name == manifests.name(manifests.original_of(document))
    if folder == tombstones.FOLDER:
        return name.startswith(
            f"{tombstones.folder(document['sha256'])}/{tombstones.read(document).sha256}"
        )
    if folder == "quarantine":
        refused = manifests.name(refused_of(document))
        return name == f"quarantine/{refused.partition('/')[2]}"
    if folder == "editions":
        return all(sha256_in(digests_name(sha256)) for sha256 in digests_in(document))
    return True
