"""Manifests: the self-describing JSON beside each original, enough to rebuild data and catalog
without a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Source
from tasks.core.model.handles import Original

FORMAT = 1
SOURCES: TypeAdapter[Source] = TypeAdapter(Source)
ORIGINALS: TypeAdapter[Original] = TypeAdapter(Original)


def shelf(source: Source) -> str:
    """Where a source's manifests stand: apart for each mirror, so that a sample never stands in for
    an official file.
    """
    return (
        f"mirror-{source.mirror}/{source.slug}/{source.vintage}"
        if source.mirror
        else f"{source.slug}/{source.vintage}"
    )


def stamp(moment: datetime, sha256: str) -> str:
    """The name of a document: UTC time to the microsecond and the first twelve digits of the hash;
    names sort by time.
    """
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{sha256[:12]}"


def declared(source: Source) -> dict[str, Any]:
    """Everything declared about a source, as plain JSON values, without credentials."""
    plain: dict[str, Any] = SOURCES.dump_python(_without_credentials(source), mode="json")
    return plain


def describe(
    original: Original, headers: Mapping[str, str], detail: str, revision: str
) -> dict[str, Any]:
    """The manifest of an original: what was declared, asked and received, and by which revision of
    the code.
    """
    safe = replace(original, source=_without_credentials(original.source), url=redact(original.url))
    plain: dict[str, Any] = ORIGINALS.dump_python(safe, mode="json")
    return {
        "format": FORMAT,
        **plain,
        "headers": dict(headers),
        "detail": redact(detail),
        "revision": revision,
    }


def original_of(manifest: Mapping[str, Any]) -> Original:
    """The original a manifest describes, with its source as it was declared then."""
    return ORIGINALS.validate_python(
        {
            name: value
            for name, value in manifest.items()
            if name not in ("format", "headers", "detail", "revision")
        }
    )


def refused_of(document: Mapping[str, Any]) -> Original:
    """The refused bytes a document of the quarantine describes, as an original that never was
    one.
    """
    source, asked_at = (
        SOURCES.validate_python(document["source"]),
        datetime.fromisoformat(document["asked_at"]),
    )
    size = document["size"] or 0
    return Original(
        source=source,
        sha256=document["sha256"],
        size=size,
        url=document["url"],
        retrieved_at=asked_at,
        state="invalid",
    )


def _without_credentials(source: Source) -> Source:
    return replace(
        source, urls=tuple(map(redact, source.urls)), landing_page=redact(source.landing_page)
    )
