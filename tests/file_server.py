"""A small real HTTP server for a folder: validators, conditional requests and byte ranges, as a
publisher's server has them.

python tests/file_server.py FOLDER --port 0
"""

from __future__ import annotations

import argparse
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

BLOCK = 1 << 20


@contextmanager
def serve(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve a folder on this machine only; gives the base URL with its final slash."""
    with serve_with(partial(FolderHandler, folder=folder.resolve()), port) as url:
        yield url


@contextmanager
def serve_with(handler: Callable[..., BaseHTTPRequestHandler], port: int = 0) -> Iterator[str]:
    """Answer with a handler, on this machine only; gives the base URL with its final slash."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class FolderHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD with the files of one folder."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a body waits for the receipt of its headers

    def __init__(self, *arguments: object, folder: Path) -> None:
        self.folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send the file, a range of it, or why not."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """The same without the body."""
        self._answer(with_body=False)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output quiet."""

    def find(self) -> Path | None:
        """The file at the address asked for, None where there is none."""
        path = (self.folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        return path if path.is_relative_to(self.folder) and path.is_file() else None

    def content_type(self, path: Path) -> str:
        """What a file is said to be."""
        return "application/octet-stream"

    def _answer(self, *, with_body: bool) -> None:
        path = self.find()
        if path is None:
            return self._refuse(HTTPStatus.NOT_FOUND)
        status = path.stat()
        self.etag, self.modified, size = (
            f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
            int(status.st_mtime),
            status.st_size,
        )
        if self._unchanged():
            return self._refuse(HTTPStatus.NOT_MODIFIED)
        span = self._range(size)
        if span is None:
            return self._refuse(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, ("Content-Range", f"bytes */{size}")
            )
        first, end = span
        partial_answer = end - first < size
        self.send_response(HTTPStatus.PARTIAL_CONTENT if partial_answer else HTTPStatus.OK)
        if partial_answer:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{size}")
        self.send_header("Content-Type", self.content_type(path))
        self._send_headers(end - first)
        if with_body:
            with open(path, "rb") as file:
                self._send(file, first, end - first)

    def _unchanged(self) -> bool:
        if known := self.headers.get("If-None-Match"):
            return known.strip() == "*" or self.etag in [
                tag.strip().removeprefix("W/") for tag in known.split(",")
            ]
        since = _seconds(self.headers.get("If-Modified-Since"))
        return since is not None and self.modified <= since

    def _range(self, size: int) -> tuple[int, int] | None:
        """The first byte and the end asked for; the whole file without a usable Range; None when it
        lies outside the file.
        """
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if condition and condition != self.etag and _seconds(condition) != self.modified:
            asked = None
        if asked is None or not (asked[1] or asked[2]):
            return 0, size
        if not asked[1]:
            return (max(0, size - int(asked[2])), size) if int(asked[2]) and size else None
        first, end = int(asked[1]), min(size, int(asked[2]) + 1 if asked[2] else size)
        return (first, end) if first < end else None

    def _refuse(self, status: HTTPStatus, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self._send_headers(0, with_validators=status == HTTPStatus.NOT_MODIFIED)

    def _send_headers(self, length: int, *, with_validators: bool = True) -> None:
        if with_validators:
            self.send_header("ETag", self.etag)
            self.send_header("Last-Modified", formatdate(self.modified, usegmt=True))
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, file: IO[bytes], first: int, length: int) -> None:
        file.seek(first)
        while length and (block := file.read(min(BLOCK, length))):
            self.wfile.write(block)
            length -= len(block)


def _seconds(date: str | None) -> int | None:
    """An HTTP date as seconds since 1970, None when it is not one."""
    try:
        return int(parsedate_to_datetime(date).timestamp()) if date else None
    except ValueError:
        return None


def main() -> None:
    """Serve a folder until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    chosen = parser.parse_args()
    if not chosen.folder.is_dir():
        parser.error(f"{chosen.folder} is not a folder.")
    with serve(chosen.folder, chosen.port) as url, suppress(KeyboardInterrupt):
        print(url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
