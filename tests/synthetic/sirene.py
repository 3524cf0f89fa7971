"""A synthetic SIRENE in INSEE's own file formats, with the mirror.json that lets a flow read it in
place of the publisher.

    python tests/synthetic/sirene.py --into FOLDER [--establishments 5000000 --formats parquet
    --france FOLDER --seed 1]

Codes of communes, activities and countries are real; establishments, their names, numbers and
places are made up, and there is no person in it. The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np

# run as a script, the folder of the tests is not on the path
sys.path.append(str(Path(__file__).resolve().parents[1]))

from pyarrow import csv
from synthetic import sirene_ground, sirene_layout, sirene_locations, sirene_stock
from synthetic.sirene_blocks import CLOSED, Plan
from synthetic.sirene_counts import Counts
from synthetic.sirene_files import FORMATS, Published

LABEL = "synthetic-sirene"
ABOUT = (
    "Synthetic data made by a program in INSEE's file formats: every establishment is invented and"
    " nothing in it is official."
)
SMALL = 200_000  # establishments up to which the expected IRIS of each point is told
EXPECTED = "expected_iris.csv"
Entry = dict[str, Any]


class Sources(dict[str, Entry]):
    """The mirror's entries by slug and vintage, and `counts`, what the files hold."""

    counts: Counts


def write(
    folder: Path,
    establishments: int = 2000,
    areas: Path | geopandas.GeoDataFrame | None = None,
    month: date = date(2026, 11, 1),
    seed: int = 1,
    formats: Sequence[str] = FORMATS,
    closed: float = CLOSED,
) -> Sources:
    """Both files of a month, mirror.json, README.txt and counts.json in a folder; the mirror has
    the first of the formats.

    areas: the folder of a synthetic France, its archive, or a table of IRIS; the points are then in
    its IRIS, and expected_iris.csv says in which, up to 200,000 establishments. closed: the share
    of the closed ones, by default that of the real file.
    """
    if unknown := sorted(set(formats) - set(FORMATS)) or not formats:
        raise ValueError(
            f"The formats are {' and '.join(FORMATS)}; {unknown or 'none'} was asked for."
        )
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, 1])
    ground = sirene_ground.listed(random) if areas is None else sirene_ground.within(areas, random)
    plan = Plan(ground, establishments, month.replace(day=1), seed, closed)
    entries, counts = _write_blocks(
        folder, plan, formats, tell_iris=areas is not None and establishments <= SMALL
    )
    sources = Sources(
        {f"fr-sirene-{month.year}": entries[0], f"fr-sirene-geolocation-{month.year}": entries[1]}
    )
    sources.counts = counts
    _describe(folder, plan, sources)
    return sources


def _write_blocks(
    folder: Path, plan: Plan, formats: Sequence[str], tell_iris: bool
) -> tuple[list[Entry], Counts]:
    counts = Counts()
    with ExitStack() as opened:
        stock, locations = (
            opened.enter_context(Published(folder, name, schema, delimiter, formats, plan.month))
            for name, schema, delimiter in (
                (sirene_layout.STOCK_NAME, sirene_layout.STOCK, ","),
                (sirene_layout.LOCATION_NAME, sirene_layout.LOCATIONS, ";"),
            )
        )
        answers = None
        for block in map(plan.block, range(plan.blocks)):
            counts.add(block)
            published = sirene_stock.batch(block)
            stock.append(published)
            locations.append(sirene_locations.batch(block))
            if tell_iris:
                rows = sirene_locations.expected(block, published)
                answers = answers or opened.enter_context(
                    csv.CSVWriter(folder / EXPECTED, rows.schema)
                )
                answers.write_batch(rows)
    return [stock.entry(), locations.entry()], counts


def _describe(folder: Path, plan: Plan, sources: Sources) -> None:
    mirror = {"label": LABEL, "about": ABOUT, "sources": sources}
    (folder / "mirror.json").write_text(
        json.dumps(mirror, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    made = (
        f"Made with seed {plan.seed} for {plan.month:%Y-%m} in {len(plan.ground.codes)} communes."
    )
    (folder / "README.txt").write_text(
        "\n".join([ABOUT, made, *sources.counts.sentences()]) + "\n", encoding="utf-8"
    )
    sources.counts.write(folder)


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--establishments", type=int, default=2000, help="the real number is about 44,000,000"
    )
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=FORMATS,
        default=FORMATS,
        help="the mirror has the first of them",
    )
    parser.add_argument(
        "--france",
        type=Path,
        metavar="FOLDER",
        help="a synthetic France, whose IRIS the establishments are put in",
    )
    parser.add_argument(
        "--month", type=date.fromisoformat, default=date(2026, 11, 1), metavar="YYYY-MM-01"
    )
    parser.add_argument(
        "--closed", type=float, default=CLOSED, help="share of the closed establishments"
    )
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    try:
        sources = write(
            chosen.into,
            chosen.establishments,
            chosen.france,
            chosen.month,
            chosen.seed,
            chosen.formats,
            chosen.closed,
        )
    except ValueError as error:
        parser.error(str(error))
    print(
        f"Wrote {sources.counts.establishments:,} synthetic establishments,"
        f" {sources.counts.located:,} of them located, into {chosen.into}."
    )


if __name__ == "__main__":
    main()
