"""An archive cut in volumes (name.7z.001, name.7z.002 ...) read as the one file it was."""

from __future__ import annotations

import errno
import io
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, cast

from tasks.core.model.errors import SourceError

VOLUME = re.compile(r"(?P<stem>.+)\.(?P<number>\d{3})")


class Volumes(io.RawIOBase):
    """Several files end to end, readable and seekable."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb") for path in paths]
        self._starts = [0, *accumulate(path.stat().st_size for path in paths)]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = (
            offset
            + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        )
        if position < 0:
            raise OSError(errno.EINVAL, "the position is before the first volume")
        self._position = position
        return position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        volume = bisect_right(self._starts, self._position) - 1
        if volume >= len(self._files):
            return 0
        self._files[volume].seek(self._position - self._starts[volume])
        count = self._files[volume].readinto(
            memoryview(buffer)[: self._starts[volume + 1] - self._position]
        )
        self._position += count
        return count

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()


def open_volumes(paths: Sequence[Path]) -> BinaryIO:
    """One readable file of one path or of several, in order."""
    return (
        open(paths[0], "rb")
        if len(paths) == 1
        else cast(BinaryIO, io.BufferedReader(Volumes(paths), 1 << 20))
    )


def sort_volumes(names: Iterable[str], label: str) -> list[str]:
    """The names of volumes in order; raises SourceError when one is missing between the first and
    the last.
    """
    found = {int(match["number"]): name for name in names if (match := VOLUME.fullmatch(name))}
    missing = sorted(set(range(1, max(found, default=1) + 1)) - set(found))
    if missing:
        numbers = ", ".join(f".{number:03}" for number in missing)
        raise SourceError(
            f"The archive {label} is cut in volumes, of which {numbers} cannot be found: download"
            " all of them."
        )
    return [found[number] for number in sorted(found)]


def volumes_of(first: str, names: Iterable[str], label: str) -> list[str]:
    """The names of all volumes of the archive that begins with `first`, which is alone when it is
    not a volume.
    """
    match = VOLUME.fullmatch(first)
    if not match:
        return [first]
    return sort_volumes(
        (
            name
            for name in names
            if (other := VOLUME.fullmatch(name)) and other["stem"] == match["stem"]
        ),
        label,
    )
