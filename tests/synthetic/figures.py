"""The tables of figures: residents and income by sector, and the income series of the
municipalities of 2011.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from synthetic import places
from synthetic.country import Country, Sector

POPULATION = tuple(
    (
        "CD_REFNIS|CD_SECTOR|TOTAL|DT_STRT_SECTOR|DT_STOP_SECTOR|OPPERVLAKKTE IN HM²|"
        "TX_DESCR_SECTOR_NL|TX_DESCR_SECTOR_FR|TX_DESCR_NL|TX_DESCR_FR"
    ).split("|")
)
SECTOR_INCOME = tuple(
    """
    CD_YEAR CD_MUNTY_REFNIS TX_MUNTY_DESCR_NL TX_MUNTY_DESCR_FR CD_SECTOR TX_SECTOR_DESCR_NL
    TX_SECTOR_DESCR_FR MS_NBR_NON_ZERO_INC MS_TOT_NET_TAXABLE_INC MS_AVG_TOT_NET_TAXABLE_INC
    MS_MEDIAN_NET_TAXABLE_INC MS_INT_QUART_DIFF MS_INT_QUART_COEFF MS_INT_QUART_ASSYM
""".split()
)
SUPPRESSED, SUPPRESSED_SHARE = "*", 0.16
UNLOCATED = ("NIET TE LOKALISEREN", "A LOCALISATION INCONNUE")


def population(country: Country, vintage: int) -> list[tuple[Any, ...]]:
    """Rows of OPENDATA_SECTOREN: inhabited sectors, and for most municipalities one row of
    residents who cannot be located.
    """
    random, rows = country.random(1, vintage), []
    residents: dict[str, int] = defaultdict(int)
    for sector in country.at(vintage):
        drift = random.normal(1 + 0.005 * (vintage - 2024), 0.01)
        if not sector.residents:
            continue
        total, areas = max(1, round(sector.residents * drift)), sector.areas_at(vintage)
        code = sector.code_at(vintage)
        since = "01/01/2025" if code != sector.code else "01/01/2001"
        names = (*sector.names[:2], *areas.municipality_names[:2])
        rows.append(
            (areas.municipality, code, total, since, "31/12/9999", f"{sector.area:.2f}", *names)
        )
        residents[areas.municipality] += total
    for municipality, total in sorted(residents.items()):
        if random.random() < 0.9:
            unlocated = 1 + round(total * random.uniform(0.0005, 0.003))
            names = (*UNLOCATED, *places.areas(municipality).municipality_names[:2])
            rows.append(
                (
                    municipality,
                    f"{municipality}ZZZZ",
                    unlocated,
                    "01/01/2001",
                    "31/12/9999",
                    "0.00",
                    *names,
                )
            )
    return sorted(rows, key=lambda row: row[1])


def sector_income(country: Country, year: int) -> Iterator[tuple[Any, ...]]:
    """Rows of TF_PSNL_INC_TAX_SECTOR for one income year, always on the sectors and municipalities
    of 2024.
    """
    for sector, declarations, figures, hidden in _earned(country, year):
        areas = sector.areas_at(2024)
        names = (*areas.municipality_names[:2], sector.code, *sector.names[:2])
        yield (
            year,
            areas.municipality,
            *names,
            declarations,
            *((SUPPRESSED,) * len(figures) if hidden else figures),
        )


def _earned(country: Country, year: int) -> Iterator[tuple[Sector, int, tuple[str, ...], bool]]:
    """Inhabited sectors with their declarations, figures, and whether these are hidden."""
    random, level = country.random(2), country.random(3, year)
    for sector in country.at(2024):
        wealth, hidden = random.lognormal(10.15, 0.22), level.random() < SUPPRESSED_SHARE
        if not sector.residents:
            continue
        declarations = max(1, round(sector.residents * 0.555))
        average = wealth * 1.03 ** (year - 2013) * level.normal(1, 0.01)
        spread = average * level.uniform(0.75, 0.95)
        amounts = (
            f"{average * declarations:.2f}",
            f"{average:.2f}",
            f"{average * 0.81:.0f}",
            f"{spread:.0f}",
        )
        figures = (*amounts, f"{spread / average * 100:.1f}", f"{level.uniform(0, 0.9):.2f}")
        yield sector, declarations, figures, hidden


# Columns of the municipal series and what one resident of 2013 has of each in the published file:
# euros, or a share of residents.
PER_RESIDENT = {
    "MS_NBR_NON_ZERO_INC": 0.5554,
    "MS_NBR_ZERO_INC": 0.0499,
    "MS_TOT_NET_TAXABLE_INC": None,
    "MS_TOT_NET_INC": None,
    "MS_NBR_TOT_NET_INC": None,
    "MS_REAL_ESTATE_NET_INC": 212.43,
    "MS_NBR_REAL_ESTATE_NET_INC": 0.0607,
    "MS_TOT_NET_MOV_ASS_INC": 83.95,
    "MS_NBR_NET_MOV_ASS_INC": 0.0151,
    "MS_TOT_NET_VARIOUS_INC": 24.07,
    "MS_NBR_NET_VARIOUS_INC": 0.0063,
    "MS_TOT_NET_PROF_INC": 17_096.13,
    "MS_NBR_NET_PROF_INC": 0.5524,
    "MS_SEP_TAXABLE_INC": 690.67,
    "MS_NBR_SEP_TAXABLE_INC": 0.1345,
    "MS_JOINT_TAXABLE_INC": None,
    "MS_NBR_JOINT_TAXABLE_INC": 0.5551,
    "MS_TOT_DEDUCT_SPEND": 397.85,
    "MS_NBR_DEDUCT_SPEND": 0.1062,
    "MS_TOT_STATE_TAXES": 3_715.42,
    "MS_NBR_STATE_TAXES": 0.4513,
    "MS_TOT_MUNICIP_TAXES": 271.54,
    "MS_NBR_MUNICIP_TAXES": 0.4069,
    "MS_TOT_SUBURBS_TAXES": 25.0,
    "MS_NBR_SUBURBS_TAXES": 0.2979,
    "MS_TOT_TAXES": None,
    "MS_NBR_TOT_TAXES": 0.4531,
    "MS_TOT_RESIDENTS": None,
}
MUNICIPAL_INCOME = (
    "CD_YEAR",
    "CD_MUNTY_REFNIS",
    *PER_RESIDENT,
    "TX_MUNTY_DESCR_NL",
    "TX_MUNTY_DESCR_FR",
    "CD_DSTR_REFNIS",
    "TX_ADM_DSTR_DESCR_NL",
    "TX_ADM_DSTR_DESCR_FR",
    "CD_PROV_REFNIS",
    "TX_PROV_DESCR_NL",
    "TX_PROV_DESCR_FR",
    "CD_RGN_REFNIS",
    "TX_RGN_DESCR_NL",
    "TX_RGN_DESCR_FR",
)
YEARS = range(2005, 2014)


def municipal_income(country: Country) -> list[tuple[Any, ...]]:
    """Rows of the release of 2015: nine years for every municipality of 2011, sorted by
    municipality and year.
    """
    now: dict[str, int] = defaultdict(int)
    for sector in country.sectors:
        now[sector.home] += sector.residents
    random, rows = country.random(4), []
    for code, residents in sorted(now.items()):
        wealth = random.normal(1, 0.12)
        for year in YEARS:
            figures = _figures(
                code,
                round(residents * (0.94 + 0.007 * (year - 2013))),
                wealth * 1.03 ** (year - 2013),
                random,
            )
            rows.append(_municipal_row(year, code, figures))
    return rows


def income_of_municipalities(country: Country, year: int) -> list[tuple[Any, ...]]:
    """Rows of today's release for one income year, on the municipalities of 2024: the incomes of
    all sectors, hidden or not, and of residents in none of them.
    """
    residents, declared, cents = Counter[str](), Counter[str](), Counter[str]()
    for sector, declarations, figures, _ in _earned(country, year):
        code = sector.areas_at(2024).municipality
        residents[code] += sector.residents
        declared[code] += declarations
        cents[code] += round(float(figures[0]) * 100)
    random, rows = country.random(5, year), []
    for code in sorted({sector.areas_at(2024).municipality for sector in country.at(2024)}):
        figures_of = _figures(code, residents[code], 1.0, random)
        taxable = round(cents[code] * 1.002)
        more = taxable - figures_of["MS_TOT_NET_TAXABLE_INC"]
        for column in (
            "MS_TOT_NET_TAXABLE_INC",
            "MS_TOT_NET_INC",
            "MS_TOT_NET_PROF_INC",
            "MS_JOINT_TAXABLE_INC",
        ):
            figures_of[column] += more
        for column in ("MS_NBR_NON_ZERO_INC", "MS_NBR_TOT_NET_INC"):
            figures_of[column] = declared[code] + 1
        rows.append(_municipal_row(year, code, figures_of))
    return rows


def _municipal_row(year: int, code: str, figures: dict[str, int]) -> tuple[Any, ...]:
    amounts = (_amount(name, figures[name]) for name in PER_RESIDENT)
    return year, code, *amounts, *_area_cells(code)


def _figures(
    code: str, residents: int, wealth: float, random: np.random.Generator
) -> dict[str, int]:
    """All figures of a municipality in a year, amounts in cents; the sums between columns that hold
    in the published file hold here.
    """
    noise: NDArray[np.float64] = random.normal(1, 0.02, len(PER_RESIDENT))
    figures = {
        name: round(residents * rate * noise[index] * (1 if "_NBR_" in name else 100 * wealth))
        for index, (name, rate) in enumerate(PER_RESIDENT.items())
        if rate is not None
    }
    if not code.startswith("21"):
        figures["MS_TOT_SUBURBS_TAXES"] = figures["MS_NBR_SUBURBS_TAXES"] = (
            0  # the agglomeration of Brussels alone has this tax
        )
    if code in places.NO_MUNICIPAL_TAX:
        figures["MS_TOT_MUNICIP_TAXES"] = figures["MS_NBR_MUNICIP_TAXES"] = 0
    parts = (
        "MS_REAL_ESTATE_NET_INC",
        "MS_TOT_NET_MOV_ASS_INC",
        "MS_TOT_NET_VARIOUS_INC",
        "MS_TOT_NET_PROF_INC",
    )
    taxes = ("MS_TOT_STATE_TAXES", "MS_TOT_MUNICIP_TAXES", "MS_TOT_SUBURBS_TAXES")
    figures["MS_TOT_NET_INC"] = sum(figures[part] for part in parts)
    figures["MS_NBR_TOT_NET_INC"] = figures["MS_NBR_NON_ZERO_INC"]
    figures["MS_TOT_NET_TAXABLE_INC"] = figures["MS_TOT_NET_INC"] - figures["MS_TOT_DEDUCT_SPEND"]
    figures["MS_JOINT_TAXABLE_INC"] = (
        figures["MS_TOT_NET_TAXABLE_INC"] - figures["MS_SEP_TAXABLE_INC"]
    )
    figures["MS_TOT_TAXES"] = sum(figures[tax] for tax in taxes)
    figures["MS_TOT_RESIDENTS"] = residents
    return figures


def _amount(name: str, value: int) -> str:
    """Counts as they are, cents as euros without superfluous zeros: 260615502.8."""
    if "_NBR_" in name or name == "MS_TOT_RESIDENTS":
        return str(value)
    return f"{value // 100}.{value % 100:02d}".rstrip("0").rstrip(".")


def _area_cells(code: str) -> tuple[str | None, ...]:
    areas = places.areas(code)
    return (
        *areas.municipality_names[:2],
        areas.arrondissement,
        *areas.arrondissement_names[:2],
        areas.province,
        *areas.province_names[:2],
        areas.region,
        *areas.region_names[:2],
    )
