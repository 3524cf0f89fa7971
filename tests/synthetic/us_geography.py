"""All boundary files of a synthetic United States, written state by state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from synthetic import us_boundaries, us_places, us_shapes
from synthetic.coverage import Geometries, Integers
from synthetic.defects import Defects
from synthetic.us_boundaries import Columns
from synthetic.us_places import State, shares
from synthetic.us_roster import Roster, StateRoster, Texts, tract_name

ROOM = 6  # block groups that a fault needs around it
WATERY = 0.6  # share of the areas with some water
Level = tuple[Columns, Geometries]
Entry = dict[str, Any]


def write(
    folder: Path, roster: Roster, vintages: Sequence[int], defects: Defects
) -> Iterator[tuple[str, Entry]]:
    """Every boundary file of the vintages with its name in the mirror; one state at a time is in
    memory.
    """
    national: dict[tuple[str, int], list[Level]] = {
        (level, vintage): [] for level in ("state", "county") for vintage in vintages
    }
    for number, (state, faults) in enumerate(
        zip(roster.states, _shared_out(roster, defects), strict=True)
    ):
        random = roster.random(2, number)
        spoilt, clean, areas = us_shapes.block_groups(
            state.state, int(state.block_groups.sum()), len(set(state.home)), faults, random
        )
        water = np.rint(
            areas * random.uniform(0, 0.1, len(areas)) * (random.random(len(areas)) < WATERY)
        ).astype(np.int64)
        land = areas - water
        tracts = us_shapes.united(clean, state.tract_of)
        for vintage in vintages:
            levels = _levels(state, vintage, land, water, tracts)
            groups = _block_groups(state, vintage, land, water), spoilt
            for slug, level, content in (
                ("us-tracts", "tract", levels["tract"]),
                ("us-block-groups", "bg", groups),
            ):
                name = f"{slug}-{state.state.code}-{vintage}"
                yield name, us_boundaries.write(folder, state.state.code, level, vintage, *content)
            national["county", vintage].append(levels["county"])
            national["state", vintage].append(levels["state"])
    for (level, vintage), parts in national.items():
        columns = {name: np.concatenate([part[name] for part, _ in parts]) for name in parts[0][0]}
        shapes = np.concatenate([shapes for _, shapes in parts])
        slug = {"state": "us-states", "county": "us-counties"}[level]
        yield (
            f"{slug}-{vintage}",
            us_boundaries.write(folder, "us", level, vintage, columns, shapes),
        )


def _levels(
    state: StateRoster, vintage: int, land: Integers, water: Integers, tracts: Geometries
) -> dict[str, Level]:
    """Tracts, counties and the state itself, their areas the sums of those below."""
    home = state.counties_at(vintage)
    starts = np.flatnonzero(np.r_[True, home[1:] != home[:-1]])
    first = np.cumsum(state.block_groups) - state.block_groups
    areas = [np.add.reduceat(values, first) for values in (land, water)]
    county_areas = [np.add.reduceat(values, starts) for values in areas]
    counties = us_shapes.united(
        tracts, np.searchsorted(starts, np.arange(len(home)), side="right") - 1
    )
    whole = us_shapes.united(counties, np.zeros(len(counties), dtype=np.int64))
    return {
        "tract": (_tracts(state, home, *areas), tracts),
        "county": (_counties(state.state, home[starts], *county_areas), counties),
        "state": (_state(state.state, int(land.sum()), int(water.sum())), whole),
    }


def _block_groups(state: StateRoster, vintage: int, land: Integers, water: Integers) -> Columns:
    home, codes = (
        values[state.tract_of] for values in (state.counties_at(vintage), state.tract_codes)
    )
    digits = state.digits
    return {
        "STATEFP": _repeated(state.state.code, digits),
        "COUNTYFP": _county_part(home),
        "TRACTCE": codes,
        "BLKGRPCE": digits,
        "GEOID": np.strings.add(np.strings.add(home, codes), digits),
        "NAME": digits,
        "NAMELSAD": np.strings.add("Block Group ", digits),
        "LSAD": _repeated("BG", digits),
        "ALAND": land,
        "AWATER": water,
    }


def _tracts(state: StateRoster, home: Texts, land: Integers, water: Integers) -> Columns:
    codes = state.tract_codes
    names = np.array([tract_name(code) for code in codes.tolist()])
    return {
        "STATEFP": _repeated(state.state.code, codes),
        "COUNTYFP": _county_part(home),
        "TRACTCE": codes,
        "GEOID": np.strings.add(home, codes),
        "NAME": names,
        "NAMELSAD": np.strings.add("Census Tract ", names),
        "STUSPS": _repeated(state.state.postal, codes),
        "NAMELSADCO": np.array([us_places.counties()[code].full for code in home.tolist()]),
        "STATE_NAME": _repeated(state.state.name, codes),
        "LSAD": _repeated("CT", codes),
        "ALAND": land,
        "AWATER": water,
    }


def _counties(state: State, codes: Texts, land: Integers, water: Integers) -> Columns:
    known = [us_places.counties()[code] for code in codes.tolist()]
    return {
        "STATEFP": _repeated(state.code, codes),
        "COUNTYFP": _county_part(codes),
        "COUNTYNS": _feature_numbers(codes),
        "GEOID": codes,
        "NAME": np.array([county.name for county in known]),
        "NAMELSAD": np.array([county.full for county in known]),
        "STUSPS": _repeated(state.postal, codes),
        "STATE_NAME": _repeated(state.name, codes),
        "LSAD": np.array([county.kind for county in known]),
        "ALAND": land,
        "AWATER": water,
    }


def _state(state: State, land: int, water: int) -> Columns:
    texts = {
        "STATEFP": state.code,
        "GEOID": state.code,
        "STUSPS": state.postal,
        "NAME": state.name,
        "LSAD": "00",
    }
    code = np.array([state.code])
    return {
        **{name: np.array([value]) for name, value in texts.items()},
        "STATENS": _feature_numbers(code),
        "ALAND": np.array([land]),
        "AWATER": np.array([water]),
    }


def _shared_out(roster: Roster, defects: Defects) -> list[Defects]:
    """The faults of each state: of every kind some, in states that have room for them."""
    sizes = np.array([int(state.block_groups.sum()) for state in roster.states])
    room = sizes // ROOM
    kinds = ["overlaps", "gaps", "crossings", "lakes"]
    wanted = [kind for kind in kinds for _ in range(getattr(defects, kind))]
    if len(wanted) > room.sum():
        raise ValueError(
            f"This country of {sizes.sum()} block groups has room for {room.sum()} faults;"
            f" {len(wanted)} were asked for."
        )
    hosts = np.repeat(np.arange(len(sizes)), shares(room, len(wanted)) if wanted else 0)
    order = roster.random(3).permutation(len(wanted))
    given = [dict.fromkeys(kinds, 0) for _ in sizes]
    for host, which in zip(hosts.tolist(), order.tolist(), strict=True):
        given[host][wanted[which]] += 1
    return [Defects(**each) for each in given]


def _repeated(value: str, like: Texts) -> Texts:
    return np.full(len(like), value)


def _county_part(codes: Texts) -> Texts:
    return np.strings.slice(codes, 2, 5)


def _feature_numbers(codes: Texts) -> Texts:
    """Eight digits in place of the real numbers of the Geographic Names Information System."""
    return np.array([f"{1_700_000 + int(code):08d}" for code in codes.tolist()])
