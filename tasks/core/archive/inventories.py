"""Inventories: what the archive should have, by all its listings, manifests and tombstones, and by what earlier audits knew."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.core.archive import manifests, tombstones
from tasks.core.archive.burials import object_name
from tasks.core.archive.shares import Copy
from tasks.core.handles import Original

ORIGINALS = "originals"
DOCUMENTS = ("manifests", "tombstones", "editions", "publications", "runs", "quarantine")
ORIGINAL = re.compile(rf"{ORIGINALS}/sha256/[0-9a-f]{{2}}/([0-9a-f]{{64}})")
SETTLED = ("whole", "repaired", "buried", "failed")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the last audit knew of one copy; sha256: of an original, or of the content of a document."""

    name: str
    location: str
    sha256: str | None
    audited_at: datetime | None
    verdict: str


@dataclass
class Inventory:
    """What should be in every location.

    listings: names by location, of those that answer. originals: the newest retrieval of all bytes, by hash. buried: hashes under a tombstone.
    unreadable: manifests and tombstones that no location gives as they were written.
    """

    listings: dict[str, set[str]]
    originals: dict[str, Original] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def names(self) -> set[str]:
        """Originals and documents, those too that are only known by a manifest."""
        listed = {name for names in self.listings.values() for name in names if sha256_in(name) or name.endswith(".json")}
        return listed | set(map(object_name, self.originals))

    def copies(self, location: str, records: Mapping[tuple[str, str], Record]) -> list[Copy]:
        """The copies that one location should have."""
        known = {name for name, place in records if place == location}
        return [self._copy(name, location, records.get((name, location))) for name in self.names() | known]

    def describe(self, name: str) -> str:
        """An object as a person knows it."""
        sha256 = sha256_in(name)
        if sha256 is None:
            return f"the document {name}"
        if sha256 not in self.originals:
            return f"the original without a manifest, SHA-256 {sha256}"
        original = self.originals[sha256]
        source, mirror = original.source, f" of the mirror {original.source.mirror}" if original.source.mirror else ""
        return f"the original {source.slug} {source.vintage}{mirror}, retrieved on {original.retrieved_at:%Y-%m-%d}, SHA-256 {sha256}"

    def _copy(self, name: str, location: str, record: Record | None) -> Copy:
        sha256 = sha256_in(name)
        size = self.originals[sha256].size if sha256 in self.originals and sha256 not in self.buried else 0
        missing = location in self.listings and name not in self.listings[location] and sha256 not in self.buried
        urgent = missing or name in self.unreadable or (record is not None and record.verdict not in SETTLED)
        return Copy(
            name=name, location=location, size=size, audited_at=record.audited_at if record else None, urgent=urgent,
            failed=record is not None and record.verdict == "failed",
        )  # fmt: skip


def sha256_in(name: str) -> str | None:
    """The hash an original is named after; None for the name of a document."""
    match = ORIGINAL.fullmatch(name)
    return match[1] if match else None


def content(name: str, text: bytes) -> dict[str, Any] | None:
    """A document that is what its name says; None when its bytes no longer are that."""
    try:
        document = json.loads(text)
        return document if isinstance(document, dict) and _fits(name, document) else None
    except (ValueError, KeyError, TypeError):
        return None


def _fits(name: str, document: Mapping[str, Any]) -> bool:
    folder = name.partition("/")[0]
    if folder == "manifests":
        original = manifests.original_of(document)
        return name == f"manifests/{manifests.shelf(original.source)}/{manifests.stamp(original.retrieved_at, original.sha256)}.json"
    if folder == "tombstones":
        return name.startswith(f"{tombstones.folder(document['sha256'])}/{tombstones.read(document).sha256}")
    if folder == "quarantine":
        refused = manifests.refused_of(document)
        return name == f"quarantine/{manifests.shelf(refused.source)}/{manifests.stamp(refused.retrieved_at, refused.sha256)}.json"
    return True
