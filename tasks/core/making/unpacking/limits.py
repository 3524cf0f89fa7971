"""How far unpacking an original may go, and the bytes it has written so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from tasks.core.model.errors import SourceError

HEAD = 16  # bytes that are enough to recognise every kind of container
CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far unpacking may go before an archive is taken for a bomb.

    total: bytes written in all; the largest national file known (the SIRENE stock) is about 10 GB.
    ratio: bytes written per byte of archive, looked at from `ratio_from` bytes on; published CSV
    shrinks 5 to 50 times, a bomb 1,000. members: files listed in all archives, also those inside;
    the largest known delivery has some hundreds. depth: archives inside archives.
    """

    total: int = 64 << 30
    ratio: int = 250
    ratio_from: int = 64 << 20
    members: int = 100_000
    depth: int = 3


class Budget:
    """What one unpacking has written so far, against its limits."""

    def __init__(self, limits: Limits, archive_bytes: int, label: str) -> None:
        self.limits, self.archive_bytes = limits, max(archive_bytes, 1)
        self.label, self.written, self.listed = label, 0, 0

    def spend(self, count: int) -> None:
        """Count bytes; raises SourceError beyond the total or the ratio."""
        self.written += count
        if self.written > self.limits.total:
            raise SourceError(
                f"The archive {self.label} unpacks to more than {self.limits.total:,} bytes, the"
                " limit: look at what the publisher sent."
            )
        most = max(self.limits.ratio_from, self.limits.ratio * self.archive_bytes)
        if self.written > most:
            raise SourceError(
                f"The archive {self.label} unpacks to more than {self.limits.ratio} times its"
                f" {self.archive_bytes:,} bytes, as only an archive bomb does: look at what the"
                " publisher sent."
            )


class Sink:
    """A member's destination within the budget: a file, or only the first bytes."""

    def __init__(self, budget: Budget, file: BinaryIO | None = None) -> None:
        self.budget, self.file, self.head, self.size = budget, file, b"", 0

    def write(self, data: bytes | bytearray) -> int:
        """Take the next bytes."""
        self.budget.spend(len(data))
        self.size += len(data)
        if self.file is not None:
            self.file.write(data)
        elif len(self.head) < HEAD:
            self.head += bytes(data[: HEAD - len(self.head)])
        return len(data)

    def take(self, stream: BinaryIO) -> None:
        """Copy a stream to its end."""
        while data := stream.read(CHUNK):
            self.write(data)
