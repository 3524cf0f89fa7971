"""When each flow runs next, as the Prefect server plans it."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort


def next_runs() -> dict[str, datetime]:
    """Return the moment of the next planned run by dataset; none where no server tells it."""
    planned = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate(
            {"after_": datetime.now(UTC)}
        ),
    )
    found: dict[str, datetime] = {}
    try:
        with get_client(sync_client=True) as client:
            names = {each.id: each.name.replace("-", "_") for each in client.read_deployments()}
            runs = client.read_flow_runs(
                flow_run_filter=planned, sort=FlowRunSort.EXPECTED_START_TIME_ASC
            )
    except httpx.HTTPError:
        return {}
    for run in runs:
        if run.deployment_id in names and run.expected_start_time:
            found.setdefault(names[run.deployment_id], run.expected_start_time)
    return found
