"""A flow run as in a pod: its processes, a folder for its scratch, and what they take."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.running.gauges import MIB, bytes_on_disk

ROOT = Path(__file__).resolve().parents[1]
CGROUPS = Path("/sys/fs/cgroup")
LIMIT = {"memory/memory.limit_in_bytes": "memory", "memory.max": ""}  # a file, and its hierarchy


@dataclass
class Pod:
    """A folder that stands for the scratch of a pod, the processes in it, and what they took."""

    folder: Path
    memory: int | None
    peak_mib: float = 0.0
    around_mib: float = 0.0  # of all processes but the largest: Prefect's own
    scratch_mib: float = 0.0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    largest: dict[int, float] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """What base-job-template.json sets, with a folder in place of /scratch."""
        own = ("HOME", "TMPDIR", "PREFECT_HOME", "PREFECT_LOCAL_STORAGE_PATH", "GEODATA_DATA")
        places = ("", "", "prefect", "prefect/storage", "data")
        paths = {name: str(self.folder / place) for name, place in zip(own, places, strict=True)}
        return os.environ | paths | {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "180"}

    def run(self, flow_run: str) -> None:
        """Run it to its end as the command of a pod, and look at it all the while."""
        self.folder.mkdir()
        command = [sys.executable, "-m", "prefect", "flow-run", "execute", flow_run]
        with caged(self.memory) as enter, (self.folder.with_suffix(".log")).open("wb") as log:
            started = time.monotonic()
            process = subprocess.Popen(
                command,
                env=self.environment(),
                cwd=ROOT,
                stdout=log,
                stderr=log,
                preexec_fn=enter,
            )
            while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
                self._look(process.pid)
                time.sleep(0.2)
            self.seconds = time.monotonic() - started
            process.returncode = os.waitstatus_to_exitcode(ended[1])
            self.cpu_seconds = ended[2].ru_utime + ended[2].ru_stime
        shutil.rmtree(self.folder)

    def _look(self, root: int) -> None:
        held = {process: status(process) for process in tree(root)}
        for process, (_, most) in held.items():
            self.largest[process] = max(most, self.largest.get(process, 0.0))
        now = sum(now for now, _ in held.values())
        self.around_mib = max(self.around_mib, now - max(each for each, _ in held.values()))
        missed = max(self.largest[each] - held[each][0] for each in held)
        self.peak_mib = max(self.peak_mib, now + missed)
        self.scratch_mib = max(self.scratch_mib, bytes_on_disk(self.folder) / MIB)


def tree(root: int) -> list[int]:
    """A process and all that it started, or those started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for process in found:
        found += parents.get(process, [])
    return found


def status(process: int) -> tuple[float, float]:
    """The memory of a process now, and at most since its mark was set back, in MiB."""
    with suppress(OSError):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        told = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "VmHWM")))
        if told:
            return tuple(int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]
    return 0.0, 0.0


@contextmanager
def caged(memory: int | None) -> Iterator[Any]:
    """Give what a process calls to enter a cgroup of its own with so much memory."""
    if memory is None:
        yield None
        return
    name, hierarchy = next((n, h) for n, h in LIMIT.items() if _offered(n))
    group = CGROUPS / hierarchy / f"geodata-sizes-{os.getpid()}"
    group.mkdir()
    (group / Path(name).name).write_text(str(memory))
    try:
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        for told in ("memory.max_usage_in_bytes", "memory.failcnt", "memory.events", "memory.peak"):
            with suppress(OSError):
                print(f"  {told}: {(group / told).read_text().strip()}", flush=True)
        with suppress(OSError):
            group.rmdir()


def _offered(name: str) -> bool:
    controllers = CGROUPS / "cgroup.controllers"
    if name == "memory.max":
        return controllers.exists() and "memory" in controllers.read_text().split()
    return (CGROUPS / name).exists()
