"""One question to one address, its answer streamed to disk while it is hashed."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import httpx

from tasks.core.model.addresses import local_path, redact
from tasks.core.upstream import http, local_files
from tasks.core.upstream.answers import Answer, Report
from tasks.core.upstream.downloads import Download, download_of

HEADERS_OF_INTEREST = (
    "content-type",
    "content-length",
    "content-disposition",
    "content-encoding",
    "date",
    "server",
)


def ask(
    url: str, report: Report, *, etag: str | None = None, last_modified: str | None = None
) -> Answer:
    """Ask an address for its bytes, only if they differ from those of `etag` and `last_modified`.

    report is called with the bytes received and the bytes expected (None when unknown). Raises
    nothing about the publisher: every failure is a kind of answer.
    """
    path = local_path(url)
    with download_of(url) as download:
        if path is not None:
            return local_files.copy(path, download, report, etag)
        with http.client() as client:
            return _Question(client, url, download, report, etag, last_modified).answer()


class _Question:
    def __init__(
        self,
        client: httpx.Client,
        url: str,
        download: Download,
        report: Report,
        etag: str | None,
        last_modified: str | None,
    ) -> None:
        self.client, self.url, self.download, self.report = client, url, download, report
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
            return Answer(kind="gone", moved_to=moved_to, detail=f"status {status}")
        if status != 200 and not (status == 206 and self.download.length):
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
            f"bytes {self.download.length}-"
        )
        return response.status_code == 416 or (response.status_code == 206 and starts_elsewhere)

    def _receive(self, response: httpx.Response) -> None:
        if (
            response.status_code == 200
        ):  # the whole: nothing to resume, a newer file, or a server that ignores Range
            self.download.restart(
                response.headers.get("ETag"), response.headers.get("Last-Modified")
            )
        expected = _expected(response)
        try:
            for block in response.iter_raw():
                self.download.write(block)
                self.report(self.download.length, expected)
            if (
                expected is not None and self.download.length != expected
            ):  # some servers answer a long range in pieces
                raise httpx.RemoteProtocolError(
                    f"{self.download.length:,} of {expected:,} bytes were sent"
                )
        except httpx.RemoteProtocolError:
            self.cuts.append(self.download.length)
            raise
        finally:
            self.download.close()

    def _finished(self, kind: Literal["received", "truncated"], detail: str = "") -> Answer:
        etag, last_modified = self.download.etag, self.download.last_modified
        path, sha256, size = self.download.finish()
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
    """Give the size of the whole file, from Content-Range where a range was answered."""
    whole: str = response.headers.get("Content-Length", "")
    if response.status_code == 206:
        whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(whole) if whole.isdigit() else None
