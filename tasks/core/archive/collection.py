"""Collection: originals that newer ones superseded, and that no edition needs any longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from tasks.core.archive.expiry import Series, may_stay, series_of, without_maximum
from tasks.core.archive.manifests import shelf
from tasks.core.model.declarations import Source
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Original

NumbersKept = Mapping[Series, int | None]


@dataclass(frozen=True)
class Superseded:
    """Bytes that may go: their newest retrieval, why, and all originals that have them."""

    original: Original
    reason: str
    judged: tuple[Original, ...]


@dataclass
class CollectionReview:
    """What a review of all originals found.

    counted: different originals on shelves that keep only the newest. superseded: those that may
    go. needed: those superseded that editions need. undeclared: sources that do not say how many
    stay, so that nothing is known.
    """

    counted: int = 0
    superseded: list[Superseded] = field(default_factory=list)
    needed: list[Original] = field(default_factory=list)
    undeclared: list[Source] = field(default_factory=list)


def newest_kept(source: Source) -> int | None:
    """Give how many originals of each vintage stay; None where all do.

    Raises ConfigurationError when the declaration contradicts itself.
    """
    count = source.keep_originals
    declared = count is not None and count >= 1
    if source.retention == "permanent" and count is not None:
        expected = "no keep_originals was expected, because permanent originals all stay"
    elif (source.retention == "newest" or count is not None) and not declared:
        expected = "a number of 1 or more was expected in its keep_originals"
    else:
        return count
    raise ConfigurationError(
        f"The source {source.slug} {source.vintage} has the retention {source.retention}, and"
        f" {expected}; found {count}: correct it where the flow declares the source, run the flow,"
        " and run purge again. None of its originals was collected."
    )


def review(
    originals: Iterable[Original],
    declared: Mapping[Series, Source],
    needed: Set[str],
    at: datetime,
    grace: int = 0,
) -> CollectionReview:
    """Give the bytes that may go: superseded, needed by no edition, kept by no other original.

    needed: hashes of the bytes of editions. grace: originals that stay beyond the number of their
    source.
    """
    found, carrying = CollectionReview(), defaultdict[str, list[Original]](list)
    for original in sorted(originals, key=lambda original: original.retrieved_at, reverse=True):
        carrying[original.sha256].append(original)
    beyond = _beyond(carrying, _limits(declared, found), grace, found)

    def has_time(original: Original) -> bool:  # where its maximum age is not declared, it has
        source = declared[series_of(original.source)]
        return without_maximum(source) or may_stay(original, source, at)

    for sha256 in sorted({sha256 for _, sha256 in beyond}):
        same = carrying[sha256]
        superseded = [original for original in same if (shelf(original.source), sha256) in beyond]
        if sha256 in needed:
            found.needed.append(superseded[0])
        elif not any(has_time(original) for original in same if original not in superseded):
            keep = declared[series_of(superseded[0].source)].keep_originals
            reason = f"the retention of the newest {keep} originals"
            found.superseded.append(Superseded(superseded[0], reason, tuple(same)))
    return found


def _limits(declared: Mapping[Series, Source], found: CollectionReview) -> NumbersKept:
    limits: dict[Series, int | None] = {}
    for name, source in sorted(declared.items()):
        try:
            limits[name] = newest_kept(source)
        except ConfigurationError:
            found.undeclared.append(source)
    return limits


def _beyond(
    carrying: Mapping[str, Sequence[Original]],
    limits: NumbersKept,
    grace: int,
    found: CollectionReview,
) -> set[tuple[str, str]]:
    """Give shelf and hash of superseded bytes; bytes that were received again count as new."""
    shelves = defaultdict[str, dict[str, Original]](dict)
    for newest_first in carrying.values():
        for original in newest_first:
            shelves[shelf(original.source)].setdefault(original.sha256, original)
    beyond = set[tuple[str, str]]()
    for where, newest in shelves.items():
        originals = sorted(newest.values(), key=lambda each: each.retrieved_at, reverse=True)
        if limit := limits.get(series_of(originals[0].source)):
            found.counted += len(originals)
            beyond |= {(where, original.sha256) for original in originals[limit + grace :]}
    return beyond
