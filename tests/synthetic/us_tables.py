"""The lines of nine tables of the American Community Survey, as the Census Bureau's table shells
have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from synthetic.coverage import Integers

HEADER = "Table ID|Line|Indent|Unique ID|Label|Title|Universe|Type"
AGES = (
    "Under 5 years/5 to 9 years/10 to 14 years/15 to 17 years/18 and 19 years/20 years/21 years/22"
    " to 24 years/25 to 29 years/30 to 34 years/35 to 39 years/40 to 44 years/45 to 49 years/50 to"
    " 54 years/55 to 59 years/60 and 61 years/62 to 64 years/65 and 66 years/67 to 69 years/70 to"
    " 74 years/75 to 79 years/80 to 84 years/85 years and over"
).split("/")
SCHOOLING = (
    "No schooling completed/Nursery school/Kindergarten/1st grade/2nd grade/3rd grade/4th grade/5th"
    " grade/6th grade/7th grade/8th grade/9th grade/10th grade/11th grade/12th grade, no"
    " diploma/Regular high school diploma/GED or alternative credential/Some college, less than 1"
    " year/Some college, 1 or more years, no degree/Associate's degree/Bachelor's degree/Master's"
    " degree/Professional school degree/Doctorate degree"
).split("/")
# lower bounds of the income classes, thousands of dollars
CLASSES = tuple(map(int, "0 10 15 20 25 30 35 40 45 50 60 75 100 125 150 200".split()))
INCOMES = [
    "Less than $10,000",
    *(f"${low},000 to ${high - 1},999" for low, high in pairwise(CLASSES[1:])),
    "$200,000 or more",
]
DOLLARS = "in the past 12 months (in {year} inflation-adjusted dollars)"
TITLED = "in the Past 12 Months (in {year} Inflation-Adjusted Dollars)"


@dataclass(frozen=True)
class Shell:
    """A table: identifier, title, universe and its lines as (indent, label); a label that ends in a
    colon is the sum of those under it.
    """

    table: str
    title: str
    universe: str
    lines: tuple[tuple[int, str], ...]

    @property
    def leaves(self) -> list[int]:
        """The positions of the lines that have nothing under them."""
        indents = [indent for indent, _ in self.lines] + [0]
        return [
            position
            for position in range(len(self.lines))
            if indents[position + 1] <= indents[position]
        ]

    def filled(self, leaves: Integers) -> Integers:
        """All lines from those that have nothing under them, (rows, leaves) to (rows, lines)."""
        filled = np.empty((len(leaves), len(self.lines)), dtype=np.int64)
        positions = self.leaves
        for position, (indent, _) in enumerate(self.lines):
            after = [
                place
                for place in range(position + 1, len(self.lines))
                if self.lines[place][0] <= indent
            ]
            end = after[0] if after else len(self.lines)
            below = [number for number, place in enumerate(positions) if position <= place < end]
            filled[:, position] = leaves[:, below[0] : below[-1] + 1].sum(axis=1)
        return filled


def _under(total: str, labels: list[str], indent: int = 0) -> list[tuple[int, str]]:
    return [(indent, total), *((indent + 1, label) for label in labels)]


HOUSEHOLDS = (
    (0, "Total:"),
    (1, "Family households:"),
    (2, "Married-couple family"),
    (2, "Other family:"),
    (3, "Male householder, no spouse present"),
    (3, "Female householder, no spouse present"),
    (1, "Nonfamily households:"),
    (2, "Householder living alone"),
    (2, "Householder not living alone"),
)
SHELLS = {
    shell.table: shell
    for shell in (
        Shell(
            "B01001",
            "Sex by Age",
            "Total population",
            ((0, "Total:"), *_under("Male:", AGES, 1), *_under("Female:", AGES, 1)),
        ),
        Shell("B11001", "Household Type (Including Living Alone)", "Households", HOUSEHOLDS),
        Shell(
            "B15003",
            "Educational Attainment for the Population 25 Years and Over",
            "Population 25 years and over",
            tuple(_under("Total:", SCHOOLING)),
        ),
        Shell(
            "B19001", f"Household Income {TITLED}", "Households", tuple(_under("Total:", INCOMES))
        ),
        Shell(
            "B19013",
            f"Median Household Income {TITLED}",
            "Households",
            ((0, f"Median household income {DOLLARS}"),),
        ),
        Shell(
            "B19301",
            f"Per Capita Income {TITLED}",
            "Total population",
            ((0, f"Per capita income {DOLLARS}"),),
        ),
        Shell("B25001", "Housing Units", "Housing units", ((0, "Total"),)),
        Shell(
            "B25003",
            "Tenure",
            "Occupied housing units",
            tuple(_under("Total:", ["Owner occupied", "Renter occupied"])),
        ),
        Shell(
            "B25077",
            "Median Value (Dollars)",
            "Owner-occupied housing units",
            ((0, "Median value (dollars)"),),
        ),
    )
}


def shell_rows(year: int) -> Iterator[str]:
    """The rows of the table shells: titles in capitals until 2021; a line number is written as 1.0,
    an indent as 1.
    """
    for shell in SHELLS.values():
        title = shell.title.format(year=year)
        title = title.upper() if year <= 2021 else title
        for number, (indent, label) in enumerate(shell.lines, 1):
            line = f"{shell.table}|{number}.0|{indent}|{shell.table}_{number:03d}"
            yield f"{line}|{label.format(year=year)}|{title}|{shell.universe}|int"


def write_shells(folder: Path, year: int) -> dict[str, Any]:
    """ACS20235YR_Table_Shells.txt, and its entry in the mirror."""
    rows = list(shell_rows(year))
    name = f"ACS{year}5YR_Table_Shells.txt"
    (folder / name).write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8", newline="\n")
    return {"path": name, "rows": len(rows)}
