"""Audits: every copy held to what it was when it was written, and repaired from one that still
is.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.core.archive.copies import digest, require, scratch_copy
from tasks.core.archive.documents import Failure, fingerprint
from tasks.core.archive.inspections import Inspection
from tasks.core.archive.inventories import content, is_original, sha256_in
from tasks.core.archive.locations import Location
from tasks.core.archive.shares import share
from tasks.core.model.errors import GeodataError
from tasks.core.model.handles import Original, Retrieval
from tasks.core.model.settings import scratch_folder


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How one copy was found: whole, repaired, buried, lost, differing, or failed because its
    location did.
    """

    name: str
    location: str
    verdict: str
    sha256: str | None
    detail: str = ""


class Audit(Inspection):
    """The archive under audit, object by object; see Inspection for the locations that fail."""

    def due(self, period_days: int, at: datetime) -> dict[str, list[Location]]:
        """The objects to audit now, each with the locations where it is due."""
        found: dict[str, list[Location]] = {}
        for location in self._in_service(self.locations):
            for copy in share(self.inventory.copies(location.url, self.records), period_days, at):
                found.setdefault(copy.name, []).append(location)
        return found

    def check(self, name: str, due: Sequence[Location]) -> list[Finding]:
        """Audit an object where it is due; when it is not whole there, look at all its copies and
        repair them from one that is.

        Copies in locations that are passed over have no finding.
        """
        sha256 = sha256_in(name)
        if not self._in_service(due):
            return []
        if sha256 is None:
            return self._check_document(name)
        if self.inventory.is_buried(name):
            return self._buried(name, sha256, due)
        return self._check_bytes(name, sha256, due)

    def _check_bytes(self, name: str, sha256: str, due: Sequence[Location]) -> list[Finding]:
        def look(location: Location) -> str | None:
            return location.digest(name) if location.exists(name) else None

        found, failures = self._ask(look, due)
        if any(there != sha256 for _, there in found):
            others, failed = self._ask(
                look, [location for location in self.locations if location not in due]
            )
            found, failures = [*found, *others], [*failures, *failed]
        whole = [location for location, there in found if there == sha256]
        broken = [(location, there) for location, there in found if there != sha256]
        findings = [
            Finding(name=name, location=location.url, verdict="whole", sha256=sha256)
            for location in whole
        ]
        findings += _failed(name, failures)
        return [*findings, *self._repair_bytes(name, sha256, whole, broken)] if broken else findings

    def _repair_bytes(
        self,
        name: str,
        sha256: str,
        whole: Sequence[Location],
        broken: Sequence[tuple[Location, str | None]],
    ) -> list[Finding]:
        if is_original(name) and self.standing(sha256):  # buried since this audit began
            return self._buried(name, sha256, [location for location, _ in broken])
        had = scratch_copy(sha256).exists()
        try:
            path = self._whole_copy(name, sha256, whole)
            if path is None:
                return [
                    Finding(
                        name=name,
                        location=location.url,
                        verdict="lost",
                        sha256=sha256,
                        detail=_state(there),
                    )
                    for location, there in broken
                ]
            return [
                finding
                for location, there in broken
                for finding in self._give(path, name, sha256, location, there)
            ]
        finally:
            if not had:
                scratch_copy(sha256).unlink(missing_ok=True)

    def _whole_copy(self, name: str, sha256: str, whole: Sequence[Location]) -> Path | None:
        """A path on this machine with the bytes, hashed once more before anything is replaced by
        them.
        """

        def fetch(location: Location) -> Path:
            path = location.fetch(name, sha256)
            require(sha256, digest(path), location.url, name)
            return path

        return next(
            (path for location in whole for _, path in self._ask(fetch, [location])[0]), None
        )

    def _give(
        self, path: Path, name: str, sha256: str, location: Location, there: str | None
    ) -> list[Finding]:
        """Put a whole copy in the place of one that is missing or corrupt; corrupt bytes go to
        quarantine before.
        """
        original, kept = self.inventory.originals.get(sha256) if is_original(name) else None, ""

        def give(location: Location) -> None:
            if there and original:
                self._set_aside(location, name, there, original)
            location.add(path, name, sha256)

        if there:
            why_not = (
                "no manifest says what they are"
                if is_original(name)
                else "they came from no publisher"
            )
            kept = ", kept in quarantine" if original else f", not kept because {why_not}"
        done, failures = self._ask(give, [location])
        detail = f"was {_state(there)}{kept}"
        repaired = [
            Finding(name=name, location=place.url, verdict="repaired", sha256=sha256, detail=detail)
            for place, _ in done
        ]
        return [*repaired, *_failed(name, failures)]

    def _set_aside(self, location: Location, name: str, there: str, original: Original) -> None:
        """Keep corrupt bytes in quarantine, as old as the original they were: the legal maximum age
        of its source holds for them too.
        """
        path = scratch_folder() / f"corrupt-{uuid.uuid4().hex}"
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
            for failure in self.quarantine(
                path,
                corrupt,
                f"a copy of the original {original.sha256} that no longer had this SHA-256",
            ):
                self.failed.setdefault(failure.location, failure)
        except GeodataError as error:
            raise OSError(
                f"the corrupt bytes {there} could not be kept in quarantine and were not replaced:"
                f" {error}"
            ) from None
        finally:
            path.unlink(missing_ok=True)

    def _check_document(self, name: str) -> list[Finding]:
        texts, failures = self._ask(
            lambda location: location.read(name) if location.exists(name) else None, self.locations
        )
        contents = {
            location.url: content(name, text) if text is not None else None
            for location, text in texts
        }
        right = _agreed(
            [document for document in contents.values() if document is not None],
            self._recorded[name],
        )
        findings = _failed(name, failures)
        for location, text in texts:
            document = contents[location.url]
            if right is None:
                verdict = "differing" if any(contents.values()) else "lost"
                findings.append(
                    Finding(
                        name=name,
                        location=location.url,
                        verdict=verdict,
                        sha256=None,
                        detail=_document_state(text, document),
                    )
                )
            elif document == right:
                findings.append(
                    Finding(
                        name=name, location=location.url, verdict="whole", sha256=fingerprint(right)
                    )
                )
            else:
                findings += self._repair_document(
                    name, right, location, _document_state(text, document)
                )
        return findings

    def _repair_document(
        self, name: str, right: dict[str, Any], location: Location, state: str
    ) -> list[Finding]:
        done, failures = self._ask(
            lambda location: self._replace(name, right, location), [location]
        )
        repaired = [
            Finding(
                name=name,
                location=place.url,
                verdict="repaired",
                sha256=fingerprint(right),
                detail=f"was {state}",
            )
            for place, _ in done
        ]
        return [*repaired, *_failed(name, failures)]

    def _buried(self, name: str, sha256: str, due: Sequence[Location]) -> list[Finding]:
        """Bytes under a tombstone are expected to be absent, and never repaired."""
        left = [
            location.url
            for location in due
            if name in self.inventory.listings.get(location.url, ())
        ]
        details = {url: "its bytes are still there: the next purge removes them" for url in left}
        return [
            Finding(
                name=name,
                location=place.url,
                verdict="buried",
                sha256=sha256,
                detail=details.get(place.url, ""),
            )
            for place in due
        ]


def _agreed(contents: Sequence[dict[str, Any]], recorded: set[str]) -> dict[str, Any] | None:
    """The content a document was written with: that of the last audit, else that of most copies;
    None when it cannot be told.
    """
    by_hash = {fingerprint(document): document for document in contents}
    if recorded:
        return next((document for sha256, document in by_hash.items() if sha256 in recorded), None)
    votes = Counter(map(fingerprint, contents)).most_common(2)
    if not votes or (len(votes) > 1 and votes[0][1] == votes[1][1]):
        return None
    return by_hash[votes[0][0]]


def _failed(name: str, failures: Sequence[Failure]) -> list[Finding]:
    return [
        Finding(
            name=name,
            location=failure.location,
            verdict="failed",
            sha256=None,
            detail=failure.reason,
        )
        for failure in failures
    ]


def _state(there: str | None) -> str:
    return f"corrupt: its bytes have the SHA-256 {there}" if there else "missing"


def _document_state(text: bytes | None, document: dict[str, Any] | None) -> str:
    if text is None:
        return "missing"
    return (
        f"other content, SHA-256 {fingerprint(document)}"
        if document is not None
        else f"unreadable, it begins {text[:200]!a}"
    )
