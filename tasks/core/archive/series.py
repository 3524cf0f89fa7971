"""Series: a source over all its vintages, apart for each mirror; what one declaration of retention
holds for.
"""

from __future__ import annotations

from collections.abc import Iterable

from tasks.core.model.declarations import Source
from tasks.core.model.handles import Original

Series = tuple[str, str]
"""Mirror and slug of a source."""


def series_of(source: Source) -> Series:
    """The series that a source and vintage belongs to."""
    return source.mirror, source.slug


def newest_declarations(originals: Iterable[Original]) -> dict[Series, Source]:
    """Each source as its newest manifest declares it: a maximum that was shortened, or found out
    later, holds for older originals too.
    """
    return {
        series_of(original.source): original.source
        for original in sorted(originals, key=lambda original: original.retrieved_at)
    }
