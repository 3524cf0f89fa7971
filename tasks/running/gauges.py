"""Gauges: what a run takes of its machine, each at its highest: memory, processors, scratch."""

from __future__ import annotations

import os
import resource
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

SECONDS = 1.0  # between two looks at scratch, at least; kubelet looks less often
SHARE = 0.02  # of a processor, that looks at a scratch of very many files may take
MIB = 2**20


class Taken(NamedTuple):
    """What was taken; its names are those of the columns of `catalog.run`.

    peak_mib: most memory of this process, in MiB. cpu_seconds: of it and of the processes that it
    waited for, on all processors together. scratch_mib: most that all files in scratch, also those
    that other runs left there, held on the disk, in MiB.
    """

    peak_mib: float
    cpu_seconds: float
    scratch_mib: float


class MemoryGauge:
    """The most memory that this process holds while the gauge is open; many may be open at once.

    Linux keeps one mark for a process, which is set back whenever a gauge is opened: all that are
    open take what it stood at first.
    """

    _open: set[MemoryGauge] = set()  # noqa: RUF012 (shared on purpose: the mark is shared)
    _one_thread = threading.Lock()

    def __init__(self) -> None:
        self.mib = 0.0

    def __enter__(self) -> Self:
        with self._one_thread:
            self._look()
            with suppress(OSError):  # Linux only; elsewhere the peak is that of the whole process
                Path("/proc/self/clear_refs").write_text("5")
            self._open.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.read()
        with self._one_thread:
            self._open.discard(self)

    def read(self) -> float:
        """Return the most memory since the gauge was opened, in MiB."""
        with self._one_thread:
            self._look()
            return self.mib

    def _look(self) -> None:
        high = peak_memory_mib()
        for gauge in self._open:
            gauge.mib = max(gauge.mib, high)


class RunGauge:
    """What a run takes from its begin on."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self._highest = scratch, 0
        self._memory, self._ended = MemoryGauge(), threading.Event()
        self._began = _cpu_seconds()

    def __enter__(self) -> Self:
        self._memory.__enter__()
        threading.Thread(target=self._watch, name="scratch gauge", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._memory.__exit__()

    def taken(self) -> Taken:
        """Return what was taken so far."""
        self._look()
        spent = _cpu_seconds() - self._began
        return Taken(self._memory.read(), round(spent, 2), self._highest / MIB)

    def _watch(self) -> None:
        pause = SECONDS
        while not self._ended.wait(pause):
            began = time.thread_time()
            self._look()
            pause = max(SECONDS, (time.thread_time() - began) / SHARE)

    def _look(self) -> None:
        self._highest = max(self._highest, bytes_on_disk(self._scratch))


def peak_memory_mib() -> float:
    """Return the most memory this process has held since a gauge was last opened, in MiB."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bytes_on_disk(folder: Path) -> int:
    """Return what the files below a folder hold on the disk; what goes meanwhile is left out."""
    held, ahead = 0, [folder]
    while ahead:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            for entry in os.scandir(ahead.pop()):
                with suppress(FileNotFoundError):
                    held += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append(Path(entry.path))
    return held


def _cpu_seconds() -> float:
    own, waited = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime
