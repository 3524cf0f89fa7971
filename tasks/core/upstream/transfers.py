"""One question to one address, its answer streamed to disk while it is hashed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import httpx

from tasks.core.model.addresses import local_path, redact
from tasks.core.upstream import http, local_files
from tasks.core.upstream.answers import Answer, Report
from tasks.core.upstream.downloads import Download, download_of

HEADERS_OF_INTEREST = (
    "content-type content-length content-disposition content-encoding date server".split()
)

RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def ask(
    url: str, report: Report, *, etag: str | None = None, last_modified: str | None = None
) -> Answer:
    """Ask an address for its bytes, only if they differ from those of `etag` and `last_modified`.

    report is called with the bytes received and the bytes expected (None when unknown). Raises
    nothing about the publisher: every failure is a kind of answer.
    """
    path = local_path(url)
    validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    conditions = {name: value for name, value in validators.items() if value}
    with download_of(url) as download:
        if path is not None:
            return local_files.copy(path, download, report, etag)
        with http.client() as client:
            return _Question(client, url, download, report, conditions).answer()


@dataclass
class _Question:
    client: httpx.Client
    url: str
    download: Download
    report: Report
    conditions: dict[str, str]
    cuts: list[int] = field(default_factory=list)

    def answer(self) -> Answer:
        """Ask until the file is whole, at most http.ATTEMPTS times; a failure is an answer too."""
        try:
            return http.insist(self._attempt)
        except (httpx.TooManyRedirects, httpx.InvalidURL, *http.PERMANENT_ERRORS) as error:
            return Answer(kind="refused", detail=redact(str(error)))
        except (http.Busy, httpx.TransportError) as error:
            detail = redact(f"{error or type(error).__name__}")
            # A line that breaks does so at different bytes; a body that always ends at the same one
            # is all the publisher has.
            if len(self.cuts) == http.ATTEMPTS and len(set(self.cuts)) == 1:
                ended = (
                    f"the body ended after {self.cuts[0]:,} bytes, {http.ATTEMPTS} times: {detail}"
                )
                return self.download.answer("truncated", ended)
            return Answer(kind="unreachable", detail=detail)

    def _attempt(self) -> Answer:
        asked = self.conditions | self.download.conditions()
        with self.client.stream("GET", self.url, headers=asked) as response:
            http.raise_when_busy(response)
            status = response.status_code
            if "Range" not in asked or not self._answers_another_range(response):
                return self._read(status, response)
        self.download.discard()
        return self._attempt()

    def _read(self, status: int, response: httpx.Response) -> Answer:
        moved_to = redact(http.moved_to(response))
        if status == 304 and self.conditions:
            self.download.discard()
            return Answer(kind="unchanged", moved_to=moved_to)
        if status in http.GONE_STATUSES:
            return Answer(kind="gone", moved_to=moved_to, detail=http.phrase(status))
        if status != 200 and not (status == 206 and self.download.length):
            return Answer(kind="refused", moved_to=moved_to, detail=http.phrase(status))
        self._receive(response)
        sent = response.headers
        headers = {name: redact(sent[name]) for name in HEADERS_OF_INTEREST if name in sent}
        stated = _expected(response) is not None or "Transfer-Encoding" in sent
        received = self.download.answer("received")
        return replace(received, moved_to=moved_to, headers=headers, end_is_stated=stated)

    def _answers_another_range(self, response: httpx.Response) -> bool:
        if response.status_code != 206:
            return response.status_code == 416
        found = RANGE.fullmatch(response.headers.get("Content-Range", ""))
        start, end, whole = map(int, found.groups()) if found else (-1, 0, 0)
        return not start == self.download.length <= end < whole

    def _receive(self, response: httpx.Response) -> None:
        if response.status_code == 200:
            # the whole: nothing to resume, a newer file, or a server that ignores Range
            sent = response.headers
            self.download.restart(sent.get("ETag"), sent.get("Last-Modified"))
        expected = _expected(response)
        try:
            for block in response.iter_raw():
                self.download.write(block)
                self.report(self.download.length, expected)
            length = self.download.length
            if expected is not None and length != expected:
                # some servers answer a long range in pieces
                raise httpx.RemoteProtocolError(f"{length:,} of {expected:,} bytes were sent")
        except httpx.RemoteProtocolError:
            self.cuts.append(self.download.length)
            raise
        finally:
            self.download.close()


def _expected(response: httpx.Response) -> int | None:
    """Give the size of the whole file, from Content-Range where a range was answered."""
    whole: str = response.headers.get("Content-Length", "")
    if response.status_code == 206:
        whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(whole) if whole.isdigit() else None
