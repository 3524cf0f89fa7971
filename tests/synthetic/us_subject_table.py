"""Table S1901 (income) of the counties as data.census.gov exports it: labels under the header,
markers instead of figures.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from synthetic import us_acs, us_places
from synthetic.coverage import Integers
from synthetic.formats import BYTE_ORDER_MARK
from synthetic.us_people import People
from synthetic.us_tables import CLASSES

GROUPS = ("Households", "Families", "Married-couple families", "Nonfamily households")
SIZES = (1.0, 0.64, 0.47, 0.36)  # of the groups, as shares of all households
RICHER = (1.0, 1.2, 1.35, 0.6)  # medians, beside that of all households
# lower bounds of the classes, thousands of dollars
BOUNDS = tuple(map(int, "0 10 15 25 35 50 75 100 150 200".split()))
RANGES = [
    "Less than $10,000",
    *(f"${low},000 to ${high - 1},999" for low, high in pairwise(BOUNDS[1:])),
    "$200,000 or more",
]
LABELS = [
    "Total",
    *(f"Total!!{text}" for text in RANGES),
    "Median income (dollars)",
    "Mean income (dollars)",
    *(
        f"PERCENT ALLOCATED!!{kind} income in the past 12 months"
        for kind in ("Household", "Family", "Nonfamily")
    ),
]
# the line of each group that holds its share of allocated incomes
ALLOCATED = {0: 13, 1: 14, 3: 15}
MEDIAN, MEAN = 11, 12
HIDDEN_MEAN = (0.0003, 0.0003, 0.7, 0.001)  # shares of the counties whose mean is N
HIDDEN_MEDIAN = (0.001, 0.0015, 0.001, 0.005)  # whose median is -
NOT_APPLICABLE = ("(X)", "(X)")
Cells = list[tuple[str, str]]


def write(folder: Path, people: People) -> dict[str, Any]:
    """ACSST5Y2023.S1901-Data.csv and its entry in the mirror; the row of labels is not counted."""
    codes, classes = people.level(5, people.income_classes)
    random = people.drawn(60)
    income = people.level(5, people.income)[1] * 1000
    groups = [_group(number, classes, income, random) for number in range(len(GROUPS))]
    states = {place.code: place.name for place in us_places.states()}
    lines = header()
    for row, code in enumerate(codes.tolist()):
        name = f"{us_places.counties()[code].full}, {states[code[:2]]}"
        cells = [text for group in groups for line in group for text in line[row]]
        lines.append(_quoted([f"0500000US{code}", name, *cells]))
    path = folder / f"ACSST5Y{people.vintage}.S1901-Data.csv"
    path.write_bytes((BYTE_ORDER_MARK + "\n".join(lines) + "\n").encode())
    return {"path": path.name, "rows": len(codes)}


def header() -> list[str]:
    """The row of codes and the row of labels; each ends in a comma, as all rows do."""
    codes = [
        f"S1901_C{group:02d}_{line:03d}{kind}"
        for group in range(1, 5)
        for line in range(1, 17)
        for kind in "EM"
    ]
    labels = [
        f"{kind}!!{group}!!{label}"
        for group in GROUPS
        for label in LABELS
        for kind in ("Estimate", "Margin of Error")
    ]
    return [
        _quoted(["GEO_ID", "NAME", *codes]),
        _quoted(["Geography", "Geographic Area Name", *labels]),
    ]


def _group(
    number: int, classes: Integers, income: Integers, random: np.random.Generator
) -> list[Cells]:
    """The 16 lines of a group of households, each a list of (estimate, margin) by county."""
    rows = len(classes)
    everyone = classes.sum(axis=1)
    total = np.rint(everyone * SIZES[number]).astype(np.int64)
    wide = np.add.reduceat(classes, np.searchsorted(CLASSES, BOUNDS), axis=1)
    percent = 100 * wide / np.maximum(everyone, 1)[:, None]
    percent_margin = np.minimum(
        1.645 * np.sqrt((percent + 1) * 100 / np.maximum(total, 25)[:, None]), 99.9
    )
    lines: list[Cells] = [_whole(total, 1.6 * np.sqrt(total) + 12)]
    for shares, margins in zip(percent.T, percent_margin.T, strict=True):
        lines.append(
            [
                (f"{share:.1f}", f"{margin:.1f}")
                for share, margin in zip(shares, margins, strict=True)
            ]
        )
    median = np.nan_to_num(us_acs.medians(classes) * RICHER[number], nan=-1)
    mean = income / np.maximum(everyone, 1) * RICHER[number]
    for values, marker, margin_marker, share in (
        (median, "-", "**", HIDDEN_MEDIAN),
        (mean, "N", "N", HIDDEN_MEAN),
    ):
        hidden = (random.random(rows) < share[number]) | (values < 0) | (total == 0)
        shown = _whole(np.rint(values).astype(np.int64), values * 3 / np.sqrt(np.maximum(total, 9)))
        lines.append(
            [
                (marker, margin_marker) if hide else cell
                for hide, cell in zip(hidden.tolist(), shown, strict=True)
            ]
        )
    allocated = [(f"{share:.1f}", "(X)") for share in random.uniform(15, 50, rows)]
    return [
        *lines,
        *(
            allocated if ALLOCATED.get(number) == line else [NOT_APPLICABLE] * rows
            for line in range(MEAN + 1, len(LABELS))
        ),
    ]


def _whole(estimates: Integers, margins: Any) -> Cells:
    return [
        (str(estimate), f"{margin:.0f}")
        for estimate, margin in zip(estimates.tolist(), margins.tolist(), strict=True)
    ]


def _quoted(cells: list[str]) -> str:
    return "".join(f'"{cell}",' for cell in cells)
