"""Inspections: the archive asked location by location, patiently but not forever, and what all of
them together should have.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from tasks.core.archive import tombstones
from tasks.core.archive.documents import Failure, listed
from tasks.core.archive.inventories import (
    DIGESTS,
    DOCUMENTS,
    ORIGINALS,
    Inventory,
    Record,
    content,
    digests_in,
)
from tasks.core.archive.locations import Location
from tasks.core.archive.manifests import original_of
from tasks.core.archive.store import Store
from tasks.core.model.errors import ConfigurationError

Result = TypeVar("Result")
TELLING: dict[str, Callable[[dict[str, Any]], Any]] = {
    "manifests": original_of,
    "tombstones": tombstones.read,
    "editions": digests_in,
}
PATIENCE = 3  # failures after which a location is not asked again in this inspection


class Inspection(Store):
    """The archive, what it should have, and what earlier audits knew; failed: the first failure of
    each location.

    Raises ConfigurationError when no location can be listed.
    """

    def __init__(self, urls: Sequence[str], records: Iterable[Record]) -> None:
        super().__init__(urls)
        self.failed: dict[str, Failure] = {}
        self._misses: Counter[str] = Counter()
        self.records = {(record.name, record.location): record for record in records}
        self._recorded: dict[str, set[str]] = defaultdict(set)
        for record in self.records.values():
            self._recorded[record.name] |= {record.sha256} if record.sha256 else set()
        self.inventory = self._take_inventory()

    def _take_inventory(self) -> Inventory:
        listings, failures = self._ask(_everything, self.locations)
        if not listings:
            raise ConfigurationError(
                f"No location of the archive can be listed: {listed(failures)}. Check"
                " GEODATA_ARCHIVE and its credentials."
            )
        self._misses.update({failure.location: PATIENCE for failure in failures})
        found = Inventory({location.url: names for location, names in listings})
        told = self._read_telling(found)
        found.originals = {
            original.sha256: original
            for original in sorted(told["manifests"], key=lambda original: original.retrieved_at)
        }
        found.digests = {
            sha256: digests for named in told["editions"] for sha256, digests in named.items()
        }
        unread = {
            name.rpartition("/")[2][:64]
            for name in found.unreadable
            if name.startswith("tombstones/")
        }
        standing = tombstones.standing(told["tombstones"], told["manifests"])
        found.buried = {
            *standing,
            *unread,
        }  # what a tombstone cannot tell any more is not brought back
        return found

    def _read_telling(self, found: Inventory) -> dict[str, list[Any]]:
        """What documents say should be in the archive, by their folder; those that no location
        gives as they were written are noted.
        """
        told: dict[str, list[Any]] = {folder: [] for folder in TELLING}
        for name in sorted(found.names()):
            if (folder := name.partition("/")[0]) in TELLING:
                document = self._first_fit(
                    name,
                    [
                        location
                        for location in self.locations
                        if name in found.listings.get(location.url, ())
                    ],
                )
                if document is None:
                    found.unreadable.add(name)
                else:
                    told[folder].append(TELLING[folder](document))
        return told

    def _first_fit(self, name: str, locations: Sequence[Location]) -> dict[str, Any] | None:
        """A document from the first location that has it as its name says."""
        texts = (
            text
            for location in locations
            for _, text in self._ask(lambda location: location.read(name), [location])[0]
        )
        return next(
            (document for text in texts if (document := content(name, text)) is not None), None
        )

    def _ask(
        self, action: Callable[[Location], Result], locations: Sequence[Location]
    ) -> tuple[list[tuple[Location, Result]], list[Failure]]:
        """Do something in the locations that have not failed too often, and note those that
        fail.
        """
        done, failures = self._each(action, self._in_service(locations))
        for failure in failures:
            self._misses[failure.location] += 1
            self.failed.setdefault(failure.location, failure)
        return done, failures

    def _in_service(self, locations: Sequence[Location]) -> list[Location]:
        return [location for location in locations if self._misses[location.url] < PATIENCE]


def _everything(location: Location) -> set[str]:
    return {name for top in (ORIGINALS, DIGESTS, *DOCUMENTS) for name in location.names(top)}
