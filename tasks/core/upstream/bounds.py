"""Bounds of a download: how large it may be, and how long it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from tasks.core.model.settings import settings

LARGEST = 16 << 30  # bytes; the largest original known, the stock of SIRENE, has about 3 GiB
GROWTH, GROWTH_FROM = 8, 64 << 20  # times the last original, and bytes that none of them reaches
LEAST, WINDOW_SECONDS = 256 << 10, 300.0  # bytes in five minutes: less is a line that hangs


class OutOfBounds(httpx.TransportError):
    """An answer that is not taken, however often it is given: too large, or led astray."""


class TooSlow(httpx.ReadTimeout):
    """An answer that drips, or does not come to its end in time."""


@dataclass(frozen=True)
class Bounds:
    """At most so many bytes, for a reason in words, until a moment of time.monotonic()."""

    most: int
    reason: str
    until: float

    def require_size(self, size: int) -> None:
        """Raise OutOfBounds for more bytes than are taken."""
        if size > self.most:
            raise OutOfBounds(
                f"at most {self.most:,} bytes are taken ({self.reason}) and it has {size:,} or"
                " more: look at what is sent, then set GEODATA_LARGEST_DOWNLOAD to more"
            )


def bounds(last_size: int | None = None) -> Bounds:
    """Give the bounds of a question that begins now, for a file whose last original had a size."""
    chosen = settings()
    until = time.monotonic() + chosen.longest_download_hours * 3600
    if chosen.largest_download is not None:
        return Bounds(chosen.largest_download, "GEODATA_LARGEST_DOWNLOAD", until)
    if last_size is None:
        return Bounds(LARGEST, "the bound of a first original", until)
    most = min(max(GROWTH * last_size, GROWTH_FROM), LARGEST)
    return Bounds(most, f"the last original has {last_size:,}", until)


class Pace:
    """How fast the bytes of one connection come."""

    def __init__(self, until: float) -> None:
        self._until, self._since, self._count = until, time.monotonic(), 0

    def took(self, count: int) -> None:
        """Note bytes that came."""
        self._count += count

    def left(self) -> float:
        """Give the seconds that are left; raise TooSlow when there are none, or at a drip."""
        now = time.monotonic()
        if now >= self._until:
            hours = settings().longest_download_hours
            raise TooSlow(
                f"it did not come to its end in {hours:g} hours: if the publisher is that slow, set"
                " GEODATA_LONGEST_DOWNLOAD_HOURS to more"
            )
        if now - self._since >= WINDOW_SECONDS:
            if self._count < LEAST:
                raise TooSlow(
                    f"it sent {self._count:,} bytes in {now - self._since:,.0f} seconds, where"
                    f" {LEAST:,} are the least: ask the publisher, or lay the file into the folder"
                    " that GEODATA_INBOX names"
                )
            self._since, self._count = now, 0
        return self._until - now
