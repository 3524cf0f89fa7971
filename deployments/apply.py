"""Everything on the Prefect side, as code: `make deploy`, or python deployments/apply.py
[--set-up-only].

Sets up the work pool with its limit, the variable and the block for notifications and the
automations, and registers every deployment of prefect.yaml. It compares first and changes only what
differs, so it may be run at every release.

PREFECT_API_URL, PREFECT_API_KEY     the server or the workspace of Prefect Cloud
GEODATA_IMAGE, GEODATA_REVISION      the image with its tag, and the revision of the code in it
GEODATA_WEBHOOK_URL                  where automations report to; needed once, then kept on the
    server as a secret
"""

from __future__ import annotations

import argparse
import sys

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import get_current_settings
from workspace import automations, declared, notification, registration, work_pool
from workspace.changes import Change

from tasks.core.model.errors import ConfigurationError, GeodataError


def main() -> int:
    """Read the command line and set everything up; 1 with one sentence when it cannot be done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set-up-only", action="store_true", help="register no deployment")
    try:
        apply(set_up_only=parser.parse_args().set_up_only)
    except GeodataError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"deploy: {_unheard(error)}", file=sys.stderr)
        return 1
    return 0


def _unheard(error: httpx.HTTPError) -> str:
    """Say in one sentence what the server did not take, and what to do."""
    address = get_current_settings().api.url
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        return (
            f"The Prefect server {address} was expected to let us in, and refused"
            f" ({error.response.status_code}): set PREFECT_API_KEY for Prefect Cloud, or"
            " PREFECT_API_AUTH_STRING=user:password for a server of your own."
        )
    if isinstance(error, httpx.HTTPStatusError):
        return (
            f"The Prefect server {address} refused what was asked: {' '.join(str(error).split())}"
        )
    return (
        f"The Prefect server {address} was expected to answer, and does not"
        f" ({str(error) or type(error).__name__}): check PREFECT_API_URL, and that its"
        " port-forward still runs, then run this again; what was set up stays."
    )


def apply(*, set_up_only: bool) -> None:
    """Set up the server and register the deployments, and print what was changed."""
    if not get_current_settings().api.url:
        raise ConfigurationError(
            "No Prefect server is configured: set PREFECT_API_URL (and PREFECT_API_KEY for Prefect"
            " Cloud), or log in with `prefect cloud login`."
        )
    if not set_up_only:
        registration.require_ready()
    with get_client(sync_client=True) as client:
        for change in set_up(client):
            print(change)
        for sentence in work_pool.paused(client):
            print(f"Left alone: {sentence}", file=sys.stderr)
        if notification.block_id(client) is None:
            print(
                "Nobody is told: automations are only seen in the Prefect UI. Set"
                " GEODATA_WEBHOOK_URL and run this again.",
                file=sys.stderr,
            )
        if not set_up_only:
            _register(client)


def set_up(client: SyncPrefectClient) -> list[Change]:
    """Everything but the deployments, in the order in which it is needed."""
    changes = [*work_pool.set_up(client), *notification.set_up(client)]
    return [*changes, *automations.set_up(client, notification.block_id(client))]


def _register(client: SyncPrefectClient) -> None:
    registration.register()
    print(f"registered {len(declared.deployments())} deployments")
    for name in registration.strangers(client):
        print(
            f"Left alone: {name} is on the server but no longer in prefect.yaml. Remove it: prefect"
            f" deployment delete {name}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
