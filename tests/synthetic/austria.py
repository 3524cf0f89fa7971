"""A synthetic Austria in Statistik Austria's own file formats, with the mirror.json that lets a
flow read it in place of the publisher.

    python tests/synthetic/austria.py --into FOLDER [--municipalities 60 --vintages 2021 2025 --seed
    1 --defects 1]

Codes and names of municipalities, districts and states are real; shapes and figures are made up.
The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

# run as a script, the folder of the tests is not on the path
sys.path.append(str(Path(__file__).resolve().parents[1]))

from synthetic import austria_country as country
from synthetic import austria_figures as figures
from synthetic import austria_layers as layers
from synthetic import austria_lists as lists
from synthetic import austria_metadata as metadata
from synthetic import austria_places as places
from synthetic.austria_country import Country
from synthetic.defects import Defects

LABEL = "synthetic-austria"
ABOUT = (
    "Synthetic data made by a program in Statistik Austria's file formats: shapes and figures are"
    " invented and nothing in it is official."
)
EMPLOYMENT = "OGDEXT_AEST_GEMTAB_1"
TOTAL = (  # the name of the column F-ISIS-1 in the flow, under which the mirror states its total
    "population"
)
Entry = dict[str, Any]


def write(
    folder: Path,
    municipalities: int = 60,
    vintages: Sequence[int] = (2021, 2025),
    defects: Defects | None = None,
    seed: int = 1,
    vienna_twice: bool = False,
    thousands_point: bool = True,
) -> dict[str, Entry]:
    """Every file of the vintages, mirror.json and README.txt in a folder; returns the mirror's
    sources by slug and vintage.

    municipalities: their number on 1 January 2025, Vienna counted as one though it is in the files
    as 23 districts. vintages: years from 2015; each has a folder of its own, for some files have
    the same name every year. defects: in the layer of municipalities only, never in Vienna or where
    municipalities merge; without them it is a clean coverage. vienna_twice: Vienna as one (90001,
    district 900) beside its districts. thousands_point: 16.060 in the table of employment as it was
    published in 2018; the file fetched in 2026 had 16060.

    Residents of every vintage are on the municipalities of the newest vintage asked for, as the
    office gives all years on today's. The table of employment of a vintage ends two years before
    it; the rows stated are those of that last year.
    """
    if min(vintages) < places.FIRST_VINTAGE:
        raise ValueError(
            f"The synthetic Austria begins in {places.FIRST_VINTAGE}, after the reform of Styria;"
            f" {min(vintages)} was asked for."
        )
    made = country.build(municipalities, defects or Defects(), seed)
    sources: dict[str, Entry] = {}
    for vintage in vintages:
        files = {
            **_layers(made, vintage, vienna_twice),
            **_population(made, vintage, max(vintages)),
            **_employment(made, vintage, thousands_point),
            **_lists(made, vintage),
            **_metadata(vintage),
        }
        for slug, (name, content, stated) in files.items():
            sources[f"{slug}-{vintage}"] = _written(folder, f"{vintage}/{name}", content, stated)
    sources = dict(sorted(sources.items()))
    mirror = {"label": LABEL, "about": ABOUT, "sources": sources}
    (folder / "mirror.json").write_text(
        json.dumps(mirror, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / "README.txt").write_text(
        f"{ABOUT}\nMade with seed {seed}: {municipalities} municipalities in 2025, Vienna counted"
        " as one.\n"
    )
    return sources


File = tuple[str, bytes, Entry]  # name, content, what the mirror states of it


def _layers(made: Country, vintage: int, vienna_twice: bool) -> dict[str, File]:
    files = {}
    for slug, kind, of_kind in (
        ("at-municipalities", "GEM", layers.municipalities),
        ("at-districts", "POLBEZ", layers.districts),
    ):
        name, areas = (
            f"STATISTIK_AUSTRIA_{kind}_{vintage}0101",
            of_kind(made, vintage, vienna_twice),
        )
        files[slug] = (
            f"{name}.json",
            layers.geojson(name, areas, f"{metadata.changed(vintage)}.000Z"),
            {"rows": len(areas)},
        )
    return files


def _population(made: Country, vintage: int, territory: int) -> dict[str, File]:
    name, municipalities = f"OGD_bevstandjbab2002_BevStand_{vintage}", made.at(territory)
    content, rows, persons = figures.population(made, vintage, territory)
    stated = {
        "rows": rows,
        "totals": {TOTAL: persons},
        "distinct": {"municipality_code": len(municipalities)},
    }
    return {
        "at-population": (f"{name}.csv", content, stated),
        "at-population-header": (
            f"{name}_HEADER.csv",
            figures.header(),
            {"rows": len(figures.HEADER) - 1},
        ),
        "at-population-sexes": _table(f"{name}_C-C11-0.csv", figures.CODE_LIST, figures.sexes()),
        "at-population-ages": _table(
            f"{name}_C-GALTEJ112-0.csv", figures.CODE_LIST, figures.ages()
        ),
        "at-population-municipalities": _table(
            f"{name}_C-GRGEMAKT-0.csv", figures.CODE_LIST, figures.communes(municipalities)
        ),
    }


def _employment(made: Country, vintage: int, thousands_point: bool) -> dict[str, File]:
    rows = list(figures.employment(made, vintage - 2, thousands_point))
    stated = {"rows": sum(row[0] == str(vintage - 2) for row in rows)}
    return {
        "at-employment": (f"{EMPLOYMENT}.csv", figures.text([figures.EMPLOYMENT, *rows]), stated)
    }


def _lists(made: Country, vintage: int) -> dict[str, File]:
    return {
        "at-postal-codes": _table(
            "plz_gemeinde_nuts3.csv", lists.POSTAL_CODES, lists.postal_codes(made, vintage), ","
        ),
        "at-typology": _table(
            "gemeinden_typology.csv", lists.TYPOLOGY, lists.typology(made, vintage), ","
        ),
        "at-urbanisation": _table(
            "gemeinden_urbanisation.csv", lists.URBANISATION, lists.urbanisation(made, vintage), ","
        ),
    }


def _metadata(vintage: int) -> dict[str, File]:
    return {
        "at-municipalities-metadata": (
            "OGDEXT_GEM_1.json",
            metadata.municipalities(vintage, ABOUT),
            {},
        ),
        "at-population-metadata": (
            f"OGD_bevstandjbab2002_BevStand_{vintage}.json",
            metadata.population(vintage, ABOUT),
            {},
        ),
        "at-employment-metadata": (f"{EMPLOYMENT}.json", metadata.employment(vintage, ABOUT), {}),
    }


def _table(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ";"
) -> File:
    listed = list(rows)
    return name, figures.text([columns, *listed], delimiter), {"rows": len(listed)}


def _written(folder: Path, path: str, content: bytes, stated: Entry) -> Entry:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return {"path": path, "container": "json" if path.endswith(".json") else "text", **stated}


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--municipalities",
        type=int,
        default=60,
        help="municipalities in 2025, Vienna counted as one",
    )
    parser.add_argument(
        "--vintages",
        type=int,
        nargs="+",
        default=[2021, 2025],
        choices=range(places.FIRST_VINTAGE, 2027),
        metavar="YEAR",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--defects",
        type=int,
        help="overlaps, gaps and crossings, so many of each (default: one for 200 municipalities)",
    )
    chosen = parser.parse_args()
    defects = Defects.each(
        max(1, chosen.municipalities // 200) if chosen.defects is None else chosen.defects
    )
    try:
        sources = write(chosen.into, chosen.municipalities, chosen.vintages, defects, chosen.seed)
    except ValueError as error:
        parser.error(str(error))
    print(f"Wrote {len(sources)} synthetic sources into {chosen.into}.")


if __name__ == "__main__":
    main()
