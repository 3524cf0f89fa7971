"""Inventories: what an archive should have, by its listings, its documents and earlier audits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.core.archive import manifests, proofs, tombstones
from tasks.core.archive.hashed_files import digests_name, is_original, original_name, sha256_in
from tasks.core.archive.quarantine import refused_of
from tasks.core.archive.shares import Copy
from tasks.core.model.handles import Original

DOCUMENTS = "manifests tombstones unusable editions publications runs quarantine".split()
SETTLED = ("whole", "repaired", "buried", "failed")


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """What the last audit knew of one copy.

    sha256: of an original or row digests, or of the content of a document.
    """

    name: str
    location: str
    sha256: str | None
    audited_at: datetime | None
    verdict: str


@dataclass(frozen=True)
class Described:
    """A file as a manifest or the document of an edition describes it.

    what: its name for a person. size: bytes. original: its newest retrieval, None of row digests.
    """

    what: str
    size: int
    original: Original | None = None


@dataclass
class Inventory:
    """What should be in every location.

    listings: names by location, of those that answer. described: originals and row digests that a
    document describes, by name. buried: hashes of originals under a tombstone. unreadable:
    documents that describe files and that no location gives as they were written. refused: names of
    bytes in quarantine that a document describes.
    """

    listings: dict[str, set[str]]
    described: dict[str, Described] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def names(self) -> set[str]:
        """Give the names of all files and documents that are listed, and of all files described."""
        listed = set().union(*self.listings.values())
        known = (name for name in listed if sha256_in(name) or name.endswith(".json"))
        return {*self.described, *known}

    def untold(self) -> list[str]:
        """Give the names of files that no document describes, sorted."""
        listed = set().union(*self.listings.values())
        told = {*self.described, *self.refused}
        return sorted(name for name in listed - told if not name.endswith(".json"))

    def copies(self, location: str, records: Mapping[tuple[str, str], AuditRecord]) -> list[Copy]:
        """Give the copies that one location should have."""
        names = self.names() | {name for name, place in records if place == location}
        return [self._copy(name, location, records.get((name, location))) for name in names]

    def describe(self, name: str) -> str:
        """Name an object as a person knows it."""
        sha256 = sha256_in(name)
        if sha256 is None:
            return f"the {'document' if name.endswith('.json') else 'file'} {name}"
        if name in self.described:
            what = self.described[name].what
        elif is_original(name):
            what = "the original without a manifest"
        else:
            what = "row digests that no edition names"
        return f"{what}, SHA-256 {sha256}"

    def is_buried(self, name: str) -> bool:
        """Tell whether an object is an original under a tombstone; row digests never are."""
        return is_original(name) and sha256_in(name) in self.buried

    def _copy(self, name: str, location: str, record: AuditRecord | None) -> Copy:
        expected = not self.is_buried(name)
        missing = location in self.listings and name not in self.listings[location] and expected
        remarkable = record is not None and record.verdict not in SETTLED
        return Copy(
            name=name,
            location=location,
            size=self.described[name].size if name in self.described and expected else 0,
            audited_at=record.audited_at if record else None,
            urgent=missing or remarkable or name in self.unreadable,
            failed=record is not None and record.verdict == "failed",
        )


def originals_in(originals: Iterable[Original]) -> dict[str, Described]:
    """Give the newest retrieval of all bytes, by name."""
    found: dict[str, Described] = {}
    for original in sorted(originals, key=lambda original: original.retrieved_at):
        source = original.source
        mirror = f" of the mirror {source.mirror}" if source.mirror else ""
        retrieved = f"retrieved on {original.retrieved_at:%Y-%m-%d}"
        what = f"the original {source.slug} {source.vintage}{mirror}, {retrieved}"
        found[original_name(original.sha256)] = Described(what, original.size, original)
    return found


def digests_in(edition: Mapping[str, Any]) -> dict[str, Described]:
    """Give the row digests that an edition's document names, by name; none in older documents."""
    facts, found = edition.get("edition", {}), dict[str, Described]()
    for layer, file in edition.get("digests", {}).items():
        which = f"edition {facts['number']} of {facts['dataset']} {facts['vintage']}"
        what = f"the row digests of {layer} in {which}"
        found[digests_name(file["sha256"])] = Described(what, file.get("size", 0))
    return found


def content(name: str, text: bytes) -> dict[str, Any] | None:
    """Give a document that fits its name; None when its bytes no longer do."""
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
        sha256 = tombstones.read(document).sha256
        return name.startswith(f"{tombstones.folder(sha256)}/{sha256}")
    if folder == proofs.FOLDER:
        return name == proofs.name(proofs.read(document))
    if folder == "quarantine":
        refused = manifests.name(refused_of(document))
        return name == f"quarantine/{refused.partition('/')[2]}"
    if folder == "editions":
        return all(map(sha256_in, digests_in(document)))
    return True
