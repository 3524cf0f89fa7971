"""Files as their publishers list them, and the plain values that listings write in many ways."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from tasks.core.model.errors import SourceError

LONGEST_ADDRESS, LONGEST_TEXT = 2048, 1000  # letters
MOST_FILES = 100_000  # of a listing
OF_THIS_NETWORK = (".localhost", ".local", ".internal")  # endings of hosts that nobody else has
PLAIN = "%/:?#[]@!$&'()*+,;=~"  # of an address, written as it is
SIZE = re.compile(r"(\d{1,18})(?:\.0*)?")


class ListingUnread(SourceError):
    """A listing could not be read; gone: nothing is at its address (not there yet, or moved)."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class Unusable(ValueError):
    """A document is not what its listing is declared to be."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A file as a listing names it: its absolute address, its days in UTC, its size in bytes."""

    url: str
    title: str = ""
    issued: datetime | None = None
    modified: datetime | None = None
    licence: str = ""
    size: int | None = None


def address(reference: Any, base: str) -> str | None:
    """Give the absolute address that a listing at `base` means, or None for one not to be asked.

    Only http and https are. An address with a user or password is none: it would be sent on. Nor is
    a number of a network, or this machine, where the listing itself is elsewhere.
    """
    text = reference.strip() if isinstance(reference, str) else ""
    try:
        found = quote(urljoin(base, text), safe=PLAIN).partition("#")[0]
        parts = urlsplit(found)
        usable = text and text.isprintable() and _may_be_asked(parts, urlsplit(base).hostname)
    except ValueError:
        return None
    return found if usable and len(found) <= LONGEST_ADDRESS else None


def _may_be_asked(parts: SplitResult, own_host: str | None) -> bool:
    """Tell whether an address is one to be asked; raises ValueError for a port that is none."""
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.port == 0:
        return False
    public = "." in host and not _is_number(host) and not host.endswith(OF_THIS_NETWORK)
    return bool(host) and (public or host == own_host)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return re.fullmatch(r"[0-9.]+|0x[0-9a-f.x]+", host) is not None
    return True


def words(value: Any) -> str:
    """Give a text on one line, without what cannot be printed; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    line = " ".join(value[: 4 * LONGEST_TEXT].split())
    return "".join(letter for letter in line if letter.isprintable())[:LONGEST_TEXT]


def moment(value: Any) -> datetime | None:
    """Give a day or moment as ISO 8601 writes it, in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(str(value).strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def size(value: Any) -> int | None:
    """Give a count of bytes, or None for anything else."""
    found = SIZE.fullmatch(str(value).strip())
    return int(found[1]) if found else None
