"""Manifests: JSON beside each original, enough to rebuild data and catalog without a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from tasks.core.archive.documents import Documents
from tasks.core.archive.replication import Failures
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Source
from tasks.core.model.handles import Original
from tasks.core.model.revision import code_revision

FOLDER = "manifests"
FORMAT = 1
SOURCES: TypeAdapter[Source] = TypeAdapter(Source)
ORIGINALS: TypeAdapter[Original] = TypeAdapter(Original)


class Manifests:
    """The manifests of an archive: all originals ever archived, including those buried since.

    Each has its source as it was declared then.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def write(
        self, original: Original, *, headers: Mapping[str, str] | None = None, detail: str = ""
    ) -> Failures:
        """Describe an original beside its bytes; returns the locations that failed."""
        document = describe(original, headers or {}, detail)
        return self._documents.put(name(original), document)

    def replicate(self, source: Source) -> Failures:
        """Copy a source's manifests of its vintage to locations that lack them; return failures."""
        return self._documents.replicate_folder(f"{FOLDER}/{shelf(source)}")

    def all(self) -> list[Original]:
        """Give the originals of all sources."""
        return [original_of(manifest) for _, manifest in self._documents.read_all(FOLDER)]

    def of(self, source: Source) -> Iterator[Original]:
        """Give the originals of a source and vintage, newest first, each read when asked for."""
        names = self._documents.names(f"{FOLDER}/{shelf(source)}")
        return (original_of(self._documents.read(name)) for name in reversed(names))

    def last_moment(self, source: Source) -> datetime | None:
        """Give the stamp of the newest original of a source in any vintage, None without one."""
        names = self._documents.names(f"{FOLDER}/{shelf(source).rpartition('/')[0]}")
        stamps = (name.rpartition("/")[2].partition("-")[0] for name in names)
        return max(map(moment_in, stamps), default=None)

    def with_bytes(self, source: Source, sha256: str) -> Original | None:
        """Give the newest original of a source and vintage with these bytes, or None."""
        return next((each for each in self.of(source) if each.sha256 == sha256), None)

    def carrying(self, sha256: str) -> list[Original]:
        """Give all originals, of any source, that have these bytes."""
        names, ending = self._documents.names(FOLDER), f"-{sha256[:12]}.json"
        alike = (name for name in names if name.endswith(ending))
        originals = (original_of(self._documents.read(name)) for name in alike)
        return [original for original in originals if original.sha256 == sha256]

    def newest_declaration(self, source: Source) -> Source:
        """Give a source as the newest manifest of any vintage declares it."""
        names = self._documents.names(f"{FOLDER}/{shelf(source).rpartition('/')[0]}")
        newest = max(names, key=lambda name: name.rpartition("/")[2])
        return original_of(self._documents.read(newest)).source


def name(original: Original) -> str:
    """Give the name of the manifest of an original."""
    stamped = stamp(original.retrieved_at, original.sha256)
    return f"{FOLDER}/{shelf(original.source)}/{stamped}.json"


def shelf(source: Source) -> str:
    """Give the folder of a source's manifests, where a mirror's never pass for official ones."""
    mirror = f"mirror-{source.mirror}/" if source.mirror else ""
    return f"{mirror}{source.slug}/{source.vintage}"


def stamp(moment: datetime, sha256: str) -> str:
    """Give a document's name, sorted by time: UTC to the microsecond, 12 digits of its hash."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{sha256[:12]}"


def moment_in(stamp: str) -> datetime:
    """Give the moment of a stamp, to the microsecond, as names of documents have it."""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)


def declared(source: Source) -> dict[str, Any]:
    """Give everything declared about a source, as plain JSON values, without credentials."""
    plain: dict[str, Any] = SOURCES.dump_python(_without_credentials(source), mode="json")
    return plain


def describe(original: Original, headers: Mapping[str, str], detail: str) -> dict[str, Any]:
    """Describe an original: what was declared, asked and received, and by which code revision."""
    safe = replace(original, source=_without_credentials(original.source), url=redact(original.url))
    plain: dict[str, Any] = ORIGINALS.dump_python(safe, mode="json")
    answer = {"headers": dict(headers), "detail": redact(detail)}
    return {"format": FORMAT, **plain, **answer, "revision": code_revision()}


def original_of(manifest: Mapping[str, Any]) -> Original:
    """Give the original a manifest describes, with its source as it was declared then."""
    return ORIGINALS.validate_python(manifest)


def _without_credentials(source: Source) -> Source:
    urls, landing_page = tuple(map(redact, source.urls)), redact(source.landing_page)
    return replace(source, urls=urls, landing_page=landing_page)
