"""Programs that count their effects on disk and database, and kill themselves before one of them.

Started as `python tests/effects.py`, this reads jobs, a JSON object a line, and does each in a
child of its own: `job` (a name of JOBS), `arguments`, `environment`, `kill` (the number of the
effect before which the child ends by SIGKILL; 0: none), `log` (a file that gets a line for each
effect). It answers with the child's process number, then with its status.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import aiobotocore.client
import psycopg2
from psycopg2 import extensions, sql

from tasks.running.endings import leave

JOBS = {
    "run": "runland:runland",
    "yearland": "yearland:yearland",
    "accept": "flows.accept:accept",
    "rollback": "flows.rollback:rollback",
    "withdraw": "flows.withdraw:withdraw",
    "purge": "flows.purge:purge",
    "audit": "flows.audit_archive:audit_archive",
    "rebuild": "flows.rebuild:rebuild",
    "drill": "flows.drill:drill",
}
FILES = """os.rename os.link os.symlink os.remove os.mkdir os.rmdir os.chmod os.utime os.truncate
 """.split()
READING = ("SELECT", "SHOW", "SET ", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Effects:
    """Counts effects, and kills this process before the one it was told."""

    def __init__(self, kill: int, log: str, roots: list[str]) -> None:
        self.kill, self.roots, self.count = kill, roots, 0
        self.lock = threading.Lock()
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def happen(self, what: str) -> None:
        """Note one effect that is about to happen, or kill this process before it."""
        with self.lock:
            self.count += 1
            os.write(self.log, f"{self.count} {' '.join(what.split())[:160]}\n".encode())
            if self.count == self.kill:
                os.kill(os.getpid(), signal.SIGKILL)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what Python says of files in the places that are watched."""
        if event not in FILES and not (event == "open" and (arguments[2] or 0) & WRITING):
            return
        path = arguments[1] if event in ("os.rename", "os.link") else arguments[0]
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(tuple(self.roots)):
            self.happen(f"{event} {path}")


def watch(effects: Effects) -> None:
    """Count the effects of this process from now on."""
    sys.addaudithook(effects.hear)
    _before(os, "fsync", lambda *_: effects.happen("fsync"))
    _before(aiobotocore.client.AioBaseClient, "_make_api_call", _asked_of_bucket(effects))
    _watch_statements(effects)


def _before(owner: Any, name: str, note: Callable[..., None]) -> None:
    act = getattr(owner, name)

    def noted(*arguments: Any, **named: Any) -> Any:
        note(*arguments)
        return act(*arguments, **named)

    setattr(owner, name, noted)


def _asked_of_bucket(effects: Effects) -> Callable[..., None]:
    def note(_: Any, operation: str, *__: Any) -> None:
        if operation.startswith(("Put", "Delete", "Create", "Complete", "Upload", "Abort", "Copy")):
            effects.happen(f"S3 {operation}")

    return note


def _watch_statements(effects: Effects) -> None:
    """Count the statements that change something, and the commits of those."""

    class Cursor(extensions.cursor):
        def execute(self, query: Any, vars: Any = None) -> None:
            text = query.as_string(self) if isinstance(query, sql.Composable) else str(query)
            if not text.lstrip().upper().startswith(READING):
                cast(Connection, self.connection).changed = True
                effects.happen(text)
            super().execute(query, vars)

        def copy_expert(self, sql: Any, *arguments: Any) -> None:
            cast(Connection, self.connection).changed = True
            effects.happen(sql.as_string(self))
            super().copy_expert(sql, *arguments)

    class Connection(extensions.connection):
        changed = False

        def commit(self) -> None:
            if self.changed:
                effects.happen("COMMIT")
            self.changed = False
            super().commit()

    connect = psycopg2.connect

    def counted(*arguments: Any, **named: Any) -> Any:
        return connect(*arguments, **named, connection_factory=Connection, cursor_factory=Cursor)

    psycopg2.connect = counted


def do(job: dict[str, Any]) -> int:
    """Do a job in this process, watched; return 0, or 1 where it failed."""
    os.environ.update(job["environment"])
    module, _, name = JOBS[job["job"]].partition(":")
    flow = getattr(importlib.import_module(module), name)
    watch(Effects(job["kill"], job["log"], job["roots"]))
    state = flow(**job["arguments"], return_state=True)
    if not state.is_completed():
        error = state.result(raise_on_failure=False)
        Path(f"{job['log']}.ended").write_text(json.dumps([type(error).__name__, str(error)]))
        return 1
    return 0


def main() -> None:
    """Do the jobs on the standard input, each in a child of this process."""
    for target in JOBS.values():
        importlib.import_module(target.partition(":")[0])
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            leave(do(json.loads(line)))
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    main()
