"""A run of a country's flow, from its first second to its last sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner
from prefect.tasks import Task

from tasks.core.catalog.editions import NothingNew
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed, SourceError, WorkLost
from tasks.core.model.handles import Edition, File, Foundation, Original, Retrieval, Staging
from tasks.core.postgres.outages import DATABASE_FAILURES, is_cut
from tasks.running.endings import Threads
from tasks.running.frames import without_frames
from tasks.running.log_lines import about
from tasks.running.making import making
from tasks.running.newest import asked
from tasks.running.steps import say, warn
from tasks.running.wholeness import await_database

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
# Branches of a flow at the same time; Prefect's own default has no bound.
WORKERS: TaskRunner[Any] = Threads(max_workers=4)
HANDLES = (Edition, File, Foundation, Original, Retrieval, Staging)


def recorded(
    dataset: Dataset,
) -> Callable[[Callable[Parameters, object]], Callable[Parameters, State[Any]]]:
    """Keep a flow's runs in `catalog.run`, one at a time for each dataset.

    A run with nothing new ends well and early. Every run that ends leaves a document in the
    archive, and a report in the Prefect UI. Left-overs of killed runs are cleared first, and their
    documents written. A run that loses the database, or what it had loaded there, begins again,
    once. Raises ConfigurationError when another run of the dataset is under way.
    """

    def decorate(function: Callable[Parameters, object]) -> Callable[Parameters, State[Any]]:
        @wraps(function)
        def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> State[Any]:
            _link_tasks_by_handles()
            given = signature(function).bind(*args, **kwargs)
            given.apply_defaults()
            flow = partial(_followed, dataset, function, given.arguments)
            with about(dataset=dataset.slug), making().reporting(dataset):
                return _run_once_more(dataset, flow)

        run.dataset = dataset  # type: ignore[attr-defined]
        return run

    return decorate


def _run_once_more(dataset: Dataset, flow: Callable[[], object]) -> State[Any]:
    """Run a flow, and from its beginning again when it lost the database or its work there."""
    try:
        return making().run(dataset, flow)
    except (WorkLost, *DATABASE_FAILURES) as loss:
        if not isinstance(loss, WorkLost) and not is_cut(loss):
            raise
        warn(f"{' '.join(str(loss).split())} The run begins again now.")
    await_database()
    return making().run(dataset, flow)


@without_frames()
def _followed(dataset: Dataset, function: Callable[..., object], given: dict[str, Any]) -> None:
    """Run a flow, for the newest vintage where no year was asked for.

    Where that one cannot be shown, the files of the one that is are asked for all the same.
    """
    found = asked(dataset, function, given)
    try:
        for arguments in found.runs:
            with about(vintage=arguments.get("vintage")):
                function(**arguments)
    except (CheckFailed, SourceError):
        if found.instead:
            _keep_current(function, found.instead)
        raise


def _keep_current(function: Callable[..., object], arguments: dict[str, Any]) -> None:
    """Run a flow for the vintage that stays shown; what keeps it from that is only said."""
    vintage = arguments["vintage"]
    say(f"The newest vintage cannot be shown; {vintage}, which stays shown, is asked for.")
    try:
        with about(vintage=vintage):
            function(**arguments)
    except NothingNew as news:
        say(str(news))
    except (CheckFailed, SourceError) as error:
        warn(f"Nor could {vintage} be made anew: {error}")


def together(*futures: PrefectFuture[Any]) -> tuple[PrefectFuture[Any], ...]:
    """Wait for tasks until all have ended; return them, or raise the first failure."""
    for future in futures:
        future.wait()
    for future in futures:
        future.result()
    return futures


def in_threads(task: Task[..., Result], given: Mapping[str, Any]) -> list[Result]:
    """Run a task for each element of its arguments, four at a time, in threads of this process.

    Gives all results once all have ended, or raises the first failure.
    """
    with WORKERS.duplicate() as threads:
        futures = threads.map(task, dict(given))  # type: ignore[arg-type]  # it is no coroutine
        return [future.result() for future in together(*futures)]


class _Handles(dict[int, Any]):
    """What tasks gave back, by identity; only handles tell which task follows which.

    Prefect also links tasks by texts within results, and the one text "new" would join every
    download with every other.
    """

    def __setitem__(self, identity: int, entry: Any) -> None:
        if isinstance(entry[-1]() if callable(entry[-1]) else None, HANDLES):
            super().__setitem__(identity, entry)


def _link_tasks_by_handles() -> None:
    """Let the graph in the Prefect UI show the way of the data and nothing else."""
    if context := FlowRunContext.get():
        context.run_results = _Handles(context.run_results)
