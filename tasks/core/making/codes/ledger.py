"""The ledger of code events: which codes of areas gave way to which others, and on which day.

Offices merge, split and renumber areas; figures and borders of different days then use different
codes. A country declares its events once, and `recode` carries a table from the codes of one day to
those of another, forwards or backwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, groupby
from typing import Literal

from tasks.core.model.errors import ConfigurationError

EventKind = Literal["recoded", "merged", "split", "redistributed"]
LINE = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2}): (?P<before>\S+(?: \S+)*) > (?P<after>\S+(?: \S+)*)")


@dataclass(frozen=True)
class CodeEvent:
    """On a day, areas `before` became areas `after`; a code may be on both sides."""

    day: date
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def kind(self) -> EventKind:
        """Recoded (1 to 1), merged (several to 1), split (1 to several), or redistributed."""
        if len(self.after) == 1:
            return "recoded" if len(self.before) == 1 else "merged"
        return "split" if len(self.before) == 1 else "redistributed"

    def __str__(self) -> str:
        return f"{' + '.join(self.before)} {self.kind} into {' + '.join(self.after)} on {self.day}"


@dataclass(frozen=True)
class Route:
    """Where areas of one day are on another: in one, or in several without telling which."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    events: tuple[CodeEvent, ...]

    @property
    def target(self) -> str | None:
        """The one code that takes all of `before`, or None."""
        return self.after[0] if len(self.after) == 1 else None

    def __str__(self) -> str:
        return "; ".join(map(str, self.events))


_Step = tuple[Sequence[str], Sequence[str], CodeEvent]


@dataclass(frozen=True)
class Ledger:
    """The code events of one kind of area in one country, in the order of their days."""

    events: tuple[CodeEvent, ...]

    def routes(self, since: date, until: date) -> list[Route]:
        """Return the way of every code that changes from a day to another, earlier or later.

        Areas that belong together share a route. Events of one day happen at once: a code that one
        gives up and another takes is not the same area.
        """
        ways: list[_Way] = []
        for _, of_a_day in groupby(self._between(since, until), key=lambda step: step[2].day):
            ways = _after_a_day(ways, list(of_a_day))
        return [
            Route(tuple(sorted(way.origins)), tuple(sorted(way.ends)), tuple(way.events))
            for way in ways
            if way.origins != way.ends
        ]

    def succession(self, since: date, until: date) -> list[Route]:
        """Return where each code given up from one day to a later one is found.

        For tables that hold codes of all days between. A code that was taken again later, by any
        area, stays. Events of one day follow each other: a code that one takes and another gives up
        was only passed through.
        """
        given_up: dict[str, CodeEvent] = {}
        for _, of_a_day in groupby(self._between(since, until), key=lambda step: step[2].day):
            events = [event for _, _, event in of_a_day]
            for code in chain.from_iterable(event.after for event in events):
                given_up.pop(code, None)
            given_up |= {
                code: event for event in events for code in event.before if code not in event.after
            }
        routes = (_followed(code, given_up) for code in sorted(given_up))
        return [route for route in routes if route.after != route.before]

    def _between(self, since: date, until: date) -> list[_Step]:
        """Return the events after the earlier day and up to the later one, as they are met."""
        events = sorted(self.events, key=lambda event: event.day)
        first, last = sorted((since, until))
        met = [event for event in events if first < event.day <= last]
        if since <= until:
            return [(event.before, event.after, event) for event in met]
        return [(event.after, event.before, event) for event in reversed(met)]


@dataclass(frozen=True)
class _Way:
    """Codes of the first day, the codes they have become so far, and by which events."""

    origins: set[str]
    ends: set[str]
    events: list[CodeEvent]


def _followed(code: str, given_up: dict[str, CodeEvent]) -> Route:
    """Follow one code to that of the last day; codes that were exchanged in a circle stay."""
    way, events = [code], list[CodeEvent]()
    while event := given_up.get(way[-1]):
        events.append(event)
        if len(event.after) > 1:
            return Route((code,), event.after, tuple(events))
        if event.after[0] in way:
            return Route((code,), (code,), tuple(events))
        way.append(event.after[0])
    return Route((code,), (way[-1],), tuple(events))


def _after_a_day(ways: list[_Way], steps: list[_Step]) -> list[_Way]:
    """Return the ways after the events of one day, seen against the codes of the day before."""
    clusters: list[list[_Step]] = []
    for step in steps:
        met = [each for each in clusters if any(_belong_together(step, it, ways) for it in each)]
        apart = [each for each in clusters if each not in met]
        clusters = [*apart, [*chain.from_iterable(met), step]]
    given_up = {code for before, _, _ in steps for code in before}
    untouched = [way for way in ways if way.ends.isdisjoint(given_up)]
    return [*untouched, *(_continued(ways, cluster) for cluster in clusters)]


def _belong_together(one: _Step, other: _Step, ways: list[_Way]) -> bool:
    """Tell whether two events of a day share a code, or give up codes of the same areas."""
    same = {*one[0]} & {*other[0]} or {*one[1]} & {*other[1]}
    return bool(same) or any(way.ends & {*one[0]} and way.ends & {*other[0]} for way in ways)


def _continued(ways: list[_Way], steps: list[_Step]) -> _Way:
    """Merge the ways that end in codes given up on a day, with what they became."""
    before = {code for given_up, _, _ in steps for code in given_up}
    earlier = [way for way in ways if way.ends & before]
    known = set().union(*(way.ends for way in earlier))
    origins = set().union(*(way.origins for way in earlier)) | (before - known)
    ends = (known - before) | {code for _, taken, _ in steps for code in taken}
    events = [event for way in earlier for event in way.events]
    return _Way(origins, ends, [*events, *(event for _, _, event in steps)])


def ledger(text: str) -> Ledger:
    """Read lines like "2022-01-01: 70327 70330 > 70370"; raise ConfigurationError on others."""
    return Ledger(tuple(_event(line.strip()) for line in text.splitlines() if line.strip()))


def _event(line: str) -> CodeEvent:
    found = LINE.fullmatch(line)
    if found is None:
        raise ConfigurationError(
            "A line of a ledger reads '2022-01-01: 70327 70330 70341 > 70370', and this one does"
            f" not: {line!r}."
        )
    before, after = tuple(found["before"].split()), tuple(found["after"].split())
    return CodeEvent(date.fromisoformat(found["day"]), before, after)


@dataclass(frozen=True)
class WholeOrParts:
    """An area published now whole, now in parts (Vienna: 23 districts), and which we publish."""

    whole: str
    parts: tuple[str, ...]
    keep: Literal["whole", "parts"]
