"""A real web server with the faults real publishers have: each address follows a script, its last
step for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

Step = Callable[["Handler"], int]


@dataclass
class Asked:
    """A question the server was asked, and the bytes of body it sent."""

    path: str
    headers: dict[str, str]
    answered: Future[int] = field(default_factory=Future, repr=False)

    @property
    def sent(self) -> int:
        """Wait for the end of the answer: the client may have all of it a moment earlier."""
        return self.answered.result(timeout=300)


@dataclass
class FaultyServer:
    """The scripts by path, and everything that was asked."""

    base: str
    scripts: dict[str, list[Step]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def script(self, path: str, *steps: Step) -> str:
        """Give an address its answers, in order; returns its URL."""
        self.scripts[path] = list(steps)
        return self.base + path

    def next_step(self, path: str) -> Step:
        """The answer to give now."""
        with self.lock:
            steps = self.scripts.get(path.partition("?")[0], [status(404)])
            return steps.pop(0) if len(steps) > 1 else steps[0]


class Handler(BaseHTTPRequestHandler):
    """Follows the script and notes what was asked."""

    protocol_version = "HTTP/1.1"
    faulty: FaultyServer

    def do_GET(self) -> None:
        """Give the next answer of the script; a client that hangs up is no failure."""
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.faulty.asked.append(asked)
        sent = 0
        try:
            sent = self.faulty.next_step(self.path)(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            asked.answered.set_result(sent)

    def begin(self, code: int, **headers: object) -> None:
        """Status line and headers; underscores stand for hyphens."""
        self.send_response(code)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def whole(
    body: bytes,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    ranges: bool = True,
    kind: str = "application/zip",
) -> Step:
    """A healthy answer: 304 when the validators match, 206 for a range unless ranges are ignored,
    else 200.
    """

    def answer(handler: Handler) -> int:
        asked = handler.headers
        matches = (etag and asked.get("If-None-Match") == etag) or (
            last_modified
            and "If-None-Match" not in asked
            and asked.get("If-Modified-Since") == last_modified
        )
        if matches:
            handler.begin(304, ETag=etag)
            return 0
        start = 0
        if ranges and "Range" in asked and asked.get("If-Range") in (etag, last_modified):
            start = int(asked["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                handler.begin(416, Content_Range=f"bytes */{len(body)}", Content_Length=0)
                return 0
        found = {
            "ETag": etag,
            "Last_Modified": last_modified,
            "Content_Type": kind,
            "Content_Length": len(body) - start,
        }
        if start:
            found["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.begin(206 if start else 200, **found)
        handler.wfile.write(body[start:])
        return len(body) - start

    return answer


def cut(body: bytes, after: int, *, etag: str | None = None) -> Step:
    """The line breaks after so many bytes of the body that was promised."""

    def answer(handler: Handler) -> int:
        handler.begin(200, ETag=etag, Content_Length=len(body))
        handler.wfile.write(body[:after])
        handler.close_connection = True
        return after

    return answer


def raw(head: bytes, body: bytes) -> Step:
    """An answer of any bytes at all; the line ends with it."""

    def answer(handler: Handler) -> int:
        handler.wfile.write(head + body)
        handler.close_connection = True
        return len(body)

    return answer


def coded(body: bytes, coding: str | None, *, etag: str | None = None) -> Step:
    """A body under a content coding nobody asked for; it can be resumed."""

    def answer(handler: Handler) -> int:
        handler.begin(200, ETag=etag, Content_Encoding=coding, Content_Length=len(body))
        handler.wfile.write(body)
        return len(body)

    return answer


def endless(body: bytes) -> Step:
    """A body whose length nobody says: the connection ends where it ends."""

    def answer(handler: Handler) -> int:
        handler.begin(200, Connection="close")
        handler.wfile.write(body)
        handler.close_connection = True
        return len(body)

    return answer


def ranged(body: bytes, content_range: str) -> Step:
    """A part of a file, with what the server says of it."""

    def answer(handler: Handler) -> int:
        handler.begin(206, Content_Range=content_range, Content_Length=len(body))
        handler.wfile.write(body)
        return len(body)

    return answer


def status(code: int, **headers: object) -> Step:
    """A bare status."""

    def answer(handler: Handler) -> int:
        handler.begin(code, Content_Length=0, **headers)
        return 0

    return answer


def slow(seconds: float, then: Step) -> Step:
    """A pause before the answer."""

    def answer(handler: Handler) -> int:
        time.sleep(seconds)
        return then(handler)

    return answer


def trickle(body: bytes, pieces: int, pause: float, *, etag: str | None = None) -> Step:
    """The body in pieces with pauses between them."""

    def answer(handler: Handler) -> int:
        handler.begin(200, ETag=etag, Content_Length=len(body))
        step = -(-len(body) // pieces)
        for start in range(0, len(body), step):
            handler.wfile.write(body[start : start + step])
            time.sleep(pause)
        return len(body)

    return answer


@contextmanager
def running(address: str = "127.0.0.1") -> Iterator[FaultyServer]:
    """The server on a free port of this machine, for the length of a test."""
    server = ThreadingHTTPServer((address, 0), type("Scripted", (Handler,), {}))
    server.daemon_threads = True
    faulty = FaultyServer(f"http://{address}:{server.server_address[1]}")
    server.RequestHandlerClass.faulty = faulty  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield faulty
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
