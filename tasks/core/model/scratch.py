"""Scratch: what can be made again. What killed processes left in it goes, what none uses expires.

work/<process>-<16 hexadecimal digits>/   temporary files of one process, gone with it
downloads/                                downloads in progress (tasks.core.upstream.downloads)
originals/<sha256>                        copies of originals that are in an object store
unpacked/<sha256>/                        what was taken out of an original
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.model.settings import scratch_folder

KEPT_DAYS = 7  # of what can be made again and nobody uses
DAY = 86400
LOCK = ".work.lock"

_mine: dict[tuple[int, Path], Path] = {}
_one_thread = threading.Lock()


def workplace() -> Path:
    """Give the folder for the temporary files of this process, on the disk of scratch.

    It is locked as long as this process lives and removed at its end; the folders of processes that
    were killed are removed first, and what nobody has used for KEPT_DAYS.
    """
    scratch = scratch_folder()
    with _one_thread:
        found = _mine.get((os.getpid(), scratch))
        if found is None or not found.is_dir():
            clear()
            found = _mine[os.getpid(), scratch] = _made(scratch / "work")
        return found


def clear() -> list[str]:
    """Remove what killed processes left in scratch, and what expired; return the names."""
    scratch = scratch_folder()
    oldest = time.time() - KEPT_DAYS * DAY
    with _alone(scratch / "work"):
        gone = [folder for folder in (scratch / "work").iterdir() if _is_abandoned(folder)]
        gone += [path for path in _may_expire(scratch) if path.lstat().st_mtime < oldest]
        for path in gone:
            _remove(path)
    return sorted(path.relative_to(scratch).as_posix() for path in gone)


def use(path: Path) -> None:
    """Note that something in scratch is in use, so that it does not expire."""
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < time.time() - DAY:
            os.utime(path)


def leave() -> None:
    """Remove the temporary files of this process, at its end."""
    for (process, _), folder in _mine.items():
        if process == os.getpid():  # those of the process that this one was forked from stay
            shutil.rmtree(folder, ignore_errors=True)


atexit.register(leave)


def _made(work: Path) -> Path:
    folder = work / f"{os.getpid()}-{uuid.uuid4().hex[:16]}"
    with _alone(work):
        folder.mkdir()
        held = os.open(folder, os.O_RDONLY)  # never closed: the lock goes with the process
        fcntl.flock(held, fcntl.LOCK_EX)
    return folder


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Let one process at a time make or remove workplaces: one just made is not locked yet."""
    work.mkdir(exist_ok=True)
    with (work.parent / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_abandoned(folder: Path) -> bool:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True


def _may_expire(scratch: Path) -> Iterator[Path]:
    """Give files right in scratch, as earlier versions left them, and all that is made again."""
    yield from (path for path in scratch.iterdir() if path.is_file() and path.name != LOCK)
    for kind in ("originals", "unpacked"):
        yield from (scratch / kind).iterdir() if (scratch / kind).is_dir() else ()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
