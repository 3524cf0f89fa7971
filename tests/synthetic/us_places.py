"""The states and counties of the United States, real codes and names, and how the codes of counties
change with the vintage.

us_states.csv and us_counties.csv hold the 56 states and areas and the 3,244 counties and
    equivalents that there have been since
2018. They are derived from the Census Bureau's gazetteer of 2024, its boundary files of 2018 and
    its county estimates of 2023
(U.S. government work, public domain). west and south are not real: they place each state on a map
    of equal tiles.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from synthetic.coverage import Integers

HERE = Path(__file__).resolve().parent
ISLANDS = ("60", "66", "69", "78")  # no American Community Survey, no county estimates
# in the American Community Survey, not in its nation row, and in no county estimates
PUERTO_RICO = "72"
CONNECTICUT, ALASKA = "09", "02"
REGIONS_SINCE = 2022  # nine planning regions of Connecticut in place of eight counties
SPLIT_SINCE = 2020  # Valdez-Cordova became Chugach and Copper River
VALDEZ, AFTER_VALDEZ = "02261", ("02063", "02066")
KINDS = {  # how a county's full name ends, and its legal description code
    " County": "06",
    " Parish": "15",
    " City and Borough": "03",
    " Borough": "04",
    " Census Area": "05",
    " Municipality": "12",
    " Municipio": "13",
    " Planning Region": "PL",
    " District": "07",
    " city": "25",
}


@dataclass(frozen=True)
class State:
    """A state or area: codes, names, thousands of residents in 2023 and the south-western corner of
    its tile in degrees.
    """

    code: str
    postal: str
    name: str
    region: str
    division: str
    thousands: int
    west: float
    south: float


@dataclass(frozen=True)
class County:
    """A county or equivalent: its five digits, full name ("Autauga County"), name without its kind,
    and code of that kind.
    """

    code: str
    full: str
    name: str
    kind: str


@cache
def states() -> tuple[State, ...]:
    """The 50 states, the District of Columbia, Puerto Rico and the island areas in the order of
    their codes.
    """
    rows = _read("us_states.csv")
    return tuple(
        State(
            row["code"],
            row["postal"],
            row["name"],
            row["region"],
            row["division"],
            int(row["thousands"]),
            float(row["west"]),
            float(row["south"]),
        )
        for row in rows
    )


@cache
def counties() -> dict[str, County]:
    """Every county there has been since 2018, by code."""
    return {row["code"]: _county(row["code"], row["name"]) for row in _read("us_counties.csv")}


@cache
def of_today(state: str) -> tuple[str, ...]:
    """The codes of a state's counties since 2022."""
    former = {VALDEZ, *former_connecticut()}
    return tuple(code for code in counties() if code[:2] == state and code not in former)


@cache
def former_connecticut() -> tuple[str, ...]:
    """The codes of Connecticut's eight counties."""
    return tuple(code for code in counties() if code[:2] == CONNECTICUT and code < "09100")


def chosen(tracts: int) -> dict[str, tuple[str, ...]]:
    """The counties of today by state that a country of so many tracts has: the first of each state,
    and those whose codes change.
    """
    least = {state.code: {CONNECTICUT: 9, ALASKA: 2}.get(state.code, 1) for state in states()}
    known = {state: of_today(state) for state in least}
    fewest = sum(least.values())
    if tracts < fewest:
        raise ValueError(
            f"56 states, Connecticut with 9 counties and Alaska with 2 need at least {fewest}"
            f" tracts; {tracts} were asked for."
        )
    room = np.array([len(codes) - least[state] for state, codes in known.items()])
    wanted = min(max(tracts // 10 - fewest, 0), int(room.sum()))
    more = dict(zip(known, shares(room, wanted), strict=True))
    return {state: _first(codes, least[state] + int(more[state])) for state, codes in known.items()}


def shares(weights: Sequence[float] | Integers, count: int) -> Integers:
    """A number divided into whole parts in proportion to weights, largest remainders first."""
    ideal = np.asarray(weights, dtype=float) / max(float(np.sum(weights)), 1e-9) * count
    parts: Integers = np.floor(ideal).astype(np.int64)
    parts[np.argsort(parts - ideal, kind="stable")[: count - int(parts.sum())]] += 1
    return parts


def code_at(today: str, tract: int, tracts: int, vintage: int) -> str:
    """The code that a tract's county has in a vintage; Connecticut's tract of that number among its
    tracts is cut anew.
    """
    if today[:2] == CONNECTICUT and vintage < REGIONS_SINCE:
        former = former_connecticut()
        return former[tract * len(former) // tracts]
    return VALDEZ if today in AFTER_VALDEZ and vintage < SPLIT_SINCE else today


def _first(codes: tuple[str, ...], count: int) -> tuple[str, ...]:
    needed = [code for code in codes if code in AFTER_VALDEZ]
    others = [code for code in codes if code not in AFTER_VALDEZ]
    return tuple(sorted(needed + others[: count - len(needed)]))


def _county(code: str, full: str) -> County:
    for ending, kind in KINDS.items():
        if full.endswith(ending) and full != "Carson City":
            return County(code, full, full.removesuffix(ending), kind)
    if code[:2] == "78":
        return County(code, full, full.removesuffix(" Island"), "10")
    return County(code, full, full, "00")


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="|"))
