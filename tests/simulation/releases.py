"""A release: a file that a publisher puts at an address on a day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

START, END = date(2026, 11, 27), date(2029, 12, 31)
LAST = 2029  # the newest year of anything
OFFICE_OPENS = 8  # hours in UTC: when files are put out
# What tells files at one path apart, by the end of the path; the service of layers has two names
# for one thing.
ASKED = {"/ows": ("typename", "typenames", "outputformat"), "/ogd/json": ("dataset",)}


@dataclass(frozen=True, kw_only=True)
class Release:
    """A file, its real address, and the day from which on it is there.

    At an address with several releases is the newest one. group: what is listed together, such as
    "statbel/sectors". make: makes the file when it is asked for.
    """

    day: date
    address: str
    group: str
    vintage: int
    title: str
    make: Callable[[], Path] = field(compare=False, repr=False)

    @cached_property
    def key(self) -> str:
        """What tells its address from others, however either is written."""
        return key_of(self.address)

    @property
    def name(self) -> str:
        """The name of the file, as a person reads it."""
        return unquote(urlsplit(self.address).path).rpartition("/")[2]

    @property
    def moment(self) -> datetime:
        """When it was put there."""
        return datetime(self.day.year, self.day.month, self.day.day, OFFICE_OPENS, tzinfo=UTC)


def key_of(address: str) -> str:
    """Give host and path, percent-decoded, and of the question what tells files apart."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    kept = next((names for end, names in ASKED.items() if path.endswith(end)), ())
    asked = {name.lower(): value for name, value in parse_qsl(parts.query)}
    said = "&".join(f"{asked[name].lower()}" for name in kept if name in asked)
    return f"{parts.netloc}{path}" + (f"?{said}" if said else "")


class Workshop:
    """A folder in which each thing is made once, by whichever thread asks for it first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._lock = folder, threading.RLock()
        self._made: dict[str, Path] = {}

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """Give the folder of that name, into which `make` has written."""
        with self._lock:
            if name not in self._made:
                into = self.folder / name
                into.mkdir(parents=True)
                make(into)
                self._made[name] = into
            return self._made[name]

    def text(self, name: str, make: Callable[[], bytes]) -> Path:
        """Give the file of that name with the bytes that `make` gives."""
        into = self.once(f"{name}.d", lambda folder: (folder / "file").write_bytes(make()))
        return into / "file"
