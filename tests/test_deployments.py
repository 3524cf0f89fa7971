"""prefect.yaml against the code it deploys, without a server."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema

ROOT = Path(__file__).resolve().parents[1]
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
KEYS = {"name", "version", "tags", "description", "schedules", "concurrency_limit", "entrypoint", "parameters", "enforce_parameter_schema", "work_pool", "triggers"}


def test_every_flow_has_a_deployment() -> None:
    flows = {path.stem for path in (ROOT / "flows").glob("*.py") if "@flow" in path.read_text()}
    assert flows
    assert {deployment["entrypoint"] for deployment in DEPLOYMENTS} == {f"flows.{name}.{name}" for name in flows}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_a_deployment_loads_its_flow_and_is_asked_often_enough(deployment: dict[str, Any]) -> None:
    assert set(deployment) <= KEYS  # Prefect ignores a misspelt key
    flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    parameters = parameter_schema(flow).model_dump_for_openapi()["properties"]
    assert set(deployment.get("parameters", {})) <= set(parameters)
    assert all("description" in parameter for parameter in parameters.values())
    for schedule in deployment.get("schedules", []):
        assert set(schedule) == {"slug", "cron", "timezone"}
        assert longest_wait(schedule["cron"], schedule["timezone"]) <= timedelta(days=14)


def longest_wait(cron: str, timezone: str) -> timedelta:
    dates = asyncio.run(CronSchedule(cron=cron, timezone=timezone).get_dates(n=80, start=datetime(2026, 1, 1, tzinfo=UTC)))
    return max(later - earlier for earlier, later in itertools.pairwise(dates))
