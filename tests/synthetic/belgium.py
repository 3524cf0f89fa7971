"""A synthetic Belgium in Statbel's own file formats, with the mirror.json that lets a flow read it
in place of the publisher.

    python tests/synthetic/belgium.py --into FOLDER [--municipalities 120 --sectors 4000 --vintages
    2024 2025 --seed 1 --defects 20]

Codes and names of municipalities are real; shapes, sectors and figures are made up. The same
arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import shapely

# run as a script, the folder of the tests is not on the path
sys.path.append(str(Path(__file__).resolve().parents[1]))

from synthetic import attributes, country, figures, formats
from synthetic.country import Country
from synthetic.defects import Defects

EPSG = 31370
FIRST_GEOJSON = 2022  # earlier vintages are published as Shapefiles
LABEL = "synthetic-belgium"
ABOUT = (
    "Synthetic data made by a program in Statbel's file formats: shapes, sectors and figures are"
    " invented and nothing in it is official."
)
Entry = dict[str, Any]


def write(
    folder: Path,
    municipalities: int = 12,
    sectors: int = 120,
    vintages: Sequence[int] = (2024, 2025),
    defects: Defects | None = None,
    seed: int = 1,
) -> dict[str, Entry]:
    """Every file of the vintages, mirror.json and README.txt in a folder; returns the mirror's
    sources by slug and vintage.

    municipalities and sectors are the numbers of 1 January 2024. Without defects the shapes are a
    clean coverage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = country.build(municipalities, sectors, defects or Defects(), seed)
    texts = list(shapely.to_geojson(shapely.multipolygons(made.shapes[:, None])))
    sources = {
        **_write_income(folder, made, vintages),
        "be-sectors-2011": write_sectors_2011(folder, made),
        "be-municipal-income-2011": write_municipal_income(folder, made),
    }
    for vintage in vintages:
        sources[f"be-sectors-{vintage}"] = _write_sectors(folder, made, vintage, texts)
        sources[f"be-population-{vintage}"] = _write_population(folder, made, vintage)
    sources = dict(sorted(sources.items()))
    mirror = {"label": LABEL, "about": ABOUT, "sources": sources}
    (folder / "mirror.json").write_text(
        json.dumps(mirror, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / "README.txt").write_text(
        f"{ABOUT}\nMade with seed {seed}: {municipalities} municipalities and {sectors} sectors in"
        " 2024.\n"
    )
    return sources


def _write_sectors(folder: Path, made: Country, vintage: int, texts: list[str]) -> Entry:
    rows, numbers = (
        attributes.published(made, vintage),
        [sector.number for sector in made.at(vintage)],
    )
    day = date(vintage, 1, 1)
    if vintage >= FIRST_GEOJSON:
        name = f"sh_statbel_statistical_sectors_{EPSG}_{vintage}0101"
        lines = formats.geojson(name, rows, (texts[number] for number in numbers), EPSG)
        path = folder / f"{name}.geojson.zip"
        formats.write_zip(path, [(f"{name}.geojson/{name}.geojson", lines)], day)
    else:
        name = f"sh_statbel_statistical_sectors_{vintage}0101"
        path = folder / f"{name}.shp.zip"
        formats.write_zip(
            path,
            formats.shapefile(
                name, attributes.shapefile_columns(rows, vintage), made.shapes[numbers], EPSG, day
            ),
            day,
        )
    return {
        "path": path.name,
        "rows": len(rows),
        "distinct": {"municipality_code": len({row["cd_munty_refnis"] for row in rows})},
    }


def write_sectors_2011(folder: Path, made: Country) -> Entry:
    """The sectors of 2011 as they are published today, with their entry in the mirror."""
    rows, numbers = attributes.published(made, 2011), [sector.number for sector in made.at(2011)]
    name = "sh_statbel_statistical_sectors.sqlite"
    content = formats.spatialite(
        Path(name).stem, attributes.columns_2011(rows), made.shapes[numbers]
    )
    formats.write_zip(
        folder / "sh_statbel_spatialite.zip", [(f"{name}/{name}", [content])], date(2011, 1, 1)
    )
    return {"path": "sh_statbel_spatialite.zip", "rows": len(rows)}


def _write_population(folder: Path, made: Country, vintage: int) -> Entry:
    rows = figures.population(made, vintage)
    name = f"OPENDATA_SECTOREN_{vintage}" + ("_NEW" if vintage == 2025 else "")
    _write_text(
        folder / f"{name}.zip", formats.delimited(figures.POPULATION, rows), date(vintage, 10, 1)
    )
    return {
        "path": f"{name}.zip",
        "rows": len(rows),
        "totals": {"population": sum(row[2] for row in rows)},
    }


def _write_income(folder: Path, made: Country, vintages: Sequence[int]) -> dict[str, Entry]:
    """One file by sector and one by municipality for all vintages; the rows stated for a vintage
    are those of its income year, two years earlier.
    """
    years = range(min(vintages) - 4, max(vintages) - 1)
    day, sources = date(max(vintages), 10, 1), {}
    for slug, name, columns, rows_of in (
        ("be-income", "TF_PSNL_INC_TAX_SECTOR", figures.SECTOR_INCOME, figures.sector_income),
        (
            "be-municipal-income",
            f"TF_PSNL_INC_TAX_MUNTY_{years[-1]}",  # that of 2015 has the same name elsewhere
            figures.MUNICIPAL_INCOME,
            figures.income_of_municipalities,
        ),
    ):
        rows = {year: list(rows_of(made, year)) for year in years}
        content = formats.delimited(columns, [row for year in years for row in rows[year]])
        _write_text(folder / f"{name}.zip", content, day)
        for vintage in vintages:
            stated = {"path": f"{name}.zip", "rows": len(rows[vintage - 2])}
            sources[f"{slug}-{vintage}"] = stated
    return sources


def write_municipal_income(folder: Path, made: Country) -> Entry:
    """The totals stated are those of the newest year, 2013, under the names of the published
    columns' targets.
    """
    rows = figures.municipal_income(made)
    _write_text(
        folder / "TF_PSNL_INC_TAX_MUNTY.zip",
        formats.delimited(figures.MUNICIPAL_INCOME, rows),
        date(2015, 11, 13),
    )
    newest = [
        dict(zip(figures.MUNICIPAL_INCOME, row, strict=True))
        for row in rows
        if row[0] == figures.YEARS[-1]
    ]
    cents = sum(round(float(row["MS_TOT_NET_TAXABLE_INC"]) * 100) for row in newest)
    totals = {
        "residents": sum(int(row["MS_TOT_RESIDENTS"]) for row in newest),
        "net_taxable_income": cents / 100,
    }
    return {"path": "TF_PSNL_INC_TAX_MUNTY.zip", "rows": len(rows), "totals": totals}


def _write_text(path: Path, content: bytes, day: date) -> None:
    formats.write_zip(path, [(f"{path.stem}.txt", [content])], day)


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--municipalities", type=int, default=120, help="municipalities in 2024")
    parser.add_argument("--sectors", type=int, default=4000, help="statistical sectors in 2024")
    parser.add_argument(
        "--vintages",
        type=int,
        nargs="+",
        default=[2024, 2025],
        choices=range(2018, 2027),
        metavar="YEAR",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--defects",
        type=int,
        help="overlaps, gaps and crossings, so many of each (default: one for 200 sectors)",
    )
    chosen = parser.parse_args()
    defects = Defects.each(
        max(1, chosen.sectors // 200) if chosen.defects is None else chosen.defects
    )
    try:
        sources = write(
            chosen.into,
            chosen.municipalities,
            chosen.sectors,
            chosen.vintages,
            defects,
            chosen.seed,
        )
    except ValueError as error:
        parser.error(str(error))
    print(f"Wrote {len(sources)} synthetic sources into {chosen.into}.")


if __name__ == "__main__":
    main()
