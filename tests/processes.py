"""Processes that tests start: each ends with its test, and none outlives the session.

Every process of a session carries the session's folder in its environment. A warden, a program
beside pytest (`python tests/processes.py FOLDER PROCESS`), ends what is left and removes the folder
when pytest itself was killed.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil

MARK = "GEODATA_TEST_SESSION"
GRACE = float(
    os.environ.get("GEODATA_TEST_GRACE", 10)
)  # seconds between asking a process to end and making it
PATIENCE = 600.0  # seconds that a command may take on a busy machine


@cache
def session() -> Path:
    """Make the folder of the session, which ends with this process; the workers of xdist have that
    of their parent.
    """
    folder = Path(os.environ.get(MARK, ""))
    if "PYTEST_XDIST_WORKER" in os.environ and f"-{os.getppid()}-" in folder.name:
        return folder
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # outlives the session
    folder = Path(tempfile.mkdtemp(prefix=f"geodata-tests-{os.getpid()}-"))
    folder.chmod(0o755)  # the PostgreSQL account walks through it when the tests run as root
    os.environ.pop(MARK, None)  # the warden is no part of the session
    command = [sys.executable, __file__, str(folder), str(os.getpid())]
    atexit.register(_close, folder, subprocess.Popen(command, start_new_session=True))
    os.environ[MARK] = str(folder)
    return folder


def _close(session: Path, warden: subprocess.Popen[bytes]) -> None:
    """Clear a session at the end of its process, when all else that ends there has ended."""
    clear(session)
    warden.kill()
    warden.wait()


class Program(subprocess.Popen[str]):
    """A program in a process group of its own; what it says goes to a file, so that it never waits
    for a reader.
    """

    def __init__(self, *command: str, **options: Any) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115
        pipes = {"stdout": self.file, "stderr": self.file}
        super().__init__(command, text=True, start_new_session=True, **pipes | options)

    def said(self) -> str:
        """Read the output so far."""
        return os.pread(self.file.fileno(), os.fstat(self.file.fileno()).st_size, 0).decode()

    def finish(self, code: int = 0) -> str:
        """Wait for the end, which must have this exit code, and give the output."""
        assert self.wait(PATIENCE) == code, self.said()
        return self.said()


@contextmanager
def started(*command: str, grace: float = GRACE, **options: Any) -> Iterator[Program]:
    """Start a program, and end it with everything that it started when the context ends."""
    with Program(*command, **options) as program, program.file:
        try:
            yield program
        finally:
            end(program, grace)


def end(process: Program, grace: float) -> None:
    """Ask a program to end, then kill its group and all that it had started."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    for child in family:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, for PATIENCE at most, and give what it said."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(*command, **pipes | options) as process:
        said, errors = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(command, process.returncode, said, errors)


def left(session: Path) -> list[psutil.Process]:
    """Find the processes of a session that run, this one aside."""
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _environment(process).get(MARK) == str(session)
    ]


def _environment(process: psutil.Process) -> dict[str, str]:
    """Read the environment a process was started with; empty when it has ended or is another's."""
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def stragglers(session: Path, seconds: float = GRACE) -> list[str]:
    """Describe the processes of a session that have not ended after so many seconds."""
    until = time.monotonic() + seconds
    while (found := left(session)) and time.monotonic() < until:
        time.sleep(0.1)
    return [_described(process) for process in found]


def _described(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return f"{process.pid}: {' '.join(process.cmdline())[:200]}"
    return f"{process.pid}"


def clear(session: Path) -> None:
    """End every process of a session, by force where it must be, and remove its folder."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        for process in left(session):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        if not stragglers(session):
            break
    shutil.rmtree(session, ignore_errors=True)


if __name__ == "__main__":
    while os.getppid() == int(sys.argv[2]):
        time.sleep(0.5)
    clear(Path(sys.argv[1]))
