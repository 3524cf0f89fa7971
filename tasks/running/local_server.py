"""A Prefect server with its UI that stays up in the background of this machine.

Runs report to it, and the first one starts it where it is not up. Its history, its log and its
state file `server.json` are in the data folder, so it never meets a server that belongs to
something else: `make server` and `make stop`, or
`python -m tasks.running.local_server start|stop|url`.

`prefect server start --background` (3.8) is not as safe: it comes back before the server is up,
keeps no log, dies with its terminal, refuses to start after a crash until somebody stops what is
not there, and its stop ends whatever program has the process id by then.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tasks.core.model.errors import ConfigurationError, GeodataError
from tasks.core.model.settings import ROOT, data_folder

USUAL_PORT = 4200
PATIENCE = 180.0  # seconds; a first start creates Prefect's database


def home() -> Path:
    """Return the folder of Prefect's own files (PREFECT_HOME) here, created when missing."""
    folder = data_folder() / "prefect"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def url() -> str | None:
    """Return the API address of the background server, None when it does not answer."""
    address, _ = _running() or (None, 0)
    return address if address and _answers(address) else None


def start() -> str:
    """Start the background server unless it is up, and return its API address.

    Raises ConfigurationError when it does not come up.
    """
    with _alone():
        running = _running()
        address, process = running or _launch()
        try:
            _wait(address, process)
        except BaseException:  # also when a person interrupts the wait: nothing may stay half up
            if running is None:  # one that was up before is only busy
                _end(process)
            raise
    return address


def stop() -> bool:
    """Stop the background server; return false when it was not running."""
    with _alone():
        running = _running()
        if running:
            _end(running[1])
        _state_file().unlink(missing_ok=True)
    return running is not None


def _launch() -> tuple[str, int]:
    """Start a server; return its address and process id, which are written down at once."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}/api"
    words = f"-m prefect server start --host 127.0.0.1 --port {port}".split()
    with _log().open("ab") as output:
        server = subprocess.Popen(
            [sys.executable, *words],
            env=_environment(address),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _state_file().write_text(json.dumps({"url": address, "pid": server.pid}))
    return address, server.pid


def _wait(address: str, process: int) -> None:
    until = time.monotonic() + PATIENCE
    while not _answers(address):
        happened = "" if _is_server(process) else "ended before it was up"
        if time.monotonic() > until:
            happened = happened or f"did not answer within {PATIENCE:.0f} s"
        if happened:
            raise ConfigurationError(
                f"The Prefect server on {address} {happened}: its log {_log()} says why."
            )
        time.sleep(0.2)


def _environment(address: str) -> dict[str, str]:
    """Return an environment without a person's own profile and settings, and without telemetry."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return own | {
        "PREFECT_HOME": str(home()),
        "PREFECT_API_URL": address,
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _end(process: int) -> None:
    """Ask the server's whole process group to end, and make it after half a minute."""
    for number, seconds in ((signal.SIGTERM, 30.0), (signal.SIGKILL, 5.0)):
        until = time.monotonic() + seconds
        if _is_server(process):
            with suppress(ProcessLookupError):
                os.killpg(process, number)
        while _is_server(process) and time.monotonic() < until:
            time.sleep(0.1)


def _is_server(process: int) -> bool:
    """Return whether a process id is still a Prefect server: ids are given again to others."""
    try:
        if not Path("/proc/self").exists():
            os.kill(process, 0)
            return True
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return b"prefect\0server\0start" in command  # empty when it has ended and was not collected yet


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    """Return the usual port, or another one where a program listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _log() -> Path:
    return home() / "server.log"


def _state_file() -> Path:
    return home() / "server.json"


def _running() -> tuple[str, int] | None:
    """Return the address and process id written down last; None when that server has ended."""
    try:
        state = json.loads(_state_file().read_text())
        address, process = str(state["url"]), int(state["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (address, process) if _is_server(process) else None


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time start or stop the server."""
    with (home() / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Start, stop or show the server; 0 when done, 1 with one sentence when not."""
    try:
        match arguments:
            case ["start"]:
                page = start().removesuffix("/api")
                print(f"The Prefect server is up: {page} shows its runs. 'make stop' ends it.")
            case ["stop"]:
                print(f"The Prefect server {'has stopped' if stop() else 'was not running'}.")
            case ["url"]:
                print(_require_url())
            case _:
                raise ConfigurationError(
                    f"The arguments {' '.join(arguments)!r} are not understood; expected one of"
                    " start, stop, url."
                )
    except GeodataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _require_url() -> str:
    if address := url():
        return address
    raise ConfigurationError("The Prefect server is not running: 'make server' starts it.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
