"""Probes: whether a publisher has a file yet, by its first bytes and without receiving it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import httpx

from tasks.core.model.addresses import local_path, redact
from tasks.core.model.declarations import Source
from tasks.core.model.secrets import hide
from tasks.core.upstream import http, magic
from tasks.core.upstream.bounds import bounds

BYTES = 4096  # that are asked for; a server that ignores ranges is left after them
State = Literal["out", "awaited", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Whether a file is out, and where; addresses carry no credentials.

    awaited: no address has it, and each says so. unknown: an address did not answer, or answered
    something else, such as a page of a bot wall. released: when the server says that it was changed
    last.
    """

    state: State
    url: str = ""
    released: datetime | None = None
    detail: str = ""


def look(source: Source, addresses: Iterable[str]) -> Sighting:
    """Ask addresses, one small request each, until one has the file."""
    seen: list[Sighting] = []
    for url in addresses:
        sighting = _at(source, url)
        if sighting.state == "out":
            return sighting
        seen.append(sighting)
    unknown = [each for each in seen if each.state == "unknown"]
    told = "; ".join(f"{each.url}: {each.detail}" for each in seen)
    last = (unknown or seen or [Sighting(state="awaited")])[-1]
    return Sighting(state=last.state, url=last.url, detail=told or "no address of it is known")


def _at(source: Source, url: str) -> Sighting:
    path = local_path(url)
    if path is not None:
        return _on_this_machine(source, path, url)
    asked = f"{url}&count=1" if source.pages and url in source.urls else url
    try:
        with http.client() as client:
            return http.insist(lambda: _answered(client, source, url, asked))
    except (*http.PERMANENT_ERRORS, http.Busy, httpx.HTTPError) as error:
        return _unknown(url, hide(str(error) or type(error).__name__))


def _answered(client: httpx.Client, source: Source, url: str, asked: str) -> Sighting:
    with http.answer(client, asked, bounds(), {"Range": f"bytes=0-{BYTES - 1}"}) as response:
        http.raise_when_busy(response)
        status = response.status_code
        if status in http.GONE_STATUSES:
            return Sighting(state="awaited", url=redact(url), detail=http.phrase(status))
        if status not in (200, 206):
            return _of_a_service(source, response, url)
        head = next(response.iter_raw(BYTES), b"")
    if reason := magic.unlike(head, source):
        return _not_it(source, url, reason)
    released = http.moment(response.headers.get("Last-Modified", ""))
    return Sighting(state="out", url=redact(url), released=released)


def _of_a_service(source: Source, response: httpx.Response, url: str) -> Sighting:
    """Tell what a web service means that refuses a layer which it does not have (yet)."""
    if response.status_code == 400:
        return _not_it(source, url, magic.unlike(response.read()[:BYTES], source) or "")
    return _unknown(url, http.phrase(response.status_code))


def _not_it(source: Source, url: str, reason: str) -> Sighting:
    if "exception of a web service" in reason:
        return Sighting(state="awaited", url=redact(url), detail=reason)
    return _unknown(url, reason)


def _unknown(url: str, detail: str) -> Sighting:
    return Sighting(state="unknown", url=redact(url), detail=detail)


def _on_this_machine(source: Source, path: Path, url: str) -> Sighting:
    if not path.is_file():
        return Sighting(state="awaited", url=url, detail="no file is there")
    with path.open("rb") as file:
        reason = magic.unlike(file.read(BYTES), source)
    return _unknown(url, reason) if reason else Sighting(state="out", url=url)
