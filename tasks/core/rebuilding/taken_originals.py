"""Originals that an edition was made from, taken from the archive alone."""

from __future__ import annotations

from dataclasses import replace

from tasks.core.archive.archive import Archive
from tasks.core.archive.replication import Failures
from tasks.core.model.declarations import Source
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.model.handles import Original
from tasks.core.model.recipes import Recipe


def take(archive: Archive, source: Source, recipe: Recipe) -> tuple[Original, Failures]:
    """Return an original of a recipe's edition, and the locations where its bytes were repaired.

    Raises SourceError when the recipe does not know the source, or no location has the bytes whole.
    """
    original = _meant(archive, source, recipe)
    try:
        return original, archive.originals.mend(original.sha256)
    except ConfigurationError as error:
        raise SourceError(f"{recipe} was made from {_name(source)}. {error}") from None


def _meant(archive: Archive, source: Source, recipe: Recipe) -> Original:
    """Return the original by the recipe's hash, as declared now; a mirror's, as declared then."""
    sha256 = recipe.originals.get((source.slug, source.vintage))
    if sha256 is None:
        raise SourceError(
            f"{recipe} was made without {_name(source)}, which this code reads: rebuild it with the"
            " code that made it."
        )
    if recipe.mirror and (
        original := archive.manifests.with_bytes(replace(source, mirror=recipe.mirror), sha256)
    ):
        return original
    if original := archive.manifests.with_bytes(source, sha256):
        return replace(original, source=_of_its_day(source, original.source))
    raise SourceError(
        f"{recipe} was made from {_name(source)} with the SHA-256 {sha256}, and a manifest of it"
        " was expected in the archive, found none: restore the folder manifests from a backup, and"
        " run again."
    )


def _of_its_day(source: Source, archived: Source) -> Source:
    """Return the declaration, of those that stand in for one another, that was archived then."""
    each: Source | None = source
    while each and each.reference_date != archived.reference_date:
        each = each.otherwise
    return each or source


def _name(source: Source) -> str:
    return f"{source.slug} {source.vintage}"
