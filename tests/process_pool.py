"""A work pool of processes in place of Kubernetes': the same deployments and queues, a real worker,
and jobs that tests can kill as a node takes a pod with it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import processes
import psutil
import yaml
from deployed import run
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.workers.process import ProcessWorker

ROOT = Path(__file__).resolve().parents[1]
NAME = "geodata-pool-of-processes"
COUNTRIES, OPERATIONS = "countries", "operations"  # queues
WORKER = {"PREFECT_WORKER_QUERY_SECONDS": "1"}


def make_pool(client: SyncPrefectClient, slots: int) -> None:
    """Make the pool with a queue for countries, of so many at once, and one for operations."""
    template = ProcessWorker.get_default_base_job_template()
    as_in_a_pod = f"{sys.executable} -m tasks.running.pod flow-run execute"
    template["variables"]["properties"]["command"]["default"] = as_in_a_pod
    pool = WorkPoolCreate(name=NAME, type="process", base_job_template=template)
    client.create_work_pool(pool, overwrite=True)  # a module before may have made it on this server
    there = {queue.name for queue in client.read_work_queues(work_pool_name=NAME)}
    for queue in {COUNTRIES, OPERATIONS} - there:
        client.request(
            "POST", "/work_pools/{name}/queues/", path_params={"name": NAME}, json={"name": queue}
        )
    set_slots(client, slots)


def set_slots(client: SyncPrefectClient, slots: int) -> None:
    """Let so many countries run at once from now on."""
    path = {"work_pool_name": NAME, "name": COUNTRIES}
    client.request(
        "PATCH",
        "/work_pools/{work_pool_name}/queues/{name}",
        path_params=path,
        json={"concurrency_limit": slots},
    )


def deploy(folder: Path, environment: dict[str, str], *names: str) -> None:
    """Register deployments of prefect.yaml on the pool, whose files are this checkout."""
    copy: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    copy["pull"] = [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    copy["deployments"] = [
        each
        | {"schedules": [], "triggers": []}
        | {"work_pool": {"name": NAME, "work_queue_name": _queue(each)}}
        for each in copy["deployments"]
        if each["name"] in names
    ]
    (path := folder / "prefect.yaml").write_text(yaml.safe_dump(copy))
    command = ("-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(path))
    run(*command, environment=environment)


def _queue(deployment: dict[str, Any]) -> str:
    return str(deployment["work_pool"]["work_queue_name"])


@contextmanager
def working(folder: Path, environment: dict[str, str]) -> Iterator[processes.Program]:
    """A worker of the pool, whose jobs have its environment."""
    options = f"-m prefect worker start --pool {NAME} --type process".split()
    with processes.started(
        sys.executable, *options, cwd=folder, env=environment | WORKER
    ) as program:
        yield program


def jobs(run: str) -> list[psutil.Process]:
    """The processes of a run's job."""
    return [
        process
        for process in processes.left(Path(os.environ[processes.MARK]))
        if processes._environment(process).get("PREFECT__FLOW_RUN_ID") == run
    ]


def kill(run: str) -> int:
    """Kill all processes of a run's job for real, and give how many there were."""
    found = jobs(run)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return len(found)


def runs_of(client: SyncPrefectClient, deployment: str, *states: str) -> list[FlowRun]:
    """The runs of a deployment in these states, or all."""
    chosen = FlowRunFilter(state={"type": {"any_": list(states)}}) if states else None
    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(name={"any_": [deployment]}), flow_run_filter=chosen
    )
