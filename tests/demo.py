"""The main job on a synthetic Belgium: files made in Statbel's formats, served over HTTP, taken
through the very flow of production.

    python tests/demo.py [--municipalities 120 --sectors 4000]

The second time nothing is new, and the run says so within seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import geopandas
import matplotlib as mpl
import pandas as pd
from file_server import serve
from sqlalchemy import create_engine
from synthetic import belgium
from synthetic.defects import Defects

from tasks.core.model.settings import data_folder
from tasks.running import local_server
from tasks.running.site import site

ROOT = Path(__file__).resolve().parents[1]
VINTAGE = 2025
LOOK_NEXT = """
  the map          {map}
  the pages        make site        a map of every layer, how it was made and checked
  the run          {ui}
  the tables       make db-shell    then  \\d+ belgium.sectors    or  SELECT * FROM catalog.lineage;
  the files        {archive}
  how it is made   flows/belgium.py, sql/belgium.sql
"""


def main() -> None:
    """Make the files once, run the flow, and tell what came of it."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--municipalities", type=int, default=120)
    arguments.add_argument("--sectors", type=int, default=4000)
    asked = arguments.parse_args()

    folder = data_folder() / "demo" / f"{asked.municipalities}-{asked.sectors}"
    if not (folder / "mirror.json").exists():
        print(
            f"Making a synthetic Belgium of {asked.municipalities} municipalities and about"
            f" {asked.sectors:,} sectors in Statbel's formats ..."
        )
        belgium.write(
            folder,
            asked.municipalities,
            asked.sectors,
            (2024, VINTAGE),
            Defects(overlaps=10, gaps=10, crossings=5),
        )
    print("Starting the background Prefect server (or finding it up) ...")
    api = local_server.start()
    with serve(folder) as mirror:
        print(
            f"The files are served at {mirror}; running: python flows/belgium.py --vintage"
            f" {VINTAGE} --mirror {mirror}\n"
        )
        environment = os.environ | {"PREFECT_API_URL": api}
        command = [
            sys.executable,
            str(ROOT / "flows/belgium.py"),
            "--vintage",
            str(VINTAGE),
            "--mirror",
            mirror,
        ]
        subprocess.run(command, env=environment, check=True)
    summarise(api)


def summarise(api: str) -> None:
    """Print layers, joins, checks and steps of the edition shown, and draw its map."""
    number = site().database.value(
        "SELECT number FROM catalog.current_edition WHERE dataset = 'belgium' AND vintage = %s",
        VINTAGE,
    )
    last = site().database.rows(
        "SELECT message, extract(epoch FROM ended_at - started_at) FROM catalog.run WHERE dataset ="
        " 'belgium' ORDER BY started_at DESC"
    )[0]
    print(
        f"\n{last[0]} ({last[1]:.1f} s)\n\nLAYERS of edition {number}, not official data (view,"
        " rows, what one row is)"
    )
    table(
        "SELECT 'belgium.' || layer, row_count, regexp_replace(description, 'NOT OFFICIAL DATA"
        " .*?\\. ', '') FROM catalog.layer WHERE dataset = 'belgium' AND number = %s ORDER BY"
        " row_count DESC",
        number,
    )
    print("\nJOINS (areas with figures, figures with an area, share of the located population)")
    table(
        "SELECT figures, areas_matched || ' of ' || area_count || ' areas', figures_matched || ' of"
        " ' || figure_count || ' figures', coalesce(round(100 * population_matched /"
        " nullif(population, 0), 2) || ' %% of the population', '') FROM catalog.join_report WHERE"
        " dataset = 'belgium' AND number = %s",
        number,
    )
    print("\nCHECKS (expected, found)")
    table(
        "SELECT CASE WHEN passed THEN 'passed' WHEN required THEN 'FAILED' ELSE 'warned' END,"
        " title, expected, found FROM catalog.check_result WHERE dataset = 'belgium' AND number ="
        " %s ORDER BY at",
        number,
    )
    print("\nSTEPS (seconds, peak MiB of the process, what was done)")
    table(
        "SELECT round(seconds::numeric, 2), round(peak_mib::numeric), verb || ' ' || subject,"
        " sentence FROM catalog.step WHERE dataset = 'belgium' AND number = %s ORDER BY ordinal",
        number,
    )
    picture = draw(data_folder() / "demo" / "belgium.png")
    print(
        "\nWHERE TO LOOK NEXT"
        + LOOK_NEXT.format(
            map=picture, ui=api.removesuffix("/api") + "/runs", archive=data_folder() / "archive"
        )
    )


def table(query: str, number: int) -> None:
    """Print the rows of a query in columns."""
    frame = pd.DataFrame(site().database.rows(query, number)).astype(str)
    widths = [min(frame[column].str.len().max(), 100) for column in frame.columns]
    for row in frame.itertuples(index=False):
        print(
            "  "
            + "  ".join(
                value.ljust(width) for value, width in zip(row, widths, strict=True)
            ).rstrip()
        )


def draw(path: Path) -> Path:
    """A map of the published sectors by density, with the borders of the municipalities."""
    mpl.use("Agg")
    source = create_engine(site().database.url)
    sectors = geopandas.read_postgis(
        "SELECT density::float AS density, geom FROM belgium.sectors", source
    )
    municipalities = geopandas.read_postgis("SELECT geom FROM belgium.municipalities", source)
    scale = mpl.colors.LogNorm(vmin=1, vmax=sectors.density.max())
    legend = {"label": "residents for each km²", "shrink": 0.6}
    axes = sectors.plot(
        "density",
        cmap="YlGnBu",
        norm=scale,
        figsize=(12, 10),
        legend=True,
        legend_kwds=legend,
        missing_kwds={"color": "lightgrey"},
    )
    municipalities.boundary.plot(ax=axes, linewidth=0.4, color="black")
    axes.set_title("belgium.sectors: synthetic data, not official")
    axes.set_axis_off()
    axes.figure.savefig(path, dpi=110, bbox_inches="tight")
    return path


if __name__ == "__main__":
    main()
