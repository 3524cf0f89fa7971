"""Lines of logs as JSON: what each says, and what none gives away."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import prefect.logging.configuration
import pytest
import yaml

from tasks.running.log_lines import JsonLines, about, conceal, tell

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "deployments/observability/logging.yaml"


@pytest.fixture
def lines() -> JsonLines:
    """The formatter; Python's warnings stay errors, as in all tests."""
    made = JsonLines()
    logging.captureWarnings(False)
    return made


def line(lines: JsonLines, message: object, *values: object, **facts: Any) -> dict[str, Any]:
    """Give a record of a library as it is written, which must be one line."""
    record = logging.LogRecord("library", logging.INFO, "", 1, message, values, None)
    record.__dict__.update(facts)
    written = lines.format(record)
    assert "\n" not in written
    return json.loads(written)


def test_a_line_has_the_moment_in_utc_and_what_was_said(lines: JsonLines) -> None:
    said = line(lines, "Loaded %s features of %s", 3, "Liège", created=1795449600.25)
    assert said == {
        "time": "2026-11-23T16:00:00.250Z",
        "level": "INFO",
        "logger": "library",
        "message": "Loaded 3 features of Liège",
    }


def test_a_line_names_the_run_and_leaves_out_what_is_not_known(lines: JsonLines) -> None:
    said = line(
        lines,
        "Said.",
        flow_name="belgium",
        flow_run_id="1-2",
        flow_run_name="blue-owl",
        task_run_id="3-4",
        request="https://me:hidden@office.example",  # a library's own, which is nobody's business
    )
    assert {name: said[name] for name in ("flow", "flow_run", "flow_run_id", "task_run_id")} == {
        "flow": "belgium",
        "flow_run": "blue-owl",
        "flow_run_id": "1-2",
        "task_run_id": "3-4",
    }
    assert not {"request", "task_run", "dataset", "exception"} & {*said}


def test_what_a_run_is_about_is_named_until_its_end(lines: JsonLines) -> None:
    with about(dataset="belgium"):
        with about(vintage=2026):
            tell(edition=3)
            inner = line(lines, "Within.")
        outer = line(lines, "Outside.")
    assert [inner.get(name) for name in ("dataset", "vintage", "edition")] == ["belgium", 2026, 3]
    assert [outer.get(name) for name in ("dataset", "vintage", "edition")] == [
        "belgium",
        None,
        None,
    ]
    assert "dataset" not in line(lines, "Over.")


def test_another_thread_is_about_nothing_unless_it_is_sent_the_context(lines: JsonLines) -> None:
    found: list[dict[str, Any]] = []
    with about(dataset="belgium"):
        thread = threading.Thread(target=lambda: found.append(line(lines, "Beside.")))
        thread.start()
        thread.join()
    assert "dataset" not in found[0]


def test_an_exception_is_a_field_of_its_own_with_its_traceback(lines: JsonLines) -> None:
    try:
        raise ValueError("https://me:hidden@office.example/file is not there")
    except ValueError as error:
        said = line(lines, "It failed.", exc_info=(ValueError, error, error.__traceback__))
    assert said["message"] == "It failed."
    assert said["exception"].startswith("Traceback (most recent call last):\n")
    assert said["exception"].endswith("ValueError: https://***@office.example/file is not there")


@pytest.mark.parametrize(
    ("variable", "value", "secret"),
    [
        ("GEODATA_DATABASE_URL", "postgresql://me:Straße%2F7@host/name", "Straße/7"),
        ("GEODATA_DRILL_DATABASE_URL", "postgresql://me:Straße%2F7@host/name", "Straße%2F7"),
        ("GEODATA_CREDENTIALS", "https://me:hidden7@office.example", "hidden7"),
        ("AWS_SECRET_ACCESS_KEY", "aws/hidden7+", "aws/hidden7+"),
        ("GEODATA_DATABASE_URL", "postgresql://me@host/name?password=hidden7", "hidden7"),
        ("AWS_SESSION_TOKEN", "hidden7", "hidden7"),
        ("AZURE_STORAGE_ACCOUNT_KEY", "hidden7==", "hidden7=="),
        ("FSSPEC_FTP_PASSWORD", "hidden7", "hidden7"),
        ("PREFECT_API_KEY", "pnu_hidden7", "pnu_hidden7"),
        ("PREFECT_API_AUTH_STRING", "admin:hidden7", "hidden7"),
    ],
)
def test_no_secret_of_the_process_is_in_a_line(
    lines: JsonLines, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, secret: str
) -> None:
    monkeypatch.setenv(variable, value)
    written = line(lines, f"It answered: {secret} is wrong.", stack_info=f"sent {secret}")
    assert written["message"] == "It answered: *** is wrong."
    assert written["exception"] == "sent ***"


def test_settings_that_cannot_be_used_keep_no_line_from_being_written(
    lines: JsonLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_LONGEST_DOWNLOAD_HOURS", "soon")
    assert conceal("asked https://me:hidden@office.example") == "asked https://***@office.example"
    assert line(lines, {"a": "dictionary"})["message"] == "{'a': 'dictionary'}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GEODATA_CREDENTIALS", "https://me:hidden7@office.example"),
        ("AWS_SECRET_ACCESS_KEY", "hidden7"),
    ],
)
def test_a_setting_that_cannot_be_used_gives_no_secret_away(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("GEODATA_LONGEST_DOWNLOAD_HOURS", "soon")
    monkeypatch.setenv(variable, value)
    assert conceal("It answered: hidden7 is wrong.") == "It answered: *** is wrong."


def test_the_name_of_a_file_in_other_letters_is_written_too(lines: JsonLines) -> None:
    name = os.fsdecode(b"Li\xe8ge.csv")
    with about(dataset=name):
        record = logging.LogRecord("library", logging.INFO, "", 1, "Read %s.", (name,), None)
        said = json.loads(lines.format(record).encode("utf-8"))
    assert (said["message"], said["dataset"]) == (r"Read Li\udce8ge.csv.", r"Li\udce8ge.csv")


def test_loggers_and_levels_are_those_of_prefect_itself() -> None:
    read = prefect.logging.configuration.load_logging_config
    theirs = read(prefect.logging.configuration.DEFAULT_LOGGING_SETTINGS_PATH)
    ours = read(SETTINGS)
    for part in ("version", "disable_existing_loggers", "loggers", "root"):
        assert ours[part] == theirs[part]
    assert {*ours["handlers"]} == {*theirs["handlers"]}
    for name in ("api", "worker_api"):
        assert ours["handlers"][name] == theirs["handlers"][name]


def test_every_handler_of_the_console_writes_json_to_the_output() -> None:
    handlers = yaml.safe_load(SETTINGS.read_text())["handlers"]
    for name in ("console", "debug"):
        assert (handlers[name]["formatter"], handlers[name]["stream"]) == (
            "json",
            "ext://sys.stdout",
        )
