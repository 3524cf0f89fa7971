"""Replication: the primary location of an archive and its replicas, read in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tasks.core.archive.locations import Location, open_location, outages
from tasks.core.archive.reasons import is_away, lasts, reason
from tasks.core.model.errors import ConfigurationError, Refused

Result = TypeVar("Result")
Listings = list[tuple[Location, set[str]]]


@dataclass(frozen=True)
class Failure:
    """A location of the archive that could not take or give its part, and why.

    is_away: it may have whole what it was asked for. lasts: until a person mends it.
    """

    location: str
    reason: str
    is_away: bool = False
    lasts: bool = False

    def __str__(self) -> str:
        return f"{self.location} ({self.reason})"


Failures = tuple[Failure, ...]
Passed = list[tuple[Location, Failure]]
"""Locations that could not give something before another did."""


class Locations:
    """All locations of an archive, the primary first; see Archive for those that fail."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.all: tuple[Location, ...] = tuple(map(open_location, urls))

    def each(
        self, action: Callable[[Location], Result], among: Sequence[Location] | None = None
    ) -> tuple[list[tuple[Location, Result]], Failures]:
        """Act in every location, or in some; return each one's result, and the failures."""
        done, failures = [], []
        for location in self.all if among is None else among:
            try:
                done.append((location, action(location)))
            except outages() as error:
                failures.append(_failure(location, error))
        return done, tuple(failures)

    def first(
        self,
        action: Callable[[Location], Result],
        what: str,
        *,
        remedy: str = "Restore it from a backup",
        faults: tuple[type[Exception], ...] = (),
    ) -> tuple[Result, Passed]:
        """Do something in the first location that can; faults: errors that mean a damaged copy."""
        passed: Passed = []
        for location in self.all:
            try:
                return action(location), passed
            except (*outages(), *faults) as error:
                passed.append((location, _failure(location, error)))
        away = [failure.location for _, failure in passed if failure.is_away]
        if away:  # nothing is lost that a location which is away may have
            remedy = f"See that {', '.join(away)} can be read, and run again"
        failures = tuple(failure for _, failure in passed)
        raise _kind(failures)(
            f"{what} cannot be read from any location of the archive: {listed(failures)}. {remedy}."
        )

    def give(
        self, path: Path, name: str, sha256: str, among: Sequence[Location] | None = None
    ) -> tuple[list[tuple[Location, None]], Failures]:
        """Add a file to every location, or to some, verified by reading it back."""
        return self.each(lambda location: location.add(path, name, sha256), among)

    def add(self, path: Path, name: str, sha256: str, what: str) -> Failures:
        """Add a file to every location; raises ConfigurationError when none could keep it.

        Refused, as everywhere here, where all of them refuse until a person mends that.
        """
        done, failures = self.give(path, name, sha256)
        if not done:
            raise _kind(failures)(
                f"No location of the archive could keep {what}: {listed(failures)}. Check"
                " GEODATA_ARCHIVE, its credentials and its free space."
            )
        return failures

    def listings(self, prefix: str) -> tuple[Listings, Failures]:
        """Give the names under a folder in each location that answers, and the failures."""
        return self.each(lambda location: set(location.names(prefix)))

    def names(self, prefix: str) -> set[str]:
        """Give the names under a folder, in any location that answers."""
        listings, failures = self.listings(prefix)
        require_listing(listings, failures)
        return all_names(listings)


def require_listing(listings: Sequence[object], failures: Sequence[Failure]) -> None:
    """Raise ConfigurationError when no location could be listed."""
    if not listings:
        raise _kind(failures)(
            f"No location of the archive can be listed: {listed(failures)}. Check GEODATA_ARCHIVE"
            " and its credentials."
        )


def all_names(listings: Listings) -> set[str]:
    """Give the names that at least one listing has."""
    return {name for _, names in listings for name in names}


def listed(failures: Iterable[Failure]) -> str:
    """List the locations that failed, in a sentence."""
    return "; ".join(map(str, failures)) or "none is configured"


def once_each(failures: Iterable[Failure]) -> Failures:
    """Give the first failure of each location."""
    return tuple({failure.location: failure for failure in reversed(list(failures))}.values())


def _failure(location: Location, error: BaseException) -> Failure:
    """Describe what went wrong in a location, without credentials."""
    return Failure(location.url, reason(error), is_away(error), lasts(error))


def _kind(failures: Sequence[Failure]) -> type[ConfigurationError]:
    """Choose the error by whether time may heal what happened in some location."""
    is_refused = failures and all(failure.lasts for failure in failures)
    return Refused if is_refused else ConfigurationError
