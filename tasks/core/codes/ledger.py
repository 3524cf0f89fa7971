"""The ledger of code events: which codes of areas gave way to which others, and on which day.

Offices merge, split and renumber areas; figures and borders of different days then use different codes. A country declares its events
once, and `recode` carries a table from the codes of one day to those of another, forwards or backwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tasks.core.errors import ConfigurationError

Kind = Literal["recoded", "merged", "split", "redistributed"]
LINE = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2}): (?P<before>\S+(?: \S+)*) > (?P<after>\S+(?: \S+)*)")


@dataclass(frozen=True)
class CodeEvent:
    """On a day, the areas with the codes `before` became the areas with the codes `after`; a code may stand on both sides."""

    day: date
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """recoded (one to one), merged (several to one), split (one to several) or redistributed (several to several)."""
        if len(self.after) == 1:
            return "recoded" if len(self.before) == 1 else "merged"
        return "split" if len(self.before) == 1 else "redistributed"

    def __str__(self) -> str:
        return f"{' + '.join(self.before)} {self.kind} into {' + '.join(self.after)} on {self.day}"


@dataclass(frozen=True)
class Route:
    """Where the areas `before` of one day are found on another: in one area when len(after) is 1, otherwise there is no telling."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    events: tuple[CodeEvent, ...]

    @property
    def target(self) -> str | None:
        """The one code that takes all of `before`, or None."""
        return self.after[0] if len(self.after) == 1 else None

    def __str__(self) -> str:
        return "; ".join(map(str, self.events))


@dataclass(frozen=True)
class Ledger:
    """The code events of one kind of area in one country, in the order of their days."""

    events: tuple[CodeEvent, ...]

    def routes(self, since: date, until: date) -> list[Route]:
        """The way of every code that changes between two days, in either direction of time; areas that belong together share a route."""
        groups: list[tuple[set[str], set[str], list[CodeEvent]]] = []
        for before, after, event in self._between(since, until):
            met = [group for group in groups if group[1] & set(before)]
            origins = set().union(*(group[0] for group in met), *({code} for code in before if not any(code in group[1] for group in met)))
            ends = set().union(*(group[1] for group in met)) - set(before) | set(after)
            groups = [group for group in groups if group not in met]
            groups.append((origins, ends, [*(each for group in met for each in group[2]), event]))
        return [Route(tuple(sorted(origins)), tuple(sorted(ends)), tuple(events)) for origins, ends, events in groups]

    def _between(self, since: date, until: date) -> Iterator[tuple[Sequence[str], Sequence[str], CodeEvent]]:
        """The events after the earlier day and up to the later one, in the order in which they are met."""
        events = sorted(self.events, key=lambda event: event.day)
        if since <= until:
            yield from ((event.before, event.after, event) for event in events if since < event.day <= until)
        else:
            yield from ((event.after, event.before, event) for event in reversed(events) if until < event.day <= since)


def ledger(text: str) -> Ledger:
    """A ledger from lines such as "2022-01-01: 70327 70330 70341 > 70370"; raises ConfigurationError on another line."""
    return Ledger(tuple(_event(line.strip()) for line in text.splitlines() if line.strip()))


def _event(line: str) -> CodeEvent:
    found = LINE.fullmatch(line)
    if found is None:
        raise ConfigurationError(f"A line of a ledger reads '2022-01-01: 70327 70330 70341 > 70370', and this one does not: {line!r}.")
    return CodeEvent(date.fromisoformat(found["day"]), tuple(found["before"].split()), tuple(found["after"].split()))


@dataclass(frozen=True)
class Place:
    """A place that publishers give now whole, now in parts (Vienna: one municipality, 23 districts), and which of both we publish."""

    whole: str
    parts: tuple[str, ...]
    keep: Literal["whole", "parts"]
