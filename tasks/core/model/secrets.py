"""Secrets of this machine's settings, hidden in what libraries and servers say of them."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tasks.core.model.addresses import redact
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import settings

CONNECTION = re.compile(r"dsn: .*?(?=, closed: -?\d)", re.DOTALL)  # as psycopg2 writes one


def hide(text: str, further: Iterable[str] = ()) -> str:
    """Give a text without credentials, also those of this machine that a server repeats.

    further: other secrets that it must not hold.
    """
    return hide_given(text, settings().credentials.get_secret_value(), further)


def hide_given(text: str, credentials: str, further: Iterable[str] = ()) -> str:
    """Give a text without credentials, these among them, as GEODATA_CREDENTIALS has them."""
    found = [value for each in credentials.split() for value in _of_address(each)]
    forms = {form for value in (*found, *further) for form in (value, quote(value, safe=""))}
    for secret in sorted(filter(None, forms), key=len, reverse=True):
        text = text.replace(secret, "***")
    return redact(text)


class HidingFilter(logging.Filter):
    """Hides secrets in what a library logs of addresses and connections."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the line; never drop it."""
        said = CONNECTION.sub("dsn: ***", redact(record.getMessage()))
        with suppress(ConfigurationError):  # said where the setting is used
            said = hide(said)
        record.msg, record.args = said, None
        return True


def _of_address(address: str) -> Iterator[str]:
    """Give the password, or else the user, which is a token then; and the answers in a question."""
    with suppress(ValueError):
        parts = urlsplit(address)
        yield unquote(parts.password or parts.username or "")
        if user := parts.netloc.rpartition("@")[0]:
            yield b64encode(unquote(user).encode()).decode()
        yield from (value for _, value in parse_qsl(parts.query))
        yield from (part for part in parts.query.split("&") if "=" not in part)


for _library in ("httpx", "sqlalchemy.pool.impl.QueuePool"):
    logging.getLogger(_library).addFilter(HidingFilter(_library))
