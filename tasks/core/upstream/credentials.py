"""Credentials of addresses: known to this machine only, and given at the moment of a question."""

from __future__ import annotations

import logging
from contextlib import suppress
from urllib.parse import quote

import httpx

from tasks.core.model.addresses import redact
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import settings


def with_credentials(url: str) -> httpx.URL:
    """Give an address with the user, password and question that GEODATA_CREDENTIALS has for it.

    They are those of the longest address there below which this one is.
    """
    asked = httpx.URL(url)
    above = [each for each in _known() if _is_below(asked, each)]
    if not above or asked.userinfo:
        return asked
    found = max(above, key=lambda each: len(each.path))
    given = asked.copy_with(username=found.username, password=found.password)
    return given.copy_merge_params(found.params) if found.query else given


def hide(text: str) -> str:
    """Give a text without credentials, also those of this machine that a server repeats."""
    values = (value for each in _known() for value in (each.password, *each.params.values()))
    secrets = {form for value in values if value for form in (value, quote(value, safe=""))}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return redact(text)


class _HidingFilter(logging.Filter):
    """Hides the credentials of this machine in what an HTTP library logs, whatever their names."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the line; never drop it."""
        with suppress(ConfigurationError):  # said where an address is asked
            record.msg, record.args = hide(record.getMessage()), None
        return True


logging.getLogger("httpx").addFilter(_HidingFilter("httpx"))


def _known() -> list[httpx.URL]:
    try:
        return [httpx.URL(each) for each in settings().credentials.get_secret_value().split()]
    except httpx.InvalidURL:
        raise ConfigurationError(
            "GEODATA_CREDENTIALS was expected to be addresses such as"
            " https://user:password@host/folder, separated by blanks, and one is none: correct it,"
            " with letters such as @, / and # in a password written as %40, %2F and %23."
        ) from None


def _is_below(asked: httpx.URL, known: httpx.URL) -> bool:
    origins = [(each.scheme, each.host, each.port) for each in (asked, known)]
    folder = known.path.rstrip("/") + "/"
    return origins[0] == origins[1] and f"{asked.path}/".startswith(folder)
