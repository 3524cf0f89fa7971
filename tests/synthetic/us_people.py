"""Residents, households, dwellings and incomes of every block group, and their sums for tracts,
counties, states and the nation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from synthetic import us_places, us_roster
from synthetic.coverage import Floats, Integers
from synthetic.us_roster import Roster, Texts
from synthetic.us_tables import CLASSES

GROWTH = 0.005  # of the residents, a year
UNINHABITED = 0.006  # share of the block groups
# of each sex, in the order of the table
AGE_SHARES = tuple(
    map(int, "58 60 65 40 27 13 13 39 68 71 68 64 60 63 64 26 37 22 30 44 29 18 16".split())
)
AGE_YEARS = tuple(
    map(int, "2 7 12 16 18 20 21 23 27 32 37 42 47 52 57 60 63 65 68 72 77 82 88".split())
)
FIRST_ADULT = AGE_YEARS.index(27)  # 25 years and over
HOUSEHOLD_SHARES = (47, 5, 12, 28, 8)
SCHOOLING_SHARES = tuple(
    map(int, "15 1 1 1 1 2 3 4 7 5 12 15 18 20 18 228 42 60 135 88 210 95 21 16".split())
)
SPREAD = 2.1  # exponent of the log-logistic distribution of incomes
Level = tuple[Texts, Integers]


@dataclass(frozen=True)
class People:
    """The block groups that the American Community Survey has in a vintage, in the order of their
    twelve digits.

    All but the islands' are in the boundary files; those of tract 990000 are water, without
    residents and without a shape.
    """

    roster: Roster
    vintage: int
    codes: Texts
    residents: Integers

    def drawn(self, purpose: int) -> np.random.Generator:
        """Random numbers for one purpose in this vintage."""
        return self.roster.random(4, self.vintage, purpose)

    @cached_property
    def ages(self) -> Integers:
        """Residents by sex and age, (block groups, 46)."""
        random = self.drawn(1)
        tilt = random.normal(0, 0.008, len(self.codes))[:, None] * (np.array(AGE_YEARS) - 40)
        shares = np.array(AGE_SHARES) * np.exp(tilt)
        return _divided(
            self.residents, np.concatenate((shares * 0.49, shares * 0.51), axis=1), random
        )

    @cached_property
    def households(self) -> Integers:
        """Occupied dwellings."""
        size = self.drawn(2).uniform(2.05, 3.05, len(self.codes))
        return np.floor(self.residents * 0.975 / size).astype(np.int64)

    @cached_property
    def dwellings(self) -> Integers:
        """Dwellings, occupied or not."""
        return self.households + self.drawn(3).binomial(self.households, 0.11)

    @cached_property
    def income_classes(self) -> Integers:
        """Households in each income class, (block groups, 16)."""
        median = np.exp(self.drawn(4).normal(np.log(76), 0.5, len(self.codes)))[:, None] * (
            1 + 0.03 * (self.vintage - 2023)
        )
        with np.errstate(divide="ignore"):
            below = 1 / (1 + (np.array([*CLASSES, np.inf]) / median) ** -SPREAD)
        return _divided(self.households, np.diff(below, axis=1), self.drawn(5))

    @cached_property
    def income(self) -> Integers:
        """The sum of the incomes of all households, thousands of dollars."""
        middles = (np.array(CLASSES) + np.array([*CLASSES[1:], 360])) / 2
        return np.rint(self.income_classes @ middles).astype(np.int64)

    @cached_property
    def owners(self) -> Integers:
        """Households that own their dwelling."""
        random = self.drawn(6)
        return random.binomial(self.households, random.beta(5, 2.7, len(self.codes)))

    def parts(self, table: str) -> Integers:
        """What adds up from level to level in a table: its lines without sums, or what a median or
        a mean is made of.
        """
        made: dict[str, Callable[[], Integers]] = {
            "B01001": lambda: self.ages,
            "B11001": lambda: _divided(self.households, np.array(HOUSEHOLD_SHARES), self.drawn(7)),
            "B15003": self._schooling,
            "B19001": lambda: self.income_classes,
            "B19013": lambda: self.income_classes,
            "B19301": lambda: np.column_stack((self.residents, self.income)),
            "B25001": lambda: self.dwellings[:, None],
            "B25003": lambda: np.column_stack((self.owners, self.households - self.owners)),
            "B25077": self._values,
        }
        return made[table]()

    def level(self, digits: int, parts: Integers) -> Level:
        """The codes of a level (2, 5, 11 or 12 digits) and the sums of parts for each."""
        codes = self.codes.astype(f"U{digits}")
        starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
        return codes[starts], np.add.reduceat(parts, starts, axis=0)

    def _schooling(self) -> Integers:
        adults = self.ages.reshape(-1, 2, len(AGE_YEARS))[:, :, FIRST_ADULT:].sum(axis=(1, 2))
        random = self.drawn(8)
        tilt = random.normal(0, 0.09, len(adults))[:, None] * (
            np.arange(len(SCHOOLING_SHARES)) - 17
        )
        return _divided(adults, np.array(SCHOOLING_SHARES) * np.exp(tilt), random)

    def _values(self) -> Integers:
        """Dwellings owned, and the sum of their values in dollars."""
        value = np.exp(self.drawn(9).normal(np.log(290_000), 0.62, len(self.codes)))
        return np.column_stack((self.owners, np.rint(self.owners * value).astype(np.int64)))


def build(roster: Roster, vintage: int) -> People:
    """The block groups of the 50 states, the District of Columbia and Puerto Rico with their
    residents.
    """
    codes = []
    for state in roster.states:
        if state.state.code in us_places.ISLANDS:
            continue
        tracts = np.strings.add(state.counties_at(vintage), state.tract_codes)
        codes.append(np.strings.add(tracts[state.tract_of], state.digits))
    land = np.concatenate(codes)
    random = roster.random(5)
    residents = np.exp(random.normal(7.12, 0.47, len(land))) * (
        random.random(len(land)) >= UNINHABITED
    )
    residents = np.rint(residents * (1 + GROWTH * (vintage - 2023))).astype(np.int64)
    wet = [state for state in roster.states if state.state.code in us_roster.WATER_STATES]
    water = np.array([f"{min(state.counties_at(vintage))}{us_roster.WATER}0" for state in wet])
    every = np.concatenate((land, water))
    order = np.argsort(every)
    return People(
        roster,
        vintage,
        every[order],
        np.concatenate((residents, np.zeros(len(water), dtype=np.int64)))[order],
    )


def _divided(counts: Integers, weights: Floats | Integers, random: np.random.Generator) -> Integers:
    """Each count divided at random into parts with these weights."""
    shares = weights / weights.sum(axis=-1, keepdims=True)
    return random.multinomial(counts, shares)
