"""The Prefect server, asked patiently for runs of deployments: begun, read, cancelled, awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.context import FlowRunContext
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Cancelled, Cancelling
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from tasks.core.model.addresses import redact
from tasks.core.model.errors import ConfigurationError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
PATIENCE = 3600  # seconds for which a server that is away is waited for
AT_ONCE = 200  # runs that a server gives in one answer
LIVE = [
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
]
SIZES = ("cpu_request", "cpu_limit", "memory_request", "memory_limit", "scratch_size")


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run of a deployment to begin.

    deployment: flow and name with a slash. key: the same for a question that is asked again.
    job_variables: those that differ from the deployment's own.
    """

    deployment: str
    name: str
    key: str
    parameters: Mapping[str, Any]
    tags: Sequence[str]
    job_variables: Mapping[str, Any] = field(default_factory=dict)


def deployment_of(dataset: str) -> str:
    """Return the name of the deployment of a dataset's own flow, with that of the flow."""
    name = dataset.replace("_", "-")
    return f"{name}/{name}"


def is_away(error: BaseException) -> bool:
    """Tell whether a server did not answer, or not with a verdict on what it was asked."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, httpx.TransportError)


def patiently(question: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a question to the Prefect server wait where that is away: for an hour, then it raises."""
    waiting = retry(
        retry=retry_if_exception(is_away),
        stop=stop_after_delay(PATIENCE),
        wait=wait_fixed(5),
        reraise=True,
    )

    @wraps(question)
    def asked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        # the client's own pause doubles with each try, up to days
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 2}):
            return question(*args, **kwargs)

    return waiting(asked)


@contextmanager
def _client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def on_work_pool() -> bool:
    """Tell whether the run under way is one that a work pool started."""
    context = FlowRunContext.get()
    return bool(context and context.flow_run and context.flow_run.work_pool_name)


@patiently
def sizes(dataset: str) -> dict[str, Any]:
    """Return the size of a job that its own deployment declares for a dataset; empty if none."""
    with _client() as client:
        try:
            found = client.read_deployment_by_name(deployment_of(dataset))
        except ObjectNotFound:
            return {}
    return {name: value for name, value in found.job_variables.items() if name in SIZES}


@patiently
def begin(order: Order, after: float = 0.0) -> FlowRun:
    """Ask for a run in so many seconds, and return it; one of the same key where there is one.

    Raises ConfigurationError when the server has no such deployment, or refuses what it is given.
    """
    try:
        return run_deployment(  # type: ignore[return-value]  # as it is called, it is no coroutine
            order.deployment,
            parameters=dict(order.parameters),
            scheduled_time=datetime.now(UTC) + timedelta(seconds=after),
            flow_run_name=order.name,
            timeout=0,
            tags=order.tags,
            idempotency_key=order.key,
            as_subflow=False,
            job_variables=dict(order.job_variables) or None,
        )
    except ObjectNotFound:
        raise _unknown(order.deployment) from None
    except httpx.HTTPStatusError as error:
        if is_away(error):
            raise
        raise ConfigurationError(
            f"The Prefect server was expected to take a run of {order.deployment}, and refused it"
            f" ({' '.join(redact(str(error)).split())}): it may be of another revision than this"
            " run; register all of one with `make deploy`, and run again."
        ) from None


@patiently
def read(runs: Sequence[UUID]) -> dict[UUID, FlowRun]:
    """Return runs by their ids as the server knows them now; it may know some no more."""
    found: dict[UUID, FlowRun] = {}
    with _client() as client:
        for first in range(0, len(runs), AT_ONCE):
            some = FlowRunFilterId(any_=list(runs[first : first + AT_ONCE]))
            answer = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=some), limit=AT_ONCE)
            found |= {run.id: run for run in answer}
    return found


@patiently
def live(names: Iterable[str]) -> list[FlowRun]:
    """Return the runs of deployments, by their own names, that have not ended."""
    deployments = DeploymentFilter(name=DeploymentFilterName(any_=list(names)))
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=LIVE))
    found: list[FlowRun] = []
    with _client() as client:
        while len(found) % AT_ONCE == 0:
            some = client.read_flow_runs(
                flow_run_filter=FlowRunFilter(state=states),
                deployment_filter=deployments,
                limit=AT_ONCE,
                offset=len(found),
            )
            if not some:
                break
            found += some
    return found


@patiently
def cancel(run: FlowRun) -> None:
    """Let a run that waits for its start be cancelled, and ask its worker to end any other."""
    message = "What started it does so no more."
    waits = run.state_type == StateType.SCHEDULED
    # one that waits may have run before: as Cancelling, it would hold a place in its queue for ever
    state: State[Any] = Cancelled(message=message) if waits else Cancelling(message=message)
    with _client() as client:
        client.set_flow_run_state(run.id, state)


def run_to_end(deployment: str, because: str) -> State[Any] | None:
    """Run a deployment, as a part of the run under way, and return the state in which it ended.

    Raises ConfigurationError when the server has no such deployment; because: why it is run.
    """
    try:
        return run_deployment(deployment).state  # type: ignore[union-attr]  # as above
    except ObjectNotFound:
        raise _unknown(deployment, f"{because} ") from None


def _unknown(deployment: str, because: str = "") -> ConfigurationError:
    return ConfigurationError(
        f"{because}No deployment {deployment} is on the Prefect server: register it with"
        " `make deploy`."
    )
