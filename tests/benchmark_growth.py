"""How the seconds of each step grow with the number of areas: Belgium of four sizes.

    python tests/benchmark_growth.py [--sectors 5000 20000 80000 320000]

Publishes each size from synthetic files into a database of its own, by the command that a developer
types, and prints each step's seconds with its slope: 1.0 is linear, 2.0 would be quadratic. Slopes
are told of steps that took a tenth of a second at both sizes.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from peers import commands  # noqa: E402

from tasks.core.postgres import cluster  # noqa: E402
from tasks.core.postgres.database import parse  # noqa: E402
from tasks.running import local_server  # noqa: E402

LEAST = 0.1  # seconds of a step whose slope is told
STEPS = """
SELECT verb || ' ' || subject, sum(seconds), max(peak_mib)
  FROM catalog.step GROUP BY 1
"""
WHOLE = """
SELECT 'whole run', extract(epoch FROM ended_at - started_at), peak_mib FROM catalog.run
"""
Steps = dict[str, tuple[float, float]]  # seconds and peak MiB, by step


def main() -> None:
    """Publish each size and print how the steps grow."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--sectors", type=int, nargs="+", default=[5000, 20_000, 80_000, 320_000]
    )
    sizes = sorted(arguments.parse_args().sectors)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="geodata-growth-")))
        folder.chmod(0o755)  # the database server keeps its files there
        os.environ["GEODATA_DATA"] = str(folder)
        os.environ.pop("GEODATA_DATABASE_URL", None)
        database = cluster.database()
        opened.callback(cluster.stop)
        os.environ["PREFECT_API_URL"] = local_server.start()
        opened.callback(local_server.stop)
        measured: list[Steps] = []
        for size in sizes:
            environment = commands.prepared(folder, database, f"size_{size}", size)
            commands.ended(commands.start(environment))
            made = parse(environment["GEODATA_DATABASE_URL"])
            rows = [*made.rows(STEPS), *made.rows(WHOLE)]
            measured.append({str(step): (float(took), float(mib or 0)) for step, took, mib in rows})
            print(f"{size:,} sectors: {measured[-1]['whole run'][0]:.1f} s", flush=True)
    tell(sizes, measured)


def tell(sizes: Sequence[int], measured: Sequence[Steps]) -> None:
    """Print the seconds of each step at each size, and its slopes."""
    print(f"\n{'step':44}" + "".join(f"{size:>10,}" for size in sizes) + "   slopes      most MiB")
    order = sorted(measured[-1], key=lambda step: -measured[-1][step][0])
    for step in order:
        took = [each.get(step, (0.0, 0.0))[0] for each in measured]
        slopes = " ".join(
            f"{math.log(after / before) / math.log(more / fewer):4.2f}"
            if min(before, after) >= LEAST
            else "   –"
            for before, after, fewer, more in zip(took, took[1:], sizes, sizes[1:], strict=False)
        )
        most = max(each.get(step, (0.0, 0.0))[1] for each in measured)
        print(
            f"{step[:44]:44}"
            + "".join(f"{each:10.2f}" for each in took)
            + f"   {slopes} {most:8,.0f}"
        )


if __name__ == "__main__":
    main()
