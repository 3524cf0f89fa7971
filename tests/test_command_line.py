"""A flow as a command, and the background Prefect server it reports to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import processes
import pytest
from deployed import wait
from prefect import flow
from pydantic import Field

from tasks.running import local_server
from tasks.running.command_line import HINT, parse

TINY = '''
from prefect import flow, task
from prefect.states import Failed
from tasks.running.command_line import run
from tasks.core.model.errors import CheckFailed

@task
def check(case: str) -> None:
    if case == "contradicted":
        raise CheckFailed("Rows of 'shapes': expected 3, found 2; correct the declaration.")
    if case == "broken":
        raise ValueError("a mistake in the code")

@flow
def tiny(case: str = "good"):
    """A tiny country.

    Its second paragraph, 100 % synthetic.

    Args:
        case: What happens
            to the run.
    """
    check(case)
    if case == "returned":
        return Failed(message="Two layers are missing.")

if __name__ == "__main__":
    run(tiny)
'''
SENTENCE = "tiny: Rows of 'shapes': expected 3, found 2; correct the declaration."


class Coast(Enum):
    HIGH = "high"
    LOW = "low"


@flow
def sample(
    required: int,
    vintage: Annotated[
        int, Field(json_schema_extra={"enum": [2024, 2025], "description": "Year published."})
    ] = 2025,
    gap_metres: Annotated[float, Field(ge=0)] = 1.0,
    coast: Coast = Coast.HIGH,
    level: Literal["all"] | None = None,
    mirror: str | None = None,
    names: list[str] | None = None,
    years: list[Literal[1, 2]] | None = None,
    bounds: dict[str, float] | None = None,
    rebuild: bool = False,
) -> None:
    """A flow with every kind of parameter."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a flow, as a person has it."""
    file = tmp_path_factory.mktemp("flow") / "tiny.py"
    file.write_text(TINY)
    return file


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return processes.run(sys.executable, *map(str, arguments), env=os.environ | environment)


def unboxed(shown: str) -> str:
    """The words of a help text on one line, without the box around its options."""
    return " ".join(shown.replace("│", " ").split())


def test_parameters_arrive_in_their_types() -> None:
    typed = (
        "--required 7 --vintage 2024 --gap-metres 0.5 --coast low --level all --mirror m --names"
        " 01001 2A004 --years 1 2 --rebuild"
    )
    assert parse(sample, [*typed.split(), "--bounds", '{"west": 2.5}']) == {
        "required": 7,
        "vintage": 2024,
        "gap_metres": 0.5,
        "coast": Coast.LOW,
        "level": "all",
        "mirror": "m",
        "names": ["01001", "2A004"],
        "years": [1, 2],
        "rebuild": True,
        "bounds": {"west": 2.5},
    }


def test_what_is_not_typed_is_left_to_the_flow() -> None:
    assert parse(sample, ["--required", "1", "--no-rebuild"]) == {"required": 1, "rebuild": False}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--required 1 --vintage 2030", '"2030" for --vintage. Choose from: 2024, 2025.'),
        ("--required 1 --coast steep", '"steep" for --coast. Choose from: "high", "low".'),
        ("--required 1 --years 3", '"3" for --years. Choose from: 1, 2.'),
        ("--required seven", '--required: unable to convert "seven" into int.'),
        ("--required 1 --gap-metres -1", "greater than or equal to 0"),
        ("--required 1 --vint 2024", "Unknown option: --vint. Did you mean --vintage?"),
        ("--required 1 2024", "Unused Tokens: ['2024']."),
        ("--required 1 --mirror", "--mirror requires an argument"),
        ("--vintage 2024", "--required requires an argument"),
    ],
)
def test_a_wrong_option_is_refused_with_the_choices(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(sample, typed.split())
    assert ended.value.code == 2
    refused = capsys.readouterr().err
    assert said in refused
    assert refused.startswith("sample: ")
    assert refused.endswith(" (--help lists the options.)\n")


def test_help_shows_the_form_of_the_user_interface(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(sample, ["--help"])
    shown = capsys.readouterr().out
    assert "A flow with every kind of parameter." in shown
    assert "Year published. [choices: 2024, 2025] [default: 2025]" in unboxed(shown)
    assert sample.parameters.properties["vintage"]["description"] == "Year published."


@pytest.mark.slow
def test_help_of_a_file_starts_no_server(tiny: Path, tmp_path: Path) -> None:
    done = command(tiny, "--help", GEODATA_DATA=str(tmp_path))
    assert done.returncode == 0
    assert "Its second paragraph, 100 % synthetic." in done.stdout
    assert "What happens to the run. [default: good]" in unboxed(done.stdout)
    assert "Args:" not in done.stdout
    assert list(tmp_path.iterdir()) == []


CHOICE = """
from tasks.running.command_line import choose_server
choose_server()
from prefect.settings import get_current_settings as now
print(now().api.url, now().home, now().server.analytics_enabled)
"""


@pytest.mark.slow
def test_a_configured_api_is_used_and_its_settings_left_alone(tmp_path: Path) -> None:
    done = command(
        "-c",
        CHOICE,
        PREFECT_API_URL="http://127.0.0.1:9/api",
        HOME=str(tmp_path),
        GEODATA_DATA=str(tmp_path / "data"),
    )
    assert done.stdout.split()[:2] == ["http://127.0.0.1:9/api", str(tmp_path / ".prefect")]
    assert HINT not in done.stderr


@pytest.mark.slow
def test_a_throw_away_server_of_prefect_keeps_its_files_in_the_data_folder(tmp_path: Path) -> None:
    places = {"HOME": str(tmp_path), "GEODATA_DATA": str(tmp_path / "data")}
    done = command("-c", CHOICE, PREFECT_SERVER_EPHEMERAL_ENABLED="true", **places)
    assert done.stdout.split() == ["None", str(tmp_path / "data/prefect"), "False"]
    assert done.stderr == ""


def test_a_state_file_of_a_server_that_is_gone_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path))
    state = local_server.home() / "server.json"
    state.write_text(
        json.dumps({"url": "http://127.0.0.1:9/api", "port": 9, "pid": os.getpid()})
    )  # the id of another program
    assert local_server.url() is None
    assert local_server.stop() is False
    assert not state.exists()
    state.write_text("half a f")
    assert local_server.url() is None


def test_the_background_server_starts_once(background_server: str) -> None:
    assert local_server.start() == local_server.url() == background_server
    shown = command("-m", "tasks.running.local_server", "url")
    assert (shown.returncode, shown.stdout.strip()) == (0, background_server)


def test_a_good_run_reports_to_the_background_server(background_server: str, tiny: Path) -> None:
    done = command(tiny)
    assert done.returncode == 0, done.stderr
    assert background_server.removesuffix("/api") + "/runs/flow-run/" in done.stderr
    assert HINT not in done.stderr


def test_a_run_that_ends_at_once_has_told_its_server_all(
    background_server: str, tiny: Path, tmp_path: Path
) -> None:
    country = tmp_path / "country.py"  # Prefect's heartbeat is replaced where a dataset is made
    country.write_text(
        tiny.read_text().replace("\nif __name__", "\ntiny.fn.dataset = None\nif __name__")
    )
    done = command(country, PREFECT_LOGGING_TO_API_ENABLED="true")
    assert done.returncode == 0, done.stderr
    run = re.findall(r"/runs/flow-run/(\S+)", done.stderr)[0]
    assert asked(background_server, f"flow_runs/{run}")["state_type"] == "COMPLETED"
    of_run = {"logs": {"flow_run_id": {"any_": [run]}}}
    said = [log["message"] for log in asked(background_server, "logs/filter", of_run)]
    assert said[-1] == "Finished in state Completed()"
    about = {"resource": {"id_prefix": [f"prefect.flow-run.{run}"]}}
    of_task = {"related": {"id": [f"prefect.flow-run.{run}"]}}
    for event, its in (
        ("prefect.flow-run.heartbeat", about),
        ("prefect.task-run.Completed", of_task),
    ):
        found = {"filter": {"event": {"name": [event]}, **its}}
        wait(lambda found=found: asked(background_server, "events/filter", found)["events"], event)


def asked(server: str, path: str, what: dict[str, Any] | None = None) -> Any:
    """Ask the API of a server, with a body or without one."""
    method = "GET" if what is None else "POST"
    return httpx.request(method, f"{server}/{path}", json=what).raise_for_status().json()


def test_a_contradicted_declaration_ends_in_one_line(background_server: str, tiny: Path) -> None:
    done = command(tiny, "--case", "contradicted")
    assert done.returncode == 1
    # on a busy machine Prefect's own worker has a last word
    said = [line for line in done.stderr.strip().splitlines() if "EventsWorker" not in line]
    assert said[-1] == SENTENCE
    assert done.stderr.count("expected 3, found 2") == 1
    assert "Traceback" not in done.stderr


def test_a_mistake_in_the_code_keeps_its_traceback(background_server: str, tiny: Path) -> None:
    done = command(tiny, "--case", "broken")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "ValueError: a mistake in the code"
    assert "Traceback" in done.stderr


def test_a_failed_state_without_an_error_says_its_message(
    background_server: str, tiny: Path
) -> None:
    done = command(tiny, "--case", "returned")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "tiny: Two layers are missing."


@pytest.mark.prefect
def test_without_a_server_the_run_starts_one_that_stays_until_it_is_stopped(
    tiny: Path, tmp_path: Path
) -> None:
    place = {"GEODATA_DATA": str(tmp_path)}
    try:
        first, second = (command(tiny, "--case", "contradicted", **place) for _ in range(2))
        shown = command("-m", "tasks.running.local_server", "url", **place)
    finally:
        stopped = command("-m", "tasks.running.local_server", "stop", **place)
    assert first.returncode == second.returncode == 1
    assert (HINT in first.stderr, HINT in second.stderr) == (True, False)
    assert SENTENCE in first.stderr.splitlines()
    assert shown.stdout.removesuffix("/api\n") + "/runs/flow-run/" in second.stderr
    assert stopped.stdout == "The Prefect server has stopped.\n"


@pytest.mark.slow
def test_a_server_that_does_not_come_up_is_one_sentence(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "prefect").mkdir()
    (tmp_path / "prefect/prefect.db").mkdir()  # where Prefect keeps its history
    done = command(tiny, GEODATA_DATA=str(tmp_path))
    assert done.returncode == 1
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("tiny: The Prefect server on http://127.0.0.1:")
    assert "ended before it was up: its log" in sentence


def test_stopping_ends_the_server_and_says_so(background_server: str) -> None:
    stopped = [command("-m", "tasks.running.local_server", "stop").stdout.strip() for _ in range(2)]
    assert stopped == ["The Prefect server has stopped.", "The Prefect server was not running."]
    assert local_server.url() is None
    assert command("-m", "tasks.running.local_server", "url").returncode == 1
