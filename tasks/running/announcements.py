"""What the Prefect server is told of a run: views that expire, on which no run depends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from tasks.core.model.addresses import redact
from tasks.running import prefect_settings
from tasks.running.steps import warn


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Warn, and go on, where the Prefect server does not take what it is told.

    what: for the warning ("the page of edition 3"). The client of Prefect asks again for a minute.
    """
    try:
        yield
    except httpx.HTTPError as error:
        reason = redact(str(error)) or type(error).__name__
        warn(
            f"The Prefect server was not told {what} ({reason}): database and archive have it;"
            " start the server, and look at the catalog meanwhile."
        )


def call_by(vintage: int, instead_of: str) -> None:
    """Give the run under way the name of a year in place of what stood for it."""
    if runtime.flow_run.id:
        name = str(runtime.flow_run.name).replace(instead_of, str(vintage))
        with telling(f"that this is the run {name}"), get_client(sync_client=True) as client:
            client.update_flow_run(UUID(runtime.flow_run.id), name=name)


def is_away() -> bool:
    """Tell whether the Prefect server of this run is configured and does not answer."""
    if not PREFECT_API_URL.value():
        return False  # a server of the run's own, in the same process group
    try:
        with (
            prefect_settings.using("client", max_retries=0),
            get_client(sync_client=True) as client,
        ):
            return isinstance(client.api_healthcheck(), httpx.TransportError)
    except httpx.TransportError:
        return True
