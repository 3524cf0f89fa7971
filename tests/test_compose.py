"""The laptop's stack: its names hold together, and Docker Compose accepts it where it is
installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tasks.core.model.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "deployments"))

from workspace import work_pool  # noqa: E402

COMPOSE = ROOT / "deployments/compose.yaml"
STACK: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
SERVICES: dict[str, Any] = STACK["services"]
OURS = {name for name, service in SERVICES.items() if "geodata-flows" in service["image"]}


def test_every_part_is_there() -> None:
    assert set(SERVICES) == {"database", "store", "server", "setup", "worker"}
    assert {"server", "setup", "worker"} == OURS


def test_a_service_waits_for_what_exists_and_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert "restart" not in SERVICES[name]
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in STACK["volumes"]


def test_addresses_and_settings_name_what_is_there() -> None:
    for name in ("setup", "worker"):
        environment = SERVICES[name]["environment"]
        for key in ("PREFECT_API_URL", "GEODATA_DATABASE_URL", "AWS_ENDPOINT_URL"):
            assert urlsplit(environment[key]).hostname in SERVICES
        known = (f"GEODATA_{name.upper()}" for name in Settings.model_fields)
        assert {key for key in environment if key.startswith("GEODATA_")} <= {
            *known,
            "GEODATA_IMAGE",
        }
    assert (
        SERVICES["worker"]["environment"]["AWS_SECRET_ACCESS_KEY"]
        == SERVICES["store"]["environment"]["AWS_SECRET_ACCESS_KEY"]
    )
    database = urlsplit(SERVICES["worker"]["environment"]["GEODATA_DATABASE_URL"])
    given = SERVICES["database"]["environment"]
    assert (database.username, database.password, database.path) == (
        given["POSTGRES_USER"],
        given["POSTGRES_PASSWORD"],
        "/" + given["POSTGRES_DB"],
    )


def test_a_laptop_starts_no_more_runs_at_once_than_a_cluster() -> None:
    lines = SERVICES["setup"]["command"][-1].splitlines()
    limits = f"work-queue set-concurrency-limit (\\w+) (\\d+) --pool {work_pool.NAME}$"
    found = [(place, re.search(limits, line)) for place, line in enumerate(lines)]
    given = {limit[1]: int(limit[2]) for _, limit in found if limit}
    assert given == work_pool.QUEUES
    made = next(place for place, line in enumerate(lines) if "deploy --all" in line)
    assert all(place > made for place, limit in found if limit)  # which makes the queues


def test_foreign_images_have_a_version_and_ours_run_unprivileged() -> None:
    for name in set(SERVICES) - OURS:
        assert re.search(r":\d", SERVICES[name]["image"])
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert any(
            "/scratch" in place
            for place in [*service.get("volumes", []), *service.get("tmpfs", [])]
        )


def test_ports_are_open_to_this_machine_only() -> None:
    assert all(
        port.startswith("127.0.0.1:")
        for service in SERVICES.values()
        for port in service.get("ports", [])
    )


def test_the_worker_serves_the_pool_of_every_deployment() -> None:
    pools = {
        deployment["work_pool"]["name"]
        for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    }
    command = SERVICES["worker"]["command"]
    assert pools == {command[command.index("--pool") + 1]}
    assert f"work-pool create {pools.pop()} --type process" in SERVICES["setup"]["command"][-1]


def test_docker_compose_accepts_it() -> None:
    commands = (["docker", "compose"], ["docker-compose"])
    found = next(
        (command for command in commands if shutil.which(command[0]) and _is_second(command)), None
    )
    if found is None:
        pytest.skip("Docker Compose 2 or newer is not on this machine")
    done = subprocess.run(
        [*found, "-f", str(COMPOSE), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _is_second(command: list[str]) -> bool:
    asked = subprocess.run(
        [*command, "version", "--short"], capture_output=True, text=True, check=False
    )
    return asked.returncode == 0 and int(asked.stdout.strip().lstrip("v").split(".")[0]) >= 2
