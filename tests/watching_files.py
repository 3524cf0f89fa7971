"""The files by which a cluster watches geodata-flows, as tests read them."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from deployments.observability.families import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / "deployments/observability"
CASES = ROOT / "tests/observability/alerts_test.yaml"
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [(title, each["expr"]) for title, each in TARGETS if "expr" in each]
QUESTIONS = [(title, each["rawSql"]) for title, each in TARGETS if "rawSql" in each]
ALERTS = yaml.safe_load((FILES / "alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
OURS = {
    f"geodata_{figure.name}{'_total' if figure.is_counter else ''}"
    for family in FAMILIES
    for figure in family.figures
} | {"geodata_catalog_up", "geodata_catalog_read_seconds"}
