"""Disposable income by IRIS (Filosofi): medians, deciles and shares, which are never added up.

The files of 2020 and later have a comma in their numbers and `ns` or `nd` where a value is not
published; earlier ones have a point and only rows with values. They are on the IRIS of 1 January of
the year after the income. The newest is of 2021: with later borders goes the same file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from synthetic import france_formats as formats
from synthetic import france_places as places
from synthetic.coverage import Floats
from synthetic.france_country import Country, Iris
from synthetic.france_pieces import ACTIVITY, OTHER

NEWEST = 2021
COLUMNS = (
    "TP60 Q1 MED Q3 EQ D1 D2 D3 D4 D6 D7 D8 D9 RD S80S20 GI PACT PTSA PCHO PBEN PPEN PPAT PPSOC"
    " PPFAM PPMINI PPLOGT PIMPOT NOTE"
).split()  # INCERT comes second from 2020
DECIMALS = {
    "EQ": 2,
    "GI": 3,
    "NOTE": 0,
    **{name: 0 for name in ("Q1", "MED", "Q3", "D1", "D2", "D3", "D4", "D6", "D7", "D8", "D9")},
}
STEP = 10  # euros that amounts are rounded to
FIRST_WITH_MARKS = 2020  # year of the first file with ns, nd and the column INCERT
# of a commune with figures; of an IRIS below which they may be kept back
LEAST_RESIDENTS, SMALL = (5_000, 900)
NOT_COVERED = ("971", "973", "976")
PART_OF_MEDIAN = {
    "Q1": 0.74,
    "Q3": 1.36,
    "D1": 0.55,
    "D2": 0.68,
    "D3": 0.79,
    "D4": 0.9,
    "D6": 1.12,
    "D7": 1.27,
    "D8": 1.48,
    "D9": 1.86,
}
SHARES = {  # per cent of the disposable income: mean and spread
    "PTSA": (64, 5),
    "PCHO": (3, 0.8),
    "PBEN": (4, 1.5),
    "PPEN": (27, 5),
    "PPAT": (10, 4),
    "PPFAM": (2.2, 0.8),
    "PPMINI": (2, 1),
    "PPLOGT": (1.4, 0.7),
}


def year_of(vintage: int) -> int:
    """The year of the income that goes with the borders of a vintage."""
    return min(vintage - 3, NEWEST)


def files(year: int) -> tuple[str, str]:
    """The names of the zip and of the table in it, for the income of a year."""
    if year > FIRST_WITH_MARKS:
        return f"BASE_TD_FILO_IRIS_{year}_DISP_CSV.zip", f"BASE_TD_FILO_IRIS_{year}_DISP.csv"
    return (
        f"BASE_TD_FILO_DISP_IRIS_{year}{'_CSV' * (year == FIRST_WITH_MARKS)}.zip",
        f"BASE_TD_FILO_DISP_IRIS_{year}.csv",
    )


def header(year: int) -> list[str]:
    """The names of the columns."""
    names = [COLUMNS[0], *(["INCERT"] if year >= FIRST_WITH_MARKS else []), *COLUMNS[1:]]
    return ["IRIS", *(f"DISP_{name}{year % 100:02d}" for name in names)]


def table(country: Country, year: int) -> list[list[str]]:
    """The rows of the file of a year."""
    random = country.random(5, year)
    irises, residents = _covered(country, year + 1)
    figures = _figures(len(irises), random)
    silent = _silent(irises, residents, random)
    uncertain = random.random(len(irises)) < 0.02
    rows = []
    for place, (iris, mark) in enumerate(zip(irises, silent, strict=True)):
        if mark and year < FIRST_WITH_MARKS:
            continue
        cells = [mark or _cell(name, float(figures[name][place])) for name in COLUMNS[:-1]] + [
            str(int(figures["NOTE"][place]))
        ]
        if year >= FIRST_WITH_MARKS:
            cells = [
                cell.replace(".", ",")
                for cell in [cells[0], mark or str(int(uncertain[place])), *cells[1:]]
            ]
        rows.append([iris.code, *cells])
    return rows


def written(rows: Sequence[Sequence[str]], year: int) -> bytes:
    """The table as text."""
    return formats.csv_text([header(year), *rows], line_end="\r\n")


def _covered(country: Country, vintage: int) -> tuple[list[Iris], Floats]:
    """The IRIS of large communes in metropolitan France, Martinique and La Réunion, and their
    residents.
    """
    irises = country.at(vintage)
    residents = np.bincount(country.home(irises), country.residents, len(irises))
    of_commune: dict[str, float] = defaultdict(float)
    for iris, number in zip(irises, residents.tolist(), strict=True):
        of_commune[places.city(iris.commune)] += number
    large = {
        commune
        for commune, number in of_commune.items()
        if number > LEAST_RESIDENTS and places.department(commune) not in NOT_COVERED
    }
    chosen = [place for place, iris in enumerate(irises) if places.city(iris.commune) in large]
    return [irises[place] for place in chosen], residents[chosen]


def _silent(irises: Sequence[Iris], residents: Floats, random: np.random.Generator) -> list[str]:
    """nd for IRIS without dwellings to speak of, ns for a part of the small ones, otherwise
    nothing.
    """
    drawn = random.random(len(irises))
    return [
        (
            "nd"
            if iris.kind in (ACTIVITY, OTHER)
            else "ns"
            if chance < (0.5 if number < SMALL else 0.01)
            else ""
        )
        for iris, number, chance in zip(irises, residents.tolist(), drawn.tolist(), strict=True)
    ]


def _figures(count: int, random: np.random.Generator) -> dict[str, Floats]:
    median = np.exp(random.normal(np.log(22_000), 0.2, count))
    width = random.normal(1, 0.08, count)
    amounts = {
        name: median * part ** np.maximum(width, 0.5)
        for name, part in {"MED": 1.0, **PART_OF_MEDIAN}.items()
    }
    amounts = {name: np.rint(amount / STEP) * STEP for name, amount in amounts.items()}
    shares = {
        name: np.maximum(0.1, random.normal(mean, spread, count))
        for name, (mean, spread) in SHARES.items()
    }
    social = shares["PPFAM"] + shares["PPMINI"] + shares["PPLOGT"]
    earned = shares["PTSA"] + shares["PCHO"] + shares["PBEN"]
    ratio = amounts["D9"] / amounts["D1"]
    return {
        **amounts,
        **shares,
        "PACT": earned,
        "PPSOC": social,
        "PIMPOT": 100 - earned - shares["PPEN"] - shares["PPAT"] - social,
        "TP60": np.clip(15 * (22_000 / median) ** 3 * width, 4, 60),
        "EQ": (amounts["Q3"] - amounts["Q1"]) / amounts["MED"],
        "RD": ratio,
        "S80S20": ratio * 1.2,
        "GI": 0.11 + ratio * 0.05,
        "NOTE": (random.random(count) < 0.011).astype(float),
    }


def _cell(name: str, value: float) -> str:
    """A number without zeros at its end, as the file has it: 3.1, 13010, 0.58."""
    text = f"{value:.{DECIMALS.get(name, 1)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
