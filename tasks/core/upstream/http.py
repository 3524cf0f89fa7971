"""HTTP as this project speaks it: one client, what may be tried again, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from itertools import pairwise
from ssl import SSLContext
from typing import TypeVar
from urllib.request import Request

import httpx
import tenacity

from tasks.core.upstream.bounds import Bounds, OutOfBounds
from tasks.core.upstream.credentials import with_credentials
from tasks.core.upstream.lines import Line

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0
LONGEST_RETRY_AFTER_SECONDS = 60.0
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
MOST_REDIRECTS = 10
LONGEST_VALIDATOR = 1024  # letters; servers refuse questions with longer ones
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
PERMANENT_ERRORS = (
    *(httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects),
    *(httpx.InvalidURL, OutOfBounds),
)

Result = TypeVar("Result")


class Busy(Exception):
    """The server is busy (202, 408, 425, 429, 5xx), for `retry_after` seconds if it says so."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(phrase(status))
        self.retry_after = retry_after


def client() -> httpx.Client:
    """Give a client that asks for bytes as stored (no compression) and never waits without end."""
    return httpx.Client(
        verify=_trusted(),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "geodata-flows", "Accept": "*/*", "Accept-Encoding": "identity"},
        cookies=CookieJar(_SendableCookies()),
        limits=httpx.Limits(max_keepalive_connections=0),  # each connection is looked at
    )


@cache
def _trusted() -> SSLContext:
    """The authorities that are trusted: to read them takes 30 ms, more than a small file does."""
    return httpx.create_ssl_context()


class _SendableCookies(DefaultCookiePolicy):
    """Takes no cookie that could not be sent back."""

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        """Tell whether a cookie is taken."""
        plain = sendable(f"{cookie.name}={cookie.value or ''}")
        return plain is not None and super().set_ok(cookie, request)


@contextmanager
def answer(
    client: httpx.Client, url: str, bounds: Bounds, headers: Mapping[str, str] | None = None
) -> Iterator[httpx.Response]:
    """Give the answer of an address, its body still to be read; redirects are followed.

    No redirect is followed into a network that is less public, and its body is not read.
    """
    line, history = Line(bounds), list[httpx.Response]()
    question: httpx.Request | None = client.build_request(
        "GET", with_credentials(url), headers=headers, extensions={"trace": line.trace}
    )
    while question and len(history) <= MOST_REDIRECTS:
        line.leads_to(question.url)
        response = client.send(question, stream=True)
        try:
            question = response.next_request
            if question is None:
                response.history = history
                yield response
        finally:
            response.close()
        history.append(response)
    if question:
        raise httpx.TooManyRedirects(f"more than {MOST_REDIRECTS} redirects", request=question)


def sendable(validator: str | None) -> str | None:
    """Give an ETag or Last-Modified that can be sent back as it came, or None."""
    if not validator or len(validator) > LONGEST_VALIDATOR:
        return None
    return validator if validator.isascii() and validator.isprintable() else None


def number(text: str) -> int | None:
    """Give a count of bytes or seconds as HTTP writes it, or None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def moment(date: str) -> datetime | None:
    """Give a moment as HTTP writes it, in UTC, or None for anything else."""
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
        raise Busy(response.status_code, _retry_after(response.headers))


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


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Give the seconds to wait, where a date is meant by the server's own clock."""
    value = headers.get("Retry-After", "")
    if (seconds := number(value.strip())) is not None:
        return float(seconds)
    until, now = moment(value), moment(headers.get("Date", ""))
    return None if until is None else (until - (now or datetime.now(UTC))).total_seconds()
