"""Credentials of addresses: known to this machine only, and given at the moment of a question."""

from __future__ import annotations

import httpx

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


def _known() -> list[httpx.URL]:
    try:
        known = [httpx.URL(each) for each in settings().credentials.get_secret_value().split()]
    except httpx.InvalidURL:
        known = [httpx.URL()]
    if not all(each.scheme in ("http", "https") and each.host for each in known):
        raise ConfigurationError(
            "GEODATA_CREDENTIALS was expected to be addresses such as"
            " https://user:password@host/folder, separated by blanks, and one is none: correct it,"
            " with letters such as @, / and # in a password written as %40, %2F and %23."
        )
    return known


def _is_below(asked: httpx.URL, known: httpx.URL) -> bool:
    origins = [(each.scheme, each.host, each.port) for each in (asked, known)]
    folder = known.path.rstrip("/") + "/"
    return origins[0] == origins[1] and f"{asked.path}/".startswith(folder)
