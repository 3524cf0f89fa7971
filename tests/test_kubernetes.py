"""Belgium on a real cluster: published from pods, and every event that a site must live through.

    make test-kubernetes                 on a cluster of ../shared/cluster, made and taken down
    KUBECONFIG=… GEODATA_IMAGE=registry.example/geodata-flows:1f2e3d4c5b6a make test-kubernetes

With a cluster of your own: needs kubectl, the right to create namespaces and (to kill the first
process of a container) privileged pods, nodes that can pull GEODATA_IMAGE and the images of PostGIS
and SeaweedFS. Everything is made in two namespaces of its own and removed with them. Pods of flows
run confined, under the manifests of deployments/ as they are. Skipped, visibly, without a cluster.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import kubernetes_validate
import pytest
import yaml
from cluster import node, site
from cluster.node import Images
from cluster.site import VINTAGE, VINTAGES, Site, filled, kubectl, wait
from deployed import changed
from prefect.client.schemas.objects import StateType

EDITIONS = "SELECT count(*) FROM catalog.edition WHERE state IN ('published', 'removed')"
UNFINISHED = "SELECT count(*) FROM catalog.edition WHERE state = 'building'"
CONTENT = (
    "SELECT md5(string_agg(concat_ws(' ', dataset, number, layer, content_hash), ',' ORDER BY"
    " dataset, number, layer)) FROM catalog.layer JOIN catalog.current_edition USING (dataset,"
    " number)"
)
VERDICTS = (
    "SELECT string_agg(DISTINCT verdict, ' ') FROM catalog.rebuilt_edition WHERE rebuild = (SELECT"
    " max(id) FROM catalog.rebuild)"
)
SHOWN = f"SELECT count(*) FROM belgium.sectors_{VINTAGE}"
PUBLIC = Images(
    flows=os.environ.get("GEODATA_IMAGE", ""),
    database=os.environ.get("GEODATA_TEST_DATABASE_IMAGE", "postgis/postgis:16-3.4"),
    store=os.environ.get("GEODATA_TEST_STORE_IMAGE", "chrislusf/seaweedfs:4.47"),
)
START = timedelta(seconds=45)  # in place of the minutes for which the automations wait
kubernetes = pytest.mark.kubernetes


@dataclass
class Table:
    """What happened, what was expected and seen, and how long that took."""

    rows: list[tuple[str, str, str, float]] = field(default_factory=list)

    @contextmanager
    def event(self, event: str, expected: str) -> Iterator[list[str]]:
        """Time an event until what is expected is there; the list gets what was seen."""
        started, seen = time.monotonic(), list[str]()
        yield seen
        self.rows.append((event, expected, "; ".join(seen), time.monotonic() - started))

    def __str__(self) -> str:
        lines = ("| event | expected | seen | seconds |", "|---|---|---|---|")
        told = (
            f"| {what} | {hoped} | {seen} | {took:.0f} |" for what, hoped, seen, took in self.rows
        )
        return "\n".join((*lines, *told))


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    """The table of the events of this run, which `pytest -s` shows at its end."""
    made = Table()
    yield made
    print(f"\n{made}")


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    """The images on the cluster of KUBECONFIG, or on one that is made here and taken down."""
    if os.environ.get("KUBECONFIG") and PUBLIC.flows:
        if shutil.which("kubectl") is None:
            pytest.skip("kubectl is not on this machine")
        yield PUBLIC
        return
    if reason := node.reason_against():
        pytest.skip(reason)
    with node.running() as (kubeconfig, images), pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        patch.setenv("PATH", f"{node.CACHE / 'bin'}:{os.environ['PATH']}")
        yield images


@pytest.fixture(scope="module")
def on_site(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything deployed, with an edition that readers see."""
    with site.deployed(images, tmp_path_factory.mktemp("publisher")) as found:
        yield found


@pytest.fixture
def published(on_site: Site) -> Iterator[Site]:
    """A site with an edition; whatever a test does, its readers see a whole one afterwards."""
    wait(lambda: not on_site.live(), "the end of the runs of another test")
    if on_site.query(EDITIONS) in ("", "0"):
        assert on_site.ended(on_site.start()).is_completed()
    yield on_site
    assert int(on_site.query(SHOWN)) > 3000


def completes(site: Site) -> None:
    """The next run completes, and nothing is left over of the one before."""
    run = site.start()
    state = site.ended(run)
    assert state.is_completed(), state
    assert site.query(UNFINISHED) == "0"


def one_more(site: Site, run: uuid.UUID, before: str) -> None:
    """A run has completed and published one edition more.

    One that was moved may be taken for crashed for seconds, until its pod says what happens.
    """
    wait(lambda: (state := site.state(run)) and state.is_completed(), f"the completion of {run}")
    assert int(site.query(EDITIONS)) == int(before) + 1
    assert site.query(UNFINISHED) == "0"


@kubernetes
def test_a_click_publishes_an_edition_from_a_pod(on_site: Site, table: Table) -> None:
    clicked = datetime.now(UTC)
    with table.event("a click on belgium", "Completed, published") as seen:
        run = on_site.start()
        state = on_site.ended(run)
        seen.append(state.name)
    assert state.is_completed(), state
    said = on_site.first_line(run)
    lag = (said.timestamp - clicked).total_seconds()
    table.rows.append(("the first line of its log", "what it begins with", said.message, lag))
    assert int(on_site.query(SHOWN)) > 3000
    (pod,) = on_site.pods(run)
    assert pod["spec"]["containers"][0]["image"] == on_site.images.flows
    assert pod["spec"]["serviceAccountName"] == "geodata-flow"
    with table.event("a second click", "Completed, nothing new") as seen:
        state = on_site.ended(on_site.start())
        seen.append(state.message)
    assert state.is_completed(), state
    last = "SELECT string_agg(DISTINCT state, ' ') FROM (SELECT state FROM catalog.retrieval"
    assert on_site.query(f"{last} ORDER BY id DESC LIMIT 3) last") == "unchanged"


@kubernetes
def test_a_killed_pod_is_seen_and_the_next_run_completes(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    killed = published.start(rebuild=True)
    pod = published.building(killed)
    crash = table.event("SIGKILL of a pod's process 1", "Crashed, told")
    with published.showing_nothing(), crash as seen:
        published.kill(published.flows, pod["metadata"]["name"])
        state = published.ended(killed)
        seen.append(state.name)
    assert state.is_crashed(), state
    assert published.query(EDITIONS) == before
    wait(lambda: str(killed) in published.told(), "the word of the crash")
    with table.event("the run after it", "Completed, left-overs cleared") as seen:
        completes(published)
        seen.append("Completed")


@kubernetes
def test_a_run_without_enough_memory_is_seen(published: Site, table: Table) -> None:
    with table.event("out of memory (256 MiB)", "Crashed or Failed, told") as seen:
        run = published.start({"memory_limit": "256Mi"}, rebuild=True)
        state = published.ended(run)
        seen.append(f"{state.name}: {state.message}")
    assert state.is_crashed() or state.is_failed(), state
    wait(lambda: str(run) in published.told(), "the word of the end")
    completes(published)


@kubernetes
def test_an_evicted_run_starts_again_and_completes(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    run = published.start(rebuild=True)
    name = published.building(run)["metadata"]["name"]
    with table.event("eviction of a pod", "starts again, Completed") as seen:
        evict(published, name)
        one_more(published, run, before)
        seen.append(f"Completed in pod {len(published.pods(run))}")
    before = published.query(EDITIONS)
    run = published.start(rebuild=True)
    name = published.building(run)["metadata"]["name"]
    wait(lambda: published.query(EDITIONS) != before, "an edition more", 0.05)
    with table.event("eviction after its edition is shown", "Completed, no other") as seen:
        evict(published, name)
        one_more(published, run, before)
        seen.append(f"Completed in pod {len(published.pods(run))}")


def evict(site: Site, name: str) -> None:
    """Evict a pod as a drain does."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": site.flows},
    }
    path = f"/api/v1/namespaces/{site.flows}/pods/{name}/eviction"
    kubectl("create", "--raw", path, "--filename", "-", given=json.dumps(eviction))


@kubernetes
def test_a_drained_node_gives_its_run_back_when_there_is_one(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    run = published.start(rebuild=True)
    pod = published.building(run)
    place = pod["spec"]["nodeName"]
    chosen = ("--pod-selector=app.kubernetes.io/component=flow", "--timeout=300s")
    with table.event("a node drained, back after 20 s", "starts again, Completed") as seen:
        try:
            kubectl("drain", place, "--ignore-daemonsets", "--delete-emptydir-data", *chosen)
            time.sleep(20)
        finally:
            kubectl("uncordon", place)
        one_more(published, run, before)
        seen.append("Completed")


@kubernetes
def test_a_cancelled_run_ends_and_shows_nothing(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    run = published.start(rebuild=True)
    name = published.building(run)["metadata"]["name"]
    with table.event("a running run is cancelled", "Cancelled, its pod ended") as seen:
        published.cancel(run)
        state = published.ended(run)
        wait(lambda: not is_running(published, run, name), "the end of the pod")
        seen.append(state.name)
    assert state.is_cancelled(), state
    assert "timed out" not in (state.message or ""), "the server ended it, and not the pod"
    assert published.query(EDITIONS) == before
    completes(published)


def is_running(site: Site, run: uuid.UUID, name: str) -> bool:
    """Whether a pod of a run still works."""
    return any(
        pod["metadata"]["name"] == name and pod["status"]["phase"] == "Running"
        for pod in site.pods(run)
    )


@kubernetes
def test_a_second_run_of_a_dataset_is_cancelled(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    first = published.start(rebuild=True)
    published.building(first)
    with table.event("a second run of the same dataset", "it is cancelled") as seen:
        state = published.ended(published.start(rebuild=True))
        seen.append(state.name)
    assert state.is_cancelled(), state
    one_more(published, first, before)


@kubernetes
def test_a_worker_that_is_killed_is_not_missed(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    run = published.start(rebuild=True)
    published.building(run)
    chosen = ("--selector", "app.kubernetes.io/component=worker", "--output", "name")
    (name,) = kubectl("get", "pods", "--namespace", published.flows, *chosen).split()
    with table.event("SIGKILL of the worker", "the run completes") as seen:
        published.kill(published.flows, name.removeprefix("pod/"))
        one_more(published, run, before)
        seen.append("Completed")
    with table.event("a click after it", "the worker is back, Completed") as seen:
        completes(published)
        seen.append("Completed")


@kubernetes
def test_a_prefect_server_that_restarts(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    run = published.start(rebuild=True)
    published.building(run)
    with table.event("SIGKILL of the Prefect server", "the run completes") as seen:
        published.kill(published.services, "prefect")
        one_more(published, run, before)
        seen.append(published.state(run).name)
    wait(lambda: published.is_ready("prefect"), "the server")
    completes(published)


@kubernetes
def test_a_database_that_restarts(published: Site, table: Table) -> None:
    before = published.query(EDITIONS)
    run = published.start(rebuild=True)
    published.building(run)
    with table.event("SIGKILL of PostgreSQL", "the run begins again, Completed") as seen:
        published.kill(published.services, "database")
        one_more(published, run, before)
        seen.append(published.state(run).name)


@kubernetes
def test_an_object_store_that_is_gone_for_a_minute(published: Site, table: Table) -> None:
    run = published.start(rebuild=True)
    published.building(run)
    with table.event("S3 gone for a minute", "Completed, or a sentence; then Completed") as seen:
        with without_service(published, "store"):
            published.kill(published.services, "store")
            time.sleep(60)
        state = published.ended(run)
        seen.append(f"{state.name}: {state.message}")
    assert state.is_completed() or "archive" in state.message, state
    completes(published)


@contextmanager
def without_service(site: Site, name: str) -> Iterator[None]:
    """A service that leads nowhere meanwhile."""

    def select(label: str) -> None:
        patch = json.dumps({"spec": {"selector": {"app": label}}})
        kubectl("patch", "service", "--namespace", site.services, name, "--patch", patch)

    select("nobody")
    try:
        yield
    finally:
        select(name)


@pytest.fixture
def impatient(published: Site) -> Iterator[Site]:
    """The declared automation for pods that do not start, with a window of seconds beside it."""
    (whole,) = published.client.read_automations_by_name("geodata: pod without start")
    trigger = whole.trigger.model_copy(update={"within": START})
    quick = published.client.create_automation(changed(whole, name="quick", trigger=trigger))
    yield published
    published.client.delete_automation(quick)


NEVER = {  # by the deployment that is started: the event, its job variables, the reason told
    "belgium": (
        "an image that cannot be pulled",
        {"image": "registry.invalid/none:1"},
        "ImagePullError",
    ),
    "austria": (
        "a pod too large for the node",
        {"cpu_request": "64", "cpu_limit": "64"},
        "Unschedulable.InsufficientResources",
    ),
}


@kubernetes
def test_pods_that_never_start_are_an_end_and_people_are_told(
    impatient: Site, table: Table
) -> None:
    with ThreadPoolExecutor() as threads:
        for ended in [threads.submit(never_starts, impatient, table, name) for name in NEVER]:
            ended.result()
    completes(impatient)


def never_starts(site: Site, table: Table, name: str) -> None:
    """A run of a deployment is cancelled, people are told why, and its pod is gone."""
    event, variables, reason = NEVER[name]
    with table.event(event, f"cancelled after {START}, told with the reason") as seen:
        run = site.start_of(name, variables, **site.mirror)
        state = site.ended(run)
        seen.append(f"{state.name}, {reason}")
    assert state.is_cancelled(), state
    wait(lambda: reason in words_on(site, run), "the word of the pod")
    wait(lambda: not site.pods(run), "the end of the pod")


def words_on(site: Site, run: uuid.UUID) -> str:
    """What people were told of a run."""
    return "\n".join(line for line in site.told().splitlines() if str(run) in line)


@kubernetes
def test_operations_do_not_wait_behind_countries_that_never_start(
    published: Site, table: Table
) -> None:
    variables = NEVER["austria"][1]
    names = ("sirene", "austria", "france", "united-states")
    stuck = [published.start_of(name, variables) for name in names]
    for run in stuck:
        wait(lambda run=run: published.pods(run), "a pod that waits")
    with table.event("four countries whose pods wait", "freshness runs") as seen:
        state = published.ended(published.start_of("freshness"))
        seen.append(state.name)
    waiting = published.start()
    with table.event("one of them is cancelled", "its slot is taken at once") as seen:
        published.cancel(stuck[1])
        begun = (StateType.PENDING, StateType.RUNNING, StateType.COMPLETED)
        wait(lambda: published.state(waiting).type in begun, "the slot")
        seen.append(published.state(waiting).name)
    with table.event("the end of all of them", "Cancelled, their pods gone") as seen:
        for run in {*stuck} - {stuck[1]}:
            published.cancel(run)
        seen += {published.ended(run).name for run in stuck}
        wait(lambda: not any(map(published.pods, stuck)), "the end of the pods")
    assert seen == ["Cancelled"]
    assert published.ended(waiting).is_completed()


@kubernetes
def test_a_rebuild_as_jobs_is_identical_although_a_pod_is_killed(
    published: Site, table: Table
) -> None:
    for vintage in VINTAGES:
        state = published.ended(published.start_of("belgium", vintage=vintage, **published.mirror))
        assert state.is_completed(), state
    before = published.query(CONTENT)
    for slots in (1, 2, 4):
        published.set_slots(slots)
        published.lose_database()
        event = f"the database is lost; {slots} at once"
        with table.event(event, "rebuilt by jobs, identical") as seen:
            run = published.start_of("rebuild")
            if slots == 2:
                seen.append(killed_part(published))
            state = published.ended(run)
            seen.append(f"{state.name}: {state.message}")
        assert state.is_completed(), state
        assert published.query(VERDICTS) == "identical"
        assert published.query(CONTENT) == before


def killed_part(site: Site) -> str:
    """Kill the pod of an edition that is being made again."""
    chosen = ("--selector", "prefect.io/flow-name=rebuild-edition", "--output", "json")
    shown = ("--namespace", site.flows, *chosen, "--field-selector", "status.phase=Running")

    def running() -> list[str]:
        found = json.loads(kubectl("get", "pods", *shown))["items"]
        return [pod["metadata"]["name"] for pod in found]

    wait(lambda: site.query(UNFINISHED) not in ("", "0"), "an edition that is made again")
    site.kill(site.flows, running()[0])
    return "a pod was killed"


SOME = Images(flows="registry.example/geodata-flows:1", database="postgis:1", store="store:1")


@pytest.mark.parametrize("name", ["services.yaml", "worker.yaml", "executioner.yaml"])
def test_what_the_test_brings_to_a_cluster_has_the_official_schema(name: str) -> None:
    given = {"namespace": "flows", "services": "services", "node": "node", "killed": "identity"}
    for document in yaml.safe_load_all(filled(name, SOME, **given)):
        document["metadata"].setdefault("name", "any")
        kubernetes_validate.validate(document, "1.30", strict=True)


def test_the_worker_is_the_chart_s_with_our_values() -> None:
    document = yaml.safe_load(site.worker("flows", "services", SOME))
    kubernetes_validate.validate(document, "1.30", strict=True)
    (container,) = document["spec"]["template"]["spec"]["containers"]
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    assert variables["PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_NAMESPACES"] == "flows"
    assert container["command"] == ["env"]
