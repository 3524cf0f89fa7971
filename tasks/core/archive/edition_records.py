"""Records of editions and publications, as their documents in the archive describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Slot = tuple[str, int]
"""Dataset and vintage: its stable views show one edition at a time."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A switch of the views of a vintage: to an edition (publish, rollback), or to none.

    A withdraw, which shows none, names the edition shown until then.
    """

    dataset: str
    number: int
    action: str
    at: datetime
    mirror: str | None = None


@dataclass(frozen=True)
class UsedOriginal:
    """An original that an edition was made from."""

    source: str
    vintage: int
    sha256: str


@dataclass(frozen=True)
class Dependency:
    """An edition of another dataset that an edition was made from, and the layers it reads."""

    dataset: str
    number: int
    layers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ArchivedEdition:
    """One published edition, as its document in the archive describes it.

    A new database counts from 1 again: only `document`, its name, tells two editions apart for
    certain. keep: editions of its vintage that were kept when it was published. publications:
    those its own document knows.
    """

    document: str
    dataset: str
    vintage: int
    number: int
    mirror: str
    published_at: datetime
    keep: int
    inputs: tuple[UsedOriginal, ...]
    dependencies: tuple[Dependency, ...]
    publications: tuple[Publication, ...]

    @property
    def slot(self) -> Slot:
        """Dataset and vintage."""
        return self.dataset, self.vintage


def edition_of(name: str, document: Mapping[str, Any]) -> ArchivedEdition:
    """Read an edition from its document."""
    edition, dataset = document["edition"], document["dataset"]
    which = {"dataset": dataset["slug"], "number": edition["number"], "mirror": edition["mirror"]}
    return ArchivedEdition(
        **which,
        document=name,
        vintage=edition["vintage"],
        published_at=datetime.fromisoformat(edition["published_at"]),
        keep=dataset["keep"],
        inputs=tuple(
            UsedOriginal(source=row["source"], vintage=row["source_vintage"], sha256=row["sha256"])
            for row in document["inputs"]
        ),
        dependencies=tuple(
            Dependency(row["on_dataset"], row["on_number"], tuple(row["layers"]))
            for row in document["dependencies"]
        ),
        publications=tuple(
            Publication(**which, action=row["action"], at=datetime.fromisoformat(row["at"]))
            for row in document["publications"]
        ),
    )


def publication_of(name: str, document: Mapping[str, Any]) -> Publication:
    """Read a rollback or withdrawal from its document."""
    facts = document["publication"]
    which = {name: facts[name] for name in ("dataset", "number", "action")}
    return Publication(**which, at=datetime.fromisoformat(facts["at"]), mirror=facts.get("mirror"))
