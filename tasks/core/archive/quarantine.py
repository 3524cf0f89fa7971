"""Quarantine: bytes that a check refused, kept apart from the originals once, with each reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.core.archive import manifests
from tasks.core.archive.documents import Documents
from tasks.core.archive.replication import Failures, Locations, all_names
from tasks.core.model.addresses import redact
from tasks.core.model.handles import Original, Retrieval

FOLDER = "quarantine"


class Quarantine:
    """The refused bytes of an archive."""

    def __init__(self, locations: Locations, documents: Documents) -> None:
        self._locations, self._documents = locations, documents

    def put(self, path: Path, retrieval: Retrieval, reason: str) -> Failures:
        """Keep refused bytes (once in every location) and why they were refused."""
        sha256 = retrieval.sha256 or ""
        folder = f"{FOLDER}/{manifests.shelf(retrieval.source)}"
        name = f"{folder}/{manifests.stamp(retrieval.asked_at, sha256)}"
        listings, _ = self._locations.listings(folder)
        alike = (each for each in all_names(listings) if each.endswith(f"-{sha256[:12]}.bin"))
        kept = min(alike, default="")
        if kept:  # a run that was killed may have kept them in some locations only
            lacking = [location for location, names in listings if kept not in names]
            failures = self._locations.give(path, kept, sha256, lacking)[1]
        else:
            kept = f"{name}.bin"
            failures = self._locations.add(path, kept, sha256, name)
        return failures + self._documents.put(f"{name}.json", _refusal(retrieval, reason, kept))

    def all(self) -> dict[str, Original]:
        """Give the bytes in quarantine by their name, each as it was refused the last time."""
        there = self._locations.names(FOLDER)
        return {
            document["bytes"]: refused_of(document)
            for _, document in self._documents.read_all(FOLDER)
            if document["bytes"] in there
        }

    def remove(self, name: str) -> Failures:
        """Remove refused bytes everywhere; the document beside them becomes their tombstone."""
        return self._locations.each(lambda location: location.remove(name))[1]


def refused_of(document: Mapping[str, Any]) -> Original:
    """Give the refused bytes that a document describes, as an original that never was one."""
    return Original(
        source=manifests.SOURCES.validate_python(document["source"]),
        sha256=document["sha256"],
        size=document["size"] or 0,
        url=document["url"],
        retrieved_at=datetime.fromisoformat(document["asked_at"]),
        state="invalid",
    )


def _refusal(retrieval: Retrieval, reason: str, kept: str) -> dict[str, Any]:
    return {
        "reason": redact(reason),
        "bytes": kept,
        "sha256": retrieval.sha256 or "",
        "size": retrieval.size,
        "url": redact(retrieval.url),
        "asked_at": retrieval.asked_at.isoformat(),
        "headers": dict(retrieval.headers),
        "source": manifests.declared(retrieval.source),
    }
