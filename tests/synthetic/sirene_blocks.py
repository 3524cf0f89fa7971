"""The facts of consecutive establishments, drawn at random: who, where, since when, doing what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from synthetic import sirene_words
from synthetic.coverage import Integers
from synthetic.sirene_ground import Ground

Flags = NDArray[np.bool_]
Days = NDArray[np.datetime64]
ROWS = 122_880  # in a block, which is a row group of the Parquet files, as DuckDB writes them
FIRST_SIREN, SIRENS = 5_000_000, 990_000_000
NEW_UNIT = 0.72  # share of the rows that begin another legal unit
CLOSED = 0.62  # 44,064,115 establishments in September 2026, 16,737,959 of them active
PARTIAL, ABROAD, UNLOCATED, FORMER = 0.12, 0.01, 0.04, 0.3
UNKNOWN_DATE, FIRST_OF_1900, OLD_CODE_OF_ACTIVE = 0.02, 0.01, 0.002
# years that are in the real file too; the second and third row have them
IMPOSSIBLE = ("0004-05-06", "2218-01-01")
# before: NAP; then NAF 1993, NAF rév. 1, NAF rév. 2
REVISIONS = np.array(["1993-01-01", "2003-01-01", "2008-01-01"], dtype="M8[D]")


@dataclass(frozen=True)
class Block:
    """Consecutive rows of the stock, in the order of siret.

    point: where in the ground; former: told under the code of a commune that is none any more;
    located: in the geolocation file. nomenclature and activity are positions in the lists of
    sirene_words; created and began hold NaT where the day is not known.
    """

    number: int
    ground: Ground
    random: np.random.Generator
    month: date
    siren: Integers
    nic: Integers
    siege: Flags
    point: Integers
    closed: Flags
    partial: Flags
    abroad: Flags
    located: Flags
    former: Flags
    created: Days
    began: Days
    treated: Days
    nomenclature: Integers
    activity: Integers

    def __len__(self) -> int:
        return len(self.siren)

    @cached_property
    def place(self) -> Integers:
        """The commune each row is told under, a position in the ground's `told`; abroad as if it
        were at home.
        """
        place = self.ground.commune[self.point]
        for number, (_, into) in enumerate(self.ground.former.values()):
            place[self.former & (place == np.searchsorted(self.ground.codes, into))] = (
                len(self.ground.codes) + number
            )
        return place


@dataclass(frozen=True)
class Plan:
    """What is the same in every block."""

    ground: Ground
    establishments: int
    month: date
    seed: int
    closed: float

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.establishments // ROWS)

    def block(self, number: int) -> Block:
        """The rows of one block, which depend on nothing but the plan and the number."""
        random = np.random.default_rng([self.seed, 2, number])
        first = number * ROWS
        rows = min(ROWS, self.establishments - first)
        siren, nic, siege = _identities(random, rows, first, self.establishments)
        flags = _flags(random, self.ground, rows, self.closed)
        created, began, treated = _days(random, flags["closed"], self.month, is_first=first == 0)
        nomenclature, activity = _activities(random, flags["closed"], began)
        return Block(
            number,
            self.ground,
            random,
            self.month,
            siren,
            nic,
            siege,
            **flags,
            created=created,
            began=began,
            treated=treated,
            nomenclature=nomenclature,
            activity=activity,
        )


def _identities(
    random: np.random.Generator, rows: int, first: int, establishments: int
) -> tuple[Integers, Integers, Flags]:
    """Rising numbers of legal units and of their establishments, the last of which is the seat;
    every block has units of its own.
    """
    begins = random.random(rows) < NEW_UNIT
    begins[0] = True
    unit = np.cumsum(begins) - 1
    stride = SIRENS * rows // establishments // (unit[-1] + 1)
    units = (
        FIRST_SIREN
        + SIRENS * first // establishments
        + stride * np.arange(unit[-1] + 1)
        + random.integers(stride, size=unit[-1] + 1)
    )
    steps = random.integers(1, 40, rows)
    cumulated = np.cumsum(steps)
    before = (cumulated - steps)[begins][unit]
    return units[unit], 9 + cumulated - before, np.r_[begins[1:], True]


def _flags(random: np.random.Generator, ground: Ground, rows: int, closed: float) -> dict[str, Any]:
    point = ground.drawn(random, rows)
    share = random.random((5, rows))
    abroad = share[0] < ABROAD
    partial = ~abroad & (share[1] < PARTIAL / (1 - ABROAD))
    part_of_another = np.isin(ground.codes, [code for _, code in ground.former.values()])[
        ground.commune[point]
    ]
    return {
        "point": point,
        "abroad": abroad,
        "partial": partial,
        "closed": share[2] < closed,
        "located": ~abroad & ~partial & (share[3] >= UNLOCATED),
        "former": ~abroad & part_of_another & (share[4] < FORMER),
    }


def _days(
    random: np.random.Generator, closed: Flags, month: date, is_first: bool
) -> tuple[Days, Days, Days]:
    """Days of creation and of the present state, and seconds of the last treatment, the newest of
    them on the eve of the month.
    """
    rows, newest = len(closed), np.datetime64(month) - 1
    back = np.minimum(
        (
            random.exponential(75, rows)
            if not is_first
            else np.r_[0, random.exponential(75, rows - 1)]
        ),
        320,
    ).astype(int)
    treated = newest - back
    created = treated - np.minimum(random.exponential(11 * 365, rows), 60 * 365).astype(int)
    began = created + (
        random.random(rows) * np.where(closed, 1, 0.5) * (treated - created).astype(int)
    ).astype(int)
    began = np.where(closed | (random.random(rows) < 0.5), began, created)
    unknown = random.random(rows)
    for days in (created, began):
        days[unknown < UNKNOWN_DATE + FIRST_OF_1900] = np.datetime64("1900-01-01")
        days[unknown < UNKNOWN_DATE] = np.datetime64("NaT")
    if is_first:
        created[1:3] = began[1:3] = np.array(IMPOSSIBLE, dtype="M8[D]")
    return created, began, treated.astype("M8[s]") + random.integers(3600, 86_399, rows)


def _activities(
    random: np.random.Generator, closed: Flags, began: Days
) -> tuple[Integers, Integers]:
    """Old nomenclatures where an establishment closed before the next came, and for a few active
    ones that nobody coded anew.
    """
    rows = len(closed)
    old = 3 - np.searchsorted(
        REVISIONS, np.where(np.isnat(began), REVISIONS[2], began), side="right"
    )
    nomenclature = np.where(closed, old, (random.random(rows) < OLD_CODE_OF_ACTIVE).astype(int))
    recent = random.choice(
        len(sirene_words.ACTIVITIES), rows, p=sirene_words.falling(len(sirene_words.ACTIVITIES))
    )
    older = random.integers(len(sirene_words.OLDER_ACTIVITIES), size=rows)
    oldest = random.integers(len(sirene_words.OLDEST_ACTIVITIES), size=rows)
    return nomenclature, np.choose(nomenclature, (recent, older, older, oldest))


def last_week(month: date) -> tuple[date, date]:
    """The first and last day of the week before a month, in which the newest treatment falls."""
    return month - timedelta(days=7), month - timedelta(days=1)
