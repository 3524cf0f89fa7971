"""Programs that deployments/tools builds; tests use those that are built already."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "deployments/tools"


def find(name: str) -> str:
    """Give the path of a program; skips the test where it is not built."""
    asked = [TOOLS, "--built", name]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{name} is not built on this machine: `deployments/tools {name}` does it")
    return done.stdout.strip()
