"""A site on a cluster: `flows`, a namespace as deployments/ makes it, and `services`, which a site
has already, here with a publisher and with somebody who is told.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

import httpx
import processes
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import TERMINAL_STATES as TERMINAL
from prefect.client.schemas.objects import Log, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import LogSort
from prefect.settings import PREFECT_API_URL, temporary_settings
from synthetic import belgium as synthetic

from cluster.node import Images

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "deployments"))

from workspace import work_pool  # noqa: E402

MANIFESTS = ROOT / "deployments/manifests"
BROUGHT = ROOT / "tests/manifests"
PATIENCE = 600.0  # an image may have to be pulled to a new node
VINTAGE = 2024
VINTAGES = (2022, 2023, VINTAGE)
SMALL = {"cpu_request": "100m", "memory_request": "256Mi", "scratch_size": "1Gi"}


def kubectl(*arguments: str, given: str | None = None, check: bool = True) -> str:
    """What kubectl prints."""
    done = subprocess.run(
        ["kubectl", *arguments], input=given, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def wait(moment: Callable[[], Any], what: str, seconds: float = 0.5) -> Any:
    """Ask again until something is there; fail after ten minutes, saying what never came."""
    until = time.monotonic() + PATIENCE
    while not (found := moment()):
        assert time.monotonic() < until, f"{what} never came"
        time.sleep(seconds)
    return found


@dataclass(frozen=True)
class Site:
    """Two namespaces of a cluster, the images in them, and a client of the Prefect server there."""

    flows: str
    services: str
    images: Images
    client: SyncPrefectClient

    @property
    def mirror(self) -> dict[str, str]:
        """The parameter that names the publisher of the services."""
        return {"mirror": f"http://publisher.{self.services}.svc:9000/"}

    def query(self, statement: str) -> str:
        """What psql in the database's pod answers, without a heading."""
        words = "psql --username=geodata --tuples-only --no-align --command".split()
        place = ("--namespace", self.services, "database")
        return kubectl("exec", *place, "--", *words, statement, "geodata", check=False).strip()

    def start(self, variables: dict[str, Any] | None = None, **parameters: Any) -> uuid.UUID:
        """A run of the deployment belgium, as the UI starts it, with job variables of its own."""
        return self.start_of("belgium", variables, vintage=VINTAGE, **self.mirror, **parameters)

    def start_of(
        self, name: str, variables: dict[str, Any] | None = None, **parameters: Any
    ) -> uuid.UUID:
        """A run of a deployment."""
        asked = {
            "state": {"type": "SCHEDULED"},
            "parameters": parameters,
            "job_variables": variables or {},
        }
        place = {"id": self._deployment(name).id}
        made = self.client.request(
            "POST", "/deployments/{id}/create_flow_run", path_params=place, json=asked
        )
        return uuid.UUID(made.json()["id"])

    def _deployment(self, name: str) -> DeploymentResponse:
        (found,) = (each for each in self.client.read_deployments() if each.name == name)
        return found

    def set_slots(self, slots: int) -> None:
        """Let so many countries run at once from now on."""
        queue = self.client.read_work_queue_by_name("countries", work_pool_name=work_pool.NAME)
        self.client.update_work_queue(queue.id, concurrency_limit=slots)

    def lose_database(self) -> None:
        """Put an empty database in the place of that which flows publish in."""
        words = "psql --username=geodata --dbname=postgres".split()
        statements = "DROP DATABASE geodata WITH (FORCE)", "CREATE DATABASE geodata"
        given = [word for each in statements for word in ("--command", each)]
        kubectl("exec", "--namespace", self.services, "database", "--", *words, *given)

    def state(self, run: uuid.UUID) -> Any:
        """The state of a run; None while the server does not answer."""
        try:
            return self.client.read_flow_run(run).state
        except httpx.HTTPError:
            return None

    def first_line(self, run: uuid.UUID) -> Log:
        """The first line of a run's log."""
        chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
        (first,) = self.client.read_logs(chosen, limit=1, sort=LogSort.TIMESTAMP_ASC)
        return first

    def states(self, run: uuid.UUID) -> list[Any]:
        """Every state that a run has had."""
        return list(self.client.read_flow_run_states(run))

    def cancel(self, run: uuid.UUID) -> None:
        """Cancel a run as the UI does."""
        asked = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        self.client.request(
            "POST", "/flow_runs/{id}/set_state", path_params={"id": run}, json=asked
        )

    def ended(self, run: uuid.UUID) -> Any:
        """The last state of a run, with the last words of the cluster when it does not come."""
        try:
            return wait(
                lambda: state if (state := self.state(run)) and state.is_final() else None,
                f"the end of run {run}",
            )
        except AssertionError as error:
            last = kubectl("get", "pods,events", "--namespace", self.flows, check=False)
            raise AssertionError(f"{error}; {self.state(run)}; pods: {last}") from None

    def pods(self, run: uuid.UUID) -> list[dict[str, Any]]:
        """The pods of a run, the oldest first."""
        chosen = ("--selector", f"prefect.io/flow-run-id={run}", "--output", "json")
        found = json.loads(kubectl("get", "pods", "--namespace", self.flows, *chosen))["items"]
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def building(self, run: uuid.UUID) -> dict[str, Any]:
        """The pod of a run that has archived its files and is building an edition."""
        mark = f"SELECT 1 FROM catalog.edition WHERE state = 'building' AND run = '{run}'"
        wait(lambda: self.query(mark) == "1" or self.over(run), "the building of an edition", 0.2)
        assert not self.over(run), self.state(run)
        (pod,) = self.pods(run)
        return pod

    @contextmanager
    def showing_nothing(self) -> Iterator[None]:
        """Hold the turn of the dataset: a run that builds an edition cannot show it meanwhile."""
        psql = "psql --username=geodata --quiet --tuples-only --no-align geodata".split()
        place = ("--stdin", "--namespace", self.services, "database")
        turn = "SELECT slug FROM catalog.dataset WHERE slug = 'belgium' FOR NO KEY UPDATE"
        with subprocess.Popen(
            ["kubectl", "exec", *place, "--", *psql],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as session:
            assert session.stdin
            assert session.stdout
            session.stdin.write(f"BEGIN; {turn};\n")
            session.stdin.flush()
            assert session.stdout.readline() == "belgium\n"
            yield  # psql ends with its input, and the transaction with it

    def live(self) -> list[str]:
        """Runs that have not ended, those that are planned for another day aside."""
        begun = FlowRunFilterExpectedStartTime(before_=datetime.now(UTC))
        types = FlowRunFilterStateType(any_=[each for each in StateType if each not in TERMINAL])
        state = FlowRunFilterState(type=types)
        chosen = FlowRunFilter(state=state, expected_start_time=begun)
        return [str(run.id) for run in self.client.read_flow_runs(flow_run_filter=chosen)]

    def over(self, run: uuid.UUID) -> bool:
        """Whether a run has ended."""
        return bool((state := self.state(run)) and state.is_final())

    def kill(self, namespace: str, name: str) -> None:
        """Kill process 1 of the container of a pod, as the kernel does when memory is short."""
        pod = json.loads(kubectl("get", "pod", "--namespace", namespace, name, "--output", "json"))
        identity = pod["status"]["containerStatuses"][0]["containerID"].partition("://")[2]
        place = pod["spec"]["nodeName"]
        given = filled("executioner.yaml", self.images, killed=identity, node=place)
        executioner = kubectl(
            "create",
            "--namespace",
            self.services,
            "--filename",
            "-",
            "--output",
            "name",
            given=given,
        ).strip()

        def died() -> bool:
            """Tell whether that container is no more."""
            phase = ("--output", "jsonpath={.status.phase}")
            seen = kubectl("get", "--namespace", self.services, executioner, *phase)
            words = ("--namespace", self.services, executioner)
            assert seen != "Failed", kubectl("logs", *words, check=False)
            shown = ("--namespace", namespace, name, "--ignore-not-found", "--output", "json")
            found = json.loads(kubectl("get", "pod", *shown) or "{}")
            statuses = found.get("status", {}).get("containerStatuses", [{}])
            running = "running" in statuses[0].get("state", {})
            return not (running and identity in statuses[0]["containerID"])

        wait(died, f"the death of {name}", 0.2)

    def told(self) -> str:
        """What automations have told people until now."""
        return kubectl("logs", "--namespace", self.services, "told")

    def is_ready(self, name: str) -> bool:
        """Whether a pod of the services answers."""
        path = "jsonpath={.status.containerStatuses[0].ready}"
        place = ("--namespace", self.services, name, "--output", path)
        return kubectl("get", "pod", *place, check=False) == "true"


@contextmanager
def deployed(images: Images, folder: Path) -> Iterator[Site]:
    """Everything deployed as the guide says, and nothing left of it afterwards."""
    name = f"geodata-test-{uuid.uuid4().hex[:6]}"
    flows, services = f"{name}-flows", f"{name}-services"
    try:
        _start_services(services, images, folder)
        _prepare(flows, services, images)
        with (
            forwarded(services) as api,
            temporary_settings({PREFECT_API_URL: api}),
            get_client(sync_client=True) as client,
        ):
            _deploy(api, images.flows, services)
            _fit(client, flows)
            start_worker(flows, services, images)
            yield Site(flows=flows, services=services, images=images, client=client)
    finally:
        both = (flows, services, "--ignore-not-found", "--wait=false")
        kubectl("delete", "namespace", *both, check=False)


def _start_services(services: str, images: Images, folder: Path) -> None:
    synthetic.write(folder, municipalities=60, sectors=4000, vintages=VINTAGES)
    kubectl("create", "namespace", services)
    given = filled("services.yaml", images, namespace=services, services=services)
    kubectl("apply", "--namespace", services, "--filename", "-", given=given)
    ready = ("--for=condition=Ready", "pod", "--all", "--timeout=600s")
    kubectl("wait", "--namespace", services, *ready)
    for path in folder.iterdir():
        kubectl("cp", "--namespace", services, str(path), f"publisher:/scratch/files/{path.name}")


def _prepare(flows: str, services: str, images: Images) -> None:
    """The manifests as they are, in another namespace, with the Secrets filled in."""
    for path in sorted(MANIFESTS.glob("*.yaml")):
        if path.name not in ("kustomization.yaml", "secrets.example.yaml", "migration.yaml"):
            named = re.compile(r"(namespace|name): geodata$", re.MULTILINE)
            text = named.sub(rf"\1: {flows}", path.read_text())
            kubectl("apply", "--namespace", flows, "--filename", "-", given=text)
    values = _values(services)
    for document in yaml.safe_load_all((MANIFESTS / "secrets.example.yaml").read_text()):
        if given := values.get(document["metadata"]["name"]):
            document["metadata"]["namespace"] = flows
            document["stringData" if document["kind"] == "Secret" else "data"] = given
            kubectl("apply", "--filename", "-", given=yaml.safe_dump(document))
    bucket = (
        "import fsspec; fsspec.filesystem('s3', key='geodata', secret='geodata-test',"
        f" endpoint_url='http://store.{services}.svc:8333').makedirs('geodata')"
    )
    kubectl("exec", "--namespace", services, "prefect", "--", "python", "-c", bucket)
    text = (MANIFESTS / "migration.yaml").read_text().replace("IMAGE", images.flows)
    given = text.replace("namespace: geodata", f"namespace: {flows}")
    kubectl("apply", "--filename", "-", given=given)
    complete = ("--for=condition=complete", "--timeout=600s", "job/geodata-migration")
    kubectl("wait", "--namespace", flows, *complete)


def _values(services: str) -> dict[str, dict[str, str]]:
    """What the example of Secrets leaves to the site, by Secret."""
    return {
        "geodata-database": {
            "url": f"postgresql://geodata:geodata@database.{services}.svc:5432/geodata"
        },
        "geodata-archive": {"location": "s3://geodata/archive", "replicas": ""},
        "geodata-archive-credentials": {
            "AWS_ACCESS_KEY_ID": "geodata",
            "AWS_SECRET_ACCESS_KEY": "geodata-test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://store.{services}.svc:8333",
        },
    }


def start_worker(flows: str, services: str, images: Images) -> None:
    """The worker as the chart makes it of its values, and it is there."""
    given = worker(flows, services, images)
    kubectl("apply", "--namespace", flows, "--filename", "-", given=given)
    place = ("--namespace", flows, "deployment/geodata-worker", "--timeout=600s")
    kubectl("rollout", "status", *place)


def worker(flows: str, services: str, images: Images) -> str:
    """The manifest of the worker, with what deployments/values-worker.yaml says."""
    document = yaml.safe_load(filled("worker.yaml", images, namespace=flows, services=services))
    values = yaml.safe_load((ROOT / "deployments/values-worker.yaml").read_text())["worker"]
    seconds = {
        "PREFECT_WORKER_QUERY_SECONDS": values["config"]["queryInterval"],
        "PREFECT_WORKER_PREFETCH_SECONDS": values["config"]["prefetchSeconds"],
    }
    pod = document["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container["command"] = values["command"]
    container["env"] += [{"name": name, "value": str(value)} for name, value in seconds.items()]
    container["env"] += values["extraEnvVars"]
    container["resources"] = values["resources"]
    container["livenessProbe"] |= values["livenessProbe"]["config"]
    container["securityContext"] = values["containerSecurityContext"]
    pod["securityContext"] = values["podSecurityContext"]
    return yaml.safe_dump(document)


@contextmanager
def forwarded(services: str) -> Iterator[str]:
    """The API of the server in the cluster, on a free port of this machine.

    kubectl ends when the pod behind it restarts, and is started again.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = f"kubectl port-forward --namespace {services} service/prefect {port}:4200"
    again = f"while true; do {words}; sleep 0.5; done"
    api = f"http://127.0.0.1:{port}/api"
    with processes.started("bash", "-c", again):
        wait(lambda: _answers(api), "the Prefect server")
        yield api


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _deploy(api: str, image: str, services: str) -> None:
    environment = os.environ | {
        "PREFECT_API_URL": api,
        "GEODATA_IMAGE": image,
        "GEODATA_REVISION": re.split("[:@]", image)[-1],
        "GEODATA_WEBHOOK_URL": f"http://told.{services}.svc:9000/",
    }
    command = [sys.executable, str(ROOT / "deployments/apply.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _fit(client: SyncPrefectClient, flows: str) -> None:
    """Let pods be made in the namespace of the test, and be small enough for a small node."""
    template = client.read_work_pool(work_pool.NAME).base_job_template
    template["variables"]["properties"]["namespace"]["default"] = flows
    client.update_work_pool(work_pool.NAME, WorkPoolUpdate(base_job_template=template))
    for deployment in client.read_deployments():
        variables = deployment.job_variables | SMALL
        client.update_deployment(deployment.id, DeploymentUpdate(job_variables=variables))


def filled(name: str, images: Images, **names: str) -> str:
    """A manifest of the tests with its $names filled in."""
    return Template((BROUGHT / name).read_text()).substitute(asdict(images), **names)
