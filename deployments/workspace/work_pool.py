"""The Kubernetes work pool: its base job template, and its queues with how many runs each admits.

The pool itself has no limit: what a person or a schedule needs now never waits behind countries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import ROOT
from workspace.changes import Action, Change

NAME = "geodata-kubernetes"
TYPE = "kubernetes"
DESCRIPTION = "Every flow of geodata-flows as a Kubernetes job."
TEMPLATE = ROOT / "deployments" / "base-job-template.json"
# Runs at once by queue, the first one served first. Operations are small, or only wait for others.
# Countries share one database: four loads keep its disks busy.
QUEUES = {"operations": 4, "countries": 4}
FIRST = 1  # priority


def template() -> dict[str, Any]:
    """The base job template, which decides what a deployment may choose and what is fixed."""
    read: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    return read


def set_up(client: SyncPrefectClient) -> Iterator[Change]:
    """Create pool and queues, or correct what differs in them; a person's pause stays."""
    yield Change("work pool", NAME, _set_up_pool(client))
    for name in QUEUES:
        yield Change("work queue", name, _set_up_queue(client, name))


def paused(client: SyncPrefectClient) -> Iterator[str]:
    """Say in a sentence each what a person has paused, so that nothing of it starts."""
    if client.read_work_pool(NAME).is_paused:
        yield f"The work pool {NAME} is paused: `prefect work-pool resume {NAME}` lets runs start."
    for name in QUEUES:
        if client.read_work_queue_by_name(name, work_pool_name=NAME).is_paused:
            resume = f"prefect work-queue resume {name} --pool {NAME}"
            yield f"The work queue {name} is paused: `{resume}` lets its runs start."


def _set_up_pool(client: SyncPrefectClient) -> Action:
    try:
        found = client.read_work_pool(NAME)
    except ObjectNotFound:
        pool = WorkPoolCreate(
            name=NAME, type=TYPE, description=DESCRIPTION, base_job_template=template()
        )
        client.create_work_pool(pool)
        return "created"
    if found.type != TYPE:  # which Prefect lets nobody change, and no worker of ours serves
        raise ConfigurationError(
            f"The work pool {NAME} was expected to be of the type {TYPE}, found {found.type}:"
            f" delete it (`prefect work-pool delete {NAME}`), and run this again, which makes it"
            " and its deployments anew."
        )
    wanted = (DESCRIPTION, template(), None)
    if (found.description, found.base_job_template, found.concurrency_limit) == wanted:
        return "unchanged"
    update = WorkPoolUpdate(
        description=DESCRIPTION, base_job_template=template(), concurrency_limit=None
    )
    client.update_work_pool(NAME, update)
    return "updated"


def _set_up_queue(client: SyncPrefectClient, name: str) -> Action:
    limit, is_first = QUEUES[name], name == next(iter(QUEUES))
    wanted = {"concurrency_limit": limit} | ({"priority": FIRST} if is_first else {})
    try:
        found = client.read_work_queue_by_name(name, work_pool_name=NAME)
    except ObjectNotFound:
        client.create_work_queue(name, work_pool_name=NAME, **wanted)
        return "created"
    if all(getattr(found, fact) == value for fact, value in wanted.items()):
        return "unchanged"
    client.update_work_queue(found.id, **wanted)
    return "updated"
