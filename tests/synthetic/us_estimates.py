"""The county population estimates of the Census Bureau: residents, births, deaths and migration of
counties and states in one file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from synthetic import us_places
from synthetic.coverage import Floats, Integers
from synthetic.us_people import GROWTH, People

KEYS = ("SUMLEV", "REGION", "DIVISION", "STATE", "COUNTY", "STNAME", "CTYNAME")
Columns = dict[str, Integers | Floats]


def header(vintage: int) -> list[str]:
    """The columns in their order: since 2020 on the census of 2020, before on that of 2010 with
    other names for natural change.
    """
    first = _first(vintage)
    years = range(first, vintage + 1)
    natural = _natural(vintage)
    names = [
        *KEYS,
        *(["CENSUS2010POP"] if first == 2010 else []),
        f"ESTIMATESBASE{first}",
        *(f"POPESTIMATE{year}" for year in years),
    ]
    for stem in (
        f"NPOPCHG{'_' if first == 2010 else ''}",
        "BIRTHS",
        "DEATHS",
        natural,
        "INTERNATIONALMIG",
        "DOMESTICMIG",
        "NETMIG",
        "RESIDUAL",
    ):
        names += [f"{stem}{year}" for year in years]
    names += [f"GQESTIMATESBASE{first}", *(f"GQESTIMATES{year}" for year in years)]
    for stem in ("BIRTH", "DEATH", natural, "INTERNATIONALMIG", "DOMESTICMIG", "NETMIG"):
        names += [f"R{stem}{year}" for year in years if year > first]
    return names


def write(folder: Path, people: People) -> dict[str, Any]:
    """co-est2023-alldata.csv and its entry in the mirror; the rows and the total stated there are
    those of the counties alone.
    """
    vintage = people.vintage
    codes, residents = people.level(5, people.residents)
    inside = codes.astype("U2") != us_places.PUERTO_RICO
    codes, counties = codes[inside], _counted(residents[inside], people)
    state = codes.astype("U2")
    starts = np.flatnonzero(np.r_[True, state[1:] != state[:-1]])
    states = {name: np.add.reduceat(values, starts) for name, values in counties.items()}
    names = header(vintage)
    for columns in (counties, states):
        columns.update(_rates(columns, vintage))
    known = {place.code: place for place in us_places.states()}
    lines = [",".join(names)]
    for number, start in enumerate(starts.tolist()):
        place = known[str(state[start])]
        above = (place.region, place.division, place.code)
        lines.append(_line(("040", *above, "000", place.name, place.name), states, number, names))
        for row in np.flatnonzero(state == place.code).tolist():
            full = us_places.counties()[str(codes[row])].full
            lines.append(
                _line(("050", *above, str(codes[row])[2:], place.name, full), counties, row, names)
            )
    path = folder / f"co-est{vintage}-alldata.csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("latin-1"))
    return {
        "path": path.name,
        "rows": len(codes),
        "totals": {"population": int(counties[f"POPESTIMATE{vintage}"].sum())},
    }


def _counted(residents: Integers, people: People) -> Columns:
    """Whole numbers of the counties, which add up: change is births less deaths, plus migration,
    plus a residual.
    """
    vintage, random, first = people.vintage, people.drawn(50), _first(people.vintage)
    made: Columns = {}
    drift = random.normal(0, 0.006, len(residents))
    level = residents * (1 + random.normal(0, 0.01, len(residents)))
    for year in range(first, vintage + 1):
        made[f"POPESTIMATE{year}"] = np.rint(
            level * (1 + (year - vintage) * (GROWTH + drift))
        ).astype(np.int64)
    made[f"ESTIMATESBASE{first}"] = np.rint(
        made[f"POPESTIMATE{first}"] * random.uniform(0.995, 1.001, len(residents))
    ).astype(np.int64)
    made["CENSUS2010POP"] = made[f"ESTIMATESBASE{first}"] - random.integers(0, 3, len(residents))
    before, underscore, natural = (
        made[f"ESTIMATESBASE{first}"],
        "_" if first == 2010 else "",
        _natural(vintage),
    )
    for year in range(first, vintage + 1):
        # the first year runs from April to June
        now, part = (made[f"POPESTIMATE{year}"], 0.25 if year == first else 1.0)
        births, deaths = (random.poisson(now * rate * part) for rate in (0.0112, 0.0098))
        abroad, residual = random.poisson(now * 0.0028 * part), random.integers(-3, 4, len(now))
        change = now - before
        home = change - births + deaths - abroad - residual
        made |= {
            f"NPOPCHG{underscore}{year}": change,
            f"BIRTHS{year}": births,
            f"DEATHS{year}": deaths,
            f"{natural}{year}": births - deaths,
            f"INTERNATIONALMIG{year}": abroad,
            f"DOMESTICMIG{year}": home,
            f"NETMIG{year}": abroad + home,
            f"RESIDUAL{year}": residual,
            f"GQESTIMATES{year}": np.rint(now * 0.022).astype(np.int64),
        }
        before = now
    made[f"GQESTIMATESBASE{first}"] = made[f"GQESTIMATES{first}"]
    return made


def _rates(columns: Columns, vintage: int) -> Columns:
    """Rates of each full year for 1,000 residents at its middle."""
    made: Columns = {}
    for year in range(_first(vintage) + 1, vintage + 1):
        middle = np.maximum(
            (columns[f"POPESTIMATE{year}"] + columns[f"POPESTIMATE{year - 1}"]) / 2, 1
        )
        for stem, counted in (
            ("BIRTH", "BIRTHS"),
            ("DEATH", "DEATHS"),
            *((name, name) for name in _flows(vintage)),
        ):
            made[f"R{stem}{year}"] = columns[f"{counted}{year}"] / middle * 1000
    return made


def _line(keys: tuple[str, ...], columns: Columns, row: int, names: list[str]) -> str:
    values = (columns[name][row].item() for name in names[len(KEYS) :])
    return ",".join(
        [
            *keys,
            *(
                f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
                for value in values
            ),
        ]
    )


def _first(vintage: int) -> int:
    return 2020 if vintage >= 2020 else 2010


def _natural(vintage: int) -> str:
    return "NATURALCHG" if vintage >= 2020 else "NATURALINC"


def _flows(vintage: int) -> tuple[str, ...]:
    return _natural(vintage), "INTERNATIONALMIG", "DOMESTICMIG", "NETMIG"
