"""Log lines as JSON objects, and what a run is about, which each of its lines names.

Prefect's logging uses this where PREFECT_LOGGING_SETTINGS_PATH names
deployments/observability/logging.yaml. It is imported while Prefect itself is, and so imports
nothing of it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pythonjsonlogger.json import JsonFormatter

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.secrets import hide_given
from tasks.core.model.settings import settings

# what Prefect's loggers of runs put into a record, and what it is called in a line
OF_PREFECT = {
    "flow_name": "flow",
    "flow_run_name": "flow_run",
    "flow_run_id": "flow_run_id",
    "task_run_name": "task_run",
    "task_run_id": "task_run_id",
    "worker_name": "worker",
    "work_pool_name": "work_pool",
}
# what a variable is called that holds one, for a location of the archive or for Prefect
SECRETS = re.compile(
    r"(AWS|AZURE|FSSPEC|PREFECT)_(\w+_)?"
    r"(SECRET|PASSWORD|PASSPHRASE|TOKEN|KEY|CONNECTION_STRING)"
)
DATABASES = ("GEODATA_DATABASE_URL", "GEODATA_DRILL_DATABASE_URL")
CREDENTIALS = "GEODATA_CREDENTIALS"
PAIRS = ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING")  # user:password
UNKNOWN = (None, "<unknown>")  # the second is Prefect's word before it has loaded the flow
SHORTEST_SECRET = 6  # characters; a shorter one would be found in words that say nothing of it

_subject: ContextVar[dict[str, Any]] = ContextVar("subject", default={})  # noqa: B039 (never changed)


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Name a dataset, vintage or edition in all lines meanwhile, also in tasks sent to threads.

    What tell() adds meanwhile is forgotten at the end too.
    """
    token = _subject.set(_subject.get() | facts)
    try:
        yield
    finally:
        _subject.reset(token)


def tell(**facts: Any) -> None:
    """Name more of what the run is about, from here to the end of about(); nothing outside it."""
    if subject := _subject.get():
        _subject.set(subject | facts)


class JsonLines(JsonFormatter):
    """Formats a record as one line of JSON, without a secret of this machine.

    Its fields are time (RFC 3339, UTC), level, logger and message; flow, flow_run, flow_run_id,
    task_run and task_run_id in a run; dataset, vintage and edition once they are known; revision of
    the code; exception, with its traceback, in that order. One that is not known is left out.
    """

    def __init__(self) -> None:
        """Let Python's warnings be lines too."""
        super().__init__(json_ensure_ascii=False)
        logging.captureWarnings(True)

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Fill in the fields; what else a library has put into a record stays out."""
        moment = datetime.fromtimestamp(record.created, UTC)
        said = record.message or str(record.msg)
        fields = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": conceal(said),
            **_run(record),
            **_subject.get(),
            "revision": _revision(),
        }
        traces = (message_dict.get(name) for name in ("exc_info", "stack_info"))
        fields["exception"] = conceal("\n".join(filter(None, traces)))
        kept = {name: value for name, value in fields.items() if value not in (None, "")}
        log_data.update({name: _writable(value) for name, value in kept.items()})


def _revision() -> str:
    try:
        return settings().revision
    except ConfigurationError:  # said where the setting is used
        return ""


def _writable(value: Any) -> Any:
    """Give a text as UTF-8 can have it: bytes of a file's name that are no letters as escapes."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def conceal(text: str) -> str:
    """Give a text without the passwords, keys and tokens that this process was given.

    They are taken as they stand in the environment: a setting beside them may be one that cannot be
    used.
    """
    given = {name.upper(): value for name, value in os.environ.items()}
    return hide_given(text, given.get(CREDENTIALS, ""), _secrets(given))


def _secrets(given: Mapping[str, str]) -> Iterator[str]:
    for name in DATABASES:
        with suppress(ValueError):
            url = urlsplit(given.get(name, ""))
            written = url.password or ""
            options = parse_qs(url.query).get("password", [])
            for password in (written, unquote(written), *options):
                yield from _long(password)
    for name, value in given.items():
        if SECRETS.fullmatch(name):
            yield from _long(value)
    for name in PAIRS:
        pair = given.get(name, "")
        yield from (*_long(pair), *_long(pair.partition(":")[2]))


def _long(secret: str) -> tuple[str, ...]:
    return (secret,) if len(secret) >= SHORTEST_SECRET else ()


def _run(record: logging.LogRecord) -> dict[str, Any]:
    """Give the run of a record by what its logger says, or else by the run that is under way."""
    said = {name: getattr(record, field, None) for field, name in OF_PREFECT.items()}
    if said["flow_run_id"] is None and (context := sys.modules.get("prefect.context")):
        said |= _under_way(context)
    return {name: str(value) for name, value in said.items() if value not in UNKNOWN}


def _under_way(context: Any) -> dict[str, Any]:
    flow_run = getattr(context, "FlowRunContext", None)
    task_run = getattr(context, "TaskRunContext", None)
    found: dict[str, Any] = {}
    if (of_flow := flow_run and flow_run.get()) and of_flow.flow_run:
        run = of_flow.flow_run
        found |= {"flow": of_flow.flow and of_flow.flow.name, "flow_run": run.name}
        found["flow_run_id"] = run.id
    if of_task := task_run and task_run.get():
        found |= {"task_run": of_task.task_run.name, "task_run_id": of_task.task_run.id}
        found.setdefault("flow_run_id", of_task.task_run.flow_run_id)
    return found
