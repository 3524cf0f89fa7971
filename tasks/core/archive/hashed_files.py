"""Files of the archive under their SHA-256: originals, and row digests of published tables."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from tasks.core.archive.copies import forget
from tasks.core.archive.replication import Failures, Locations, Passed, listed

ORIGINALS, DIGESTS = "originals", "digests"
NAMED_BY_HASH = re.compile(rf"(?:{ORIGINALS}|{DIGESTS})/sha256/[0-9a-f]{{2}}/([0-9a-f]{{64}})")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HashedFiles:
    """The files of one folder, each under its SHA-256.

    what: the word for one of them in messages. remedy: for one that no location has whole.
    """

    locations: Locations
    folder: str
    what: str
    remedy: str = "Restore it from a backup"

    def put(self, path: Path, sha256: str) -> Failures:
        """Keep a file, verified in every location by reading it back."""
        return self.locations.add(path, self._name(sha256), sha256, f"the {self.what} {sha256}")

    def fetch(self, sha256: str) -> Path:
        """Give a local path with the bytes, verified, from the first location with a whole copy."""
        path, passed = self._whole(sha256)
        if passed:
            logger.warning(
                "The %s %s was read from %s because it could not be read from %s.",
                self.what,
                sha256,
                self.locations.all[len(passed)].url,
                listed(failure for _, failure in passed),
            )
        return path

    def exists(self, sha256: str) -> bool:
        """Tell whether a location that answers has a file; fetching it verifies its hash."""
        found, _ = self.locations.each(lambda location: location.exists(self._name(sha256)))
        return any(there for _, there in found)

    def mend(self, sha256: str) -> Failures:
        """Put whole bytes where `fetch` would pass a location over; return those failures."""
        path, passed = self._whole(sha256)
        broken = [location for location, _ in passed]
        mended, _ = self.locations.give(path, self._name(sha256), sha256, broken)
        right = [location for location, _ in mended]
        return tuple(failure for location, failure in passed if location in right)

    def replicate(self, sha256: str) -> Failures:
        """Copy a file to the locations that lack it."""
        found, failures = self.locations.each(lambda location: location.exists(self._name(sha256)))
        if lacking := [location for location, there in found if not there]:
            path = self.fetch(sha256)
            failures += self.locations.give(path, self._name(sha256), sha256, lacking)[1]
        return failures

    def remove(self, sha256: str) -> tuple[bool, Failures]:
        """Remove bytes here and everywhere; return whether a location had them, and failures."""
        forget(sha256)
        name = self._name(sha256)
        removed, failures = self.locations.each(lambda location: location.remove(name))
        return any(there for _, there in removed), failures

    def _name(self, sha256: str) -> str:
        return file_name(self.folder, sha256)

    def _whole(self, sha256: str) -> tuple[Path, Passed]:
        return self.locations.first(
            lambda location: location.fetch(self._name(sha256), sha256),
            f"The {self.what} {sha256}",
            remedy=self.remedy,
        )


def file_name(folder: str, sha256: str) -> str:
    """Give the name of a file in the archive."""
    return f"{folder}/sha256/{sha256[:2]}/{sha256}"


def original_name(sha256: str) -> str:
    """Give the name of an original in the archive."""
    return file_name(ORIGINALS, sha256)


def digests_name(sha256: str) -> str:
    """Give the name of a file of row digests in the archive."""
    return file_name(DIGESTS, sha256)


def sha256_in(name: str) -> str | None:
    """Give the hash a file of the archive is named after; None for the name of a document."""
    match = NAMED_BY_HASH.fullmatch(name)
    return match[1] if match else None


def is_original(name: str) -> bool:
    """Tell whether a file is in the folder of originals."""
    return name.startswith(f"{ORIGINALS}/")
