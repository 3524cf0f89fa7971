"""The job that prefect-kubernetes makes for each deployment, and the manifests beside it, against
Kubernetes' own rules.

The schema is the official one, strict (an unknown field fails), carried by the package
kubernetes-validate. The profile is "restricted" of
https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import Flow, FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_KEY,
    PREFECT_HOME,
    temporary_settings,
)
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

ROOT = Path(__file__).resolve().parents[1]
MANIFESTS = ROOT / "deployments/manifests"
sys.path.append(str(ROOT / "deployments"))

from workspace import declared, work_pool  # noqa: E402

KUBERNETES = ("1.30", "1.37")  # the oldest and the newest version that are held to
IMAGE = "registry.example/geodata-flows:1f2e3d4c5b6a"
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
NOWHERE = (  # a client is asked for by the signature; the template has nothing it would be used for
    "http://127.0.0.1:9/api"
)
each_deployment = pytest.mark.parametrize(
    "deployment", declared.deployments(), ids=lambda deployment: deployment["name"]
)


def rendered(deployment: dict[str, Any]) -> dict[str, Any]:
    """The job as the worker would create it, by a worker that has an API key, a password and a home
    of its own.
    """
    job: dict[str, Any] = json.loads(_rendered(deployment["name"]))
    return job


@functools.cache
def _rendered(name: str) -> str:
    """The job of a deployment as JSON; the worker's own way to it takes a quarter of a second."""
    (deployment,) = (each for each in declared.deployments() if each["name"] == name)
    return json.dumps(asyncio.run(_render(deployment)))


async def _render(deployment: dict[str, Any]) -> dict[str, Any]:
    variables = deployment["work_pool"]["job_variables"] | {"image": IMAGE}
    flow = Flow(id=uuid.uuid4(), name=deployment["name"])
    deployed = DeploymentResponse(id=uuid.uuid4(), name=deployment["name"], flow_id=flow.id)
    run = FlowRun(
        id=uuid.uuid4(),
        flow_id=flow.id,
        deployment_id=deployed.id,
        name=f"{deployment['name']} 2025",
    )
    updates = {
        PREFECT_API_KEY: "sesame",
        PREFECT_API_AUTH_STRING: "ali:baba",
        PREFECT_HOME: "/home/worker",
    }
    with temporary_settings(updates):
        made = await KubernetesWorkerJobConfiguration.from_template_and_values(
            work_pool.template(), variables, client=PrefectClient(NOWHERE)
        )
        made.prepare_for_flow_run(run, deployment=deployed, flow=flow)
    job = made.job_manifest
    for misplaced in (
        "parallelism",
        "completions",
    ):  # prefect-kubernetes insists on them in the pod too, where the cluster ignores them
        assert job["spec"]["template"]["spec"].pop(misplaced) == job["spec"][misplaced] == 1
    job["metadata"]["name"] = job["metadata"]["generateName"] + "abcde"
    return job


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def hold_to_restricted(pod: dict[str, Any]) -> None:
    """The rules of the profiles baseline and restricted, each on the fields that the published
    table names.
    """
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod)
    assert all(
        VOLUMES & set(volume) and "hostPath" not in volume for volume in pod.get("volumes", [])
    )
    whole = pod.get("securityContext", {})
    assert not {"sysctls", "seLinuxOptions", "windowsOptions", "appArmorProfile"} & set(whole)
    assert whole.get("runAsUser") != 0
    for container in (
        *pod["containers"],
        *pod.get("initContainers", []),
        *pod.get("ephemeralContainers", []),
    ):
        own = container["securityContext"]
        assert own.get("runAsNonRoot", whole.get("runAsNonRoot")) is True
        assert own.get("runAsUser") != 0
        assert own.get("privileged", False) is False
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"]["drop"] == ["ALL"]
        assert set(own["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}
        assert own.get("seccompProfile", whole.get("seccompProfile"))["type"] in (
            "RuntimeDefault",
            "Localhost",
        )
        assert own.get("procMount", "Default") == "Default"
        assert not any("hostPort" in port for port in container.get("ports", []))


def hold_to_house_rules(pod: dict[str, Any]) -> None:
    """What we ask beyond the profile: any user id, nothing written but on sized scratch, no token,
    bounded resources.
    """
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == "geodata-flow"
    assert "runAsUser" not in json.dumps(pod)
    scratch = {
        volume["name"] for volume in pod["volumes"] if volume.get("emptyDir", {}).get("sizeLimit")
    }
    assert scratch == {volume["name"] for volume in pod["volumes"]}
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert set(container["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}
    folders = {
        entry["name"]: entry["value"]
        for entry in container["env"]
        if entry["name"] in ("HOME", "TMPDIR", "PREFECT_HOME", "GEODATA_DATA")
    }
    assert len(folders) == 4
    assert all(
        Path("/scratch") in (Path(folder), *Path(folder).parents) for folder in folders.values()
    )


@each_deployment
@pytest.mark.parametrize("version", KUBERNETES)
def test_the_job_has_the_official_schema(deployment: dict[str, Any], version: str) -> None:
    assert kubernetes_validate.validate(rendered(deployment), version, strict=True) == version


@each_deployment
def test_the_pod_is_restricted_and_keeps_the_house_rules(deployment: dict[str, Any]) -> None:
    pod = rendered(deployment)["spec"]["template"]["spec"]
    hold_to_restricted(pod)
    hold_to_house_rules(pod)


@each_deployment
def test_retries_and_deadline_are_left_to_prefect(deployment: dict[str, Any]) -> None:
    job = rendered(deployment)
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600
    assert (
        "activeDeadlineSeconds" not in job["spec"]
    )  # its SIGTERM would be taken for an eviction, and the run started anew without end
    environment = {
        entry["name"]: entry.get("value")
        for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert environment["PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"] == "reschedule"


@each_deployment
def test_no_secret_of_the_worker_stands_in_the_manifest(deployment: dict[str, Any]) -> None:
    job = rendered(deployment)
    assert "sesame" not in json.dumps(job)
    assert "ali:baba" not in json.dumps(job)
    assert "/home/worker" not in json.dumps(job)
    container = job["spec"]["template"]["spec"]["containers"][0]
    names = [entry["name"] for entry in container["env"]]
    assert len(names) == len(set(names))
    references = {
        entry["name"]: entry["valueFrom"] for entry in container["env"] if "valueFrom" in entry
    }
    assert references["GEODATA_DATABASE_URL"] == {
        "secretKeyRef": {"name": "geodata-database", "key": "url"}
    }
    assert references["GEODATA_ARCHIVE"] == {
        "configMapKeyRef": {"name": "geodata-archive", "key": "location"}
    }  # no pod starts without it
    assert references["PREFECT_API_KEY"]["secretKeyRef"] == {
        "name": "prefect-api-key",
        "key": "key",
        "optional": True,
    }


def test_a_deployment_s_own_resources_and_labels_arrive() -> None:
    for deployment in declared.deployments():
        chosen, job = deployment["work_pool"]["job_variables"], rendered(deployment)
        template = job["spec"]["template"]
        container = template["spec"]["containers"][0]
        assert container["image"] == IMAGE
        assert container["resources"]["limits"] == {
            "cpu": chosen["cpu_limit"],
            "memory": chosen["memory_limit"],
        }
        assert template["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] == chosen["scratch_size"]
        assert (
            job["metadata"]["labels"]["app.kubernetes.io/component"]
            == template["metadata"]["labels"]["app.kubernetes.io/component"]
            == "flow"
        )
        assert job["metadata"]["labels"]["prefect.io/deployment-name"] == deployment["name"]
        assert " ".join(container["args"]) == "python -m tasks.running.pod flow-run execute"


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(MANIFESTS.glob("*.yaml")) if path.name != "kustomization.yaml"],
    ids=lambda path: path.name,
)
@pytest.mark.parametrize("version", KUBERNETES)
def test_the_manifests_have_the_official_schema(path: Path, version: str) -> None:
    for document in documents(path):
        kubernetes_validate.validate(document, version, strict=True)


def test_the_migration_keeps_the_same_rules() -> None:
    (job,) = documents(MANIFESTS / "migration.yaml")
    hold_to_restricted(job["spec"]["template"]["spec"])
    hold_to_house_rules(job["spec"]["template"]["spec"])


def test_every_secret_that_pods_read_has_an_example_without_a_value() -> None:
    examples = {
        document["metadata"]["name"]: document
        for document in documents(MANIFESTS / "secrets.example.yaml")
    }
    for document in examples.values():
        assert not any((document.get("stringData") or document["data"]).values())
    container = rendered(declared.deployments()[0])["spec"]["template"]["spec"]["containers"][0]
    for entry in container["env"]:
        for reference in entry.get("valueFrom", {}).values():
            example = examples[reference["name"]]
            assert reference["key"] in (example.get("stringData") or example["data"])
    assert all(source["secretRef"]["name"] in examples for source in container["envFrom"])


def test_the_worker_may_do_its_work_and_nothing_else() -> None:
    role, binding = documents(MANIFESTS / "worker-rights.yaml")
    rights = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    jobs = {("jobs", verb) for verb in ("get", "list", "watch", "create", "delete")}
    assert rights == jobs | {("pods", verb) for verb in ("get", "list", "watch")} | {
        ("pods/log", "get")
    }
    assert [subject["name"] for subject in binding["subjects"]] == ["geodata-worker"]
    values = yaml.safe_load((ROOT / "deployments/values-worker.yaml").read_text())
    assert values["serviceAccount"] == {"create": False, "name": "geodata-worker"}
    assert values["role"] == values["rolebinding"] == {"create": False}
    assert values["worker"]["config"]["workPool"] == work_pool.NAME
    own, whole = (
        values["worker"]["containerSecurityContext"],
        values["worker"]["podSecurityContext"],
    )
    hold_to_restricted({"containers": [{"securityContext": own}], "securityContext": whole})


def test_the_worker_runs_in_the_project_s_own_image() -> None:
    worker = yaml.safe_load((ROOT / "deployments/values-worker.yaml").read_text())["worker"]
    assert set(worker["image"]) == {"pullPolicy"}  # its name and tag are those of the release
    assert worker["command"] == ["env"]  # takes the chart's arguments, which begin with prefect


def test_pods_are_only_reached_by_nobody_and_reach_no_metadata_service() -> None:
    policies = documents(MANIFESTS / "network-policy.yaml")
    assert policies[0]["spec"]["podSelector"] == {}
    assert policies[0]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not any("ingress" in policy["spec"] for policy in policies)
    blocks = [
        peer["ipBlock"]
        for policy in policies[1:]
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
    ]
    assert blocks
    assert all(block["except"] for block in blocks)


def test_kustomize_builds_what_the_folder_holds() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on this machine")
    done = subprocess.run([kubectl, "kustomize", str(MANIFESTS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = [
        (document["kind"], document["metadata"]["name"])
        for document in yaml.safe_load_all(done.stdout)
    ]
    assert ("Role", "geodata-worker") in built
    assert not {"Secret", "ConfigMap", "Job"} & {kind for kind, _ in built}
