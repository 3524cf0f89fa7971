"""Belgium on a real cluster, end to end: worker, job, pod, published edition, a killed pod and a
cancelled run.

    KUBECONFIG=~/.kube/config GEODATA_IMAGE=registry.example/geodata-flows:1f2e3d4c5b6a pytest -m
    kubernetes -s tests/test_kubernetes.py

Needs kubectl, the right to create namespaces, nodes that can pull GEODATA_IMAGE (or have it
loaded), the images of PostGIS and SeaweedFS, and this checkout. Everything is made in two
namespaces of its own and removed with them; pods of flows run confined, under the manifests of
deployments/ as they are. Skipped, visibly, without KUBECONFIG and GEODATA_IMAGE. It has not run
where it was written, for want of a cluster: what could be held to the official schema there, was.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import processes
import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from synthetic import belgium as synthetic

ROOT = Path(__file__).resolve().parents[1]
MANIFESTS = ROOT / "deployments/manifests"
PATIENCE = 600.0  # an image may have to be pulled to a new node
VINTAGE = 2024
COUNT_EDITIONS = "SELECT count(*) FROM catalog.current_edition WHERE dataset = 'belgium'"
SERVICES = (ROOT / "tests/manifests/services.yaml").read_text()
WORKER = (ROOT / "tests/manifests/worker.yaml").read_text()


def kubectl(*arguments: str, given: str | None = None, check: bool = True) -> str:
    done = subprocess.run(
        ["kubectl", *arguments], input=given, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def wait(moment: Callable[[], Any], what: str, seconds: float = 2.0) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := moment()):
        assert time.monotonic() < until, f"{what} never came"
        time.sleep(seconds)
    return found


@dataclass(frozen=True)
class Site:
    """Two namespaces of a cluster: `flows`, as deployments/ makes it, and `services`, which a site
    has already.
    """

    flows: str
    services: str
    image: str
    client: SyncPrefectClient

    def query(self, statement: str) -> str:
        command = (
            "psql",
            "--username=geodata",
            "--tuples-only",
            "--no-align",
            "--command",
            statement,
            "geodata",
        )
        return kubectl(
            "exec", "--namespace", self.services, "database", "--", *command, check=False
        ).strip()

    def start(self, **parameters: Any) -> uuid.UUID:
        """A run of the deployment belgium, as the UI starts it."""
        deployment = self.client.read_deployment_by_name("belgium/belgium")
        parameters = {
            "vintage": VINTAGE,
            "mirror": f"http://publisher.{self.services}.svc:9000/",
            **parameters,
        }
        made = self.client.request(
            "POST",
            "/deployments/{id}/create_flow_run",
            path_params={"id": deployment.id},
            json={
                "state": {"type": "SCHEDULED"},
                "parameters": parameters,
                "job_variables": {"namespace": self.flows, "cpu_request": "250m"},
            },
        )
        return uuid.UUID(made.json()["id"])

    def state(self, run: uuid.UUID) -> Any:
        return self.client.read_flow_run(run).state

    def ended(self, run: uuid.UUID) -> Any:
        """The last state of a run, with the last words of the cluster when it does not come."""
        try:
            return wait(
                lambda: self.state(run) if self.state(run).is_final() else None,
                f"the end of run {run}",
            )
        except AssertionError as error:
            pytest.fail(
                f"{error}; pods:"
                f" {kubectl('get', 'pods,events', '--namespace', self.flows, check=False)}"
            )

    def pods(self, run: uuid.UUID) -> list[dict[str, Any]]:
        chosen = (
            "--namespace",
            self.flows,
            "--selector",
            f"prefect.io/flow-run-id={run}",
            "--output",
            "json",
        )
        return list(json.loads(kubectl("get", "pods", *chosen))["items"])

    def wait_until_building(self, run: uuid.UUID) -> dict[str, Any]:
        """The pod of a run that has archived its files and is building an edition."""
        wait(
            lambda: self.query("SELECT 1 FROM catalog.edition WHERE state = 'building'") == "1",
            "the building of an edition",
            seconds=0.5,
        )
        (pod,) = self.pods(run)
        return pod


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything deployed, and nothing left of it afterwards."""
    if not os.environ.get("KUBECONFIG") or not os.environ.get("GEODATA_IMAGE"):
        pytest.skip(
            "no cluster: set KUBECONFIG, and GEODATA_IMAGE to an image that its nodes can pull"
        )
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on this machine")
    name, image = f"geodata-test-{uuid.uuid4().hex[:6]}", os.environ["GEODATA_IMAGE"]
    flows, services = f"{name}-flows", f"{name}-services"
    try:
        _start_services(services, image, tmp_path_factory.mktemp("publisher"))
        _prepare(flows, services, image)
        with (
            _forwarded(services) as api,
            temporary_settings({PREFECT_API_URL: api}),
            get_client(sync_client=True) as client,
        ):
            _deploy(api, image)
            kubectl(
                "apply",
                "--namespace",
                flows,
                "--filename",
                "-",
                given=filled(WORKER, image, flows, services),
            )
            kubectl(
                "rollout",
                "status",
                "--namespace",
                flows,
                "deployment/geodata-worker",
                "--timeout=600s",
            )
            yield Site(flows=flows, services=services, image=image, client=client)
    finally:
        kubectl(
            "delete",
            "namespace",
            flows,
            services,
            "--ignore-not-found",
            "--wait=false",
            check=False,
        )


def _start_services(services: str, image: str, folder: Path) -> None:
    synthetic.write(folder, municipalities=60, sectors=4000, vintages=(VINTAGE,))
    kubectl("create", "namespace", services)
    kubectl(
        "apply",
        "--namespace",
        services,
        "--filename",
        "-",
        given=filled(SERVICES, image, "", services),
    )
    kubectl(
        "wait", "--namespace", services, "--for=condition=Ready", "pod", "--all", "--timeout=600s"
    )
    for path in folder.iterdir():
        kubectl("cp", "--namespace", services, str(path), f"publisher:/scratch/files/{path.name}")


def _prepare(flows: str, services: str, image: str) -> None:
    """The manifests as they are, in another namespace, with the Secrets filled in."""
    for path in sorted(MANIFESTS.glob("*.yaml")):
        if path.name not in ("kustomization.yaml", "secrets.example.yaml", "migration.yaml"):
            text = re.sub(
                r"(namespace|name): geodata$", rf"\1: {flows}", path.read_text(), flags=re.MULTILINE
            )
            kubectl("apply", "--namespace", flows, "--filename", "-", given=text)
    values = {
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
    migration = (
        (MANIFESTS / "migration.yaml")
        .read_text()
        .replace("IMAGE", image)
        .replace("namespace: geodata", f"namespace: {flows}")
    )
    kubectl("apply", "--filename", "-", given=migration)
    kubectl(
        "wait",
        "--namespace",
        flows,
        "--for=condition=complete",
        "--timeout=600s",
        "job/geodata-migration",
    )


@contextmanager
def _forwarded(services: str) -> Iterator[str]:
    """The API of the server in the cluster, on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    forward = ("kubectl", "port-forward", "--namespace", services, "service/prefect")
    api = f"http://127.0.0.1:{port}/api"
    with processes.started(*forward, f"{port}:4200"):
        wait(lambda: _answers(api), "the Prefect server")
        yield api


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _deploy(api: str, image: str) -> None:
    revision = re.split("[:@]", image)[-1]
    environment = os.environ | {
        "PREFECT_API_URL": api,
        "GEODATA_IMAGE": image,
        "GEODATA_REVISION": revision,
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "deployments/apply.py")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def filled(text: str, image: str, flows: str, services: str) -> str:
    return (
        text.replace("IMAGE", image)
        .replace("NAMESPACE", flows)
        .replace("API}", f"http://prefect.{services}.svc:4200/api" + "}")
    )


@pytest.mark.kubernetes
def test_a_killed_pod_is_seen_and_the_next_run_publishes_from_the_archive(site: Site) -> None:
    killed = site.start()
    pod = site.wait_until_building(killed)
    assert pod["spec"]["containers"][0]["image"] == site.image
    assert pod["spec"]["serviceAccountName"] == "geodata-flow"
    kubectl(
        "delete",
        "pod",
        "--namespace",
        site.flows,
        pod["metadata"]["name"],
        "--grace-period=0",
        "--force",
    )
    state = site.ended(killed)
    assert state.is_crashed(), state
    assert site.query(COUNT_EDITIONS) == "0"

    resumed = site.start()
    state = site.ended(resumed)
    assert state.is_completed(), state
    assert site.query(COUNT_EDITIONS) == "1"
    assert int(site.query(f"SELECT count(*) FROM belgium.sectors_{VINTAGE}")) > 3000
    last = (
        "SELECT string_agg(DISTINCT state, ' ') FROM (SELECT state FROM catalog.retrieval ORDER BY"
        " id DESC LIMIT 3) last"
    )
    assert site.query(last) == "unchanged"  # one conditional request a file, and no file


@pytest.mark.kubernetes
def test_a_cancelled_run_ends_and_shows_nothing(site: Site) -> None:
    shown = site.query(COUNT_EDITIONS)
    cancelled = site.start(rebuild=True)
    pod = site.wait_until_building(cancelled)
    asked = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    site.client.request(
        "POST", "/flow_runs/{id}/set_state", path_params={"id": cancelled}, json=asked
    )
    state = site.ended(cancelled)
    assert state.is_cancelled(), state
    name = pod["metadata"]["name"]
    wait(
        lambda: all(
            left["metadata"]["name"] != name or left["status"]["phase"] != "Running"
            for left in site.pods(cancelled)
        ),
        "the end of the pod",
    )
    assert site.query(COUNT_EDITIONS) == shown


@pytest.mark.parametrize("text", [SERVICES, WORKER], ids=["services", "worker"])
def test_what_the_test_brings_to_a_cluster_has_the_official_schema(text: str) -> None:
    for document in yaml.safe_load_all(
        filled(text, "registry.example/geodata-flows:1", "flows", "services")
    ):
        kubernetes_validate.validate(document, "1.30", strict=True)
        assert "IMAGE" not in json.dumps(document)
        assert '"API"' not in json.dumps(document)
