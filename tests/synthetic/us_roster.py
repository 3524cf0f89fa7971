"""The tracts and block groups of a synthetic United States, and their codes in a vintage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from synthetic import us_places
from synthetic.coverage import Integers
from synthetic.us_places import State, shares

Texts = NDArray[np.str_]
MOST = 9  # block groups in a tract: their code is one digit
# the first county of each has a tract of water only
WATER_STATES = tuple("06 12 25 26 36 48 53".split())
WATER = "990000"


@dataclass(frozen=True)
class StateRoster:
    """The tracts of a state in the order of their places: county of today and number of block
    groups of each.
    """

    state: State
    home: Texts
    block_groups: Integers

    def counties_at(self, vintage: int) -> Texts:
        """The county of each tract in a vintage, five digits."""
        count = len(self.home)
        return np.array(
            [
                us_places.code_at(code, tract, count, vintage)
                for tract, code in enumerate(self.home.tolist())
            ]
        )

    @property
    def tract_codes(self) -> Texts:
        """The six digits of each tract; in Connecticut and Alaska they are unique in the state, so
        that they survive a change of counties.
        """
        alone = self.state.code in (us_places.CONNECTICUT, us_places.ALASKA)
        first = (
            np.zeros(len(self.home), dtype=np.int64)
            if alone
            else np.searchsorted(self.home, self.home)
        )
        return np.array(
            [tract_code(position) for position in (np.arange(len(self.home)) - first).tolist()]
        )

    @property
    def tract_of(self) -> Integers:
        """The tract of each block group, by its position."""
        return np.repeat(np.arange(len(self.home)), self.block_groups)

    @property
    def digits(self) -> Texts:
        """The digit of each block group, from 1 within its tract."""
        first = np.cumsum(self.block_groups) - self.block_groups
        return (np.arange(self.block_groups.sum()) - first[self.tract_of] + 1).astype("U1")


@dataclass(frozen=True)
class Roster:
    """All states in the order of their codes, and the seed of everything random."""

    states: tuple[StateRoster, ...]
    seed: int

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and the purpose only."""
        return np.random.default_rng([self.seed, *purpose])


def build(tracts: int, block_groups: int, seed: int) -> Roster:
    """A country of exactly so many tracts and block groups in the boundary files."""
    chosen = us_places.chosen(tracts)
    if not tracts <= block_groups <= MOST * tracts:
        raise ValueError(
            f"{tracts} tracts have at least {tracts} and at most {MOST * tracts} block groups;"
            f" {block_groups} were asked for."
        )
    random = np.random.default_rng([seed, 1])
    counties = np.array([code for codes in chosen.values() for code in codes])
    homes = np.repeat(counties, 1 + _spread(counties, tracts - len(counties), random))
    sizes = np.full(tracts, 1)
    slots = random.choice(tracts * (MOST - 1), block_groups - tracts, replace=False)
    np.add.at(sizes, slots // (MOST - 1), 1)
    begins = np.searchsorted(homes, [state.code for state in us_places.states()])
    ends = [*begins[1:], tracts]
    return Roster(
        tuple(
            StateRoster(state, homes[begin:end], sizes[begin:end])
            for state, begin, end in zip(us_places.states(), begins, ends, strict=True)
        ),
        seed,
    )


def tract_code(position: int) -> str:
    """Six digits that rise with the position; every second base number is split, as where a tract
    of an earlier census was cut in two.
    """
    base, part = divmod(position, 4)
    return f"{3 * base + min(part, 2) + 1:04d}{max(part - 1, 0):02d}"


def tract_name(code: str) -> str:
    """The number as people write it: 000302 is 3.02, 000100 is 1."""
    return f"{int(code[:4])}" + (f".{code[4:]}" if code[4:] != "00" else "")


def _spread(counties: Texts, count: int, random: np.random.Generator) -> Integers:
    """Tracts for each county beside its first: states by their residents, the counties of a state
    very unevenly.
    """
    residents = {state.code: state.thousands for state in us_places.states()}
    size = np.exp(random.normal(0, 1.3, len(counties)))
    state = counties.astype("U2")
    totals = {code: size[state == code].sum() for code in residents}
    weights = np.array(
        [
            size[number] * residents[code] / totals[code]
            for number, code in enumerate(state.tolist())
        ]
    )
    return shares(weights, count)
