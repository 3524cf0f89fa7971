"""Works that are measured, each with its ways and its target; and the peers that are not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from peers.turns import Taken, Way

FLOOR, OURS = "floor", "ours"
FETCHED = Path(sys.prefix) / "share" / "geodata-flows" / "peers"  # by tests/peers/get
PYTHON = FETCHED / "python"
MAPSHAPER = FETCHED / "node" / "node_modules" / ".bin" / "mapshaper"


@dataclass(frozen=True)
class Target:
    """What ours may take: so many times the floor, the best peer, or so many seconds."""

    of: Literal["floor", "peers", "seconds"]
    at_most: float

    def __str__(self) -> str:
        """Say it as a row of the report does."""
        if self.of == "seconds":
            return f"at most {self.at_most:g} s"
        named = "the floor" if self.of == "floor" else "the best peer"
        return f"at most {self.at_most:g} × {named}"

    def met(self, taken: Mapping[str, Taken]) -> bool | None:
        """Tell whether it is met; None where there is nothing to compare with."""
        if not taken[OURS].seconds:
            return False
        if self.of == "seconds":
            return taken[OURS].median <= self.at_most
        others = {name for name in taken if name != OURS and taken[name].seconds}
        others &= {FLOOR} if self.of == "floor" else others - {FLOOR}
        if not others:
            return None
        return taken[OURS].median <= self.at_most * min(taken[name].median for name in others)


@dataclass(frozen=True)
class Work:
    """One work on one input and database.

    away: the peers that cannot do it here, and why. notes: what a reader must know of the figures.
    """

    title: str
    ways: tuple[Way, ...]
    target: Target | None = None
    rounds: int = 2
    away: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""


@cache
def library(name: str) -> str:
    """Return the version of a library among the peers or in the environment; empty for none."""
    if PYTHON.is_dir() and str(PYTHON) not in sys.path:
        sys.path.append(str(PYTHON))  # behind ours, of which the peers bring some too
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@cache
def program(name: str) -> str:
    """Return what a program says of its version; empty where it is not there."""
    found = str(MAPSHAPER) if name == "mapshaper" else shutil.which(name)
    if not found or not Path(found).exists():
        return ""
    flag = {"shp2pgsql": []}.get(name, ["--version"])
    done = subprocess.run([found, *flag], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0][:80] if said else "?"
