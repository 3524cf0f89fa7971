"""A proxy in front of a real S3 API with the faults real object stores have, for the requests that
it is told.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
KEY = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A request: its number, method, path and query, and its body."""

    number: int
    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """The object it is about, or ""."""
        return unquote(self.path).strip("/").partition("/")[2]

    @property
    def lists(self) -> bool:
        """Whether it asks for a listing of objects."""
        return self.method == "GET" and "list-type" in self.query

    @property
    def reads(self) -> bool:
        """Whether it asks for the bytes of an object."""
        return self.method == "GET" and bool(self.key) and not self.query.keys() - {"x-id"}

    @property
    def writes(self) -> bool:
        """Whether it brings bytes, of an object or of a part."""
        return self.method == "PUT" and bool(self.key)

    @property
    def deletes(self) -> bool:
        """Whether it deletes objects."""
        return (self.method == "DELETE" and "uploadId" not in self.query) or (
            self.method == "POST" and "delete" in self.query
        )


Fault = Callable[["Handler", Asked], None]
Chosen = Callable[[Asked], bool]


@dataclass
class FaultyBucket:
    """A proxy: its faults with the requests they are for, all that was asked, and a stale listing.

    frozen: whether listings show what was there when they were frozen.
    """

    port: int
    url: str = ""
    faults: list[tuple[Chosen, Fault]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    frozen: bool = False
    written: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    def fail(self, fault: Fault, chosen: Chosen = lambda _: True, *, times: int = 1 << 30) -> None:
        """Have a fault for requests that are chosen, so many times from now on."""
        left = [times]

        def still(asked: Asked) -> bool:
            if left[0] <= 0 or not chosen(asked):
                return False
            left[0] -= 1
            return True

        self.faults.append((still, fault))

    def heal(self) -> None:
        """Have no fault any more."""
        self.faults.clear()
        self.frozen = False
        self.written.clear()
        self.deleted.clear()

    def freeze(self) -> None:
        """Let listings show what is there now, whatever is written and deleted from now on."""
        self.frozen = True

    def note(self, method: str, path: str, body: bytes) -> tuple[Asked, Fault | None]:
        """Keep a request, and give the fault it meets."""
        parts = urlsplit(path)
        with self.lock:
            query = parse_qs(parts.query, keep_blank_values=True)
            asked = Asked(len(self.asked) + 1, method, parts.path, query, body)
            self.asked.append(asked)
            return asked, next((fault for chosen, fault in self.faults if chosen(asked)), None)

    def listing(self, asked: Asked, text: bytes) -> bytes:
        """Make a listing as stale as it is told."""
        if not (self.frozen and asked.lists):
            return text

        def kept(match: re.Match[bytes]) -> bytes:
            key = KEY.search(match[0])
            return b"" if key and key[1].decode() in self.written else match[0]

        prefix = asked.query.get("prefix", [""])[0]
        ghosts = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>1</Size><ETag>&quot;0&quot;</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for key in sorted(self.deleted)
            if key.startswith(prefix)
        )
        end = b"</ListBucketResult>"
        return CONTENTS.sub(kept, text).replace(end, ghosts.encode() + end)


class Handler(BaseHTTPRequestHandler):
    """Hands requests on to the S3 API behind it, unless a fault is meant for them."""

    protocol_version = "HTTP/1.1"
    bucket: FaultyBucket

    def hand_on(self) -> None:
        """Answer one request."""
        body = self._body()
        asked, fault = self.bucket.note(self.command, self.path, body)
        try:
            if fault:
                fault(self, asked)
            else:
                self.answer(asked)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = hand_on

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            found = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def behind(self, asked: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the S3 API behind says: status, headers, body."""
        connection = HTTPConnection("127.0.0.1", self.bucket.port, timeout=300)
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in ("transfer-encoding", "connection", "expect", "content-length")
        }
        connection.request(self.command, self.path, asked.body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status < 300 and asked.key:
            self._remember(asked)
        kept = [
            (name, value)
            for name, value in response.getheaders()
            if name.lower() not in ("transfer-encoding", "connection", "content-length")
        ]
        length = response.getheader("Content-Length") if self.command == "HEAD" else None
        return response.status, [*kept, ("Content-Length", length or "")], text

    def _remember(self, asked: Asked) -> None:
        if not self.bucket.frozen:
            return
        if asked.writes:
            self.bucket.written.add(asked.key)
        if asked.method == "DELETE":
            self.bucket.deleted.add(asked.key)

    def answer(self, asked: Asked, upto: float = 1.0) -> None:
        """Give the answer of the S3 API, or only its beginning; then the line breaks."""
        status, headers, text = self.behind(asked)
        text = self.bucket.listing(asked, text)
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value or str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text[: int(len(text) * upto)])
        if upto < 1:
            self.wfile.flush()
            self.hang_up()

    def hang_up(self) -> None:
        """Break the line."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, status: int, code: str, sentence: str) -> None:
        """Answer with an error of S3."""
        text = f"<Error><Code>{code}</Code><Message>{sentence}</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def refused(status: int, code: str, sentence: str = "No.") -> Fault:
    """An error of S3."""
    return lambda handler, _: handler.refuse(status, code, sentence)


def cut(handler: Handler, asked: Asked) -> None:
    """The line breaks in the middle of an answer."""
    handler.answer(asked, upto=0.5)


def lost(handler: Handler, _: Asked) -> None:
    """The line breaks before anything was done."""
    handler.hang_up()


def done_and_lost(handler: Handler, asked: Asked) -> None:
    """What was asked is done, and the line breaks before anything is said of it."""
    handler.behind(asked)
    handler.hang_up()


def slow(seconds: float) -> Fault:
    """An answer that comes late."""

    def answer(handler: Handler, asked: Asked) -> None:
        time.sleep(seconds)
        handler.answer(asked)

    return answer


BUSY = refused(503, "SlowDown", "Please reduce your request rate.")
FORBIDDEN = refused(403, "AccessDenied", "Access Denied")
WRONG = refused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.")
UNSIGNED = refused(403, "SignatureDoesNotMatch", "The request signature we calculated differs.")
EXPIRED = refused(400, "ExpiredToken", "The provided token has expired.")


@contextmanager
def before(port: int) -> Iterator[FaultyBucket]:
    """A proxy in front of an S3 API of this machine."""
    bucket = FaultyBucket(port)
    handler = type("Bound", (Handler,), {"bucket": bucket})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    bucket.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
