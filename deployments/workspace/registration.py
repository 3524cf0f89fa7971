"""The deployments themselves: registered by `prefect deploy --all`, after everything it passes over
in silence was checked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.flows import load_flow_from_entrypoint

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import ROOT
from workspace import declared, work_pool

SUCH_AS = (
    "give the image with its tag and the revision it was built from, such as"
    " GEODATA_IMAGE=registry.example/geodata-flows:1f2e3d4c5b6a GEODATA_REVISION=1f2e3d4c5b6a."
)


def require_ready() -> None:
    """Fail when a variable is not set or a flow does not load: Prefect deploys both all the
    same.
    """
    missing = [name for name in declared.VARIABLES if not os.environ.get(name)]
    if missing:
        raise ConfigurationError(
            f"The deployments need {' and '.join(declared.VARIABLES)}, found that"
            f" {' and '.join(missing)} {'are' if missing[1:] else 'is'} not set: {SUCH_AS}"
        )
    image = os.environ[declared.VARIABLES[0]]
    if not re.fullmatch(work_pool.template()["variables"]["properties"]["image"]["pattern"], image):
        raise ConfigurationError(
            "GEODATA_IMAGE was expected to name an image with a tag other than latest, or a digest,"
            f" found {image!r}: {SUCH_AS}"
        )
    for deployment in declared.deployments():
        load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)


def register() -> str:
    """Register every deployment of prefect.yaml; gives Prefect's own words."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ConfigurationError(
            f"`prefect deploy --all` ended with code {done.returncode}:"
            f" {_last_words(done.stdout + done.stderr)}"
        )
    return done.stdout


def strangers(client: SyncPrefectClient) -> list[str]:
    """Deployments with our tag on the server that prefect.yaml no longer names, by flow and name;
    Prefect never removes one, and one of a flow that was renamed runs on beside the new one.
    """
    ours = client.read_deployments(
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[declared.TAG]))
    )
    found = {f"{client.read_flow(each.flow_id).name}/{each.name}" for each in ours}
    return sorted(found - set(map(_name, declared.deployments())))


def _name(deployment: dict[str, Any]) -> str:
    flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    return f"{flow.name}/{deployment['name']}"


def _last_words(output: str) -> str:
    return " ".join(output.split())[-600:]
