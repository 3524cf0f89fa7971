"""Expiry: originals beyond the legal maximum age that their source's newest manifest declares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasks.core.model.declarations import Source
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Original

Series = tuple[str, str]
"""Mirror and slug: a source over all its vintages, for which one declaration of retention holds."""


@dataclass
class ExpiryReview:
    """What a review of all originals found.

    limited: originals under a legal maximum age. expired: the newest retrieval of bytes that must
    go. refused: names of bytes in quarantine beyond their age. shared: originals beyond their age
    whose bytes may stay as another's, with that other. undeclared: sources whose maximum is not
    declared, so that nothing is known.
    """

    limited: int = 0
    expired: list[Original] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    shared: list[tuple[Original, Original]] = field(default_factory=list)
    undeclared: list[Source] = field(default_factory=list)


def series_of(source: Source) -> Series:
    """Give the series that a source and vintage belongs to."""
    return source.mirror, source.slug


def newest_declarations(originals: Iterable[Original]) -> dict[Series, Source]:
    """Give each source as its newest manifest declares it, which holds for older originals too."""
    by_age = sorted(originals, key=lambda original: original.retrieved_at)
    return {series_of(original.source): original.source for original in by_age}


def keep_days(source: Source) -> int:
    """Give the days an original may stay by law; raise ConfigurationError when undeclared."""
    if source.keep_days is None:
        raise ConfigurationError(
            f"The source {source.slug} {source.vintage} falls under a legal maximum age, and a"
            " number of days was expected in its keep_days, found none: declare keep_days where"
            " the flow declares the source, run the flow, and run purge again. None of its"
            " originals was buried."
        )
    return source.keep_days


def without_maximum(source: Source) -> bool:
    """Tell whether a source falls under a legal maximum age and does not declare it."""
    return source.retention == "legal_maximum" and source.keep_days is None


def reason(source: Source) -> str:
    """Give the reason why an original of a source had to go."""
    return f"its legal maximum age of {keep_days(source)} days"


def may_stay(original: Original, declared: Source, at: datetime, grace_days: int = 0) -> bool:
    """Tell whether an original is within the age its source allows."""
    return declared.retention != "legal_maximum" or at - original.retrieved_at <= timedelta(
        days=keep_days(declared) + grace_days
    )


def review(
    originals: Iterable[Original],
    refused: Mapping[str, Original],
    declared: Mapping[Series, Source],
    at: datetime,
    grace_days: int,
) -> ExpiryReview:
    """Give the bytes that must go: those beyond their age in every retrieval, by every source.

    Each refused file is judged by itself.
    """
    unknown = {name for name, source in declared.items() if without_maximum(source)}
    found = ExpiryReview(undeclared=[declared[name] for name in sorted(unknown)])

    def stays(original: Original) -> bool:
        return may_stay(original, declared[series_of(original.source)], at, grace_days)

    carrying: dict[str, list[Original]] = defaultdict(list)
    for original in originals:
        carrying[original.sha256].append(original)
        found.limited += declared[series_of(original.source)].retention == "legal_maximum"
    judged = [name for name, each in refused.items() if series_of(each.source) not in unknown]
    found.refused = [name for name in judged if not stays(refused[name])]
    for same in carrying.values():
        if unknown.isdisjoint(series_of(original.source) for original in same):
            _judge(same, [original for original in same if stays(original)], found)
    return found


def _judge(same: list[Original], within: list[Original], found: ExpiryReview) -> None:
    """Add what becomes of the same bytes; within: those of their originals that may stay."""
    beyond = [original for original in same if original not in within]
    if beyond and not within:
        found.expired.append(max(beyond, key=lambda original: original.retrieved_at))
    kept_by = {series_of(original.source): original for original in within}
    for name, original in {series_of(original.source): original for original in beyond}.items():
        if kept_by and name not in kept_by:
            found.shared.append((original, next(iter(kept_by.values()))))
