"""Addresses of files: which are on this machine, and how they are shown without credentials."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tasks.core.model.errors import ConfigurationError

USER = re.compile(r"(?<=://)[^/\s?#]*@")
SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
PRIVATE = (
    rf"^\s*({SCHEME}//([^/?#]*@|[^?#]*[?#]"
    r"|[^/?#\[]*:[^?#]*@|[^/?#\[]*:[^/?#]*[^0-9/?#])"  # a password with a / in it, or no port
    rf"|({SCHEME})?/?/?[^/?#@:]+:[^/?#@]*@)"  # me:password@host, without the scheme
)
SECRET = re.compile(
    r"(?P<name>[?&;#](?:[\w.-]*[_.-])?(?:api|access|auth|app|subscription)?"
    r"(?:key|token|secret|password|passwd|pwd|signature|sig|credentials?|auth)=)[^&;#\s\"']*",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Replace every user, password, key and token in a URL, or in a sentence with URLs, by ***."""
    return SECRET.sub(r"\g<name>***", USER.sub("***@", text))


def redact_all(value: Any) -> Any:
    """Redact every text in a plain value, as JSON has them; names of fields stay as they are."""
    if isinstance(value, dict):
        return {name: redact_all(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(part) for part in value]
    return redact(value) if isinstance(value, str) else value


def require_public(text: str) -> None:
    """Raise ConfigurationError for an address with a user, a password or a question.

    It would be a parameter of a run, which Prefect keeps and shows, or in the archive.
    """
    if has_credentials(text):
        raise ConfigurationError(
            f"An address without user, password and question was expected, found {without(text)}"
            " with some, and it would be kept and shown: give the address alone (an @ in its path"
            " is %40), and put it with its credentials into GEODATA_CREDENTIALS. Where a run was"
            " started with them, change them."
        )


def has_credentials(text: str) -> bool:
    """Tell whether an address has a user, a password or a question, or looks as if it had."""
    return re.match(PRIVATE, text) is not None


def without(text: str) -> str:
    """Give an address without its user, password and question, or no more than that it is one."""
    address, *question = re.split(r"[?#]", text, maxsplit=1)
    shown = USER.sub("", address)
    return "an address" if has_credentials(shown) or "@" in "".join(question) else shown


def local_path(url: str) -> Path | None:
    """Give the path of a file:// address or one without a scheme; None for one on a network."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(url)
