"""The URL of a database, read so strictly that no part of a password passes for something else."""

from __future__ import annotations

import re

from psycopg2 import ProgrammingError
from psycopg2.extensions import make_dsn
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tasks.core.model.errors import ConfigurationError

DRIVERS = ("postgres", "postgresql", "postgresql+psycopg2")
SHOWN = ("host", "port", "sslmode", "application_name", "target_session_attrs")
REPEATED = ("host", "port")  # of several servers, one of which may be written to
MISREAD = re.compile(r"[@:/?#=%\s]")  # in a name, a sign that it begins in the middle of a password


def read(url: str) -> URL:
    """Read a URL; postgres://, postgresql:// and postgresql+psycopg2:// mean the same here.

    A password among the options, as libpq takes it too, becomes the one before the host. Raises
    ConfigurationError, which shows nothing of it.
    """
    parsed = _parsed(url)
    if parsed.drivername not in DRIVERS:
        raise ConfigurationError(
            "The database must be PostgreSQL with PostGIS, and the database URL begins otherwise:"
            " use postgresql://user:password@host/name."
        )
    _require_known(parsed)
    if isinstance(password := parsed.query.get("password"), str):
        parsed = parsed.difference_update_query(["password"]).set(password=password)
    return parsed.set(drivername="postgresql+psycopg2")


def shown(url: URL) -> str:
    """Give the text of a URL without its password and without options that may hold a secret."""
    public = {name: value for name, value in url.query.items() if name in SHOWN}
    return url.set(query=public).render_as_string(hide_password=True)


def private_values(url: URL) -> list[str]:
    """Give all that shown() leaves out, in words: a library may repeat a part of an option."""
    hidden = [value for name, value in url.query.items() if name not in SHOWN]
    words = [word for value in hidden for word in re.split(r"[\s=]+", "".join(value))]
    return [value for value in (url.password, *words) if value]


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url) if url.isprintable() else None
    except (ArgumentError, ValueError):  # whose words hold parts of it
        parsed = None
    if parsed is None or not _is_as_meant(parsed):
        raise ConfigurationError(
            "The database URL cannot be read: it was expected to be"
            " postgresql://user:password@host:port/name, with letters such as @, : and / in a user"
            " or password written as %40, %3A and %2F. Correct it."
        )
    return parsed


def _is_as_meant(parsed: URL) -> bool:
    is_plain = all(map(str.isprintable, (parsed.username or "", str(parsed.password or ""))))
    misread = MISREAD.search(parsed.database or "") or "@" in (parsed.host or "")
    return is_plain and not misread


def _require_known(parsed: URL) -> None:
    """Raise ConfigurationError for an option given twice or unknown to the client library.

    Its name may be what stands behind the & of a password.
    """
    twice = {name for name, value in parsed.query.items() if not isinstance(value, str)}
    try:
        make_dsn(**dict.fromkeys(parsed.query, "0"))
        is_known = not twice - set(REPEATED)
    except (ProgrammingError, TypeError):
        is_known = False
    if not is_known:
        raise ConfigurationError(
            "The options of the database URL were expected to be those of PostgreSQL's client"
            f" library ({', '.join(SHOWN)} and others), each once, and one is not: correct it, with"
            " & and = in a password written as %26 and %3D."
        )
