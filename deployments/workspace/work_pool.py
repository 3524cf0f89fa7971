"""The Kubernetes work pool: its base job template and how many runs it lets happen at once."""

from __future__ import annotations

import json
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

from tasks.core.model.settings import ROOT
from workspace.changes import Change

NAME = "geodata-kubernetes"
TYPE = "kubernetes"
DESCRIPTION = "Every flow of geodata-flows as a Kubernetes job."
RUNS_AT_ONCE = 4  # they share one database: four loads keep its disks busy
TEMPLATE = ROOT / "deployments" / "base-job-template.json"


def template() -> dict[str, Any]:
    """The base job template, which decides what a deployment may choose and what is fixed."""
    read: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    return read


def set_up(client: SyncPrefectClient) -> Change:
    """Create the pool, or correct what differs in it; a person's pause stays."""
    try:
        found = client.read_work_pool(NAME)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=NAME,
                type=TYPE,
                description=DESCRIPTION,
                base_job_template=template(),
                concurrency_limit=RUNS_AT_ONCE,
            )
        )
        return Change("work pool", NAME, "created")
    if (found.description, found.base_job_template, found.concurrency_limit) == (
        DESCRIPTION,
        template(),
        RUNS_AT_ONCE,
    ):
        return Change("work pool", NAME, "unchanged")
    client.update_work_pool(
        NAME,
        WorkPoolUpdate(
            description=DESCRIPTION, base_job_template=template(), concurrency_limit=RUNS_AT_ONCE
        ),
    )
    return Change("work pool", NAME, "updated")
