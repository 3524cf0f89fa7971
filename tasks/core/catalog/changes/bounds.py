"""Bounds: how much of a layer may change in a year before a person has to look at it.

Each is wide enough for what series of offices really did, and narrow enough for a file that is cut
short, of another year, or of other columns. Shares are of the figure before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.catalog.changes.differences import figure


@dataclass(frozen=True)
class Band:
    """How far a figure may fall and rise in a year, as shares, beside its trend."""

    fall: float
    rise: float


# Belgium cut its sectors anew in 2025 (19,795 to 20,781: +5.0 %), the largest change known of areas
# under one definition; France and Austria lose 0.3 % a year at most.
AREAS = Band(0.05, 0.05)
# Registers and lists grow: SIRENE by 0.3 % a month, postal codes by less.
ROWS = Band(0.05, 0.10)
# Belgium grows by 0.3 to 1 % a year, France by 0.3 %, the United States by 0.5 to 1 %; no country
# here has lost 1 % in a year, and counties of one state may gain 2 %.
PERSONS = Band(0.01, 0.02)
# Nominal incomes rise with prices: by some 3 % in most years, by up to a tenth with inflation.
MONEY = Band(0.05, 0.15)
# Ground is neither made nor lost, and borders drawn more exactly give and take alike.
GROUND = Band(0.005, 0.005)
# Households, dwellings, declarations, establishments: slower than registers, faster than persons.
COUNTS = Band(0.05, 0.08)
# A part of a total (an age group, a status) moves more than the whole: farmers become fewer and the
# oldest more, by several per cent a year.
PARTS = Band(0.10, 0.10)
# A part may also change by this share of the whole: migration to the United States halved in 2025,
# which is 0.4 % of its residents.
OF_THE_WHOLE = 0.005
# Small counts vary by chance: three standard deviations of a count.
DEVIATIONS = 3
# No trend is followed beyond this, so that a year that was wrong does not excuse the next.
STEEPEST_TREND = 0.10
EARLIER = 3  # editions of other vintages that a trend is taken from, the one before included

# A row leaps when its figure changes by more than this, and by more than chance.
LEAP, LEAST_LEAP = 0.25, 20
# Of a total this much may be in such rows: new quarters, homes, areas that were divided. Where more
# leap in one direction, the total says so too.
LEAPING = 0.03
ALMOST_ALL = 0.9  # missing of a column: that the rest is missing too says nothing
MISSING_RISE = 0.02  # of all rows: suppression and late answers vary by about 1 % of areas
EXTENT_SHIFT = 0.01  # of the diagonal: coasts and islands vary, a wrong CRS or a lost part does not
# Of the side of a square of an area's size: a transformation is exact to a metre, and a wrong datum
# moves Austria or France by a hundred.
SHIFT = 0.01
LONELY = (
    0.001  # of all areas may newly touch none: islets get codes, borders that do not fit are more
)
TELLING = 200  # figures below it may well stay: half a per cent of them is less than one
IDENTICAL = 0.5  # of a total in rows with the figure of before: more is the file of the year before

OVERLAP = 0.01  # of the smaller of two areas: below it, borders only follow each other inexactly
KEPT_OVERLAP = 0.02  # of a gone or new area: a kept one that has more of it is part of the event
MUCH_REDRAWN = 0.10  # a kept code whose area or outline changed by more may be that of another area
MOSTLY = 0.5  # of an area: a kept code that has less in common with itself, and more with another
COVERED = 0.98  # of the gone areas: what is left are coasts and inexact borders
SAMPLE = 2_000  # redrawn areas measured: an overlay takes about a millisecond
MOST_CODES = 50_000  # gone, new and redrawn ones together: beyond, nothing is explained
NAMED = 20  # keys that a sentence names
SUBSTANTIAL = 0.001  # of an area: a smaller change is that of another grid of coordinates

UNITS = {
    "persons": PERSONS,
    "EUR": MONEY,
    "USD": MONEY,
    "km²": GROUND,
    "m²": GROUND,
    "ha": GROUND,
}
GROUND_UNITS = frozenset(unit for unit, band in UNITS.items() if band is GROUND)


@dataclass(frozen=True)
class Range:
    """The least and the most that is expected of a figure."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{figure(self.low)} to {figure(self.high)}"

    def has(self, value: float) -> bool:
        """Tell whether a value is in it; what is not a number never is."""
        slack = 1e-9 * max(abs(self.low), abs(self.high))
        return self.low - slack <= value <= self.high + slack

    def widened(self, by: float) -> Range:
        """Return the range with as much more on both sides."""
        return Range(self.low - by, self.high + by)


def growth(series: Sequence[tuple[int, float]]) -> float:
    """Return the growth a year, as a share, of a series of (vintage, figure), the oldest first."""
    if len(series) < 2:
        return 0.0
    (since, first), (until, last) = series[0], series[-1]
    if until <= since or not (first > 0 and last > 0):
        return 0.0
    yearly = math.pow(last / first, 1 / (until - since)) - 1
    return max(-STEEPEST_TREND, min(STEEPEST_TREND, yearly))


def expected(before: float, band: Band, trend: float, years: int) -> Range:
    """Return what is expected some years after a figure: from standstill to trend, and the band."""
    low = math.pow(1 + min(0.0, trend) - band.fall, years)
    high = math.pow(1 + max(0.0, trend) + band.rise, years)
    return Range(*sorted((before * low, before * high)))


def expected_of_part(before: float, band: Band, trend: float, years: int, whole: float) -> Range:
    """Return the same for a part of a whole, or for a count of which no whole is known."""
    share = abs(whole) * OF_THE_WHOLE * years
    range_ = expected(before, band, trend, years)
    room = max(0.0, share - (range_.high - before))
    return range_.widened(max(room, DEVIATIONS * math.sqrt(abs(before))))
