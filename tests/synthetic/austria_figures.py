"""The tables of figures: residents by municipality, sex and year of age with their code lists, and
the municipal table of employment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from synthetic import austria_places as places
from synthetic.austria_country import Country, Municipality
from synthetic.coverage import Floats

POPULATION = ("C-A10-0", "C-C11-0", "C-GRGEMAKT-0", "C-GALTEJ112-0", "F-ISIS-1")
# the third is the parent
CODE_LIST = tuple("code|name||en_name|de_desc|de_link|en_desc|en_link|de_syn|en_syn".split("|"))
HEADER = (
    ("code", "name", "en_name"),
    ("F-ISIS-1", "Fallzahl", "Number"),
    ("C-A10-0", "Jahr", "Time section"),
    ("C-C11-0", "Geschlecht", "Sex"),
    (
        "C-GRGEMAKT-0",
        "Gemeinde (Vergröberung über Politischen Bezirk)",
        "Commune (aggregation by political district)",
    ),
    ("C-GALTEJ112-0", "Alter in Einzeljahren", "Age in single years"),
)
HEADER_WIDTH = 11
SEXES = (("C11-1", "männlich", "male"), ("C11-2", "weiblich", "female"))
# 100 stands for 100 and over
AGES = tuple("GALT5J100-21" if age == 100 else f"GALTEJ112-{age + 1}" for age in range(101))
PARENT = "GRBEZAKT"  # of the publisher's prefix only the length, eight letters, is known
SHARES = {  # per cent: mean and spread over the municipalities
    "BEV_UNTER15": (14, 2),
    "BEV_UEBER65": (20, 3),
    "AUSL_STAATSB": (9, 5),
    "EWTQ_15BIS64": (75, 3),
    "ALQ_15PLUS": (4.5, 2),
    "EDU_15_SEK": (63, 4),
    "EDU_15_TER": (11, 4),
    "AUSPENDLER": (74, 10),
}
EMPLOYMENT = (
    "JAHR",
    "GCD",
    "GEM_NAME",
    "BEV_ABSOLUT",
    *SHARES,
    "PHH",
    "HH_SIZE",
    "FAMILIEN",
    "UNT",
    "AST",
    "BESCH_AST",
)
FIRST_EMPLOYMENT = 2011
BLANK_SHARE = 0.03  # of the rows of the newest year: enterprise figures arrive later


def text(rows: Iterable[Sequence[Any]], delimiter: str = ";") -> bytes:
    """A text table as the publisher writes it: UTF-8 without a byte order mark, no quotes, LF; None
    is empty.
    """
    lines = [["" if cell is None else str(cell) for cell in row] for row in rows]
    content = "".join(delimiter.join(line) + "\n" for line in lines)
    if content.count(delimiter) != sum(len(line) - 1 for line in lines) or content.count(
        "\n"
    ) != len(lines):
        raise ValueError(f"A cell holds {delimiter!r} or a line end: this format cannot quote it.")
    return content.encode()


def header() -> bytes:
    """The file _HEADER.csv, with the publisher's run of empty columns."""
    return text((*row, *[""] * (HEADER_WIDTH - len(row))) for row in HEADER)


def population(country: Country, vintage: int, territory: int) -> tuple[bytes, int, int]:
    """The file BevStand of a year on the municipalities of `territory`, the number of its rows and
    of persons; zero cells are absent.
    """
    residents = country.residents * country.random(1, vintage).normal(
        1 + 0.007 * (vintage - 2021), 0.01, len(country.pieces)
    )
    municipalities = country.at(territory)
    expected = (
        np.bincount(country.home(municipalities), residents)[None, :, None] * _ages()[:, None, :]
    )
    counts = country.random(2, vintage).poisson(expected)
    codes = [f"GRGEMAKT-{municipality.code}" for municipality in municipalities]
    year = f"A10-{vintage}"
    cells = zip(
        *(axis.tolist() for axis in np.nonzero(counts)), counts[counts > 0].tolist(), strict=True
    )
    lines = [
        f"{year};{SEXES[sex][0]};{codes[place]};{AGES[age]};{count}\n"
        for sex, place, age, count in cells
    ]
    return (";".join(POPULATION) + "\n" + "".join(lines)).encode(), len(lines), int(counts.sum())


def sexes() -> list[tuple[Any, ...]]:
    """The code list of the sexes."""
    return [_listed(code, name, None, english) for code, name, english in SEXES]


def ages() -> list[tuple[Any, ...]]:
    """The code list of the years of age; the parents are groups of five years, of the last one an
    even wider group.
    """
    german = [
        "0 Jahre",
        "1 Jahr",
        *(f"{age} Jahre" for age in range(2, 100)),
        "100 Jahre und älter",
    ]
    english = [
        "under 1 year old",
        "1 year old",
        *(f"{age} years old" for age in range(2, 100)),
        "100 years old and older",
    ]
    parents = [*(f"GALT5J100-{age // 5 + 1}" for age in range(100)), "GALT15J75-6"]
    return [_listed(*row) for row in zip(AGES, german, parents, english, strict=True)]


def communes(municipalities: Sequence[Municipality]) -> list[tuple[Any, ...]]:
    """The code list of the municipalities: the code stands behind the name, Eisenstadt <10101>;
    parents are the political districts.
    """
    names = {each.code: f"{each.name} <{each.code}>" for each in municipalities}
    return [
        _listed(f"GRGEMAKT-{code}", name, f"{PARENT}-{code[:3]}", name)
        for code, name in names.items()
    ]


def employment(country: Country, newest: int, thousands_point: bool) -> Iterator[tuple[str, ...]]:
    """Rows of the municipal table from 2011 to the newest year, each year on its own municipalities
    (before 2015 on those of 2015).

    The newest year keeps the zero of 21,0; earlier ones are written 21. A few of its enterprise
    figures are missing.
    """
    for year in range(FIRST_EMPLOYMENT, newest + 1):
        municipalities = country.at(max(year, places.FIRST_VINTAGE))
        figures = _employment_figures(country, year, municipalities)
        blank = _blank(country, len(municipalities)) if year == newest else set()
        for position, (municipality, row) in enumerate(
            zip(municipalities, figures.T.tolist(), strict=True)
        ):
            cells = [
                _cell(name, value, thousands_point, year == newest)
                for name, value in zip(EMPLOYMENT[3:], row, strict=True)
            ]
            yield (
                str(year),
                municipality.code,
                municipality.name,
                *(cells[:-3] + [""] * 3 if position in blank else cells),
            )


def _employment_figures(country: Country, year: int, municipalities: list[Municipality]) -> Floats:
    """One row for each column of figures, one column for each municipality; traits are those of its
    first piece.
    """
    traits, noise, pieces = country.random(3), country.random(4, year), len(country.pieces)
    residents = country.residents * noise.normal(1 + 0.007 * (year - 2021), 0.005, pieces)
    shares = [
        traits.normal(mean, spread, pieces) + noise.normal(0, 0.3, pieces)
        for mean, spread in SHARES.values()
    ]
    size = traits.uniform(2.0, 2.8, pieces) + noise.normal(0, 0.02, pieces)
    rates = np.exp(traits.normal(np.log([[0.08], [0.35]]), [[0.3], [0.6]], (2, pieces)))
    total = np.rint(np.bincount(country.home(municipalities), residents))
    first = [municipality.pieces[0] for municipality in municipalities]
    households = np.rint(total / size[first])
    enterprises = np.rint(total * rates[0, first])
    counts = (
        households,
        total / households,
        households * 0.68,
        enterprises,
        enterprises * 1.1,
        total * rates[1, first],
    )
    return np.array([total, *(np.clip(share, 0.1, 99.0)[first] for share in shares), *counts])


def _blank(country: Country, count: int) -> set[int]:
    return set(
        country.random(5).choice(count, max(3, int(BLANK_SHARE * count)), replace=False).tolist()
    )


def _cell(name: str, value: float, thousands_point: bool, zeros: bool) -> str:
    """Whole numbers with a point between thousands, per cents with one and the household size with
    two decimals.
    """
    if name not in SHARES and name != "HH_SIZE":
        return f"{round(value):,}".replace(",", "." if thousands_point else "")
    written = f"{value:.{2 if name == 'HH_SIZE' else 1}f}"
    return (written if zeros else written.rstrip("0").rstrip(".")).replace(".", ",")


def _ages() -> Floats:
    """The share of all residents by sex and year of age, (2, 101)."""
    age = np.arange(101)
    shape = 1 + 0.4 * np.exp(-(((age - 55) / 11) ** 2))
    weights = shape / (1 + np.exp((age - np.array([[80], [84]])) / 4.5))
    return weights / weights.sum()


def _listed(code: str, name: str, parent: str | None, english: str) -> tuple[str | None, ...]:
    return (code, name, parent, english, *[None] * (len(CODE_LIST) - 4))
