"""A flow as a command: `python flows/belgium.py --vintage 2022`.

The options are the flow's own parameters, with the types, choices, defaults and descriptions that
the Prefect UI shows in its form. Prefect takes descriptions from the "Args:" section of the flow's
docstring or from `Annotated[..., Field(json_schema_extra={"description": ...})]` (it loses
`Field(description=...)`), and choices from `Literal`, an Enum, or `Field(json_schema_extra={"enum":
[...]})`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from prefect.client.schemas.objects import State
from prefect.context import refresh_global_settings_context
from prefect.exceptions import ParameterTypeError
from prefect.flows import Flow
from prefect.settings import get_current_settings
from prefect.utilities.callables import get_parameter_defaults

from tasks.core.model.errors import GeodataError
from tasks.running import local_server

HINT = (
    "No Prefect server is up, so this run starts one for itself (some twenty seconds); 'make"
    " server' starts one that stays, with its UI."
)
CONVERTERS: dict[str, Callable[[str], Any]] = {"integer": int, "number": float, "string": str}


def run(flow: Flow[..., Any]) -> None:
    """Run a flow with the options typed behind its file's name; the process ends with 0, or 1 and
    the reason on one line.
    """
    values = parse(flow, sys.argv[1:])
    choose_server()
    quiet = QuietConsole()
    for handler in logging.getLogger().handlers:
        handler.addFilter(quiet)
    try:
        # Prefect's types forget return_state here
        state: State[Any] = flow(**values, return_state=True)  # type: ignore[assignment]
    except KeyboardInterrupt:
        print(f"{flow.name}: interrupted.", file=sys.stderr)
        sys.exit(130)
    sys.exit(0 if state.is_completed() else report(flow.name, state, quiet))


def parse(flow: Flow[..., Any], arguments: list[str]) -> dict[str, Any]:
    """The parameters given on the command line, by name and in their types; ends the process on a
    wrong one.
    """
    parser = argparse.ArgumentParser(
        description=_introduction(flow),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,  # what is not typed is left to the flow's own default
    )
    schema = flow.parameters.model_dump_for_openapi()
    for name, field in schema.get("properties", {}).items():
        _add_option(
            parser,
            name,
            _resolve(field, schema.get("definitions", {})),
            required=name in schema.get("required", []),
        )
    values = vars(parser.parse_args(arguments))
    try:
        flow.validate_parameters(get_parameter_defaults(flow.fn) | values)
    except ParameterTypeError as error:
        parser.error(" ".join(str(error).split()))
    return values


def choose_server() -> None:
    """Let the run report to the configured Prefect API, else to this machine's background server,
    else to one of its own.

    Prefect reads its settings when it is imported, which is before this; so they are changed in the
    environment, for the server it may start, and read again.
    """
    if get_current_settings().api.url:
        return
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "true")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    if "PREFECT_PROFILE" not in os.environ:  # a profile that somebody chose is in their own home
        os.environ.setdefault("PREFECT_HOME", str(local_server.home()))
    if address := local_server.url():
        os.environ["PREFECT_API_URL"] = address
    else:
        print(HINT, file=sys.stderr)
    refresh_global_settings_context()


def report(name: str, state: State[Any], quiet: QuietConsole) -> int:
    """Say on stderr why a run failed: one line for each error this project explains; any other
    keeps its traceback.
    """
    error = state.result(raise_on_failure=False)
    if isinstance(error, GeodataError):
        quiet.seen[str(error)] = None
    elif isinstance(error, BaseException):
        raise error
    for sentence in quiet.seen or {state.message or f"ended in the state {state.name}.": None}:
        print(f"{name}: {' '.join(sentence.split())}", file=sys.stderr)
    return 1


class QuietConsole(logging.Filter):
    """Keeps Prefect's tracebacks of a GeodataError off the console, where one line follows at the
    end; the UI has them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, None] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the console shows a record."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, GeodataError):
            self.seen[str(error)] = None
            return False
        return not (self.seen and record.getMessage().startswith("Finished in state Failed"))


def _introduction(flow: Flow[..., Any]) -> str:
    """The paragraphs of the flow's text before the list of its parameters."""
    return (flow.description or "").split("\nArgs:")[0].strip()


def _resolve(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without its indirections: an Enum by reference, a type that may also be
    None.
    """
    for option in field.get("anyOf", []) or field.get("allOf", []):
        if option.get("type") != "null":
            return field | _resolve(option, definitions)
    if "$ref" in field:
        return dict(definitions[field["$ref"].rsplit("/", 1)[-1]]) | field
    return field


def _add_option(
    parser: argparse.ArgumentParser, name: str, field: dict[str, Any], required: bool
) -> None:
    option: dict[str, Any] = {
        "dest": name,
        "help": _explanation(field, required),
        "required": required,
    }
    items = field.get("items", {}) if field.get("type") == "array" else field
    if field.get("type") == "boolean":
        option["action"] = argparse.BooleanOptionalAction
    else:
        option["type"] = CONVERTERS.get(items.get("type", ""), json.loads)
        option["choices"] = items.get("enum") or ([items["const"]] if "const" in items else None)
        option["metavar"] = (
            None
            if option["choices"]
            else (items.get("format") or items.get("type", "json")).upper()
        )
        option["nargs"] = None if items is field else "*"
    parser.add_argument(f"--{name.replace('_', '-')}", **option)


def _explanation(field: dict[str, Any], required: bool) -> str:
    text = " ".join(field.get("description", "").split())
    default = field.get("default")
    if required:
        text += " (required)"
    elif default is not None and default != []:
        text += f" (default: {default})"
    return text.strip().replace("%", "%%")
