"""The dashboard and the alerts ask for what is there, in the forms of Grafana, Prometheus and
Kubernetes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import prometheus_client
import prometheus_server
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prefect.server.utilities import worker_channel
from watching_files import CASES, DASHBOARD, EXPRESSIONS, FILES, OURS, PANELS, RULES

from deployments.observability import exporter

OTHERS = {  # of kube-state-metrics, the kubelet and Prometheus; names as their own pages have them
    "kube_job_status_active",
    "kube_job_status_failed",
    "kube_pod_status_phase",
    "kube_pod_container_status_waiting_reason",
    "kube_deployment_status_replicas_available",
    "container_memory_working_set_bytes",
}


def test_rules_and_their_cases_pass_promtool() -> None:
    promtool = prometheus_server.program("promtool")
    for command in (
        ("check", "rules", "alerts.yaml"),
        ("check", "config", "prometheus.yaml"),
        ("test", "rules", str(CASES)),
    ):
        done = subprocess.run(
            [promtool, *command], cwd=FILES, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case() -> None:
    cases = CASES.read_text()
    for rule in RULES:
        assert f'alertname="{rule["alert"]}"' in cases
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {*rule["annotations"]} == {"summary", "description"}


def test_dashboard_and_alerts_ask_for_metrics_that_are_there() -> None:
    assert worker_channel.WORKER_CHANNEL_CONNECTIONS is not None
    prefects = {
        sample.name for family in prometheus_client.REGISTRY.collect() for sample in family.samples
    }
    prefects |= {  # a counter with labels has no sample before the first count
        f"{family.name}_total"
        for family in prometheus_client.REGISTRY.collect()
        if family.type == "counter"
    }
    expressions = [expression for _, expression in EXPRESSIONS] + [rule["expr"] for rule in RULES]
    asked = {
        name
        for expression in expressions
        for name in re.findall(
            r"\b(?:geodata|kube|container|prefect|process)_[a-z_]+\b", expression
        )
    }
    assert asked - OURS - OTHERS - prefects == set()
    assert {name for name in asked if name.startswith("prefect_")}


def test_the_dashboard_is_one_of_grafanas_own_model() -> None:
    plugins.register_default_plugins()
    known = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(DASHBOARD)))
    assert [*lost(DASHBOARD, known)] == []
    assert [*lost({"titel": ""}, known)] == ["/titel"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    sources = {json.dumps(each["datasource"]) for panel in PANELS for each in panel["targets"]}
    assert len(sources) == 2


def lost(told: Any, known: Any, path: str = "") -> Iterator[str]:
    """Give the path of each field of a document that a model of it does not know or keep."""
    if isinstance(told, dict):
        for name, value in told.items():
            where = f"{path}/{name}"
            if isinstance(known, dict) and name in known:
                yield from lost(value, known[name], where)
            else:
                yield where
    elif isinstance(told, list):
        for at, value in enumerate(told):
            yield from lost(value, known[at], f"{path}/{at}")
    elif told != known:
        yield path


def test_the_exporter_says_in_one_sentence_that_it_has_no_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GEODATA_DATABASE_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["exporter"])
    assert exporter.main() == 1
    assert capsys.readouterr().err == (
        "metrics: The database of the catalog was expected in GEODATA_DATABASE_URL, found none: set"
        " it to that of a role that is a member of geodata_reader.\n"
    )


def test_the_manifests_are_what_kubernetes_takes() -> None:
    documents = list(yaml.safe_load_all((FILES / "metrics.yaml").read_text()))
    for document in documents:
        kubernetes_validate.validate(document, "1.37", strict=True)
    assert [document["kind"] for document in documents] == [
        "Deployment",
        "Service",
        "NetworkPolicy",
    ]
    (container,) = documents[0]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["python", "-m", "deployments.observability.exporter"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_kustomize_builds_the_exporter_with_rules_and_dashboard_as_they_are() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on this machine")
    done = subprocess.run([kubectl, "kustomize", str(FILES)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = {
        (document["kind"], document["metadata"]["name"]): document
        for document in yaml.safe_load_all(done.stdout)
    }
    assert {document["metadata"]["namespace"] for document in built.values()} == {"geodata"}
    for name, file in (("geodata-alerts", "alerts.yaml"), ("geodata-dashboard", "dashboard.json")):
        assert built["ConfigMap", name]["data"] == {file: (FILES / file).read_text()}
    assert done.stdout.count("image: IMAGE\n") == 1
