"""Findings: how an audit found each copy in the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tasks.core.archive.inspections import Inspection
from tasks.core.archive.locations import Location
from tasks.core.archive.replication import Failure


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


def found(
    name: str,
    verdict: str,
    locations: Iterable[Location],
    sha256: str | None = None,
    detail: str = "",
) -> list[Finding]:
    """Give one verdict on the copies in some locations."""
    return [
        Finding(name=name, location=location.url, verdict=verdict, sha256=sha256, detail=detail)
        for location in locations
    ]


def failed(name: str, failures: Iterable[Failure]) -> list[Finding]:
    """Note that some locations could not give or take a copy."""
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


def repair(
    inspection: Inspection,
    give: Callable[[Location], None],
    location: Location,
    *,
    name: str,
    sha256: str,
    was: str,
) -> list[Finding]:
    """Give a location a whole copy of an object; was: how the copy there was found."""
    done, failures = inspection.ask(give, [location])
    repaired = [location for location, _ in done]
    return [*found(name, "repaired", repaired, sha256, f"was {was}"), *failed(name, failures)]
