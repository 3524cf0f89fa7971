"""A synthetic France in the file formats of IGN, INSEE and La Poste, with the mirror.json
that lets a flow read it in place of them.

    python tests/synthetic/france.py --into FOLDER [--iris 400 --vintages 2024 --layout
    gpkg|shp|geoparquet --seed 1 --defects 2]

Codes and names of regions, départements and listed communes are real; shapes, IRIS and figures are
made up, and beyond 3,565 communes their codes and names too. The same arguments give the same
bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

# run as a script, the folder of the tests is not on the path
sys.path.append(str(Path(__file__).resolve().parents[1]))

from synthetic import france_census as census
from synthetic import france_country as country
from synthetic import france_formats as formats
from synthetic import france_income as income
from synthetic import france_iris as contours
from synthetic import france_lists as lists
from synthetic import france_memberships as memberships
from synthetic import france_places as places
from synthetic.defects import Defects
from synthetic.formats import write_zip
from synthetic.france_country import Country

LABEL = "synthetic-france"
ABOUT = (
    "Synthetic data made by a program in the file formats of IGN, INSEE and La Poste:"
    " shapes, IRIS and figures are invented and nothing in it is official."
)
# names of columns in the flow, under which the mirror states numbers
MUNICIPAL, KIND, POSTCODE = ("municipal_code", "iris_type", "postal_code")
TOLERANCE = 1e-6  # of a total, as a share of it
TOTALS = {
    "population": ("population", "P_POP"),
    "housing": ("dwellings", "P_LOG"),
    "households": ("households", "C_MEN"),
}
CENSUS = {  # what of the slug: the file's name, how the table is made
    "population": ("base-ic-evol-struct-pop", census.population),
    "housing": ("base-ic-logement", census.housing),
    "households": ("base-ic-couples-familles-menages", census.households),
}
Entry = dict[str, Any]


def write(
    folder: Path,
    iris: int = 400,
    vintages: Sequence[int] = (2024,),
    layout: str = "gpkg",
    defects: Defects | None = None,
    seed: int = 1,
) -> dict[str, Entry]:
    """Every file of the vintages, mirror.json and README.txt in a folder; returns the mirror's
    sources by slug and vintage.

    iris: their number on 1 January 2025, from the fewest that hold all that must be there to
    60,000; 49,000 are about the real ones. vintages: years from 2021; each has a folder of its own.
    With a vintage goes the census of two years earlier, on its IRIS, and income of three years
    earlier, on the IRIS of two years earlier, or the newest there is: census 2022 on the IRIS of
    2024, income 2021 on those of 2022. layout of the IRIS: gpkg (edition 3.0, a file for each
    territory in metres, since 2026 all France in degrees), shp (2.1, a Shapefile for each territory
    in metres) or geoparquet (3.0, in degrees, not packed). defects: in the IRIS of metropolitan
    France only; without them they are a clean coverage.
    """
    if layout not in contours.LAYOUTS:
        raise ValueError(
            f"IRIS are written as {', '.join(contours.LAYOUTS)}; {layout} was asked for."
        )
    if min(vintages) < places.FIRST_VINTAGE:
        raise ValueError(
            f"The synthetic France begins in {places.FIRST_VINTAGE}; {min(vintages)} was asked for."
        )
    made = country.build(iris, defects or Defects(), seed)
    sources: dict[str, Entry] = {}
    for vintage in vintages:
        (folder / str(vintage)).mkdir(parents=True, exist_ok=True)
        files = {
            **_iris(made, vintage, layout, folder),
            **{name: _census(made, vintage, name, folder) for name in CENSUS},
            "income": _income(made, vintage, folder),
            "memberships": _memberships(made, vintage, folder),
            **_lists(made, vintage, folder),
        }
        sources |= {
            f"fr-{name}-{vintage}": {"path": f"{vintage}/{entry.pop('path')}", **entry}
            for name, entry in files.items()
        }
    sources = dict(sorted(sources.items()))
    mirror = {"label": LABEL, "about": ABOUT, "sources": sources}
    (folder / "mirror.json").write_text(
        json.dumps(mirror, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / "README.txt").write_text(_readme(made, iris, vintages, seed), encoding="utf-8")
    return sources


def _iris(made: Country, vintage: int, layout: str, folder: Path) -> Mapping[str, Entry]:
    entries = {}
    for file in contours.deliver(made, vintage, layout, folder / str(vintage)):
        kinds = dict(Counter(iris.kind for iris in file.irises))
        entries[file.slug] = {
            "path": file.name,
            **file.entry,
            "rows": len(file.irises),
            "distinct": {MUNICIPAL: len({iris.commune for iris in file.irises})},
            "counts": {KIND: kinds},
        }
    return entries


def _census(made: Country, vintage: int, name: str, folder: Path) -> Entry:
    """The zip with the table and its meta_; the total stated is what a reader of the text adds
    up.
    """
    (file, make), (total, column) = CENSUS[name], TOTALS[name]
    year = census.year_of(vintage)
    columns, labels, values = table = make(made, year)
    position = columns.index(f"{column[0]}{year % 100:02d}{column[1:]}") - len(census.LABELS)
    members = [
        (f"{file}-{year}.CSV", census.written(table)),
        (f"meta_{file}-{year}.CSV", [census.explained(columns)]),
    ]
    write_zip(folder / str(vintage) / f"{file}-{year}_csv.zip", members, date(year + 3, 10, 21))
    added = round(float(formats.as_written(values[:, position]).sum()), 3)
    stated = {"rows": len(labels), "totals": {total: {"expected": added, "tolerance": TOLERANCE}}}
    return {
        "path": f"{file}-{year}_csv.zip",
        "container": "zip",
        **stated,
        "codes_of": f"{year + 2}-01-01",
    }


def _income(made: Country, vintage: int, folder: Path) -> Entry:
    year = income.year_of(vintage)
    rows = income.table(made, year)
    archive, name = income.files(year)
    members = [
        (name, [income.written(rows, year)]),
        (f"meta_{name}", [census.explained(income.header(year))]),
    ]
    write_zip(folder / str(vintage) / archive, members, date(year + 3, 2, 1))
    return {
        "path": archive,
        "container": "zip",
        "member": name,
        "rows": len(rows),
        "codes_of": f"{year + 1}-01-01",
    }


def _memberships(made: Country, vintage: int, folder: Path) -> Entry:
    path = f"table-appartenance-geo-communes-{vintage}.zip"
    memberships.write(folder / str(vintage) / path, made, vintage)
    return {"path": path, "container": "zip", "member": "*.xlsx"}


def _lists(made: Country, vintage: int, folder: Path) -> Mapping[str, Entry]:
    postcodes = lists.postal_codes(made, vintage)
    distinct = {
        MUNICIPAL: len({row[0] for row in postcodes}),
        POSTCODE: len({row[2] for row in postcodes}),
    }
    movements = lists.movements(vintage)
    return {
        "postal-codes": {
            **_text(
                folder,
                f"{vintage}/019HexaSmal.csv",
                (lists.POSTAL_CODES, *postcodes),
                ";",
                "latin-1",
            ),
            "distinct": distinct,
        },
        "movements": _text(
            folder,
            f"{vintage}/v_mvt_commune_{vintage}.csv",
            (lists.MOVEMENTS, *movements),
            ",",
            "utf-8",
        ),
    }


def _text(
    folder: Path, path: str, rows: Sequence[Sequence[str]], delimiter: str, encoding: str
) -> Entry:
    (folder / path).write_bytes(formats.csv_text(rows, delimiter, encoding=encoding))
    return {"path": Path(path).name, "container": "text", "rows": len(rows) - 1}


def _readme(made: Country, iris: int, vintages: Iterable[int], seed: int) -> str:
    made_with = f"Made with seed {seed}: {iris} IRIS on 1 January {places.LAST_CHANGE}."
    lines = [ABOUT, made_with, "IRIS of each territory, by the name IGN gives its files:"]
    for vintage in vintages:
        lines.append(
            f"{vintage}: "
            + ", ".join(
                f"{name} {number}" for name, number in contours.counts(made, vintage).items()
            )
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--iris",
        type=int,
        default=400,
        help="IRIS on 1 January 2025; the real France has about 49,000",
    )
    parser.add_argument(
        "--vintages",
        type=int,
        nargs="+",
        default=[2024],
        choices=range(places.FIRST_VINTAGE, 2027),
        metavar="YEAR",
    )
    parser.add_argument(
        "--layout", default="gpkg", choices=contours.LAYOUTS, help="format of the IRIS"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--defects",
        type=int,
        help="overlaps, gaps and crossings, so many of each (default: one for 200 IRIS)",
    )
    chosen = parser.parse_args()
    defects = Defects.each(max(1, chosen.iris // 200) if chosen.defects is None else chosen.defects)
    try:
        sources = write(
            chosen.into,
            chosen.iris,
            chosen.vintages,
            chosen.layout,
            defects,
            chosen.seed,
        )
    except ValueError as error:
        parser.error(str(error))
    print(f"Wrote {len(sources)} synthetic sources into {chosen.into}.")


if __name__ == "__main__":
    main()
