"""Parts: files that are being written beside the name they will get, and those killed runs left.

A part is locked by the process that writes it. On the machine that wrote it the lock says whether
it still does; a part of another machine, which may share the folder but not the locks, has a day.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

ABANDONED_SECONDS = 86400
ENDING = ".part"


@contextmanager
def part_beside(target: Path) -> Iterator[Path]:
    """Give an empty file beside a name, gone at the end; parts that killed runs left there go."""
    clear(target.parent.glob(f".*{ENDING}"))
    part, held = _locked(target.parent)
    with held:
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)


def clear(parts: Iterable[Path]) -> list[Path]:
    """Remove those of some parts that nobody writes any more, and return them."""
    gone = [part for part in parts if _is_abandoned(part)]
    for part in gone:
        part.unlink(missing_ok=True)
    return gone


def _locked(folder: Path) -> tuple[Path, BinaryIO]:
    """Make a part that is locked, and still there: another run may clear it before the lock."""
    while True:
        part = folder / f".{_machine()}-{uuid.uuid4().hex}{ENDING}"
        held = part.open("xb")
        fcntl.flock(held, fcntl.LOCK_EX)
        if part.exists():
            return part, held
        held.close()


def _is_abandoned(part: Path) -> bool:
    with suppress(FileNotFoundError):
        if not part.name.startswith(f".{_machine()}-"):
            return part.stat().st_mtime < time.time() - ABANDONED_SECONDS
        with part.open("rb") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True
    return False


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]
