"""The table-based summary files of the American Community Survey: every summary level of the
country in one file for each table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from synthetic import us_places
from synthetic.coverage import Floats, Integers
from synthetic.us_people import People
from synthetic.us_tables import CLASSES, SHELLS

NOT_COMPUTED, NOT_COMPUTED_MARGIN, OPEN_ENDED_MARGIN, CONTROLLED_MARGIN = (
    -666666666,
    -222222222,
    -333333333,
    -555555555,
)
# lines held to the population estimates in nation, states and counties
CONTROLLED = {"B01001": (0, 1, 25)}
# what a median below or above the last class is given as
ENDS = {"B19013": (2_499, 250_001), "B25077": (9_999, 2_000_001)}
FEWEST = 5  # households that a median is computed for
# shares of the block groups' medians that are not computed, or left out altogether
HIDDEN, BLANK = (0.015, 0.002)
Rows = tuple[str, NDArray[np.str_], Integers]


def write(folder: Path, people: People, table: str) -> tuple[dict[str, Any], dict[str, int]]:
    """acsdt5y2023-b01001.dat and its entry in the mirror, and the number of rows under each
    prefix.
    """
    name = f"acsdt5y{people.vintage}-{table.lower()}.dat"
    shell = SHELLS[table]
    names = [
        f"{table}_{kind}{line:03d}" for line in range(1, len(shell.lines) + 1) for kind in "EM"
    ]
    random = people.drawn(100 + list(SHELLS).index(table))
    counts = {}
    with (folder / name).open("wb") as file:
        file.write("|".join(["GEO_ID", *names]).encode() + b"\n")
        for prefix, codes, parts in levels(people, people.parts(table)):
            figures = _figures(table, prefix, parts, random)
            _append(file, np.strings.add(prefix, codes), figures, names)
            counts[prefix] = len(codes)
    return {"path": name, "rows": [counts["1400000US"], sum(counts.values())]}, counts


def levels(people: People, parts: Integers) -> Iterator[Rows]:
    """Prefix, code and sums of every summary level and component, in the order of the file.

    Components 01 and 43 are the urban and the rural part; places (160) and postal areas (860) are
    stood for by single tracts.
    """
    states, state_sums = people.level(2, parts)
    tracts, tract_sums = people.level(11, parts)
    nation, whole = (
        np.array([""]),
        state_sums[states != us_places.PUERTO_RICO].sum(axis=0, keepdims=True),
    )
    for prefix, codes, sums in (("01000", nation, whole), ("04000", states, state_sums)):
        yield f"{prefix}00US", codes, sums
        yield f"{prefix}01US", codes, sums * 4 // 5
        yield f"{prefix}43US", codes, sums - sums * 4 // 5
    yield "0500000US", *people.level(5, parts)
    yield "1400000US", tracts, tract_sums
    yield "1500000US", people.codes, parts
    places = tracts[::3].astype("U2")
    numbers = np.char.zfill(
        (7 * (np.arange(len(places)) - np.searchsorted(places, places) + 1)).astype(str), 5
    )
    yield "1600000US", np.strings.add(places, numbers), tract_sums[::3]
    postal = np.char.zfill((501 + 3 * np.arange(len(tracts[1::3]))).astype(str), 5)
    yield "860Z200US" if people.vintage >= 2021 else "8600000US", postal, tract_sums[1::3]


def medians(classes: Integers) -> Floats:
    """The median income of each row of household counts by class, dollars; NaN where there are too
    few households.
    """
    total = classes.sum(axis=1)
    cumulated = np.cumsum(classes, axis=1)
    where = np.argmax(cumulated >= total[:, None] / 2, axis=1)
    inside = np.take_along_axis(classes, where[:, None], axis=1)[:, 0]
    before = np.take_along_axis(cumulated, where[:, None], axis=1)[:, 0] - inside
    bounds = np.array([*CLASSES, 400.0]) * 1000
    share = (total / 2 - before) / np.maximum(inside, 1)
    return np.where(
        total >= FEWEST, np.rint(bounds[where] + share * np.diff(bounds)[where]), np.nan
    )


def _figures(
    table: str, prefix: str, parts: Integers, random: np.random.Generator
) -> tuple[Integers, NDArray[np.bool_]]:
    """Estimates and margins of error side by side, (rows, 2 * lines), and which rows are left
    blank.
    """
    if table in ("B19013", "B19301", "B25077"):
        estimates, margins, blank = _averages(table, prefix, parts, random)
    else:
        estimates, blank = SHELLS[table].filled(parts), np.zeros(len(parts), dtype=bool)
        margins = _margins(estimates, random)
        if prefix in ("0100000US", "0400000US", "0500000US"):
            margins[:, list(CONTROLLED.get(table, ()))] = CONTROLLED_MARGIN
    both = np.empty((len(parts), 2 * estimates.shape[1]), dtype=np.int32, order="F")
    both[:, ::2], both[:, 1::2] = estimates, margins
    return both, blank


def _margins(estimates: Integers, random: np.random.Generator) -> Integers:
    """Margins that grow with the root of the estimate; 12 where it is nought, as the real files
    have it for small areas.
    """
    spread = random.uniform(8, 30, (len(estimates), 1))
    return np.where(estimates == 0, 12, np.rint(1.645 * np.sqrt(spread * estimates))).astype(
        np.int64
    )


def _averages(
    table: str, prefix: str, parts: Integers, random: np.random.Generator
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        if table == "B19013":
            values, count = medians(parts), parts.sum(axis=1)
        else:
            thousands = 1000 if table == "B19301" else 1
            count = parts[:, 0]
            values = np.where(count > 0, np.rint(parts[:, 1] * thousands / count), np.nan)
    small = prefix == "1500000US" and table in ENDS
    values[random.random(len(values)) < (HIDDEN if small else 0)] = np.nan
    margins = np.rint(values * random.uniform(3, 8, len(values)) / np.sqrt(np.maximum(count, 1)))
    low, high = ENDS.get(table, (-np.inf, np.inf))
    margins = np.where((values <= low) | (values >= high), OPEN_ENDED_MARGIN, margins)
    missing, values = np.isnan(values), np.clip(values, low, high)
    blank = np.zeros(len(values), dtype=bool)
    if small:
        blank[random.choice(len(values), max(1, round(BLANK * len(values))), replace=False)] = True
    estimates = np.where(missing, NOT_COMPUTED, values).astype(np.int64)
    return (
        estimates[:, None],
        np.where(missing, NOT_COMPUTED_MARGIN, margins).astype(np.int64)[:, None],
        blank,
    )


def _append(
    file: BinaryIO,
    identifiers: NDArray[np.str_],
    figures: tuple[Integers, NDArray[np.bool_]],
    names: list[str],
) -> None:
    values, blank = figures
    columns = [pa.array(values[:, place], mask=blank) for place in range(values.shape[1])]
    batch = pa.record_batch([pa.array(identifiers), *columns], names=["GEO_ID", *names])
    csv.write_csv(
        batch, file, csv.WriteOptions(include_header=False, delimiter="|", quoting_style="none")
    )
