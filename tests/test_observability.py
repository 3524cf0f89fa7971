"""What people are shown and told of a run that was really executed as in a pod: its lines, the
catalog's metrics in a real Prometheus, and the questions of the dashboard.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import processes
import prometheus_server
import pytest
import runland
from conftest import database_of_its_own
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prometheus_client.parser import text_string_to_metric_families
from watching_files import EXPRESSIONS, FILES, OURS, QUESTIONS, ROOT, RULES

from tasks.core.postgres.database import Database

PASSWORD = "hidden-in-metrics"
READER = f"CREATE ROLE geodata_metrics LOGIN PASSWORD '{PASSWORD}' IN ROLE geodata_reader"


@dataclass(frozen=True)
class Published:
    """A catalog with an edition of Runland, and what the process that made it wrote."""

    database: Database
    run: str
    said: str


@pytest.fixture(scope="module")
def published(
    cluster_database: Database, prefect_server: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    """An edition published by `prefect flow-run execute`, as a pod starts it."""
    folder = tmp_path_factory.mktemp("observed")
    runland.write(folder / "mirror")
    with database_of_its_own(cluster_database, folder / "archive") as database:
        run = _scheduled({"mirror": str(folder / "mirror")})
        environment = os.environ | {
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
            "PREFECT_LOGGING_SETTINGS_PATH": str(FILES / "logging.yaml"),
            "PREFECT_HOME": str(folder / "prefect"),
            "GEODATA_REVISION": "1f2e3d4c5b6a",
        }
        command = (sys.executable, "-m", "prefect", "flow-run", "execute", run)
        done = processes.run(*command, env=environment, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Published(database, run, done.stdout)


def _scheduled(parameters: dict[str, Any]) -> str:
    """Register Runland's flow as a deployment of the server, and give the id of a run of it."""
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(
            client.create_flow_from_name("runland"),
            name="runland",
            entrypoint="runland.py:runland",
            path=str(ROOT / "tests"),
        )
        return str(client.create_flow_run_from_deployment(deployment, parameters=parameters).id)


@pytest.fixture(scope="module")
def metrics(published: Published) -> Iterator[str]:
    """The address of the exporter, which reads the catalog as a role that may only read."""
    published.database.outside_transaction(READER)
    url = published.database.url.set(username="geodata_metrics", password=PASSWORD)
    port = prometheus_server.free_port()
    environment = os.environ | {"GEODATA_DATABASE_URL": url.render_as_string(hide_password=False)}
    command = (sys.executable, "-m", "deployments.observability.exporter", "--port", str(port))
    options = {"env": environment, "cwd": ROOT}
    with processes.started(*command, "--address", "127.0.0.1", **options) as program:
        address = f"127.0.0.1:{port}"
        reading = "geodata_catalog_up 1.0"
        prometheus_server.wait(
            lambda: reading in httpx.get(f"http://{address}/metrics", timeout=60).text,
            program,
            reading,
        )
        yield address
    published.database.outside_transaction("DROP ROLE geodata_metrics")


@dataclass(frozen=True)
class Scraped:
    """A Prometheus, and the moment of a scrape that it keeps: what comes after changes nothing."""

    address: str
    at: float

    def asked(self, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Give what an expression was at that moment."""
        return prometheus_server.ask(self.address, expression, self.at)


@pytest.fixture(scope="module")
def prometheus(metrics: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """A Prometheus that has scraped the exporter."""
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus_server.scraping(folder, metrics, FILES / "alerts.yaml") as (program, address):
        gauge = "geodata_catalog_up"
        at = prometheus_server.wait(
            lambda: prometheus_server.scraped(address, gauge), program, gauge
        )
        yield Scraped(address, at)


def test_each_line_of_a_pod_is_a_json_object_that_names_the_run(published: Published) -> None:
    lines = [json.loads(line) for line in published.said.splitlines()]
    ours = [line for line in lines if line.get("flow_run_id") == published.run]
    assert len(ours) > 10
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert {"level", "logger", "message"} <= {*line}
        assert line["revision"] == "1f2e3d4c5b6a"
    of_tasks = [line for line in ours if line.get("task_run_id") and line.get("edition")]
    assert {(line["dataset"], line["vintage"], line["edition"]) for line in of_tasks} == {
        ("runland", 2026, 1)
    }
    assert any(line["message"].startswith("Published edition 1 of runland") for line in of_tasks)
    assert {line["flow"] for line in ours if "flow" in line} == {"runland"}


OF_RUNLAND = {  # what the catalog says of it, by the metric: labels in their order, then the figure
    "geodata_layer_rows": (
        "SELECT dataset, layer, mirror, vintage::text, row_count FROM catalog.current_layer",
        ("dataset", "layer", "mirror", "vintage"),
    ),
    "geodata_edition_shown": (
        "SELECT dataset, mirror, vintage::text, number FROM catalog.current_edition",
        ("dataset", "mirror", "vintage"),
    ),
    "geodata_edition_shown_timestamp_seconds": (
        "SELECT dataset, mirror, vintage::text, extract(epoch FROM shown_since)"
        " FROM catalog.current_edition",
        ("dataset", "mirror", "vintage"),
    ),
    "geodata_vintage_showing_seconds": (
        "SELECT dataset, mirror, vintage::text, extract(epoch FROM shown_at - counts_from)"
        " FROM catalog.promptness",
        ("dataset", "mirror", "vintage"),
    ),
    "geodata_runs > 0": (
        "SELECT dataset, outcome, count(*) FROM catalog.run GROUP BY dataset, outcome",
        ("dataset", "outcome"),
    ),
    "geodata_run_failed": (
        "SELECT dataset, (outcome <> 'published')::integer FROM catalog.run",
        ("dataset",),
    ),
    "geodata_editions > 0": (
        "SELECT dataset, state, count(*) FROM catalog.edition GROUP BY dataset, state",
        ("dataset", "state"),
    ),
    "geodata_step_seconds": (
        "SELECT dataset, mirror, verb, vintage::text, sum(seconds) FROM catalog.step"
        " JOIN catalog.current_edition USING (dataset, number) GROUP BY 1, 2, 3, 4",
        ("dataset", "mirror", "verb", "vintage"),
    ),
    "sum(geodata_checks_passed)": ("SELECT count(*) FROM catalog.check_result WHERE passed", ()),
    "geodata_archive_original_bytes": ("SELECT sum(size_bytes) FROM catalog.artifact", ()),
}


@pytest.mark.parametrize("expression", OF_RUNLAND)
def test_prometheus_answers_what_the_catalog_answers(
    published: Published, prometheus: Scraped, expression: str
) -> None:
    query, names = OF_RUNLAND[expression]
    rows = published.database.rows(query)
    assert rows
    told = {tuple(zip(names, row[:-1], strict=True)): float(row[-1]) for row in rows}
    assert prometheus.asked(expression) == pytest.approx(told, abs=0.001)


def test_the_metrics_say_nothing_of_the_password(published: Published, metrics: str) -> None:
    said = httpx.get(f"http://{metrics}/metrics", timeout=60).text
    assert PASSWORD not in said
    families = [*text_string_to_metric_families(said)]
    assert {family.name for family in families} <= {name.removesuffix("_total") for name in OURS}
    for family in families:
        assert family.documentation


# of which a catalog with one edition from a mirror, and a cluster that is not there, have nothing
EMPTY = "source_ unshown_ expected_ join_ archive_copies rebuild_ checks_failed kube_ container_"


def test_every_expression_of_the_dashboard_is_answered(prometheus: Scraped) -> None:
    for title, expression in EXPRESSIONS:
        chosen = expression.replace("$dataset", ".*").replace('mirror=""', 'mirror=~".*"')
        found = prometheus.asked(chosen)
        has_none = re.search("|".join([*EMPTY.split(), "prefect", r"delta\("]), chosen)
        assert found or has_none, title


def test_the_rules_are_evaluated_without_a_fault(prometheus: Scraped) -> None:
    answer = httpx.get(f"{prometheus.address}/api/v1/rules", timeout=60).json()["data"]["groups"]
    rules = [rule for group in answer for rule in group["rules"]]
    assert len(rules) == len(RULES)
    assert {rule["lastError"] for rule in rules if "lastError" in rule} <= {""}


@pytest.mark.parametrize(("title", "question"), QUESTIONS, ids=[title for title, _ in QUESTIONS])
def test_every_question_to_the_catalog_is_answered_to_a_reader(
    published: Published, title: str, question: str
) -> None:
    with published.database.session() as cursor:
        cursor.execute("SET LOCAL ROLE geodata_reader")
        cursor.execute(question)
        found = cursor.fetchall()
    if title == "Datasets":
        assert [(row[0], row[1], row[2], row[4]) for row in found] == [
            ("runland", 2026, 1, "published")
        ]
