"""Fixity of originals and row digests: copies hashed anew, and repaired from a whole one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from tasks.core.archive.archive import Archive
from tasks.core.archive.copies import digest, require, scratch_copy
from tasks.core.archive.hashed_files import is_original
from tasks.core.archive.inspections import Finding, Inspection, failed, found
from tasks.core.archive.inventories import Inventory
from tasks.core.archive.locations import Location
from tasks.core.archive.quarantine import Quarantine
from tasks.core.archive.replication import Failures
from tasks.core.model.errors import GeodataError
from tasks.core.model.handles import Original, Retrieval
from tasks.core.model.scratch import workplace

Copies = list[tuple[Location, str | None]]
"""The hash of what each location has under a name, None where it has nothing."""


class FileFixity:
    """Originals and row digests under audit."""

    def __init__(self, archive: Archive, inspection: Inspection, inventory: Inventory) -> None:
        self._archive, self._inspection, self._inventory = archive, inspection, inventory

    def check(self, name: str, sha256: str, due: Sequence[Location]) -> list[Finding]:
        """Hash a file where it is due; if it is broken there, hash all copies and repair those."""
        if self._inventory.is_buried(name):
            return self._buried(name, sha256, due)
        copies, failures = self._look(name, due)
        if any(there != sha256 for _, there in copies):
            rest = [each for each in self._archive.locations.all if each not in due]
            others, failed_too = self._look(name, rest)
            copies, failures = [*copies, *others], failures + failed_too
        whole = [location for location, there in copies if there == sha256]
        broken = [(location, there) for location, there in copies if there != sha256]
        findings = [*found(name, "whole", whole, sha256), *failed(name, failures)]
        return [*findings, *self._repair(name, sha256, whole, broken)] if broken else findings

    def _look(self, name: str, among: Sequence[Location]) -> tuple[Copies, Failures]:
        return self._inspection.ask(
            lambda location: location.digest(name) if location.exists(name) else None, among
        )

    def _repair(
        self, name: str, sha256: str, whole: Sequence[Location], broken: Copies
    ) -> list[Finding]:
        # buried since this audit began
        if is_original(name) and self._archive.tombstones.standing(sha256):
            return self._buried(name, sha256, [location for location, _ in broken])
        had, findings = scratch_copy(sha256).exists(), list[Finding]()
        try:
            path = self._whole_copy(name, sha256, whole)
            for location, there in broken:
                if path is None:
                    findings += found(name, "lost", [location], sha256, _state(there))
                else:
                    findings += self._give(path, name, sha256, location, there)
        finally:
            if not had:
                scratch_copy(sha256).unlink(missing_ok=True)
        return findings

    def _whole_copy(self, name: str, sha256: str, whole: Sequence[Location]) -> Path | None:
        """Give a local path with the bytes, hashed once more before they replace anything."""

        def fetch(location: Location) -> Path:
            path = location.fetch(name, sha256)
            require(sha256, digest(path), location.url, name)
            return path

        answers = (self._inspection.ask(fetch, [location])[0] for location in whole)
        return next((path for answer in answers for _, path in answer), None)

    def _give(
        self, path: Path, name: str, sha256: str, location: Location, there: str | None
    ) -> list[Finding]:
        """Replace a missing or corrupt copy; corrupt bytes of originals go to quarantine first."""
        described = self._inventory.described.get(name)
        original = described.original if described else None

        def give(location: Location) -> None:
            if there and original:
                kept = _set_aside(self._archive.quarantine, location, name, original)
                self._inspection.note(kept)
            location.add(path, name, sha256)

        was = _state(there)
        if there and original:
            was += ", kept in quarantine"
        elif there and is_original(name):
            was += ", not kept because no manifest says what they are"
        elif there:
            was += ", not kept because they came from no publisher"
        return self._inspection.repair(give, location, name=name, sha256=sha256, was=was)

    def _buried(self, name: str, sha256: str, due: Sequence[Location]) -> list[Finding]:
        """Give findings on bytes under a tombstone: their absence is expected, never repaired."""
        listings = self._inventory.listings
        left = [location for location in due if name in listings.get(location.url, ())]
        gone = [location for location in due if location not in left]
        still = "its bytes are still there: the next purge removes them"
        return [*found(name, "buried", gone, sha256), *found(name, "buried", left, sha256, still)]


def _state(there: str | None) -> str:
    return f"corrupt: its bytes have the SHA-256 {there}" if there else "missing"


def _set_aside(
    quarantine: Quarantine, location: Location, name: str, original: Original
) -> Failures:
    """Keep corrupt bytes in quarantine, under the legal maximum age of the original they were."""
    path = workplace() / f"corrupt-{uuid.uuid4().hex}"
    try:
        location.save(name, path)
        corrupt = Retrieval(
            source=original.source,
            state="invalid",
            url=original.url,
            asked_at=original.retrieved_at,
            sha256=digest(path),
            size=path.stat().st_size,
        )
        reason = f"a copy of the original {original.sha256} that no longer had this SHA-256"
        return quarantine.put(path, corrupt, reason)
    except GeodataError as error:
        raise OSError(
            f"the corrupt bytes {corrupt.sha256} could not be kept in quarantine and were not"
            f" replaced: {error}"
        ) from None
    finally:
        path.unlink(missing_ok=True)
