"""A flow as a command: `python flows/belgium.py --vintage 2022`.

The options are the flow's own parameters, with the types, choices, defaults and descriptions that
the Prefect UI shows in its form. Prefect takes descriptions from the "Args:" section of the flow's
docstring or from `Annotated[..., Field(json_schema_extra={"description": ...})]` (it loses
`Field(description=...)`), and choices from `Literal`, an Enum, or `Field(json_schema_extra={"enum":
[...]})`.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import httpx
from cyclopts import App, CycloptsError, Parameter
from prefect.client.schemas.objects import State
from prefect.context import refresh_global_settings_context
from prefect.exceptions import ParameterTypeError
from prefect.flows import Flow
from prefect.settings import get_current_settings
from prefect.states import Completed, Failed
from prefect.utilities.callables import get_parameter_defaults

from tasks.core.model import scratch
from tasks.core.model.addresses import redact, require_public
from tasks.core.model.errors import ConfigurationError, GeodataError
from tasks.running import local_server
from tasks.running.announcements import is_away
from tasks.running.endings import end, ending_at_once
from tasks.running.heartbeats import prompt_heartbeat

HINT = (
    "No Prefect server is up, so this run starts one, which stays for the runs to come: its pages"
    " show them, and 'make stop' ends it."
)


def run(flow: Flow[..., Any]) -> None:
    """Run a flow with the typed options and end the process: 0, or 1 and the reason on one line."""
    values = parse(flow, sys.argv[1:])
    try:
        choose_server()
    except ConfigurationError as error:
        sys.exit(f"{flow.name}: {error}")
    quiet = QuietConsole()
    for handler in logging.getLogger().handlers:
        handler.addFilter(quiet)
    alive = prompt_heartbeat(flow) if hasattr(flow.fn, "dataset") else nullcontext()
    ended = heard(flow)
    try:
        with ending_at_once(flow.name), alive:
            # Prefect's types forget return_state here
            state: State[Any] = flow(**values, return_state=True)  # type: ignore[assignment]
    except httpx.HTTPError as error:
        state = ended[-1] if ended else Failed(data=ConfigurationError(unheard(error)))
    code = 0 if state.is_completed() else report(flow.name, state, quiet)
    if is_away():
        leave(flow.name, code)
    end(code)


def heard(flow: Flow[..., Any]) -> list[State[Any]]:
    """Return a list that gets how the flow's own function ended, whatever its server knows."""
    function, ended = flow.fn, list[State[Any]]()

    @wraps(function)
    def listened(*arguments: Any, **named: Any) -> Any:
        try:
            result = function(*arguments, **named)
        except BaseException as error:
            ended.append(Failed(data=error, message=str(error)))
            raise
        ended.append(result if isinstance(result, State) else Completed())
        return result

    flow.fn = listened
    return ended


def unheard(error: httpx.HTTPError) -> str:
    """Say that the Prefect server went away before the run had begun."""
    return (
        f"The Prefect server {get_current_settings().api.url} was expected to answer, and does not"
        f" ({str(error) or type(error).__name__}): start it again, or unset PREFECT_API_URL, and"
        " run again. Nothing was done."
    )


def leave(name: str, code: int) -> None:
    """End the process of a run whose Prefect server is away, and say what that means.

    Prefect would go on for minutes to send it what it no longer hears.
    """
    done = "did its work" if code == 0 else "failed, as said above"
    print(
        f"{name}: the Prefect server {get_current_settings().api.url} went away and does not know"
        f" how this run ended: it {done}; catalog.run has the record. Start the server again.",
        file=sys.stderr,
    )
    scratch.leave()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def parse(flow: Flow[..., Any], arguments: list[str]) -> dict[str, Any]:
    """Return the parameters typed, by name and in their types; a wrong one ends the process: 2."""
    app = App(
        name=Path(sys.argv[0]).name,
        help=_introduction(flow),
        help_format="plaintext",
        group_commands="Parameters",  # --help is one of the options
        version_flags=(),
    )
    app.default(_command(flow))
    try:
        given: dict[str, Any] | None = app(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
        if given is None:  # the help was asked for, and shown
            sys.exit(0)
        for value in given.values():
            if isinstance(value, str):
                require_public(value)
        with _unlogged("prefect.flows"):  # what is wrong is said below
            flow.validate_parameters(get_parameter_defaults(flow.fn) | given)
    except (CycloptsError, ParameterTypeError, ConfigurationError) as error:
        sentence = redact(" ".join(str(error).split()))
        print(f"{flow.name}: {sentence} (--help lists the options.)", file=sys.stderr)
        sys.exit(2)
    return given


@contextmanager
def _unlogged(name: str) -> Iterator[None]:
    """Keep what a logger says to itself meanwhile."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def choose_server() -> None:
    """Report to the configured Prefect API, or to this machine's background server.

    That is started where it is not up. Who asks Prefect for a throw-away server, by its variable
    PREFECT_SERVER_EPHEMERAL_ENABLED, gets one. Prefect reads its settings when it is imported,
    which is before this; so they are changed in the environment and read again. Raises
    ConfigurationError when the background server does not come up.
    """
    if get_current_settings().api.url:
        return
    if "PREFECT_PROFILE" not in os.environ:  # a profile that somebody chose is in their own home
        os.environ.setdefault("PREFECT_HOME", str(local_server.home()))
    if os.environ.get("PREFECT_SERVER_EPHEMERAL_ENABLED", "").lower() not in ("1", "true"):
        address = local_server.url()
        if not address:
            print(HINT, file=sys.stderr)
            address = local_server.start()
        os.environ["PREFECT_API_URL"] = address
    refresh_global_settings_context()


def report(name: str, state: State[Any], quiet: QuietConsole) -> int:
    """Print why a run failed, one line for each error explained; others keep their traceback."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, GeodataError):
        quiet.seen[str(error)] = None
    elif isinstance(error, BaseException):
        raise error
    for sentence in quiet.seen or {state.message or f"ended in the state {state.name}.": None}:
        print(f"{name}: {' '.join(sentence.split())}", file=sys.stderr)
    return 1


class QuietConsole(logging.Filter):
    """Keeps Prefect's tracebacks of a GeodataError, which one line replaces, off the console."""

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
    """Return the flow's text before the list of its parameters, a line for each paragraph."""
    text = (flow.description or "").split("\nArgs:")[0].strip()
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _command(flow: Flow[..., Any]) -> Callable[..., dict[str, Any]]:
    """Return a function whose options are a flow's parameters; it gives back those typed."""

    def command(**typed: Any) -> dict[str, Any]:
        return typed

    types, form = get_type_hints(flow.fn), flow.parameters.properties
    given = inspect.signature(flow.fn).parameters.items()
    options = [_option(parameter, types[name], form[name]) for name, parameter in given]
    command.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    return command


def _option(
    parameter: inspect.Parameter, declared: Any, field: dict[str, Any]
) -> inspect.Parameter:
    """Return a parameter with the choices and the description that the Prefect UI shows."""
    explained = Parameter(
        help=" ".join(field.get("description", "").split()),
        show_default=field.get("default") not in (None, []),
        consume_multiple=True,  # --datasets belgium france
        negative_iterable=(),
    )
    return parameter.replace(
        kind=inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[_typed(declared, field), explained],
    )


def _typed(declared: Any, field: dict[str, Any]) -> Any:
    """Return the type of an option: its choices, or words that stand in for other values."""
    if "enum" in field:
        return Literal[tuple(field["enum"])]
    words = tuple(word for each in field.get("anyOf", ()) for word in each.get("enum", ()))
    return declared | Literal[words] if words else declared
