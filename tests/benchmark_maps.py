"""How long the maps of all countries take at national size, in how much memory, and GDAL's own
driver beside ours on the same areas.

    python tests/benchmark_maps.py [--scale 1]

Areas are fractal grids, points lie at random; each layer is drawn in a process of its own. What
counts on a busy machine is the seconds of the processor.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import shapely

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from fractal_coverage import grid  # noqa: E402

from tasks.core.pages.maps.ground import HALF  # noqa: E402
from tasks.core.pages.maps.indicators import Indicator  # noqa: E402
from tasks.core.pages.maps.layers import ShownColumn  # noqa: E402
from tasks.core.pages.maps.missing import Reasons  # noqa: E402
from tasks.core.pages.maps.reading import Areas  # noqa: E402
from tasks.core.pages.maps.squares import count, draw_squares  # noqa: E402
from tasks.core.pages.maps.tiles import tile  # noqa: E402
from tasks.core.pages.maps.values import Place, keep_values  # noqa: E402

LAYERS = {  # areas, kilometres of the whole, segments of an edge, whether another may stand in
    "sectors": (20_000, 200, 16, False),
    "municipalities": (2_092, 300, 16, False),
    "iris": (49_000, 750, 16, True),
    "communes": (35_000, 750, 16, False),
    "tracts": (85_000, 2_800, 8, True),
    "block_groups": (242_000, 2_800, 8, True),
}
POINTS = 2_000_000
INDICATORS = 65  # of a layer of the United States
RIVAL = "sectors"  # the layer that GDAL draws too


def main() -> int:
    """Draw each layer in a process, and print."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--scale", type=float, default=0.05)
    asked.add_argument("--only")
    options = asked.parse_args()
    if options.only:
        return measure(options.only, options.scale)
    print("layer             rows   processor s    wall s    MiB   MB written  zooms")
    for name in (*LAYERS, "points", "figures", "gdal"):
        command = [sys.executable, __file__, "--only", name, "--scale", str(options.scale)]
        subprocess.run(command, check=True)
    return 0


def measure(name: str, scale: float) -> int:
    """Draw one layer and print what it took; making its rows is not counted."""
    with tempfile.TemporaryDirectory(prefix="geodata-maps-") as temporary:
        folder = Path(temporary)
        draw, rows = {"points": points, "figures": figures, "gdal": by_gdal}.get(name, areas)(
            name, scale, folder
        )
        before, began = time.process_time(), time.monotonic()
        zooms = draw()
        took, wall = time.process_time() - before, time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        print(
            f"{name:14} {rows:9,} {took:12.1f} {wall:10.1f} {peak:7.0f} {size:11.1f}  {zooms}",
            flush=True,
        )
    return 0


def areas(name, scale, folder):
    """Our tiles of a layer."""
    wanted, kilometres, segments, has_coarser = LAYERS[name]
    shapes = coverage(round(wanted * scale), kilometres, segments)
    draw = lambda: tile(shapes, folder, folder, name, has_coarser=has_coarser).zooms  # noqa: E731
    return draw, len(shapes)


def coverage(wanted: int, kilometres: float, segments: int) -> np.ndarray:
    """So many areas, about, in the unit square around 45 degrees north."""
    side = max(2, round(wanted**0.5))
    shapes = grid(side, side, 1000 * kilometres / side, segments)
    return shapely.transform(shapes, lambda metres: metres * 1.41 / (2 * HALF) + [0.48, 0.35])


def points(name, scale, folder):
    """Points counted by squares."""
    random, many = np.random.default_rng(1), round(POINTS * scale)
    longitude, latitude = random.normal(2.5, 2.5, many), random.normal(46.5, 1.8, many)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for begin in range(0, many, 100_000):
            part = slice(begin, begin + 100_000)
            yield longitude[part], latitude[part]

    return lambda: draw_squares(count(batches(), 4326), folder, folder, name).told["zooms"], many


def figures(name, scale, folder):
    """All indicators of the largest layer."""
    many, random = round(LAYERS["block_groups"][0] * scale), np.random.default_rng(1)
    codes = np.array([f"{each:012d}" for each in range(many)], dtype=object)
    place = Place(Areas(codes, codes), np.zeros((many, 4)))
    column = ShownColumn("persons", "bigint", "Persons", "persons", "sum", 1)
    values = random.lognormal(6, 1, many).round()
    reasons = Reasons(SimpleNamespace(columns=(column,)), pa.table({}))

    def draw() -> str:
        for _ in range(INDICATORS):
            keep_values(values, Indicator(column, 0), reasons, place, folder)
        return f"{INDICATORS} indicators"

    return draw, many


def by_gdal(name, scale, folder):
    """The same layer by GDAL's driver for PMTiles, which simplifies each area by itself."""
    import geopandas
    import pyogrio

    wanted, kilometres, segments, has_coarser = LAYERS[RIVAL]
    shapes = coverage(round(wanted * scale), kilometres, segments)
    low, high = tile(shapes, folder, folder, RIVAL, has_coarser=has_coarser).zooms
    for path in folder.iterdir():
        path.unlink()
    metres = shapely.transform(shapes, lambda unit: (unit - 0.5) * [2 * HALF, -2 * HALF])
    frame = geopandas.GeoDataFrame({"id": range(len(shapes))}, geometry=metres, crs=3857)
    given = {"MINZOOM": str(low), "MAXZOOM": str(high), "SIMPLIFICATION": "3"}
    given |= {"SIMPLIFICATION_MAX_ZOOM": "0", "MAX_SIZE": "50000000", "MAX_FEATURES": "1000000"}

    def draw() -> str:
        path = folder / "gdal.pmtiles"
        pyogrio.write_dataframe(frame, path, driver="PMTiles", dataset_options=given)
        return f"({low}, {high}), {RIVAL}"

    return draw, len(frame)


if __name__ == "__main__":
    raise SystemExit(main())
