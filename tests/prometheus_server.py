"""A real Prometheus for tests: started over a folder of its own, asked by its own API."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import processes
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "data/tools/prometheus"  # where tests/observability/get_prometheus puts them


def program(name: str) -> str:
    """Give the path of prometheus or promtool; the test is skipped where it is not there."""
    found = shutil.which(name) or shutil.which(name, path=str(TOOLS))
    if found is None:
        pytest.skip(f"{name} is not on this machine: tests/observability/get_prometheus brings it")
    return found


def free_port() -> int:
    """Give a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait(moment: Callable[[], Any], program: processes.Program, what: str) -> Any:
    """Ask again until something is there; fail when the program has ended, or after ten minutes."""
    until = time.monotonic() + processes.PATIENCE
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            if found := moment():
                return found
        assert program.poll() is None, program.said()
        time.sleep(0.1)
    pytest.fail(f"{what} never came: {program.said()}")


@contextmanager
def scraping(folder: Path, target: str, rules: Path) -> Iterator[tuple[processes.Program, str]]:
    """A Prometheus that scrapes one address; gives it with its own address."""
    job = {"job_name": "geodata-metrics", "static_configs": [{"targets": [target]}]}
    settings = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(rules)],
        "scrape_configs": [job],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    listens = f"127.0.0.1:{free_port()}"
    command = (
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listens}",
    )
    with processes.started(*command) as server:
        yield server, f"http://{listens}"


def scraped(address: str, gauge: str) -> float | None:
    """Give the moment of the last scrape that gave a gauge as 1; None while there is none."""
    if httpx.get(f"{address}/-/ready", timeout=60).status_code != 200:
        return None
    found = _answer(address, f"{gauge}[1h]")
    moments = [float(at) for series in found for at, value in series["values"] if value == "1"]
    return max(moments, default=None)


def ask(address: str, expression: str, at: float) -> dict[tuple[tuple[str, str], ...], float]:
    """Give the samples that an expression has at a moment, by labels without job and instance."""
    return {
        tuple(sorted(labels(each["metric"]).items())): float(each["value"][1])
        for each in _answer(address, expression, time=at)
    }


def _answer(address: str, expression: str, **more: float) -> list[dict[str, Any]]:
    answer = httpx.get(f"{address}/api/v1/query", params={"query": expression, **more}, timeout=60)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)["data"]["result"]


def labels(metric: dict[str, str]) -> dict[str, str]:
    """Give the labels that a metric has of its own."""
    return {name: metric[name] for name in metric if name not in ("job", "instance", "__name__")}
