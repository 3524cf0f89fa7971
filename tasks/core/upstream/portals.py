"""What a portal states about its data in a document of its own: terms, and the last change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tasks.core.model.declarations import Document
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.model.handles import File


@dataclass(frozen=True)
class Statement:
    """The licence and attribution in the portal's words, and the day of the last change."""

    licence: str
    attribution: str
    modified: str

    def __str__(self) -> str:
        return f"{self.licence}, {self.attribution!r}, last modified {self.modified}"


def read_statement(file: File) -> Statement:
    """Read a document in its declared standard; raise SourceError when it lacks what that requires.

    OGD Austria Metadata: https://www.data.gv.at, a JSON object with `license` and, in `extras`,
    `license_citation` and `metadata_modified`.
    """
    if not isinstance(file.reads, Document):
        raise ConfigurationError(
            f"The source {file.original.source.slug} is not declared as a Document: declare it so,"
            " or load it as a table."
        )
    try:
        said = json.loads(Path(file.path).read_text(encoding="utf-8-sig"))
        return Statement(
            said["license"],
            said["extras"]["license_citation"],
            str(said["extras"]["metadata_modified"])[:10],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"The document {file.name} was expected to be OGD Austria metadata with license,"
            f" extras.license_citation and extras.metadata_modified; {type(error).__name__}:"
            f" {error}. Look at what the portal sent."
        ) from None
