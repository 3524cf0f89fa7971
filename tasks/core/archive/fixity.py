"""Fixity: every copy held to what it was when it was written, and repaired from one that still
is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tasks.core.archive.archive import Archive
from tasks.core.archive.document_fixity import DocumentFixity
from tasks.core.archive.file_fixity import FileFixity
from tasks.core.archive.files import sha256_in
from tasks.core.archive.findings import Finding
from tasks.core.archive.inspections import Inspection, take_inventory
from tasks.core.archive.inventories import Record
from tasks.core.archive.locations import Location
from tasks.core.archive.replication import Failure
from tasks.core.archive.shares import share


class Audit:
    """An archive under audit, object by object; records: what earlier audits knew.

    Raises ConfigurationError when no location can be listed.
    """

    def __init__(self, archive: Archive, records: Iterable[Record]) -> None:
        self._records = {(record.name, record.location): record for record in records}
        self._inspection = Inspection(archive.locations)
        self.inventory = take_inventory(self._inspection)
        self._files = FileFixity(archive, self._inspection, self.inventory)
        recorded = defaultdict[str, set[str]](set)
        for record in self._records.values():
            recorded[record.name] |= {record.sha256} if record.sha256 else set()
        self._documents = DocumentFixity(self._inspection, recorded)

    @property
    def failed(self) -> Mapping[str, Failure]:
        """The first failure of each location that failed, by its URL."""
        return self._inspection.failed

    def due(self, period_days: int, at: datetime) -> dict[str, list[Location]]:
        """The objects to audit now, each with the locations where it is due."""
        found: dict[str, list[Location]] = {}
        for location in self._inspection.in_service(self._inspection.locations.all):
            for copy in share(self.inventory.copies(location.url, self._records), period_days, at):
                found.setdefault(copy.name, []).append(location)
        return found

    def check(self, name: str, due: Sequence[Location]) -> list[Finding]:
        """Audit an object where it is due; when it is not whole there, look at all its copies and
        repair them from one that is.

        Copies in locations that are passed over have no finding.
        """
        if not self._inspection.in_service(due):
            return []
        if sha256 := sha256_in(name):
            return self._files.check(name, sha256, due)
        return self._documents.check(name)
