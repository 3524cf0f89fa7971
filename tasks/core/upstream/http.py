"""HTTP as this project speaks it: one client, what may be tried again, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TypeVar

import httpx
import tenacity

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0
LONGEST_RETRY_AFTER_SECONDS = 60.0
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
PERMANENT_MOVES = (301, 308)
TRANSIENT_STATUSES = (202, 408, 425, 429)  # 202: the file is still being made
MEANINGS = {
    202: "the publisher is still making the file",
    204: "the publisher sent no content",
    205: "the publisher sent no content",
    206: "the publisher sent a part that nobody asked for",
    300: "the publisher offers several files, and one address was expected",
}
GONE_STATUSES = (404, 410)
PERMANENT_ERRORS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)

Result = TypeVar("Result")


class Busy(Exception):
    """The server is busy (202, 408, 425, 429, 5xx), for `retry_after` seconds if it says so."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(phrase(status))
        self.retry_after = retry_after


def client() -> httpx.Client:
    """Give a client that asks for bytes as stored (no compression) and never waits without end."""
    return httpx.Client(
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "geodata-flows", "Accept": "*/*", "Accept-Encoding": "identity"},
        follow_redirects=True,
        max_redirects=10,
    )


def insist(question: Callable[[], Result]) -> Result:
    """Ask up to three times while the failure may pass, then raise the last one.

    Transport errors, timeouts, 202, 408, 425, 429 and 5xx may pass.
    """
    stop, retry = tenacity.stop_after_attempt(ATTEMPTS), tenacity.retry_if_exception(may_pass)
    return tenacity.Retrying(stop=stop, wait=_wait, retry=retry, reraise=True)(question)


def may_pass(error: BaseException) -> bool:
    """Tell whether asking again can help."""
    is_permanent = isinstance(error, PERMANENT_ERRORS)
    return isinstance(error, (Busy, httpx.TransportError)) and not is_permanent


def raise_when_busy(response: httpx.Response) -> None:
    """Raise Busy for a status that asks to come back later."""
    if response.status_code in TRANSIENT_STATUSES or response.status_code >= 500:
        raise Busy(response.status_code, _retry_after(response.headers.get("Retry-After", "")))


def phrase(status: int) -> str:
    """Give a status in words, with its meaning where it looks like success."""
    return f"status {status}" + (f" ({MEANINGS[status]})" if status in MEANINGS else "")


def moved_to(response: httpx.Response) -> str:
    """Give the address of a permanent move (301 or 308 before any temporary redirect), or ""."""
    address = ""
    for step, following in pairwise([*response.history, response]):
        if step.status_code not in PERMANENT_MOVES:
            break
        address = str(following.url)
    return address


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Busy) and error.retry_after is not None:
        return min(max(error.retry_after, 0.0), LONGEST_RETRY_AFTER_SECONDS)
    backoff = tenacity.wait_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS)
    return (backoff + tenacity.wait_random(0, FIRST_WAIT_SECONDS))(state)


def _retry_after(value: str) -> float | None:
    if value.strip().isdigit():
        return float(value)
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return None
