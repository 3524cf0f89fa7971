"""Five million points, and which of 49,000 areas each is in."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import benchmark_points as points
import pyarrow as pa
from peers.turns import Way
from peers.works import OURS, Target, Work, library

from tasks.core.postgres.database import Database

POINTS, AREAS = 5_000_000, 49_000
PEERS = {"STRtree": "shapely", "sedonadb": "sedonadb"}
SLOWER = "it takes more than twice as long; tests/benchmark_points.py has it"


def works(folder: Path, database: Database, opened: ExitStack, scale: float) -> list[Work]:
    """Make points and areas, in files and in tables."""
    ground = points.make(database, folder, round(POINTS * scale), round(AREAS * scale))
    ways = [Way(OURS, points.located, (ground,), told=partial(told, ground))]
    away = dict.fromkeys(("PostGIS", "geopandas"), SLOWER)
    for peer, package in PEERS.items():
        if version := library(package):
            told_of = partial(told, ground)
            ways.append(Way(peer, points.WAYS[peer], (ground,), version, told=told_of))
        else:
            away[peer] = "it could not be fetched"
    return [
        Work(
            f"{round(POINTS * scale):,} points in {round(AREAS * scale):,} areas",
            tuple(ways),
            Target("peers", 1.0),
            rounds=0,
            away=away,
            notes="Ours writes its answers into PostGIS, the others keep theirs in memory.",
        )
    ]


def told(ground: points.Ground, found: pa.Table | None) -> str:
    """Say how many points were found, and sign the answers."""
    count, answers = points.signed(ground, found)
    return f"{count:,} found, answers {answers[:8]}"
