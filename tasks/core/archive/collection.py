"""Collection: originals that newer ones superseded, and that no edition needs any longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from tasks.core.archive.expiry import may_stay, without_maximum
from tasks.core.archive.series import Series, series_of
from tasks.core.model.declarations import Source
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Original

Shelf = tuple[Series, int]
"""The originals of one source and vintage, apart for each mirror."""
Held = tuple[Shelf, str]
"""A shelf, and the hash of bytes on it."""


@dataclass(frozen=True, kw_only=True)
class Superseded:
    """Bytes that may go: the newest retrieval of them that newer originals superseded, why, and all
    originals that have them.
    """

    original: Original
    reason: str
    judged: tuple[Original, ...]


@dataclass
class CollectionReview:
    """What a review of all originals found.

    counted: different originals on shelves of which only the newest stay. superseded: those of them
    that may go. needed: those that are superseded too, and that editions need. undeclared: sources
    that do not say how many stay, so that nothing is known.
    """

    counted: int = 0
    superseded: list[Superseded] = field(default_factory=list)
    needed: list[Original] = field(default_factory=list)
    undeclared: list[Source] = field(default_factory=list)


def newest_kept(source: Source) -> int | None:
    """How many originals of each vintage stay; None where their number has no end.

    Raises ConfigurationError when what is declared contradicts itself.
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
    """Tell which bytes may go: those that newer ones superseded, that no edition needs, and that
    may not stay as another original.

    needed: hashes of the bytes of editions. grace: originals beyond the number of their source that
    are let stay.
    """
    found, beyond = CollectionReview(), set[Held]()
    newest_first = sorted(originals, key=lambda original: original.retrieved_at, reverse=True)
    limits = _limits(declared, found)
    for shelf, hashes in _shelves(newest_first).items():
        if limit := limits.get(shelf[0]):
            found.counted += len(hashes)
            beyond |= {(shelf, sha256) for sha256 in hashes[limit + grace :]}
    carrying: dict[str, list[Original]] = defaultdict(list)
    for original in newest_first:
        carrying[original.sha256].append(original)
    for sha256 in sorted({sha256 for _, sha256 in beyond}):
        _judge(carrying[sha256], declared, beyond, sha256 in needed, at, found)
    return found


def _limits(declared: Mapping[Series, Source], found: CollectionReview) -> dict[Series, int | None]:
    limits: dict[Series, int | None] = {}
    for name, source in sorted(declared.items()):
        try:
            limits[name] = newest_kept(source)
        except ConfigurationError:
            found.undeclared.append(source)
    return limits


def _shelves(newest_first: Iterable[Original]) -> dict[Shelf, list[str]]:
    """The different originals of each shelf; one that was received again is as new as that."""
    shelves: dict[Shelf, dict[str, None]] = defaultdict(dict)
    for original in newest_first:
        shelves[_shelf(original)].setdefault(original.sha256)
    return {shelf: list(hashes) for shelf, hashes in shelves.items()}


def _judge(
    same: list[Original],
    declared: Mapping[Series, Source],
    beyond: Set[Held],
    needed: bool,
    at: datetime,
    found: CollectionReview,
) -> None:
    """Tell what becomes of bytes that are superseded on one shelf or more; same: all originals that
    have them, the newest first.
    """
    superseded = [original for original in same if (_shelf(original), original.sha256) in beyond]
    others = [original for original in same if original not in superseded]
    if needed:
        found.needed.append(superseded[0])
    elif not any(
        _has_time(original, declared[series_of(original.source)], at) for original in others
    ):
        reason = (
            f"the retention of the newest {declared[series_of(superseded[0].source)].keep_originals}"
            " originals"
        )
        found.superseded.append(
            Superseded(original=superseded[0], reason=reason, judged=tuple(same))
        )


def _has_time(original: Original, source: Source, at: datetime) -> bool:
    """Whether an original that nothing superseded may stay; where its maximum age is not declared,
    it may.
    """
    return without_maximum(source) or may_stay(original, source, at)


def _shelf(original: Original) -> Shelf:
    return series_of(original.source), original.source.vintage
