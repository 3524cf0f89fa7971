"""Fixity: every copy compared with what was written, and repaired from one that is whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from functools import partial
from typing import Any

from tasks.core.archive.archive import Archive
from tasks.core.archive.documents import fingerprint, replace_in
from tasks.core.archive.file_fixity import FileFixity
from tasks.core.archive.hashed_files import sha256_in
from tasks.core.archive.inspections import Finding, Inspection, failed, found, take_inventory
from tasks.core.archive.inventories import AuditRecord, content
from tasks.core.archive.locations import Location
from tasks.core.archive.replication import Failure
from tasks.core.archive.shares import share


class Audit:
    """An archive under audit, object by object; records: what earlier audits knew.

    Raises ConfigurationError when no location can be listed.
    """

    def __init__(self, archive: Archive, records: Iterable[AuditRecord]) -> None:
        self._records = {(record.name, record.location): record for record in records}
        self._inspection = Inspection(archive.locations)
        self.inventory = take_inventory(self._inspection)
        self._files = FileFixity(archive, self._inspection, self.inventory)
        self._recorded = defaultdict[str, set[str]](set)
        for record in self._records.values():
            self._recorded[record.name] |= {record.sha256} if record.sha256 else set()

    @property
    def failed(self) -> Mapping[str, Failure]:
        """The first failure of each location that failed, by its URL."""
        return self._inspection.failed

    def clear(self) -> list[tuple[str, str]]:
        """Remove what killed runs did not finish to write; give each location with its names."""
        locations = self._inspection.locations.all
        done, _ = self._inspection.ask(lambda location: location.clear(), locations)
        return [(location.url, name) for location, names in done for name in names]

    def due(self, period_days: int, at: datetime) -> dict[str, list[Location]]:
        """Give the objects to audit now, each with the locations where it is due."""
        copies: dict[str, list[Location]] = {}
        for location in self._inspection.in_service(self._inspection.locations.all):
            for copy in share(self.inventory.copies(location.url, self._records), period_days, at):
                copies.setdefault(copy.name, []).append(location)
        return copies

    def check(self, name: str, due: Sequence[Location]) -> list[Finding]:
        """Audit an object where it is due; if it is broken there, check and repair every copy.

        Copies in locations that are passed over have no finding.
        """
        if not self._inspection.in_service(due):
            return []
        if sha256 := sha256_in(name):
            return self._files.check(name, sha256, due)
        return _check_document(self._inspection, name, self._recorded[name])


def _check_document(inspection: Inspection, name: str, recorded: Set[str]) -> list[Finding]:
    """Compare all copies of a document, and repair those that are not as it was written."""
    texts, failures = inspection.ask(
        lambda location: location.read(name) if location.exists(name) else None,
        inspection.locations.all,
    )
    copies = [
        (location, text, content(name, text) if text is not None else None)
        for location, text in texts
    ]
    contents = [document for _, _, document in copies if document is not None]
    right = _agreed(contents, recorded)
    findings = failed(name, failures)
    for location, text, document in copies:
        was = _state(text, document)
        if right is None:
            verdict = "differing" if any(contents) else "lost"
            findings += found(name, verdict, [location], None, was)
        elif document == right:
            findings += found(name, "whole", [location], fingerprint(right))
        else:
            give, sha256 = partial(replace_in, name=name, document=right), fingerprint(right)
            findings += inspection.repair(give, location, name=name, sha256=sha256, was=was)
    return findings


def _agreed(contents: Sequence[dict[str, Any]], recorded: Set[str]) -> dict[str, Any] | None:
    """Give the content recorded by earlier audits, else that of most copies; None if unclear."""
    by_hash = {fingerprint(document): document for document in contents}
    if recorded:
        return next((document for sha256, document in by_hash.items() if sha256 in recorded), None)
    votes = Counter(map(fingerprint, contents)).most_common(2)
    if not votes or (len(votes) > 1 and votes[0][1] == votes[1][1]):
        return None
    return by_hash[votes[0][0]]


def _state(text: bytes | None, document: dict[str, Any] | None) -> str:
    if text is None:
        return "missing"
    if document is None:
        return f"unreadable, it begins {text[:200]!a}"
    return f"other content, SHA-256 {fingerprint(document)}"
