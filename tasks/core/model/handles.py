"""Handles: the small, serialisable references that tasks exchange in place of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, Literal, TypeVar

from tasks.core.model.declarations import Dataset, Reading, Source
from tasks.core.model.errors import ConfigurationError

Handle = TypeVar("Handle")
State = Literal["new", "unchanged", "changed", "moved", "gone", "invalid", "unreachable"]


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """One question to the publisher and its answer.

    state new/changed/moved: `path` holds the bytes in the scratch folder, not yet archived.
    unchanged, gone, invalid, unreachable: `path` is None and the last archived original stands in.
    `sha256`, `size` describe the bytes received, None when there were none. `doubt`: why they may
    not be the whole file, or "". `follows`: the stamp of the last original, whatever clock gave it.
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
    doubt: str = ""
    follows: datetime | None = None

    @property
    def remarks(self) -> str:
        """What is kept beside the original: the detail and the doubt."""
        return "; ".join(filter(None, (self.detail, self.doubt)))


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
    """A readable file on this machine, taken out of an original under its `name` there.

    digests: SHA-256 of the file, and of those beside it that are read with it, by name. member:
    where `path` is the zip itself, the member to be read as it is packed; empty otherwise. part:
    which table of its source it is, or the number of its territory; empty where it is all.
    """

    original: Original
    path: str
    name: str
    size: int
    digests: Mapping[str, str]
    member: str = ""
    part: str = ""

    @property
    def reads(self) -> Reading:
        """How the file is read."""
        parts = self.original.source.parts
        return parts[self.part if self.part in parts else ""]


@dataclass(frozen=True, kw_only=True)
class Input:
    """An original under the name that a flow gave it."""

    name: str
    original: Original

    @property
    def source(self) -> Source:
        """What is declared about it."""
        return self.original.source

    @property
    def codes_day(self) -> date:
        """The day whose area codes it uses."""
        return self.source.codes_day

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its staging tables; those of territories are known only once unpacked."""
        return tuple(joined(self.name, part) for part in self.source.parts)

    @property
    def table(self) -> str:
        """The name of its one staging table; raises ConfigurationError where it has several."""
        if len(self.tables) > 1:
            raise ConfigurationError(
                f"The source {self.source.slug} gives the tables {', '.join(self.tables)}, and one"
                " table was asked for: say which, with table=."
            )
        return self.tables[0]


class Missing(ConfigurationError, AttributeError):
    """A flow asks for a name that it has not given."""


@dataclass(frozen=True)
class Named(Generic[Handle]):
    """Handles by the keywords of a flow: `files.shapes`, or `files.parts("shapes")` for several."""

    by_keyword: Mapping[str, Mapping[str, Handle]]

    def __getattr__(self, keyword: str) -> Handle:
        if keyword.startswith("_") or keyword == "by_keyword":  # asked while a copy is being made
            raise AttributeError(keyword)
        handles = self._of(keyword)
        if "" not in handles:
            raise Missing(
                f"The input {keyword!r} is several, of the parts {', '.join(handles)}, and one was"
                f' asked for: use parts("{keyword}") or tables("{keyword}").'
            )
        return handles[""]

    def __iter__(self) -> Iterator[tuple[str, Handle]]:
        """Give each handle with its name, <keyword> or <keyword>_<part>, in the flow's order."""
        for keyword, handles in self.by_keyword.items():
            yield from ((joined(keyword, part), handle) for part, handle in handles.items())

    def parts(self, keyword: str) -> tuple[Handle, ...]:
        """Give all handles of a keyword."""
        return tuple(self._of(keyword).values())

    def _of(self, keyword: str) -> Mapping[str, Handle]:
        if keyword not in self.by_keyword:
            raise Missing(
                f"The flow asks for the input {keyword!r} and has given none of that name: use"
                f" {', '.join(self.by_keyword)}, or give it to backup."
            )
        return self.by_keyword[keyword]


@dataclass(frozen=True)
class Inputs(Named[Input]):
    """What `backup` has archived, by keyword."""

    @property
    def originals(self) -> tuple[Original, ...]:
        """The originals in the order of the flow."""
        return tuple(each.original for _, each in self)

    def tables(self, keyword: str) -> tuple[str, ...]:
        """Give the names of the staging tables of a keyword."""
        return tuple(table for each in self.parts(keyword) for table in each.tables)


@dataclass(frozen=True)
class Files(Named[File]):
    """What `unpack` has taken out of the inputs, by keyword; each is one staging table."""

    def tables(self, keyword: str) -> tuple[str, ...]:
        """Give the names of the staging tables of a keyword."""
        return tuple(joined(keyword, part) for part in self._of(keyword))


def joined(*names: str) -> str:
    """Join a name and its parts, leaving out those that are empty: tract_shapes_01."""
    return "_".join(filter(None, names))


@dataclass(frozen=True, kw_only=True)
class Staging:
    """The private schema a run builds in, and the edition it is building.

    stated: whether numbers were declared that a file of it is held to.
    """

    dataset: Dataset
    vintage: int
    schema: str
    edition: int
    mirror: str = ""
    stated: bool = False

    @property
    def is_derived(self) -> bool:
        """Whether nobody declared what to expect of the vintage: the edition before judges it."""
        declared = self.dataset.vintages
        return bool(declared) and self.vintage > max(declared)


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """A published edition that another depends on: some of its layers, and their content's hash."""

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
