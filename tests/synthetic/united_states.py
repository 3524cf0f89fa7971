"""A synthetic United States in the Census Bureau's own file formats, with the mirror.json that lets
a flow read it in place of the publisher.

    python tests/synthetic/united_states.py --into FOLDER [--tracts 120 --block-groups 300
    --vintages 2023 --seed 1 --defects 3]

Codes and names of states and counties are real; shapes, tracts and figures are made up. The same
arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# run as a script, the folder of the tests is not on the path
sys.path.append(str(Path(__file__).resolve().parents[1]))

from synthetic import (
    us_acs,
    us_estimates,
    us_geography,
    us_people,
    us_roster,
    us_subject_table,
    us_tables,
)
from synthetic.defects import Defects
from synthetic.us_roster import Roster

LABEL = "synthetic-united-states"
ABOUT = (
    "Synthetic data made by a program in the Census Bureau's file formats: shapes, tracts and"
    " figures are invented and nothing in it is official."
)
Entry = dict[str, Any]


def write(
    folder: Path,
    tracts: int = 120,
    block_groups: int = 300,
    vintages: Sequence[int] = (2023,),
    defects: Defects | None = None,
    seed: int = 1,
) -> dict[str, Entry]:
    """Every file of the vintages, mirror.json and README.txt in a folder; returns the mirror's
    sources by slug and vintage.

    tracts and block_groups are those of the boundary files; the tables of the American Community
    Survey have a few of water beside them, and none of the island areas. defects are put into the
    shapes of block groups; without them every level is a clean coverage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    roster = us_roster.build(tracts, block_groups, seed)
    sources = dict(us_geography.write(folder, roster, vintages, defects or Defects()))
    told = [
        ABOUT,
        (
            f"Made with seed {seed}: {tracts} tracts and {block_groups} block groups in the"
            " boundary files."
        ),
    ]
    for vintage in vintages:
        figures, counts = _write_figures(folder, roster, vintage)
        sources |= figures
        told.append(
            f"Rows of each table of the American Community Survey {vintage}:"
            f" {', '.join(f'{n} {prefix}' for prefix, n in counts.items())}."
        )
    sources = dict(sorted(sources.items()))
    mirror = {"label": LABEL, "about": ABOUT, "sources": sources}
    (folder / "mirror.json").write_text(
        json.dumps(mirror, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / "README.txt").write_text("\n".join(told) + "\n", encoding="utf-8")
    return sources


def _write_figures(
    folder: Path, roster: Roster, vintage: int
) -> tuple[dict[str, Entry], dict[str, int]]:
    people = us_people.build(roster, vintage)
    sources: dict[str, Entry] = {}
    counts: dict[str, int] = {}
    for table in us_tables.SHELLS:
        sources[f"us-acs-{table.lower()}-{vintage}"], counts = us_acs.write(folder, people, table)
    sources[f"us-acs-shells-{vintage}"] = us_tables.write_shells(folder, vintage)
    sources[f"us-county-estimates-{vintage}"] = us_estimates.write(folder, people)
    sources[f"us-s1901-{vintage}"] = us_subject_table.write(folder, people)
    return sources, counts


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--tracts",
        type=int,
        default=120,
        help="census tracts in the boundary files; the real number is about 85,000",
    )
    parser.add_argument(
        "--block-groups",
        type=int,
        default=300,
        help="block groups in the boundary files; the real number is about 242,000",
    )
    parser.add_argument(
        "--vintages", type=int, nargs="+", default=[2023], choices=range(2018, 2026), metavar="YEAR"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--defects",
        type=int,
        help="overlaps, gaps and crossings, so many of each (default: one for 1,000 block groups)",
    )
    chosen = parser.parse_args()
    defects = Defects.each(
        chosen.block_groups // 1000 if chosen.defects is None else chosen.defects
    )
    try:
        sources = write(
            chosen.into, chosen.tracts, chosen.block_groups, chosen.vintages, defects, chosen.seed
        )
    except ValueError as error:
        parser.error(str(error))
    print(f"Wrote {len(sources)} synthetic sources into {chosen.into}.")


if __name__ == "__main__":
    main()
