"""What stands in for publishers, as its mirror.json says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

import httpx

from tasks.core.model.addresses import local_path, redact, require_public
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.secrets import hide
from tasks.core.upstream import http
from tasks.core.upstream.bounds import bounds

NAME = "mirror.json"
LARGEST = 64 << 20  # bytes of a mirror.json
UNREADABLE = (
    *(OSError, UnicodeError, json.JSONDecodeError, RecursionError),
    *(httpx.HTTPError, httpx.InvalidURL, http.Busy),
)
PLAIN = "/%!$&'()*+,;=:@~"  # of a path, written as it is in an address
LABEL = re.compile(r"[a-z0-9][a-z0-9-]*")
Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """A mirror as its mirror.json describes it; `sources` maps "<slug>-<vintage>" to an entry.

    hosts: the beginnings of publishers' addresses, and the folders that stand in for them.
    """

    location: str
    label: str
    about: str
    sources: Mapping[str, Entry]
    hosts: Mapping[str, str]

    def __str__(self) -> str:
        return f"the mirror {self.label} ({redact(self.location)})"

    def at(self, url: str) -> str | None:
        """Give the address in the mirror of a publisher's, or None where it does not stand in."""
        host = max((host for host in self.hosts if url.startswith(f"{host}/")), key=len, default="")
        if not host:
            return None
        path, folder = url.removeprefix(f"{host}/"), local_path(self.location)
        if ".." in unquote(path).split("/"):
            return None
        if folder is None:
            return f"{joined(self.location, self.hosts[host])}/{path}"
        return str((folder / self.hosts[host] / unquote(path)).absolute())


def read(location: str) -> StandIn:
    """Read the mirror.json of a folder or base URL; raise ConfigurationError if unusable."""
    require_public(location)
    try:
        content = json.loads(_content(location))
    except UNREADABLE as error:
        raise ConfigurationError(
            f"The mirror {redact(location)} cannot be used: its {NAME} was expected there and could"
            f" not be read ({hide(str(error))}). Give the folder or the base URL that holds"
            f" {NAME}."
        ) from None
    if not _is_usable(content):
        raise ConfigurationError(
            f"The {NAME} of {redact(location)} must be an object with a label (small letters,"
            " digits and hyphens), a sentence about it, and its sources or hosts; found"
            f" {str(content)[:80]!r}. Correct the file."
        )
    return StandIn(
        location=location,
        label=content["label"],
        about=str(content.get("about", "")),
        sources=content.get("sources", {}),
        hosts={host.rstrip("/"): str(folder) for host, folder in content.get("hosts", {}).items()},
    )


def _is_usable(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    given = [content[part] for part in ("sources", "hosts") if part in content]
    return (
        bool(given)
        and all(isinstance(part, dict) for part in given)
        and LABEL.fullmatch(str(content.get("label", ""))) is not None
    )


def _content(location: str) -> bytes:
    folder = local_path(location)
    if folder is not None:
        return (folder / NAME).read_bytes()
    with http.client() as client:
        return http.insist(lambda: _asked(client, joined(location, NAME)))


def _asked(client: httpx.Client, url: str) -> bytes:
    within = replace(bounds(), most=LARGEST, reason=f"the most for a {NAME}")
    content = bytearray()
    with http.answer(client, url, within) as response:
        http.raise_when_busy(response)
        for block in response.raise_for_status().iter_bytes():
            content += block
            within.require_size(len(content))
    return bytes(content)


def joined(base: str, path: str) -> str:
    """Give the address of a path below a base URL."""
    url = httpx.URL(base)
    folder = url.raw_path.decode("ascii").partition("?")[0].rstrip("/")
    return str(url.copy_with(path=f"{folder}/{quote(path, safe=PLAIN)}"))
