"""The census by IRIS of INSEE: population, housing, and households, in the columns of its files of
a year.

It is on the IRIS of 1 January two years later. The newest is of 2022: with later borders goes the
same file.

Figures of one IRIS fit together: sexes and ages add up to the population, dwellings to their kinds,
households to their members. As in the census of communes under 10,000 inhabitants, undivided
communes have whole numbers of people; the rest is weighted and is not whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from synthetic import france_formats as formats
from synthetic.coverage import Floats
from synthetic.france_country import Country, Iris
from synthetic.france_pieces import UNDIVIDED

NEWEST = 2022
LABELS = ("IRIS", "COM", "TYP_IRIS", "LAB_IRIS")
QUALITY = {"H": "1", "A": "1", "D": "1", UNDIVIDED: "5"}
# first years of age of the finest groups that all bands are made of
LIMITS = tuple(map(int, "0 3 6 11 15 18 20 25 30 40 45 55 60 65 75 80".split()))
# per cent
WEIGHTS = tuple(
    map(float, "2.9 3.1 5.9 5.0 3.7 2.3 5.8 5.7 12.3 6.4 13.1 6.5 6.3 11.0 4.0 6.0".split())
)
FINE = ("0002", "0305", "0610", "1117", "1824", "2539", "4054", "5564", "6579", "80P")
WIDE = ("0014", "1529", "3044", "4559", "6074", "75P", "0019", "2064", "65P")
CLASSES = tuple(f"CS{number}" for number in range(1, 9))
CLASSES_2022 = tuple(
    f"STAT_GSEC{group}"
    for group in ("11_21", "12_22", "13_23", "14_24", "15_25", "16_26", "32", "40")
)  # nomenclature of 2020
CLASS_WEIGHTS = (0.8, 3.6, 9.8, 14.2, 16.0, 12.6, 27.0, 16.0)
FOREIGN, ELSEWHERE, MAYOTTE = 0.078, 0.021, "976"
IN_HOUSEHOLD = 2.17

# what is divided: the parts, in per cent; what the parts lack to a hundred is nowhere in the file
HOUSING = (
    ("LOG", {"MAISON": 54.8, "APPART": 44.3}),
    ("RP", {"RP_1P": 6.1, "RP_2P": 13.2, "RP_3P": 21.0, "RP_4P": 25.4, "RP_5PP": 34.3}),
    ("RP", {"RPMAISON": 55.6, "RPAPPART": 43.5}),
    (
        "RP",
        {
            "RP_M30M2": 6.3,
            "RP_3040M2": 6.6,
            "RP_4060M2": 15.2,
            "RP_6080M2": 21.9,
            "RP_80100M2": 19.7,
            "RP_100120M2": 12.6,
            "RP_120M2P": 17.7,
        },
    ),
    ("RP", {"RP_ACHTOT": 98.2}),
    (
        "RP_ACHTOT",
        {
            "RP_ACH1919": 13.2,
            "RP_ACH1945": 9.1,
            "RP_ACH1970": 20.7,
            "RP_ACH1990": 26.6,
            "RP_ACH2005": 15.6,
            "RP_ACH2019": 14.8,
        },
    ),
    ("RP", {"RP_PROP": 57.4, "RP_LOC": 40.5, "RP_GRAT": 2.1}),
    ("RP_LOC", {"RP_LOCHLMV": 36.0}),
    (
        "MEN",
        {"MEN_ANEM0002": 12.3, "MEN_ANEM0204": 19.6, "MEN_ANEM0509": 17.8, "MEN_ANEM10P": 50.3},
    ),
    ("RP", {"RP_GARL": 65.0}),
    ("RP", {"RP_VOIT1P": 80.0}),
    ("RP_VOIT1P", {"RP_VOIT1": 58.0, "RP_VOIT2P": 42.0}),
)
HOUSING_COLUMNS = (
    "LOG RP RSECOCC LOGVAC MAISON APPART RP_1P RP_2P RP_3P RP_4P RP_5PP NBPI_RP RPMAISON RPAPPART"
    " RP_M30M2 RP_3040M2 RP_4060M2 RP_6080M2 RP_80100M2 RP_100120M2 RP_120M2P RP_ACHTOT RP_ACH1919"
    " RP_ACH1945 RP_ACH1970 RP_ACH1990 RP_ACH2005 RP_ACH2019 MEN MEN_ANEM0002 MEN_ANEM0204"
    " MEN_ANEM0509 MEN_ANEM10P PMEN RP_PROP RP_LOC RP_LOCHLMV RP_GRAT NPER_RP RP_GARL RP_VOIT1P"
    " RP_VOIT1 RP_VOIT2P"
).split()
HOUSEHOLDS = (
    ("MEN", {"MENPSEUL": 38.0, "MENSFAM": 2.4, "MENFAM": 59.6}),
    ("MENPSEUL", {"MENHSEUL": 43.0, "MENFSEUL": 57.0}),
    ("MENFAM", {"MENCOUPSENF": 42.5, "MENCOUPAENF": 41.3, "MENFAMMONO": 16.2}),
    ("PMEN", {"PMEN_MENPSEUL": 17.4, "PMEN_MENSFAM": 2.4, "PMEN_MENFAM": 80.2}),
    ("PMEN_MENPSEUL", {"PMEN_MENHSEUL": 43.0, "PMEN_MENFSEUL": 57.0}),
    ("PMEN_MENFAM", {"PMEN_MENCOUPSENF": 29.6, "PMEN_MENCOUPAENF": 56.2, "PMEN_MENFAMMONO": 14.2}),
    ("FAM", {"COUPAENF": 41.3, "FAMMONO": 16.4, "COUPSENF": 42.3}),
    ("FAM", {"NE24F0": 51.6, "NE24F1": 22.2, "NE24F2": 18.3, "NE24F3": 6.1, "NE24F4P": 1.8}),
)
HOUSEHOLD_COLUMNS = (
    "MEN MENPSEUL MENHSEUL MENFSEUL MENSFAM MENFAM MENCOUPSENF MENCOUPAENF MENFAMMONO PMEN"
    " PMEN_MENPSEUL PMEN_MENHSEUL PMEN_MENFSEUL PMEN_MENSFAM PMEN_MENFAM PMEN_MENCOUPSENF"
    " PMEN_MENCOUPAENF PMEN_MENFAMMONO FAM COUPAENF FAMMONO COUPSENF NE24F0 NE24F1 NE24F2 NE24F3"
    " NE24F4P"
).split()
# names of the columns, labels of the rows, numbers
Table = tuple[list[str], list[tuple[str, ...]], Floats]


def year_of(vintage: int) -> int:
    """The year of the census that goes with the borders of a vintage."""
    return min(vintage - 2, NEWEST)


def population(country: Country, year: int) -> Table:
    """Residents by sex, age, class, nationality and kind of household."""
    irises, random = covered(country, year), country.random(1, year)
    cells = _cells(country, irises, year)
    total = cells.sum(axis=(1, 2))
    bands = {
        **{name: cells[:, :, part].sum(axis=2) for name, part in _bands().items()},
        "": cells.sum(axis=2),
    }
    classes = _classes(cells, random)
    columns = {f"P_POP{name}": bands[name].sum(axis=1) for name in ("", *FINE, *WIDE)}
    for sex, letter in enumerate("HF"):
        columns |= {f"P_POP{letter}": bands[""][:, sex]} | {
            f"P_{letter}{name}": bands[name][:, sex] for name in WIDE
        }
    for letter, figures in (
        ("POP", classes.sum(axis=1)),
        ("H", classes[:, 0]),
        ("F", classes[:, 1]),
    ):
        names = CLASSES_2022 if year >= 2022 else CLASSES
        columns |= {f"C_{letter}15P": figures.sum(axis=1)} | {
            f"C_{letter}15P_{name}": figures[:, place] for place, name in enumerate(names)
        }
    foreign, members = _part(total, FOREIGN, random), in_households(total, irises)
    columns |= {
        "P_POP_FR": total - foreign,
        "P_POP_ETR": foreign,
        "P_POP_IMM": np.minimum(total, foreign * 1.32),
    }
    columns |= {"P_PMEN": members, "P_PHORMEN": total - members}
    return _table(irises, columns, year)


def housing(country: Country, year: int) -> Table:
    """Dwellings by kind, size, age and occupation."""
    irises, random = covered(country, year), country.random(2, year)
    members = in_households(_cells(country, irises, year).sum(axis=(1, 2)), irises)
    households = members / random.normal(IN_HOUSEHOLD, 0.12, len(irises))
    columns = {
        "RP": households,
        "MEN": households,
        "PMEN": members,
        "NPER_RP": members,
        "NBPI_RP": households * 4.0,
    }
    columns |= {
        "RSECOCC": households * random.gamma(0.8, 0.15, len(irises)),
        "LOGVAC": households * random.gamma(4, 0.024, len(irises)),
    }
    columns["LOG"] = columns["RP"] + columns["RSECOCC"] + columns["LOGVAC"]
    _divide(columns, HOUSING, random)
    return _table(
        irises, {f"P_{_built(name, year)}": columns[name] for name in HOUSING_COLUMNS}, year
    )


def households(country: Country, year: int) -> Table:
    """Households and families by kind, of the complementary count, whose totals differ a little
    from those of the main one.
    """
    irises, random = covered(country, year), country.random(3, year)
    members = in_households(_cells(country, irises, year).sum(axis=(1, 2)), irises) * random.normal(
        1, 0.01, len(irises)
    )
    number = members / random.normal(IN_HOUSEHOLD, 0.12, len(irises))
    columns = {"MEN": number, "PMEN": members, "FAM": number * 0.6}
    _divide(columns, HOUSEHOLDS, random)
    return _table(irises, {f"C_{name}": columns[name] for name in HOUSEHOLD_COLUMNS}, year)


def written(table: Table) -> Iterator[bytes]:
    """The table as text."""
    return formats.numbers(*table)


def explained(columns: Sequence[str]) -> bytes:
    """The file meta_ that goes with a table: what the columns are."""
    rows = [
        (
            name,
            f"{name} (données synthétiques)",
            "",
            "",
            "",
            "CHAR" if name in LABELS else "NUM",
            "",
        )
        for name in columns
    ]
    return formats.csv_text(
        [
            ("COD_VAR", "LIB_VAR", "LIB_VAR_LONG", "COD_MOD", "LIB_MOD", "TYPE_VAR", "LONG_VAR"),
            *rows,
        ]
    )


def covered(country: Country, year: int) -> list[Iris]:
    """The IRIS that the census of a year has figures of: all but those of Mayotte."""
    return [iris for iris in country.at(year + 2) if not iris.code.startswith(MAYOTTE)]


def in_households(total: Floats, irises: Sequence[Iris]) -> Floats:
    """The residents who live in households, not in homes and barracks."""
    share = np.array(
        [
            0.0 if iris.kind == UNDIVIDED else ELSEWHERE + 0.02 * (int(iris.code[-1]) % 3)
            for iris in irises
        ]
    )
    return total * (1 - share)


def _cells(country: Country, irises: Sequence[Iris], year: int) -> Floats:
    """Residents by IRIS, sex and finest group of age, (n, 2, 16)."""
    random, every = country.random(4, year), country.at(year + 2)
    residents = np.bincount(
        country.home(every), country.residents * 1.003 ** (year - NEWEST), len(every)
    )
    shares = random.gamma(
        40, np.array(WEIGHTS) * np.array([[0.484], [0.516]]), (len(every), 2, len(WEIGHTS))
    )
    shares /= shares.sum(axis=(1, 2), keepdims=True)
    cells = residents[:, None, None] * shares
    whole = np.array([iris.kind == UNDIVIDED for iris in every])
    cells[whole] = random.multinomial(
        np.rint(residents[whole]).astype(int), shares[whole].reshape(whole.sum(), -1)
    ).reshape(-1, *cells.shape[1:])
    kept = {iris.code for iris in irises}
    return cells[[iris.code in kept for iris in every]]


def _bands() -> Mapping[str, list[int]]:
    """The finest groups of each band of ages."""
    ends = [*(limit - 1 for limit in LIMITS[1:]), 999]
    bands = {}
    for name in (*FINE, *WIDE):
        first, last = int(name[:2]), 999 if name.endswith("P") else int(name[2:])
        bands[name] = [
            place for place, limit in enumerate(LIMITS) if first <= limit and ends[place] <= last
        ]
    return bands


def _classes(cells: Floats, random: np.random.Generator) -> Floats:
    """Residents of 15 and over by sex and class, of the complementary count."""
    over = cells[:, :, LIMITS.index(15) :].sum(axis=2) * random.normal(1, 0.01, (len(cells), 1))
    shares = random.gamma(12, CLASS_WEIGHTS, (*over.shape, len(CLASS_WEIGHTS)))
    return np.asarray(over[:, :, None] * shares / shares.sum(axis=2, keepdims=True))


def _part(total: Floats, share: float, random: np.random.Generator) -> Floats:
    """About such a share of each total; of a whole total a whole part."""
    part = total * np.minimum(0.9, random.gamma(2, share / 2, len(total)))
    return np.where(total == np.rint(total), np.rint(part), part)


def _divide(
    columns: dict[str, Floats],
    divisions: Sequence[tuple[str, dict[str, float]]],
    random: np.random.Generator,
) -> None:
    """Add to the columns their parts, a little different in every IRIS; parts of a hundred per cent
    add up to the whole.
    """
    for whole, parts in divisions:
        rest = 100 - sum(parts.values())
        weights = np.array([*parts.values(), *([rest] if rest > 1e-9 else [])])
        shares = random.gamma(30, weights, (len(columns[whole]), len(weights)))
        shares /= shares.sum(axis=1, keepdims=True)
        columns |= {name: columns[whole] * shares[:, place] for place, name in enumerate(parts)}


def _built(name: str, year: int) -> str:
    """Periods of building end three years before the census; until that of 2021 their years had two
    digits.
    """
    if "_ACH" not in name or name.endswith("TOT"):
        return name
    end = year - 3 if name.endswith("2019") else int(name[-4:])
    return name[:-4] + (str(end) if year >= 2022 else f"{end % 100:02d}")


def _table(irises: Sequence[Iris], columns: Mapping[str, Floats], year: int) -> Table:
    """P_POP becomes P22_POP."""
    labels = [(iris.code, iris.commune, iris.kind, QUALITY[iris.kind]) for iris in irises]
    names = [f"{name[0]}{year % 100:02d}{name[1:]}" for name in columns]
    return [*LABELS, *names], labels, np.column_stack(list(columns.values()))
