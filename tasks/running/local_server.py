"""A Prefect server with its UI that stays up in the background of this machine.

Runs that find it start at once; without it each run starts a throw-away server (about twenty
seconds). Its history and its state file `server.json` are in the data folder, so it never meets a
server that belongs to something else. `python -m tasks.running.local_server start|stop|url`, or `make
server` and `make stop`.
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
    """The folder of Prefect's own files (PREFECT_HOME) for runs on this machine, created when
    missing.
    """
    folder = data_folder() / "prefect"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def url() -> str | None:
    """The API address of the background server, None when it does not answer."""
    address, process = _state()
    if address is None or process is None or not _is_server(process):
        return None
    return address if _answers(address) else None


def start() -> str:
    """Start the background server unless it is up, and give its API address; ConfigurationError
    when it does not come up.
    """
    with _alone():
        return url() or _start()


def stop() -> bool:
    """Stop the background server; false when it was not running."""
    with _alone():
        _, process = _state()
        running = process is not None and _is_server(process)
        if process is not None and running:
            _end(process)
        _state_file().unlink(missing_ok=True)
    return running


def _start() -> str:
    port = _free_port()
    address = f"http://127.0.0.1:{port}/api"
    log = home() / "server.log"
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with log.open("ab") as output:
        server = subprocess.Popen(
            command,
            env=_environment(address),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(server, address, log)
    except BaseException:  # also when a person interrupts the wait: nothing may stay behind unseen
        if server.poll() is None:
            _end(server.pid)
        raise
    _state_file().write_text(json.dumps({"url": address, "port": port, "pid": server.pid}))
    return address


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not _answers(address):
        if server.poll() is not None or time.monotonic() > until:
            happened = (
                f"did not answer within {PATIENCE:.0f} s"
                if server.returncode is None
                else f"ended with code {server.returncode}"
            )
            raise ConfigurationError(
                f"The Prefect server on {address} {happened}: its log {log} says why."
            )
        time.sleep(0.2)


def _environment(address: str) -> dict[str, str]:
    """A person's own profile and settings stay out of it, and it tells nobody that it exists."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    analytics = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    return (
        own
        | analytics
        | {"PREFECT_HOME": str(home()), "PREFECT_API_URL": address, "PREFECT_CLI_PROMPT": "false"}
    )


def _end(process: int) -> None:
    """Ask the server's whole process group to end, and make it after half a minute."""
    for number, seconds in ((signal.SIGTERM, 30.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(process, number)
        until = time.monotonic() + seconds
        while _is_server(process) and time.monotonic() < until:
            time.sleep(0.1)
        if not _is_server(process):
            return


def _is_server(process: int) -> bool:
    """Whether a process id is still a Prefect server: ids are given again to other programs."""
    try:
        if not Path("/proc/self").exists():
            os.kill(process, 0)
            return True
        return (
            b"prefect" in Path(f"/proc/{process}/cmdline").read_bytes()
        )  # empty when it has ended and was not yet collected
    except OSError:
        return False


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise ConfigurationError(
        "No free port was found for the Prefect server on 127.0.0.1: stop a program that listens"
        " there."
    )


def _state_file() -> Path:
    return home() / "server.json"


def _state() -> tuple[str | None, int | None]:
    """The address and process id last written down, None each when there is nothing readable."""
    try:
        state = json.loads(_state_file().read_text())
        return str(state["url"]), int(state["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, None


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time starts or stops."""
    with (home() / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Start, stop or show the server; 0 when done, 1 with one sentence when not."""
    try:
        match arguments:
            case ["start"]:
                address = start()
                print(
                    f"The Prefect server is up: {address.removesuffix('/api')} shows its runs."
                    " 'make stop' ends it."
                )
            case ["stop"]:
                print(
                    "The Prefect server has stopped."
                    if stop()
                    else "The Prefect server was not running."
                )
            case ["url"]:
                address = url() or ""
                print(
                    address or "The Prefect server is not running: 'make server' starts it.",
                    file=sys.stdout if address else sys.stderr,
                )
                return 0 if address else 1
            case _:
                raise ConfigurationError(
                    f"The arguments {' '.join(arguments)!r} are not understood; expected one of"
                    " start, stop, url."
                )
    except GeodataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
