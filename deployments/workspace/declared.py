"""The deployments as prefect.yaml declares them."""

from __future__ import annotations

from typing import Any

import yaml  # type: ignore[import-untyped]

from tasks.core.model.settings import ROOT

PREFECT_FILE = ROOT / "prefect.yaml"
TAG = "geodata"  # every deployment has it; automations know our runs by it
VARIABLES = (
    "GEODATA_IMAGE",
    "GEODATA_REVISION",
)  # Prefect only warns when one is not set, and deploys an empty text


def deployments() -> list[dict[str, Any]]:
    """One mapping for each deployment, its anchors resolved and its variables not yet filled in."""
    found: list[dict[str, Any]] = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))[
        "deployments"
    ]
    return found
