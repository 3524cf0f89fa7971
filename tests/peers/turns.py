"""Turns: each way of doing one work in a process of its own, one after another, several rounds.

What a way takes is told apart: seconds of work after its imports, processor seconds of its client
and of the database server, and the most memory that its process and those it started held, beyond
what it held when it began.
"""

from __future__ import annotations

import os
import resource
import statistics
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import psutil

Result = TypeVar("Result")
MIB = 1 << 20
SLOW = 2.0  # times what ours takes
LOOK = 0.01  # seconds between looks at the memory of a way
LOOKS = 20  # at memory for each look for the programs that it started, which takes a hundred times


@dataclass(frozen=True)
class Way:
    """One way of doing a work: a function of a module, and what it is given.

    name: floor, ours, or the peer's. version: of the peer. before: prepares a turn, while others
    prepare theirs; told says what came of it. Both are outside of what is measured.
    """

    name: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    version: str = ""
    before: Callable[..., Any] | None = None
    told: Callable[[Any], str] | None = None


@dataclass
class Taken:
    """What the turns of one way took; or why it has none."""

    seconds: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    said: str = ""
    failure: str = ""

    @property
    def median(self) -> float:
        """The middle of the seconds of its turns."""
        return statistics.median(self.seconds)


def measure(ways: Sequence[Way], rounds: int, postmaster: int) -> dict[str, Taken]:
    """Let each way have a turn in every round, and return what they took.

    The round before the first only warms; where rounds is 0 it is the one that counts. postmaster:
    process of the database server. A way that fails is out, with its reason; one that is SLOW
    beside ours has one turn, its first.
    """
    taken = {way.name: Taken() for way in ways}
    ours = taken.get("ours", Taken()).seconds
    warming: list[float] = []  # what ours took in the round before the first

    def is_slow(name: str, least: float) -> bool:
        told = ours or warming
        return name != "ours" and bool(told) and least > SLOW * max(told)

    def is_over(own: Taken, name: str) -> bool:
        return bool(own.failure or (own.seconds and is_slow(name, min(own.seconds))))

    with ExitStack() as opened:
        workers = {way.name: opened.enter_context(Worker(way, postmaster)) for way in ways}
        for worker in workers.values():  # started beside each other
            worker.load()
        for number in range(rounds + 1):
            left = {name: each for name, each in workers.items() if not is_over(taken[name], name)}
            for worker in left.values():  # prepared beside each other
                worker.ask("before")
            for name, worker in left.items():
                taken[name].failure, _ = worker.answer()
            os.sync()  # what they wrote is no part of the turns
            kept: dict[str, Worker] = {}
            for name, worker in left.items():
                own = taken[name]
                seconds = 0.0 if own.failure else worker.turn(own)
                if own.failure:
                    continue
                if name == "ours":
                    warming.append(seconds)
                if number or not rounds or is_slow(name, seconds):
                    worker.keep(own)
                    kept[name] = worker
            tell(kept, taken)
    return taken


def tell(kept: Mapping[str, Worker], taken: Mapping[str, Taken]) -> None:
    """Ask each way what came of its last turn; they find it out beside each other."""
    for worker in kept.values():
        worker.ask("told")
    for name, worker in kept.items():
        why, said = worker.answer()
        taken[name].said = f"what came of it cannot be told ({why})" if why else said


class Worker:
    """The process of one way; it ends with the context."""

    def __init__(self, way: Way, postmaster: int) -> None:
        self._ours, theirs = get_context("spawn").Pipe()
        self._server = psutil.Process(postmaster)
        self._process = get_context("spawn").Process(target=serve, args=(way, theirs), daemon=False)
        self._process.start()
        theirs.close()
        self._before = 0
        self._last = 0.0, 0.0, 0.0, 0.0

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._ours.send(None)
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()

    def load(self) -> None:
        """Wait until its modules are loaded."""
        self._ours.recv()
        self._before = psutil.Process(self._process.pid).memory_info().rss

    def turn(self, taken: Taken) -> float:
        """Let the way work once; return its seconds, or say in `taken` why it has none."""
        before, running = server_seconds(self._server), threading.Event()
        peak: list[float] = [0.0]
        watcher = threading.Thread(target=self._watch, args=(running, peak))
        watcher.start()
        try:
            self.ask("work")
            taken.failure, (seconds, client) = self.answer()
        finally:
            running.set()
            watcher.join()
        self._last = seconds, client, server_seconds(self._server) - before, peak[0]
        return float(seconds)

    def keep(self, taken: Taken) -> None:
        """Count the last turn."""
        seconds, client, server, peak = self._last
        taken.seconds.append(seconds)
        taken.client.append(client)
        taken.server.append(server)
        taken.peak_mib = max(taken.peak_mib, peak)

    def ask(self, word: str) -> None:
        """Let the process do what a word says."""
        with suppress(OSError):
            self._ours.send(word)

    def answer(self) -> tuple[str, Any]:
        """Wait for what the process says: a failure, empty for none, and what came of it."""
        try:
            failure, result = self._ours.recv()
        except (EOFError, OSError):
            return "its process ended", (0.0, 0.0)
        return failure, result

    def _watch(self, running: threading.Event, peak: list[float]) -> None:
        family = [process := psutil.Process(self._process.pid)]
        for look in count():
            if running.wait(LOOK):
                return
            with suppress(psutil.Error):
                if look % LOOKS == 0:
                    family = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], (sum(map(held, family)) - self._before) / MIB)


def serve(way: Way, pipe: Connection) -> None:
    """Do what each word says, and answer with a failure and what came of it: a process's life."""
    pipe.send("ready")
    result: Any = None
    while word := pipe.recv():
        answer: Any = ""
        try:
            if word == "before" and way.before:
                way.before(*way.arguments)
            elif word == "work":
                before, started = own_seconds(), time.perf_counter()
                result = way.work(*way.arguments)
                answer = time.perf_counter() - started, own_seconds() - before
            elif word == "told":
                answer = way.told(result) if way.told else result or ""
            failure = ""
        except Exception as error:  # noqa: BLE001  a peer may end in any way
            if way.name in ("floor", "ours"):
                traceback.print_exc()
            lines = str(error).strip().splitlines() or [type(error).__name__]
            failure, answer = lines[0][:200], (0.0, 0.0)
        pipe.send((failure, answer))


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process of its own, whose memory goes with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def held(process: psutil.Process) -> int:
    """Bytes that a process holds; none where it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def own_seconds() -> float:
    """Processor seconds of this process and of the programs it has waited for."""
    each = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in each)


def server_seconds(postmaster: psutil.Process) -> float:
    """Processor seconds of a database server: of its processes now, and of those that ended."""
    times = postmaster.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for process in postmaster.children(recursive=True):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:2])
    return total
