"""One question to one address, and the bytes it answers with, streamed to disk while they are
hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from typing import Literal

import httpx

from tasks.core.model.addresses import local_path, redact
from tasks.core.upstream import http
from tasks.core.upstream.parts import CHUNK, Part, part_of

Report = Callable[[int, int | None], None]
HEADERS_OF_INTEREST = (
    "content-type",
    "content-length",
    "content-disposition",
    "content-encoding",
    "date",
    "server",
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an address answered. received, truncated and invalid: `path` holds bytes, `sha256` and
    `size` describe them.

    invalid: one page of several does not fit, and `detail` says why. refused is a permanent no
    (403, a redirect loop); unreachable may pass. URLs in here carry no credentials.
    """

    kind: Literal["received", "unchanged", "gone", "refused", "truncated", "invalid", "unreachable"]
    moved_to: str = ""
    path: Path | None = None
    sha256: str | None = None
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


def ask(
    url: str, report: Report, *, etag: str | None = None, last_modified: str | None = None
) -> Answer:
    """Ask an address for its bytes, only if they differ from those that `etag` and `last_modified`
    stand for.

    report is called with the bytes received and the bytes expected (None when unknown). Raises
    nothing about the publisher: every failure is a kind of answer.
    """
    path = local_path(url)
    with part_of(url) as part:
        if path is not None:
            return _copy(path, part, report, etag)
        with http.client() as client:
            return _Question(client, url, part, report, etag, last_modified).answer()


class _Question:
    def __init__(
        self,
        client: httpx.Client,
        url: str,
        part: Part,
        report: Report,
        etag: str | None,
        last_modified: str | None,
    ) -> None:
        self.client, self.url, self.part, self.report = client, url, part, report
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        self.conditions = {name: value for name, value in conditions.items() if value}
        self.cuts: list[int] = []

    def answer(self) -> Answer:
        try:
            return http.insist(self._attempt)
        except (httpx.TooManyRedirects, httpx.InvalidURL, *http.PERMANENT_ERRORS) as error:
            return Answer(kind="refused", detail=redact(str(error)))
        except (http.Busy, httpx.TransportError) as error:
            detail = redact(f"{error or type(error).__name__}")
            # A line that breaks does so at different bytes; a body that always ends at the same one
            # is all the publisher has.
            if len(self.cuts) == http.ATTEMPTS and len(set(self.cuts)) == 1:
                return self._finished(
                    "truncated",
                    f"the body ended after {self.cuts[0]:,} bytes, {http.ATTEMPTS} times: {detail}",
                )
            return Answer(kind="unreachable", detail=detail)

    def _attempt(self) -> Answer:
        asked = self.conditions | self.part.conditions()
        with self.client.stream("GET", self.url, headers=asked) as response:
            http.raise_when_busy(response)
            status = response.status_code
            if "Range" not in asked or not self._answers_another_range(response):
                return self._read(status, response)
        self.part.discard()
        return self._attempt()

    def _read(self, status: int, response: httpx.Response) -> Answer:
        moved_to = redact(http.moved_to(response))
        if status == 304 and self.conditions:
            self.part.discard()
            return Answer(kind="unchanged", moved_to=moved_to)
        if status in http.GONE_STATUSES:
            return Answer(kind="gone", moved_to=moved_to, detail=f"status {status}")
        if status != 200 and not (status == 206 and self.part.length):
            return Answer(kind="refused", moved_to=moved_to, detail=f"status {status}")
        self._receive(response)
        headers = {
            name: redact(response.headers[name])
            for name in HEADERS_OF_INTEREST
            if name in response.headers
        }
        return replace(self._finished("received"), moved_to=moved_to, headers=headers)

    def _answers_another_range(self, response: httpx.Response) -> bool:
        starts_elsewhere = not response.headers.get("Content-Range", "").startswith(
            f"bytes {self.part.length}-"
        )
        return response.status_code == 416 or (response.status_code == 206 and starts_elsewhere)

    def _receive(self, response: httpx.Response) -> None:
        if (
            response.status_code == 200
        ):  # the whole: nothing to resume, a newer file, or a server that ignores Range
            self.part.restart(response.headers.get("ETag"), response.headers.get("Last-Modified"))
        expected = _expected(response)
        try:
            for block in response.iter_raw():
                self.part.write(block)
                self.report(self.part.length, expected)
            if (
                expected is not None and self.part.length != expected
            ):  # some servers answer a long range in pieces
                raise httpx.RemoteProtocolError(
                    f"{self.part.length:,} of {expected:,} bytes were sent"
                )
        except httpx.RemoteProtocolError:
            self.cuts.append(self.part.length)
            raise
        finally:
            self.part.close()

    def _finished(self, kind: Literal["received", "truncated"], detail: str = "") -> Answer:
        etag, last_modified = self.part.etag, self.part.last_modified
        path, sha256, size = self.part.finish()
        return Answer(
            kind=kind,
            path=path,
            sha256=sha256,
            size=size,
            etag=etag,
            last_modified=last_modified,
            detail=detail,
        )


def _expected(response: httpx.Response) -> int | None:
    """Size of the whole file, from Content-Range where a range was answered."""
    whole: str = response.headers.get("Content-Length", "")
    if response.status_code == 206:
        whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(whole) if whole.isdigit() else None


def _copy(path: Path, part: Part, report: Report, etag: str | None) -> Answer:
    """A file of a mirror folder: its size and time of change serve as the ETag a web server would
    give it.
    """
    try:
        facts = path.stat()
        version = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        if version == etag:
            return Answer(kind="unchanged")
        part.restart(version, formatdate(facts.st_mtime, usegmt=True))
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                part.write(block)
                report(part.length, facts.st_size)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        return Answer(kind="gone", detail=f"{error.strerror}: {path}")
    except PermissionError as error:
        return Answer(kind="refused", detail=f"{error.strerror}: {path}")
    modified, complete = part.last_modified, part.length == facts.st_size
    received, sha256, size = part.finish()
    detail = (
        ""
        if complete
        else f"the file of {facts.st_size:,} bytes gave {size:,}: it was being written"
    )
    return Answer(
        kind="received" if complete else "truncated",
        path=received,
        sha256=sha256,
        size=size,
        etag=version,
        last_modified=modified,
        detail=detail,
    )
