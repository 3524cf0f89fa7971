"""Global concurrency limits: what all runs together may do at once, on whatever machine."""

from __future__ import annotations

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectNotFound

from workspace.changes import Change

LIMITS = {"tag:geodata-download": 6}  # tasks with the tag geodata-download: the network of a site is shared by all its pods


def set_up(client: SyncPrefectClient) -> list[Change]:
    """Create each limit, or correct its number; a person's deactivation stays."""
    return [_set_up(client, name, limit) for name, limit in LIMITS.items()]


def _set_up(client: SyncPrefectClient, name: str, limit: int) -> Change:
    try:
        found = client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit))
        return Change("concurrency limit", name, "created")
    if found.limit == limit:
        return Change("concurrency limit", name, "unchanged")
    client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(limit=limit))
    return Change("concurrency limit", name, "updated")
