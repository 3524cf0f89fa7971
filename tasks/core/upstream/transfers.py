"""One question to one address, its answer streamed to disk while it is hashed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import httpx

from tasks.core.model.addresses import local_path
from tasks.core.model.secrets import hide
from tasks.core.upstream import http, local_files
from tasks.core.upstream.answers import Answer, Report
from tasks.core.upstream.bounds import Bounds, OutOfBounds, bounds
from tasks.core.upstream.downloads import Download, download_of

HEADERS_OF_INTEREST = (
    "content-type content-length content-disposition content-encoding date server".split()
)

LONGEST_HEADER = 1000  # letters that are kept
RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# what servers say of how they were asked: conditions or a range that they cannot bear
ILL_ASKED = (400, 412, 416, 431)


def ask(
    url: str,
    report: Report,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    within: Bounds | None = None,
) -> Answer:
    """Ask an address for its bytes, only if they differ from those of `etag` and `last_modified`.

    report is called with the bytes received and the bytes expected (None when unknown). Raises
    nothing about the publisher: every failure is a kind of answer, and whatever stood in its
    headers, the address can be asked again.
    """
    path = local_path(url)
    validators = {
        "If-None-Match": http.sendable(etag),
        "If-Modified-Since": http.sendable(last_modified),
    }
    conditions = {name: value for name, value in validators.items() if value}
    with download_of(url) as download:
        if path is not None:
            return local_files.copy(path, download, report, etag)
        with http.client() as client:
            question = _Question(client, url, download, report, conditions, within or bounds())
            return question.answer()


@dataclass
class _Question:
    client: httpx.Client
    url: str
    download: Download
    report: Report
    conditions: dict[str, str]
    bounds: Bounds
    cuts: list[int] = field(default_factory=list)

    def answer(self) -> Answer:
        """Ask until the file is whole, at most http.ATTEMPTS times; a failure is an answer too."""
        try:
            return http.insist(self._attempt)
        except http.PERMANENT_ERRORS as error:
            if isinstance(error, OutOfBounds):
                self.download.discard()
            return Answer(kind="refused", detail=hide(str(error)))
        except (http.Busy, httpx.TransportError) as error:
            detail = hide(f"{error or type(error).__name__}")
            # A line that breaks does so at different bytes; a body that always ends at the same one
            # is all the publisher has.
            if len(self.cuts) == http.ATTEMPTS and len(set(self.cuts)) == 1:
                ended = (
                    f"the body ended after {self.cuts[0]:,} bytes, {http.ATTEMPTS} times: {detail}"
                )
                return self.download.answer("truncated", ended)
            return Answer(kind="unreachable", detail=detail)

    def _attempt(self) -> Answer:
        rest = self.download.conditions()
        asked = self.conditions | rest
        with http.answer(self.client, self.url, self.bounds, asked) as response:
            http.raise_when_busy(response)
            if not asked or not self._is_ill_asked(response):
                return self._read(response.status_code, response)
        if not rest:
            self.conditions = {}
        self.download.discard()
        return self._attempt()

    def _read(self, status: int, response: httpx.Response) -> Answer:
        moved_to = hide(http.moved_to(response))
        if status == 304 and self.conditions:
            self.download.discard()
            return Answer(kind="unchanged", moved_to=moved_to)
        if status in http.GONE_STATUSES:
            return Answer(kind="gone", moved_to=moved_to, detail=http.phrase(status))
        if status != 200 and not (status == 206 and self.download.length):
            return Answer(kind="refused", moved_to=moved_to, detail=http.phrase(status))
        self._receive(response)
        sent = response.headers
        headers = {
            name: hide(sent[name])[:LONGEST_HEADER] for name in HEADERS_OF_INTEREST if name in sent
        }
        stated = _expected(response) is not None or "Transfer-Encoding" in sent
        received = self.download.answer("received")
        return replace(received, moved_to=moved_to, headers=headers, end_is_stated=stated)

    def _is_ill_asked(self, response: httpx.Response) -> bool:
        """Tell whether an answer is of no use because a condition or a range was asked for."""
        if response.status_code == 304:
            return not self.conditions
        if response.status_code != 206:
            return response.status_code in ILL_ASKED
        found = RANGE.fullmatch(response.headers.get("Content-Range", ""))
        start, end, whole = map(int, found.groups()) if found else (-1, 0, 0)
        return not start == self.download.length <= end < whole

    def _receive(self, response: httpx.Response) -> None:
        if response.status_code == 200:
            # the whole: nothing to resume, a newer file, or a server that ignores Range
            sent = response.headers
            validators = (http.sendable(sent.get(name)) for name in ("ETag", "Last-Modified"))
            self.download.restart(*validators)
        expected = _expected(response)
        self.bounds.require_size(expected or 0)
        try:
            for block in response.iter_raw():
                self.download.write(block)
                self.bounds.require_size(self.download.length)
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
    return http.number(whole)
