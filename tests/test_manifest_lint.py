"""What `kubectl kustomize` makes, the migration and the job of every deployment, as linters see
them: kubeconform for the schema, keys written twice too, kube-score for what is unwise.

`deployments/tools kubeconform kube-score` builds both, from Go modules; without them this is
skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import built_tools
import kubernetes_validate
import pytest
import yaml
from test_job_manifests import IMAGE, KUBERNETES, MANIFESTS, declared, rendered

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
# the checks of kube-score that are not held, and why
EXCLUDED = {
    "container-image-pull-policy": "a tag is never given to another image: nodes may keep it",
    "container-ephemeral-storage-request-and-limit": "the root is read-only and each volume sized",
    "container-security-context-user-group-id": "any account runs it, as clusters assign them",
}
KINDS = {"job", "namespace", "networkpolicy", "role", "rolebinding", "serviceaccount"}
WORKER = {  # its pod is made by the chart: here it stands for the policy that is for it
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "worker",
        "namespace": "geodata",
        "labels": {"app.kubernetes.io/component": "worker"},
    },
    "spec": {"containers": [{"name": "worker", "image": IMAGE}]},
}
Found = set[tuple[str, str]]


@pytest.fixture(scope="module")
def applied() -> str:
    """Everything that the guide applies and the worker creates, as one YAML."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on this machine")
    words = [kubectl, "kustomize", str(MANIFESTS)]
    built = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    migration = (
        (MANIFESTS / "migration.yaml").read_text().replace("image: IMAGE", f"image: {IMAGE}")
    )
    jobs = [yaml.safe_dump(rendered(deployment)) for deployment in declared.deployments()]
    return "\n---\n".join([built, migration, *jobs])


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each version of Kubernetes: its schemas, which refer to files beside them."""
    whole = tmp_path_factory.mktemp("schemas")
    for version in KUBERNETES:
        (whole / version).mkdir()
        for path in (SCHEMAS / f"v{version}.0-local-strict").glob("*.json"):
            if path.name.split("-")[0] in {*KINDS, "_definitions.json"}:
                schema = json.loads(path.read_text())
                schema.pop("$id")
                text = json.dumps(schema).replace('"/api/_definitions.json#', '"_definitions.json#')
                (whole / version / path.name).write_text(text)
    return whole


def refused(manifests: str, schemas: Path) -> list[str]:
    """What kubeconform says of manifests, with the schemas of one version of Kubernetes."""
    words = [built_tools.find("kubeconform"), "-strict", "-output", "json", "-schema-location"]
    words.append(f"{schemas}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json")
    done = subprocess.run(words, input=manifests, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)["resources"]
    assert (done.returncode == 0) == (told == []), done.stderr
    return [resource["msg"] for resource in told]


def unwise(manifests: str) -> Found:
    """What kube-score criticises: the check and the object."""
    worker = yaml.safe_dump(WORKER)
    words = [built_tools.find("kube-score"), "score", "--output-format", "json"]
    words += ["--kubernetes-version", f"v{KUBERNETES[0]}"]
    words += [word for check in EXCLUDED for word in ("--ignore-test", check)]
    words.append("-")
    given = f"{manifests}\n---\n{worker}"
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False)
    scored = json.loads(done.stdout)
    assert (
        given.count("\nkind: Job\n") == sum("Job/" in each["object_name"] for each in scored) > 10
    )
    return {
        (check["check"]["id"], f"{each['type_meta']['kind']} {each['object_meta']['name']}")
        for each in scored
        for check in each["checks"]
        if check["grade"] < 10 and not check["skipped"] and each["object_meta"]["name"] != "worker"
    }


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_schema_holds_and_no_key_stands_twice(
    applied: str, version: str, schemas: Path
) -> None:
    assert refused(applied, schemas / version) == []


def test_nothing_is_unwise(applied: str) -> None:
    assert unwise(applied) == set()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("enableServiceLinks: false\n      ", "already set in map", id="a key twice"),
        pytest.param("enableServiceLink: false\n      ", "additional", id="a key that is none"),
    ],
)
def test_what_the_schema_has_not_is_seen(
    applied: str, schemas: Path, written: str, said: str
) -> None:
    spoilt = applied.replace("enableServiceLinks", written + "enableServiceLinks", 1)
    (told,) = refused(spoilt, schemas / KUBERNETES[-1])
    assert said in told


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        pytest.param(
            lambda text: text.replace("component: worker", "component: other"),
            "networkpolicy-targets-pod",
            id="a policy that is for no pod",
        ),
        pytest.param(
            lambda text: text.replace("readOnlyRootFilesystem: true", ""),
            "container-security-context-readonlyrootfilesystem",
            id="a root that is written to",
        ),
        pytest.param(
            lambda text: text.replace(IMAGE, "geodata-flows:latest"),
            "container-image-tag",
            id="an image that moves",
        ),
    ],
)
def test_what_is_unwise_is_seen(applied: str, spoil: Callable[[str], Any], check: str) -> None:
    assert check in {name for name, _ in unwise(spoil(applied))}


def test_every_exclusion_is_one_of_the_linter_s_checks() -> None:
    listed = subprocess.run(
        [built_tools.find("kube-score"), "list"], capture_output=True, text=True, check=True
    ).stdout
    assert set(EXCLUDED) <= {line.split(",")[0] for line in listed.splitlines()}
