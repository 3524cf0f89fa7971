"""A synthetic Ruritania in the Royal Office's file formats: 16 cantons in 4 duchies.

PYTHONPATH=.:tests python tests/synthetic/ruritania.py FOLDER
"""

import sys
from pathlib import Path
from typing import Any

from synthetic import declared

from flows.offices import royal_office

CODES = {"canton_code": "0?-??", "duchy_code": "D?"}
TRAVELLERS = {"canton_code": "ZZ-ZZ", "residents": 7}


def with_travellers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Peculiar to the office: people on the road are a row of their own."""
    return [*rows, TRAVELLERS]


def write(folder: Path, year: int = royal_office.NEWEST) -> None:
    """All files and the mirror.json that lets the flow read them in place of the office's."""
    declared.write(
        folder,
        {"shapes": royal_office.cantons(year), "residents": royal_office.residents(year)},
        codes=CODES,
        values={"residents": range(500, 5_000)},
        changes={"residents": with_travellers},
        label="synthetic-ruritania",
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
