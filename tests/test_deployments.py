"""prefect.yaml and the automations against the code they deploy and watch, without a server."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import yaml
from prefect.automations import CallWebhook, Posture
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.cli.deploy._triggers import _initialize_deployment_triggers
from prefect.flows import load_flow_from_entrypoint
from prefect.server.events.schemas.automations import EventTrigger as ServerTrigger
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.utilities.callables import parameter_schema

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "deployments"))

from workspace import automations, declared, notification, registration, work_pool  # noqa: E402
from workspace.schedules import longest_wait  # noqa: E402

from tasks.core.model.declarations import Source  # noqa: E402
from tasks.core.model.errors import ConfigurationError  # noqa: E402

DEPLOYMENTS = declared.deployments()
KEYS = set(
    "name version tags description schedules concurrency_limit entrypoint parameters"
    " enforce_parameter_schema work_pool triggers".split()
)
IMAGE = "registry.example/geodata-flows:1f2e3d4c5b6a"
WEBHOOK = UUID(int=1)
each_deployment = pytest.mark.parametrize(
    "deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"]
)


def module_of(deployment: dict[str, Any]) -> ModuleType:
    return importlib.import_module(deployment["entrypoint"].rpartition(".")[0])


def sources_of(deployment: dict[str, Any]) -> Iterator[Source]:
    """The sources a deployment's flow module declares, for its newest declared vintage."""
    flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    vintage = max(flow.fn.dataset.vintages, default=2023)  # type: ignore[attr-defined]
    module = module_of(deployment)
    text = Path(str(module.__file__)).read_text()
    offices = [value for value in vars(module).values() if isinstance(value, ModuleType)]
    named = [
        value for office in offices for name, value in vars(office).items() if f".{name}(" in text
    ]
    for value in [*vars(module).values(), *named]:
        if getattr(value, "__module__", "").startswith("flows.offices.") and callable(value):
            made = value(*[vintage][: value.__code__.co_argcount])
            yield from made.values() if isinstance(made, dict) else [made]


def test_every_flow_has_a_deployment_and_none_has_two() -> None:
    flows = {path.stem for path in (ROOT / "flows").glob("*.py") if "@flow" in path.read_text()}
    assert flows
    assert sorted(deployment["entrypoint"] for deployment in DEPLOYMENTS) == sorted(
        f"flows.{name}.{name}" for name in flows
    )
    assert len({deployment["name"] for deployment in DEPLOYMENTS}) == len(DEPLOYMENTS)


@each_deployment
def test_a_deployment_says_everything_and_loads_its_flow(deployment: dict[str, Any]) -> None:
    assert set(deployment) <= KEYS  # Prefect ignores a misspelt key
    assert deployment["description"]
    assert declared.TAG in deployment["tags"]  # automations know our runs by it
    assert deployment["enforce_parameter_schema"] is True
    # what is published while the site is built is on the next one
    collision = "ENQUEUE" if deployment["name"] == "site" else "CANCEL_NEW"
    assert deployment.get("concurrency_limit") == (
        None  # the parts of a rebuild, and exports: as many as their queue admits
        if deployment["name"] in ("rebuild-edition", "export")
        else {"limit": 1, "collision_strategy": collision, "grace_period_seconds": 900}
    )
    flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    assert not flow.retries  # on Kubernetes a killed retry can wait for ever
    schema = parameter_schema(flow).model_dump_for_openapi()
    assert all("description" in parameter for parameter in schema["properties"].values())
    assert set(deployment.get("parameters", {})) <= set(schema["properties"])
    jsonschema.validate(
        deployment.get("parameters", {}),
        {name: part for name, part in schema.items() if name != "required"},
    )


@each_deployment
def test_a_deployment_chooses_only_what_the_work_pool_offers(deployment: dict[str, Any]) -> None:
    pool = deployment["work_pool"]
    assert set(pool) == {"name", "work_queue_name", "job_variables"}
    assert pool["name"] == work_pool.NAME
    kind = "operations" if "operation" in deployment["tags"] else "countries"
    assert pool["work_queue_name"] == kind
    assert kind in work_pool.QUEUES
    assert pool["job_variables"]["image"] == "{{ $GEODATA_IMAGE }}"
    jsonschema.validate(pool["job_variables"] | {"image": IMAGE}, work_pool.template()["variables"])


@each_deployment
def test_each_source_is_asked_as_often_as_promised(deployment: dict[str, Any]) -> None:
    if "backup(" not in Path(str(module_of(deployment).__file__)).read_text():
        return
    sources = list(sources_of(deployment))
    assert sources, "what a flow backs up is made by functions of its offices"
    assert all(isinstance(source, Source) for source in sources)
    promised = min(14, *(source.asked_every_days for source in sources))
    assert longest_wait(deployment["schedules"]) <= timedelta(days=promised)


def test_the_longest_wait_counts_every_month_and_all_schedules() -> None:
    monthly = {"cron": "0 3 1 * *", "timezone": "UTC"}
    middle = {"cron": "0 3 15 * *", "timezone": "UTC"}
    assert longest_wait([monthly]) == timedelta(days=31)
    assert longest_wait([monthly, middle]) == timedelta(days=17)


@each_deployment
def test_schedules_have_a_name_and_a_time_zone(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules", []):
        assert set(schedule) == {"slug", "cron", "timezone"}  # "active" would undo a person's pause


def test_prefect_reads_the_file_and_its_variables_are_known() -> None:
    text = declared.PREFECT_FILE.read_text()
    read = PrefectYamlModel.model_validate(yaml.safe_load(text))
    assert [deployment.name for deployment in read.deployments] == [
        deployment["name"] for deployment in DEPLOYMENTS
    ]
    assert set(re.findall(r"\{\{ \$(\w+) \}\}", text)) == set(declared.VARIABLES)


@pytest.mark.parametrize("missing", declared.VARIABLES)
def test_an_unset_variable_stops_the_deployment(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in declared.VARIABLES:
        monkeypatch.setenv(name, "" if name == missing else "set")
    with pytest.raises(ConfigurationError, match=f"that {missing} is not set"):
        registration.require_ready()


@pytest.mark.slow
def test_apply_without_a_server_says_what_to_set(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "deployments/apply.py"), "--set-up-only"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PREFECT_HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("deploy: No Prefect server is configured: set PREFECT_API_URL")


def test_apply_to_a_server_that_does_not_answer_says_so_in_a_sentence(tmp_path: Path) -> None:
    environment = {"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    command = [sys.executable, str(ROOT / "deployments/apply.py"), "--set-up-only"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    sentence = "deploy: The Prefect server http://127.0.0.1:9/api was expected to answer, and does"
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("image", ["registry.example/geodata-flows", "geodata-flows:latest"])
def test_an_image_without_a_tag_stops_the_deployment(
    image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_IMAGE", image)
    monkeypatch.setenv("GEODATA_REVISION", "1f2e3d4c5b6a")
    with pytest.raises(ConfigurationError, match=f"tag other than latest.*found '{image}'"):
        registration.require_ready()


@pytest.mark.parametrize(
    "address", ["hooks.example/hidden7", "https://", "ftp://hooks.example/hidden7", "https://a b"]
)
def test_an_address_by_which_nobody_is_told_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"such as https://hooks\.example") as refusal:
        notification.require_address(address)
    assert "hidden7" not in str(refusal.value)
    notification.require_address("http://127.0.0.1:8080/?token=a")


def test_the_guide_s_lines_name_the_image_by_the_revision_of_today(tmp_path: Path) -> None:
    guide = (ROOT / "deployments/README.md").read_text(encoding="utf-8")
    lines = [line for line in guide.splitlines() if line.startswith("export GEODATA_")][:2]
    script = "\n".join([*lines, 'printf "%s" "$GEODATA_IMAGE"'])
    before = os.environ | {"GEODATA_REVISION": "the-release-before"}
    command = ["sh", "-c", script]
    done = subprocess.run(command, env=before, cwd=ROOT, capture_output=True, text=True)
    assert re.fullmatch(r"registry\.example/geodata-flows:[0-9a-f]{12}", done.stdout), done


@pytest.mark.parametrize(
    "image", [IMAGE, "registry.example:5000/geodata-flows:2", "geodata-flows@sha256:" + "a" * 64]
)
def test_an_image_with_a_tag_or_digest_is_taken(image: str) -> None:
    jsonschema.validate({"image": image}, work_pool.template()["variables"])


@pytest.mark.parametrize(
    "image",
    [
        "",
        "geodata-flows",
        "registry.example:5000/geodata-flows",
        "geodata-flows:latest",
        "geodata-flows@sha256:abc",
    ],
)
def test_an_image_without_one_is_refused(image: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"image": image}, work_pool.template()["variables"])


def test_a_misspelt_job_variable_is_refused() -> None:
    with pytest.raises(jsonschema.ValidationError, match="memory_limt"):
        jsonschema.validate(
            {"image": IMAGE, "memory_limt": "8Gi"}, work_pool.template()["variables"]
        )


def test_the_readme_s_trigger_waits_for_the_event_that_a_publication_emits() -> None:
    readme = (ROOT / "deployments/README.md").read_text()
    snippet = next(
        block
        for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
        if "triggers:" in block
    )
    (trigger,) = _initialize_deployment_triggers(
        "belgium-profiles", yaml.safe_load(snippet)["triggers"]
    )
    emitted = " ".join((ROOT / "tasks/running/closing.py").read_text().split())
    assert trigger.expect == {"geodata.edition.published"}
    assert (
        '"geodata.edition.published", resource={"prefect.resource.id": f"geodata.dataset.{slug}"}'
        in emitted
    )
    assert trigger.match.model_dump() == {"prefect.resource.id": "geodata.dataset.belgium"}


def test_automations_watch_every_schedule_and_tell_people() -> None:
    watched = {
        automation.name.removeprefix(automations.PREFIX): automation
        for automation in automations.automations(WEBHOOK)
    }
    scheduled = [deployment for deployment in DEPLOYMENTS if deployment.get("schedules")]
    expected = {
        "failed run",
        "crashed run",
        "silent run",
        "run without end",
        "pod without start",
        "run without pod",
        "late run",
        "late parts",
        "worker gone",
        "lost word",
        *(f"stale {deployment['name']}" for deployment in scheduled),
    }
    assert set(watched) == expected
    for deployment in scheduled:
        trigger = watched[f"stale {deployment['name']}"].trigger
        assert trigger.posture == Posture.Proactive
        assert longest_wait(deployment["schedules"]) < trigger.within <= timedelta(days=15)
    told = {
        name
        for name, automation in watched.items()
        if any(isinstance(action, CallWebhook) for action in automation.actions)
    }
    assert told == expected - {"silent run"}  # that one makes it a crashed run


@pytest.mark.parametrize(
    ("deployment", "is_told"), [("belgium", True), ("rebuild", True), ("rebuild-edition", False)]
)
def test_hundreds_of_parts_of_a_rebuild_wait_without_a_word_each(
    deployment: str, is_told: bool
) -> None:
    (late,) = (each for each in automations.automations(WEBHOOK) if each.name.endswith("late run"))
    trigger = ServerTrigger.model_validate(late.trigger.model_dump())
    related = [
        {"id": "prefect.deployment.1", "role": "deployment", "name": deployment},
        {"id": f"prefect.tag.{declared.TAG}", "role": "tag"},
        {"id": "prefect.work-pool.1", "role": "work-pool", "name": work_pool.NAME},
    ]
    waits = ReceivedEvent.model_validate(
        {
            "id": UUID(int=2),
            "event": "prefect.flow-run.Late",
            "occurred": datetime.now(UTC),
            "resource": {"prefect.resource.id": "prefect.flow-run.1"},
            "related": [
                {f"prefect.resource.{name}": value for name, value in each.items()}
                for each in related
            ],
        }
    )
    assert trigger.covers_resources(waits.resource, waits.related) is is_told
    (together,) = (
        each for each in automations.automations(WEBHOOK) if each.name.endswith("late parts")
    )
    of_parts = ServerTrigger.model_validate(together.trigger.model_dump())
    assert of_parts.covers_resources(waits.resource, waits.related) is not is_told
    assert not of_parts.for_each


def test_a_run_is_only_taken_for_dead_after_three_heartbeats_and_a_slow_start() -> None:
    template = work_pool.template()
    heartbeat = int(template["job_configuration"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    assert timedelta(seconds=3 * heartbeat) <= automations.SILENCE < automations.DEADLINE
    grace = timedelta(seconds=DEPLOYMENTS[0]["concurrency_limit"]["grace_period_seconds"])
    assert min(automations.SILENCE, grace) > automations.START


def test_without_a_webhook_everything_is_watched_all_the_same() -> None:
    names = [automation.name for automation in automations.automations(None)]
    assert names == [automation.name for automation in automations.automations(WEBHOOK)]
