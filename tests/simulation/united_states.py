"""U.S. Census Bureau: estimates in March, borders in April, the survey in December; the estimates
of 2027 come three months late. Incomes are exported by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from simulation.releases import LAST, Release, Workshop
from synthetic import (
    us_acs,
    us_estimates,
    us_geography,
    us_people,
    us_roster,
    us_subject_table,
    us_tables,
)
from synthetic.defects import Defects
from synthetic.us_people import People
from synthetic.us_roster import Roster

FIRST = 2023
FILES = "https://www2.census.gov"
LATE = {2027: date(2028, 6, 26)}  # estimates that are usually out in March


class Even(np.random.Generator):
    """Chances under which small shares of slowly growing numbers do not jump."""

    def multinomial(self, n: Any, pvals: Any, size: Any = None) -> Any:
        """Divide each number by the shares, without chance."""
        below = np.cumsum(np.broadcast_to(pvals, (len(n), np.shape(pvals)[-1])), axis=-1)
        ends = np.floor(np.round(below * np.asarray(n)[:, None], 6)).astype(np.int64)
        return np.diff(ends, axis=-1, prepend=0)


class Steady(Roster):
    """A country whose chances are the same every year, so that figures move by their trend only."""

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers that depend on the seed and on the purpose, not on the year of 4."""
        kept = (4, purpose[-1]) if purpose[0] == 4 else purpose
        return Even(np.random.PCG64([self.seed, *kept]))


class UnitedStates:
    """A United States of some tracts and block groups, and what is published of it."""

    def __init__(self, works: Workshop, seed: int, tracts: int, block_groups: int) -> None:
        self.works, self.seed, self.size = works, seed, (tracts, block_groups)

    @cached_property
    def made(self) -> Steady:
        """The country."""
        return Steady(**vars(us_roster.build(*self.size, self.seed)))

    def releases(self) -> Iterator[Release]:
        """All files until the end of the simulation."""
        for year in range(FIRST, LAST):
            yield from self._borders(year)
            yield from self._survey(year)
            yield self._estimates(year)

    def by_hand(self, day: date) -> dict[str, Callable[[], Path]]:
        """The tables that a person has exported by a day, ten days after the survey is out."""
        return {
            f"us-s1901-{year}.text": partial(self._subject_table, year)
            for year in range(FIRST, LAST)
            if date(year + 1, 12, 20) <= day
        }

    def _borders(self, year: int) -> Iterator[Release]:
        states = [state.state.code for state in self.made.states]
        files = [
            "us_state",
            "us_county",
            *(f"{s}_{kind}" for s in states for kind in ("tract", "bg")),
        ]
        for file in files:
            name = f"cb_{year}_{file}_500k.zip"
            yield Release(
                day=date(year + 1, 4, 20),
                address=f"{FILES}/geo/tiger/GENZ{year}/shp/{name}",
                group="census",
                vintage=year,
                title=name,
                make=partial(self._border, year, name),
            )

    def _border(self, year: int, name: str) -> Path:
        def write(folder: Path) -> None:
            for _ in us_geography.write(folder, self.made, [year], Defects()):
                pass

        return self.works.once(f"us-borders-{year}", write) / name

    def _survey(self, year: int) -> Iterator[Release]:
        folder = f"/programs-surveys/acs/summary_file/{year}/table-based-SF/data/5YRData"
        for table in us_tables.SHELLS:
            name = f"acsdt5y{year}-{table.lower()}.dat"
            yield Release(
                day=date(year + 1, 12, 10),
                address=f"{FILES}{folder}/{name}",
                group="census",
                vintage=year,
                title=name,
                make=partial(self._table, year, table, name),
            )

    def _table(self, year: int, table: str, name: str) -> Path:
        def write(folder: Path) -> None:
            us_acs.write(folder, self._people(year), table)

        return self.works.once(f"us-{name}", write) / name

    def _estimates(self, year: int) -> Release:
        folder, name = f"/programs-surveys/popest/datasets/2020-{year}", f"co-est{year}-alldata.csv"

        def make() -> Path:
            made = self.works.once(
                f"us-{name}", lambda into: us_estimates.write(into, self._people(year))
            )
            return made / name

        return Release(
            day=LATE.get(year, date(year + 1, 3, 26)),
            address=f"{FILES}{folder}/counties/totals/{name}",
            group="census",
            vintage=year,
            title=name,
            make=make,
        )

    def _subject_table(self, year: int) -> Path:
        made = self.works.once(
            f"us-s1901-{year}", lambda into: us_subject_table.write(into, self._people(year))
        )
        return made / f"ACSST5Y{year}.S1901-Data.csv"

    def _people(self, year: int) -> People:
        return us_people.build(self.made, year)
