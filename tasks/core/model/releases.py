"""Releases: what an office states of each year, and what follows for years that nobody declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from tasks.core.model.errors import ConfigurationError

Release = TypeVar("Release")


class Releases(dict[int, Release]):
    """What an office states of each declared year; of any later one, what the rule makes of the
    newest.

    later: gives the release of a year from the newest declared one and the years between them. It
    keeps how files are named and read, and no number: such a year is judged by the edition before.
    Iteration, `in` and max() know the declared years only. Raises ConfigurationError for a year
    between or before them.
    """

    def __init__(
        self, declared: Mapping[int, Release], later: Callable[[Release, int], Release]
    ) -> None:
        super().__init__(declared)
        self._later = later

    def __missing__(self, year: int) -> Release:
        newest = max(self)
        if year < newest:
            raise ConfigurationError(
                f"A release of {', '.join(map(str, self))} or later was expected, found {year}: ask"
                " for one of these years."
            )
        return self._later(self[newest], year - newest)
