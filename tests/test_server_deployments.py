"""The deployments on a real Prefect server: set up, registered, run by a worker, killed, resumed,
and told about.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import processes
import psutil
import pytest
import yaml
from deployed import Listener, changed, counting, deployed, ended, ours, run, start, wait
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import DeploymentFilter
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.workers.process import ProcessWorker
from synthetic import belgium as synthetic

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "deployments"))

import apply  # noqa: E402
from workspace import automations, declared, notification, registration, work_pool  # noqa: E402

from tasks.core.model.errors import ConfigurationError  # noqa: E402
from tasks.core.postgres.database import Database  # noqa: E402
from tasks.running.deployed import Order, begin, cancel, live, read, sizes  # noqa: E402
from tasks.running.parts import was_cancelled_before_start  # noqa: E402

IMAGE, REVISION = "registry.example/geodata-flows:1f2e3d4c5b6a", "1f2e3d4c5b6a"
WORKER = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
SHORTEST = timedelta(seconds=10)  # window of an automation


@pytest.fixture(scope="module")
def background_server(background_server: str) -> Iterator[str]:
    """The server, which flows and clients of this process report to as well."""
    with temporary_settings({PREFECT_API_URL: background_server}):
        yield background_server


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, list[str]]]:
    """The address of a service that takes notifications, and their bodies as they arrive."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.told = bodies = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", bodies
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def environment(background_server: str, told: tuple[str, list[str]]) -> dict[str, str]:
    """What a person sets to deploy."""
    return os.environ | {
        "PREFECT_API_URL": background_server,
        "GEODATA_IMAGE": IMAGE,
        "GEODATA_REVISION": REVISION,
        "GEODATA_WEBHOOK_URL": told[0],
    }


@pytest.fixture(scope="module")
def client(environment: dict[str, str]) -> Iterator[SyncPrefectClient]:
    """A client of the server after `make deploy`."""
    run("deployments/apply.py", environment=environment)
    with get_client(sync_client=True) as made:
        yield made


@pytest.fixture(scope="module")
def worker(
    client: SyncPrefectClient, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psutil.Process]:
    """A process worker, and the deployment of Belgium a second time on its pool: its files are
    here, not in an image.
    """
    copy: dict[str, Any] = yaml.safe_load(declared.PREFECT_FILE.read_text())
    copy["pull"] = [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    own = {"schedules": [], "triggers": [], "work_pool": {"name": "geodata-process"}}
    copy["deployments"] = [
        deployment | own | {"name": "belgium-here"}
        for deployment in copy["deployments"]
        if deployment["name"] == "belgium"
    ]
    path = tmp_path_factory.mktemp("prefect") / "prefect.yaml"
    path.write_text(yaml.safe_dump(copy))
    client.create_work_pool(
        WorkPoolCreate(
            name="geodata-process",
            type="process",
            base_job_template=ProcessWorker.get_default_base_job_template(),
        )
    )
    command = (
        sys.executable,
        *"-m prefect worker start --pool geodata-process --type process".split(),
    )
    deploy = ("-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(path))
    with processes.started(*command, cwd=path.parent, env=environment | WORKER) as started:
        run(*deploy, environment=environment)
        yield psutil.Process(started.pid)


@pytest.mark.parametrize(
    "deployment", declared.deployments(), ids=lambda deployment: deployment["name"]
)
def test_the_server_has_what_is_declared(
    client: SyncPrefectClient, deployment: dict[str, Any]
) -> None:
    found = deployed(client, deployment["name"])
    for key in ("entrypoint", "description", "tags", "enforce_parameter_schema"):
        assert found[key] == deployment[key]
    assert found["parameters"] == deployment.get("parameters", {})
    assert found["version"] == REVISION
    assert found["work_pool_name"] == work_pool.NAME
    assert found["job_variables"] == deployment["work_pool"]["job_variables"] | {"image": IMAGE}
    schedules = [
        {
            "slug": one["slug"],
            "cron": one["schedule"]["cron"],
            "timezone": one["schedule"]["timezone"],
        }
        for one in found["schedules"]
    ]
    assert schedules == deployment.get("schedules", [])
    options = found["concurrency_options"]
    if options:
        options |= {"limit": found["global_concurrency_limit"]["limit"]}
    assert options == deployment.get("concurrency_limit")
    assert found["work_queue_name"] == deployment["work_pool"].get("work_queue_name", "default")


def test_the_server_plans_the_runs_of_every_schedule(client: SyncPrefectClient) -> None:
    scheduled = {
        deployment["name"] for deployment in declared.deployments() if deployment.get("schedules")
    }

    def planned() -> bool:
        found = client.read_flow_runs(
            deployment_filter=DeploymentFilter(name={"any_": list(scheduled)})
        )
        return {
            client.read_deployment(one.deployment_id).name for one in found if one.deployment_id
        } == scheduled

    wait(planned, "a planned run of every schedule")


def test_the_server_has_the_pool_with_its_limit_and_the_automations(
    client: SyncPrefectClient,
) -> None:
    pool = client.read_work_pool(work_pool.NAME)
    assert (pool.type, pool.concurrency_limit) == ("kubernetes", None)
    queues = client.read_work_queues(work_pool_name=work_pool.NAME)
    limits = {queue.name: queue.concurrency_limit for queue in queues}
    assert limits == {"default": None, **work_pool.QUEUES}
    priorities = {queue.name: queue.priority for queue in queues}
    assert priorities["operations"] < priorities["countries"]
    assert pool.base_job_template == work_pool.template()
    webhook = notification.block_id(client)
    assert webhook is not None
    wanted = {
        automation.name: automations.facts(automation)
        for automation in automations.automations(webhook)
    }
    assert {
        found.name: automations.facts(found)
        for found in client.read_automations()
        if found.name.startswith(automations.PREFIX)
    } == wanted


def test_applying_again_changes_nothing(
    client: SyncPrefectClient, told: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_WEBHOOK_URL", told[0])
    before = stamps(client)
    assert {change.action for change in apply.set_up(client)} == {"unchanged"}
    assert stamps(client) == before  # a proactive window starts anew when its automation is touched


def stamps(client: SyncPrefectClient) -> set[tuple[str, str]]:
    read = client.request("POST", "/automations/filter", json={}).json()
    return {(automation["name"], automation["updated"]) for automation in read}


def test_what_differs_is_corrected_and_what_is_gone_is_removed(client: SyncPrefectClient) -> None:
    client.update_work_pool(work_pool.NAME, WorkPoolUpdate(concurrency_limit=99))
    countries = client.read_work_queue_by_name("countries", work_pool_name=work_pool.NAME)
    client.update_work_queue(countries.id, concurrency_limit=1)
    stray = changed(next(automations.automations(None)), name=automations.PREFIX + "stale atlantis")
    client.create_automation(stray)
    failed = client.read_automations_by_name(automations.PREFIX + "failed run")[0]
    client.update_automation(failed.id, changed(failed, description="edited by hand"))
    changes = {
        change.name: change.action
        for change in apply.set_up(client)
        if change.action != "unchanged"
    }
    assert changes.pop("countries") == "updated"
    assert changes == {work_pool.NAME: "updated", stray.name: "removed", failed.name: "updated"}


def test_a_person_s_pause_and_webhook_stay(client: SyncPrefectClient) -> None:
    overlong = client.read_automations_by_name(automations.PREFIX + "run without end")[0]
    client.pause_automation(overlong.id)
    apply.set_up(client)
    assert client.read_automations_by_name(overlong.name)[0].enabled is False
    client.resume_automation(overlong.id)


def test_an_automation_that_is_there_twice_tells_once(client: SyncPrefectClient) -> None:
    failed = client.read_automations_by_name(automations.PREFIX + "failed run")[0]
    client.create_automation(changed(failed))
    found = [change for change in apply.set_up(client) if change.action != "unchanged"]
    assert [(change.name, change.action) for change in found] == [(failed.name, "removed")]
    assert len(client.read_automations_by_name(failed.name)) == 1


def test_a_pool_of_another_type_is_refused(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_pool, "NAME", "geodata-of-another-type")
    client.create_work_pool(WorkPoolCreate(name=work_pool.NAME, type="process"))
    said = "expected to be of the type kubernetes, found process: delete it"
    with pytest.raises(ConfigurationError, match=said):
        list(work_pool.set_up(client))


def test_a_paused_pool_and_queue_stay_so_and_are_told(client: SyncPrefectClient) -> None:
    queue = client.read_work_queue_by_name("countries", work_pool_name=work_pool.NAME)
    assert list(work_pool.paused(client)) == []
    client.update_work_pool(work_pool.NAME, WorkPoolUpdate(is_paused=True))
    client.update_work_queue(queue.id, is_paused=True)
    assert {change.action for change in work_pool.set_up(client)} == {"unchanged"}
    first, second = work_pool.paused(client)
    assert f"prefect work-pool resume {work_pool.NAME}" in first
    assert f"prefect work-queue resume countries --pool {work_pool.NAME}" in second
    client.update_work_queue(queue.id, is_paused=False)
    client.update_work_pool(work_pool.NAME, WorkPoolUpdate(is_paused=False))


def test_the_deployment_of_a_flow_that_was_renamed_is_told(client: SyncPrefectClient) -> None:
    assert registration.strangers(client) == []
    flow = client.create_flow_from_name("belgium-of-old")
    left = client.create_deployment(flow, name="belgium", tags=[declared.TAG])
    assert registration.strangers(client) == ["belgium-of-old/belgium"]
    client.delete_deployment(left)


def test_a_parameter_that_the_form_would_refuse_is_refused(
    client: SyncPrefectClient, background_server: str
) -> None:
    answer = httpx.post(
        f"{background_server}/deployments/{deployed(client, 'belgium')['id']}/create_flow_run",
        json={"parameters": {"vintage": 1830}},
        timeout=60,
    )
    assert answer.status_code >= 400
    assert "1830" in answer.text


def test_a_part_of_a_rebuild_is_as_big_as_its_dataset_is_asked_for_once_and_cancelled(
    client: SyncPrefectClient,
) -> None:
    size = sizes("united_states")
    assert size | {"image": IMAGE} == deployed(client, "united-states")["job_variables"]
    assert sizes("atlantis") == {}
    order = Order(
        deployment="rebuild-edition/rebuild-edition",
        name="rebuild united_states, edition 1",
        key="1 united_states 1",
        parameters={"rebuild": 1, "dataset": "united_states", "number": 1},
        tags=("rebuild",),
        job_variables=size,
    )
    part, again = begin(order), begin(order)
    assert part.id == again.id
    assert part.job_variables == size
    assert set(part.tags) == {"geodata", "rebuild"}
    assert [run.id for run in live(["rebuild-edition"])] == [part.id]
    cancel(part)
    assert live(["rebuild-edition"]) == []
    found = read([part.id, uuid.uuid4()])
    assert found.keys() == {part.id}
    assert was_cancelled_before_start(found[part.id])
    with pytest.raises(ConfigurationError, match="No deployment atlantis/atlantis is on the"):
        begin(replace(order, deployment="atlantis/atlantis", key="2"))
    for refused in ({"parameters": {"rebuild": "all"}}, {"job_variables": {"memory_limit": "4g"}}):
        with pytest.raises(ConfigurationError, match=r"refused it .* with `make deploy`"):
            begin(replace(order, key="3", **refused))


def test_an_untagged_image_is_refused(client: SyncPrefectClient, background_server: str) -> None:
    variables = {"image": "registry.example/geodata-flows"}
    answer = httpx.post(
        f"{background_server}/deployments/{deployed(client, 'belgium')['id']}/create_flow_run",
        json={"job_variables": variables},
        timeout=60,
    )
    assert answer.status_code >= 400


def test_a_killed_run_is_seen_and_the_next_resumes_without_downloading(
    background_server: str,
    client: SyncPrefectClient,
    worker: psutil.Process,
    other_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror = tmp_path / "mirror"
    synthetic.write(mirror, municipalities=12, sectors=400, vintages=(2024,))
    machines = iter(range(9))

    def machine() -> dict[str, str]:
        """The environment of a pod: the database and the archive are shared, its disk is its
        own.
        """
        shared = {name: os.environ[name] for name in ("GEODATA_DATABASE_URL", "GEODATA_ARCHIVE")}
        return shared | {
            "GEODATA_DATA": str(tmp_path / f"pod-{next(machines)}"),
            "PREFECT_API_URL": background_server,
        }

    with counting(mirror, monkeypatch) as (address, sent):
        parameters = {"vintage": 2024, "mirror": address, "rebuild": False}
        killed = start(client, "belgium-here", parameters, machine())
        building = "SELECT 1 FROM catalog.edition WHERE state = 'building'"
        wait(lambda: other_database.rows(building), "the building of an edition", seconds=0.01)
        for process in worker.children(recursive=True):
            process.kill()
        state = wait(lambda: ended(client, killed), "the end of the killed run")
        assert state.is_crashed(), state
        downloaded = {name for name in sent if name.endswith(".zip")}
        assert len(downloaded) == 4

        sent.clear()
        resumed = start(client, "belgium-here", parameters, machine())
        state = wait(lambda: ended(client, resumed), "the end of the next run")
        assert state.is_completed(), state
        assert set(sent) == {"mirror.json"}
    assert other_database.value("SELECT count(*) FROM belgium.municipalities_2024") == 12
    assert other_database.rows(
        "SELECT outcome, code_revision <> '' FROM catalog.run ORDER BY started_at DESC LIMIT 1"
    ) == [("published", True)]


def test_a_new_edition_of_the_areas_starts_what_stands_on_them(
    background_server: str, client: SyncPrefectClient
) -> None:
    sirene = DeploymentFilter(name={"any_": ["sirene"]})
    event = {
        "id": str(uuid.uuid4()),
        "event": "geodata.edition.published",
        "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "resource": {"prefect.resource.id": "geodata.dataset.belgium"},
    }
    assert httpx.post(f"{background_server}/events", json=[event], timeout=60).status_code < 300
    event |= {
        "id": str(uuid.uuid4()),
        "resource": {"prefect.resource.id": "geodata.dataset.france"},
    }
    assert httpx.post(f"{background_server}/events", json=[event], timeout=60).status_code < 300

    def triggered() -> list[str]:
        found = client.read_flow_runs(deployment_filter=sirene)
        return [
            str(one.id) for one in found if one.created_by and one.created_by.type == "AUTOMATION"
        ]

    assert len(wait(triggered, "a run of sirene")) == 1
    for runs, name in enumerate(("rolled_back", "withdrawn"), 2):
        event |= {
            "id": str(uuid.uuid4()),
            "event": f"geodata.edition.{name}",
            "occurred": datetime.now(UTC).isoformat(),
        }
        assert httpx.post(f"{background_server}/events", json=[event], timeout=60).status_code < 300
        assert wait(
            lambda runs=runs: len(triggered()) == runs,
            f"a run of sirene after its areas were {name}",
        )


@pytest.mark.parametrize("name", ["Failed", "Crashed"])
def test_people_are_told_of_a_run_that_ends_badly_whatever_its_message(
    client: SyncPrefectClient, told: tuple[str, list[str]], name: str
) -> None:
    message = f'{name}: the file "a\\b" is gone,\nlook for it.'
    ours(client, {"type": name.upper(), "name": name, "message": message})
    (body,) = wait(
        lambda: [body for body in told[1] if f"{name}: the file" in body],
        f"the word of the state {name}",
    )
    assert message in json.loads(body)["text"]
    assert json.loads(body)["text"].startswith("freshness, run ")


def test_people_are_told_of_a_word_that_did_not_reach_them(
    client: SyncPrefectClient, told: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    quickened(client, "lost word")
    missed: list[str] = []
    monkeypatch.setattr(Listener, "missed", missed)
    ours(client, {"type": "FAILED", "name": "Failed", "message": "Nobody hears of this."})
    for quick in ("Nobody hears of this.", "geodata: failed run", "quick lost word"):
        wait(lambda quick=quick: any(quick in body for body in missed), f"the word: {quick}")
    monkeypatch.undo()
    (body, *_) = wait(
        lambda: [body for body in told[1] if "A word of geodata: quick lost word" in body],
        "a word that arrives",
    )
    text = json.loads(body)["text"]
    assert "did not reach you: Webhook call failed: RemoteProtocolError" in text
    assert "events?resource=prefect.automation." in text


def heard(server: str, run: str) -> None:
    """Send the heartbeat of a run."""
    tag = {"prefect.resource.id": f"prefect.tag.{declared.TAG}", "prefect.resource.role": "tag"}
    event = {
        "id": str(uuid.uuid4()),
        "event": "prefect.flow-run.heartbeat",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
        "related": [tag],
    }
    assert httpx.post(f"{server}/events", json=[event], timeout=60).status_code < 300


def quickened(client: SyncPrefectClient, name: str) -> None:
    """A declared automation once more, with the shortest window that the server takes."""
    whole = client.read_automations_by_name(automations.PREFIX + name)[0]
    trigger = whole.trigger.model_copy(update={"within": SHORTEST})
    client.create_automation(
        changed(whole, name=f"{automations.PREFIX}quick {name}", trigger=trigger)
    )


def test_a_silent_run_is_crashed(background_server: str, client: SyncPrefectClient) -> None:
    quickened(client, "silent run")
    silent = ours(client, {"type": "RUNNING", "name": "Running"}, "rollback")

    def is_crashed() -> bool:
        """Look, and let it be heard too seldom."""
        heard(background_server, silent)
        return client.read_flow_run(uuid.UUID(silent)).state_type == "CRASHED"

    wait(is_crashed, "the end of the silent run", SHORTEST.total_seconds() + 2)


def test_a_run_without_end_is_cancelled(client: SyncPrefectClient) -> None:
    quickened(client, "run without end")
    endless = ours(client, {"type": "RUNNING", "name": "Running"})
    wait(
        lambda: client.read_flow_run(uuid.UUID(endless)).state_type in ("CANCELLING", "CANCELLED"),
        "the end of the run without end",
    )
