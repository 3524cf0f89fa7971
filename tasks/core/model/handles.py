"""Handles: the small, serialisable references that tasks exchange in place of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tasks.core.model.declarations import Dataset, Source

State = Literal["new", "unchanged", "changed", "moved", "gone", "invalid", "unreachable"]


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """One question to the publisher and its answer.

    state new/changed/moved: `path` holds the bytes in the scratch folder, not yet archived.
    unchanged, gone, invalid, unreachable: `path` is None and the last archived original stands in.
    `sha256`, `size` describe the bytes received, None when there were none.
    """

    source: Source
    state: State
    url: str
    asked_at: datetime
    path: str | None = None
    sha256: str | None = None
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Original:
    """A file as the publisher sent it, in the archive under its sha256 (64 hexadecimal digits)."""

    source: Source
    sha256: str
    size: int
    url: str
    retrieved_at: datetime
    state: State
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, kw_only=True)
class File:
    """A readable file on this machine, taken out of an original; `name` is its name inside the
    archive.

    member: where `path` is the zip itself, the member to be read as it is packed; empty otherwise.
    """

    original: Original
    path: str
    name: str
    size: int
    member: str = ""


@dataclass(frozen=True, kw_only=True)
class Staging:
    """The private schema a run builds in, and the edition it is building."""

    dataset: Dataset
    vintage: int
    schema: str
    edition: int
    mirror: str = ""


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """A published edition that another dataset stands on: some of its layers, and the hash of their
    content.
    """

    dataset: str
    vintage: int
    number: int
    schema: str
    layers: tuple[str, ...]
    content: str
    mirror: str = ""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A published, immutable edition: its number and the schema that holds its tables."""

    dataset: Dataset
    vintage: int
    number: int
    schema: str
