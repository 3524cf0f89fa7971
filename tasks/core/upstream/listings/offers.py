"""Offers: what a publisher lists of a source, which is asked before addresses by pattern."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from urllib.parse import unquote, urlsplit

from tasks.core.model.addresses import local_path
from tasks.core.model.declarations import Source
from tasks.core.model.listings import Listing
from tasks.core.upstream.listings.listed import Listed, ListingUnread

KEPT_SECONDS, UNREAD_SECONDS = 600.0, 60.0  # that an answer, or its want, is not asked for again
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Answer:
    until: float
    files: tuple[Listed, ...] = ()
    unread: ListingUnread | None = None


_answers: dict[tuple[Listing, str], _Answer] = {}
_locks: dict[tuple[Listing, str], Lock] = {}
_books = Lock()


def offered(source: Source, *, at: Callable[[str], str] = str) -> tuple[Listed, ...]:
    """Give what its publisher lists of a source, newest first; nothing where it has no listing.

    at: gives the address where the listing is asked, for a mirror another one. In a process, each
    is asked once in ten minutes, and once a minute if unread; files of this machine every time.
    Raises ListingUnread.
    """
    if source.listing is None:
        return ()
    return matching(_read_lately(source.listing, at(source.listing.url)), source)


def matching(files: Iterable[Listed], source: Source) -> tuple[Listed, ...]:
    """Give the listed files that are a source's: their path matches it from its start or a slash.

    The newest change, or else release, comes first; others stay in the order of the listing.
    """
    pattern = re.compile(source.listed)
    found = [file for file in files if source.listed and _matches(pattern, file.url)]
    return tuple(sorted(found, key=_newness, reverse=True))


def forget() -> None:
    """Forget what listings answered, so that each is asked again."""
    with _books:
        _answers.clear()


def _matches(pattern: re.Pattern[str], url: str) -> bool:
    path = urlsplit(url).path
    texts = dict.fromkeys((path, unquote(path)))
    starts = ((text, at) for text in texts for at in _starts(text))
    return any(pattern.fullmatch(text, at) for text, at in starts)


def _starts(path: str) -> list[int]:
    """Give where the parts of a path begin, the last one first, and the whole last of all."""
    return [*(found.end() for found in [*re.finditer("/", path)][::-1]), 0]


def _newness(file: Listed) -> datetime:
    return file.modified or file.issued or LONG_AGO


def _read_lately(listing: Listing, url: str) -> tuple[Listed, ...]:
    if local_path(url) is not None:
        return _read(listing, url)
    key = (listing, url)
    with _books:
        lock = _locks.setdefault(key, Lock())
    with lock:  # the others wait for the answer
        answer = _answers.get(key)
        if answer is None or answer.until <= time.monotonic():
            answer = _answers[key] = _asked(listing, url)
    if answer.unread:
        raise ListingUnread(str(answer.unread), gone=answer.unread.gone)
    return answer.files


def _read(listing: Listing, url: str) -> tuple[Listed, ...]:
    """Read a listing, by readers of every standard, which few runs need."""
    from tasks.core.upstream.listings.reading import read

    return read(listing, url)


def _asked(listing: Listing, url: str) -> _Answer:
    try:
        files = _read(listing, url)
    except ListingUnread as error:
        return _Answer(time.monotonic() + UNREAD_SECONDS, unread=error)
    return _Answer(time.monotonic() + KEPT_SECONDS, files)
