"""Inspections: the locations of an archive asked for an inventory and for how each copy is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tasks.core.archive import manifests, tombstones
from tasks.core.archive.hashed_files import DIGESTS, ORIGINALS
from tasks.core.archive.inventories import DOCUMENTS, Inventory, content, digests_in, originals_in
from tasks.core.archive.locations import Location
from tasks.core.archive.replication import Failure, Failures, Locations, require_listing

Result = TypeVar("Result")
TELLING: dict[str, Callable[[dict[str, Any]], Any]] = {
    "manifests": manifests.original_of,
    "tombstones": tombstones.read,
    "editions": digests_in,
    "quarantine": lambda document: document["bytes"],
}
PATIENCE = 3  # failures after which a location is not asked again in this inspection


@dataclass(frozen=True)
class Finding:
    """How one copy was found: whole, repaired, buried, lost, differing, or failed.

    failed: its location did.
    """

    name: str
    location: str
    verdict: str
    sha256: str | None
    detail: str = ""


class Inspection:
    """The locations of an archive, each asked until it has failed too often.

    failed: the first failure of each location, by its URL.
    """

    def __init__(self, locations: Locations) -> None:
        self.locations, self.failed = locations, dict[str, Failure]()
        self._misses: Counter[str] = Counter()

    def ask(
        self, action: Callable[[Location], Result], among: Sequence[Location]
    ) -> tuple[list[tuple[Location, Result]], Failures]:
        """Act in the locations that have not failed too often, and note those that fail."""
        done, failures = self.locations.each(action, self.in_service(among))
        self._misses.update(failure.location for failure in failures)
        self.note(failures)
        return done, failures

    def in_service(self, among: Sequence[Location]) -> list[Location]:
        """Give those of some locations that have not failed too often."""
        return [location for location in among if self._misses[location.url] < PATIENCE]

    def give_up(self, failures: Iterable[Failure]) -> None:
        """Stop asking locations that failed."""
        self._misses.update({failure.location: PATIENCE for failure in failures})

    def note(self, failures: Iterable[Failure]) -> None:
        """Keep the first failure of each location."""
        for failure in failures:
            self.failed.setdefault(failure.location, failure)

    def repair(
        self, give: Callable[[Location], None], location: Location, name: str, sha256: str, was: str
    ) -> list[Finding]:
        """Give a location a whole copy of an object; was: how the copy there was found."""
        done, failures = self.ask(give, [location])
        repaired = [location for location, _ in done]
        return [*found(name, "repaired", repaired, sha256, f"was {was}"), *failed(name, failures)]


def found(
    name: str, verdict: str, locations: Iterable[Location], sha256: str | None, detail: str = ""
) -> list[Finding]:
    """Give one verdict on the copies in some locations."""
    return [Finding(name, location.url, verdict, sha256, detail) for location in locations]


def failed(name: str, failures: Iterable[Failure]) -> list[Finding]:
    """Note that some locations could not give or take a copy."""
    return [Finding(name, each.location, "failed", None, each.reason) for each in failures]


def take_inventory(inspection: Inspection) -> Inventory:
    """List all locations and read what they should have; raise ConfigurationError if none can."""
    listings, failures = inspection.ask(_everything, inspection.locations.all)
    require_listing(listings, failures)
    inspection.give_up(failures)
    found = Inventory({location.url: names for location, names in listings})
    told: dict[str, list[Any]] = {folder: [] for folder in TELLING}
    for name in sorted(found.names()):
        if (folder := name.partition("/")[0]) in TELLING:
            document = _first_fit(inspection, name, found)
            if document is None:
                found.unreadable.add(name)
            else:
                told[folder].append(TELLING[folder](document))
    for described in (originals_in(told["manifests"]), *told["editions"]):
        found.described |= described
    found.refused = set(told["quarantine"])
    # what a tombstone cannot tell any more is not brought back
    unread = (name for name in found.unreadable if name.startswith(f"{tombstones.FOLDER}/"))
    found.buried = {name.rpartition("/")[2][:64] for name in unread}
    found.buried |= tombstones.standing(told["tombstones"], told["manifests"]).keys()
    return found


def _first_fit(inspection: Inspection, name: str, found: Inventory) -> dict[str, Any] | None:
    """Give a document from the first location that has it as its name says."""
    for location in inspection.locations.all:
        if name in found.listings.get(location.url, ()):
            for _, text in inspection.ask(lambda location: location.read(name), [location])[0]:
                if (document := content(name, text)) is not None:
                    return document
    return None


def _everything(location: Location) -> set[str]:
    return {name for top in (ORIGINALS, DIGESTS, *DOCUMENTS) for name in location.names(top)}
