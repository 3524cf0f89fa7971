"""Backfills: every vintage that publishers or the archive still have, the oldest first."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import asdict, dataclass
from typing import Any

from prefect import runtime, tags
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow

from tasks.core.catalog import runs
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed, ConfigurationError, Damaged, SourceError
from tasks.running.announcements import telling
from tasks.running.comparing import KeptForReview
from tasks.running.deployed import Order, deployment_of, live, on_work_pool
from tasks.running.newest import newest_of
from tasks.running.parts import Parts, is_own, told, was_stopped, withdraw
from tasks.running.policies import SERVER, verb
from tasks.running.processes import end_with_parent, flow_of, server_for_all
from tasks.running.runs import in_threads, together
from tasks.running.site import site
from tasks.running.steps import say, warn
from tasks.running.wholeness import patient

UNEXPLAINED = "failed"
BACKFILL = "backfill"  # tag of the runs of vintages
# How Prefect says of a run elsewhere that it failed for its publisher.
OF_PUBLISHER = re.compile(rf"exception: ({SourceError.__name__}|{Damaged.__name__}): ")


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What became of one vintage: published, unchanged, review, not there, or failed."""

    dataset: str
    vintage: int
    outcome: str
    seconds: float
    message: str

    def __str__(self) -> str:
        return f"{self.dataset} {self.vintage} is {self.outcome}: {self.message}"


def backfill_datasets(datasets: Sequence[str], since: int | None, mirror: str | None) -> None:
    """Publish all vintages of datasets that publishers or the archive still have.

    Datasets are filled at the same time, a process each, or where a work pool started this run in
    runs of their own deployments; the vintages of one come after each other, the oldest first, so
    that each is compared with the one before. What is there already and has not changed costs a
    question to its publisher. Keeps the table as an artefact. Raises CheckFailed when a vintage
    failed although its files are there, ConfigurationError when there is none to ask for.
    """
    datasets = [*dict.fromkeys(datasets)]
    if on_work_pool():
        filled = _fill_over_pool(datasets, since, mirror)
    else:
        with server_for_all():
            filling = together(*(fill.submit(dataset, since, mirror) for dataset in datasets))
        filled = [each for future in filling for each in future.result()]
    _require_any(datasets, since, filled)
    if runtime.flow_run.id:
        rows = [{name: str(value) for name, value in asdict(each).items()} for each in filled]
        with telling("which vintages were there"):
            description = "Vintages asked for, the oldest of each dataset first"
            create_table_artifact(rows, key="backfill", description=description)
    if failed := [each for each in filled if each.outcome == UNEXPLAINED]:
        raise CheckFailed(
            f"Of {len(filled):,} vintages, {len(failed):,} could not be made although they are"
            f" there: {'; '.join(map(str, failed))} What is there is published: correct what is"
            " said, and run again."
        )
    counts = Counter(each.outcome for each in filled)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    (warn if counts["review"] else say)(f"Asked for {len(filled):,} vintages: {told}.")


def _require_any(datasets: Sequence[str], since: int | None, filled: Sequence[Filled]) -> None:
    """Say which datasets have no vintage to ask for; raise ConfigurationError where none has."""
    without = [each for each in datasets if each not in {one.dataset for one in filled}]
    found = f"no vintage since {since} of {', '.join(without)}" if datasets else "no dataset"
    if not filled:
        raise ConfigurationError(
            f"At least one vintage was expected to be asked for, found {found}: name a dataset, and"
            " an earlier year."
        )
    if without:
        warn(f"There is {found} to ask for.")


@verb("backfill {dataset}", SERVER)
def fill(dataset: str, since: int | None, mirror: str | None) -> tuple[Filled, ...]:
    """Run the flow of a dataset for each vintage since the first declared, the oldest first."""
    end_with_parent()
    flow, given = flow_of(dataset), {"mirror": mirror}
    return tuple(
        _filled(flow, dataset, each, _of_vintage(each, given))
        for each in _vintages(flow, since, given)
    )


@verb("ask for the vintages of {dataset}", SERVER)
def ask_for_vintages(dataset: str, since: int | None, mirror: str | None) -> tuple[int, ...]:
    """Return the vintages of a dataset since the first declared; 0 for a dataset of one only."""
    return _vintages(flow_of(dataset), since, {"mirror": mirror})


def _vintages(flow: Flow[..., Any], since: int | None, given: dict[str, Any]) -> tuple[int, ...]:
    declared: Dataset = flow.fn.dataset  # type: ignore[attr-defined]
    if not declared.vintages:
        return (0,)
    newest = newest_of(declared, flow.fn.__wrapped__, given)  # type: ignore[attr-defined]
    return tuple(range(max(since or 0, min(declared.vintages)), newest + 1))


def _of_vintage(vintage: int, given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "vintage": vintage} if vintage else given


def _fill_over_pool(datasets: Sequence[str], since: int | None, mirror: str | None) -> list[Filled]:
    """Fill datasets by runs of their deployments, one of each dataset at a time."""
    names = [deployment_of(dataset).partition("/")[2] for dataset in datasets]
    left = [run for run in live(names) if BACKFILL in run.tags and not is_own(run)]
    withdraw(left, running=False)
    asked = {"dataset": list(datasets), "since": since, "mirror": mirror}
    # a process would need the memory of a run
    vintages = in_threads(ask_for_vintages, asked) if datasets else []
    ahead = {each: deque(found) for each, found in zip(datasets, vintages, strict=True)}
    parts, filled = Parts[tuple[str, int]](_is_filled), list[Filled]()

    def start_next(dataset: str) -> None:
        if ahead[dataset]:
            vintage = ahead[dataset].popleft()
            parts.start((dataset, vintage), _order(dataset, vintage, mirror))

    with parts.withdrawn_after_failure(running=False):
        for dataset in ahead:
            start_next(dataset)
        while parts:
            for (dataset, vintage), run in parts.look():
                filled.append(_found(dataset, vintage, run))
                start_next(dataset)
    return sorted(filled, key=lambda each: list(ahead).index(each.dataset))


def _order(dataset: str, vintage: int, mirror: str | None) -> Order:
    return Order(
        deployment=deployment_of(dataset),
        name=f"backfill {dataset} {vintage or ''}".rstrip(),
        key=f"{dataset} {vintage}",
        parameters=_of_vintage(vintage, {"mirror": mirror}),
        tags=(BACKFILL,),
    )


def _is_filled(_: tuple[str, int], run: FlowRun | None) -> bool:
    """Tell whether a vintage needs no other run, also where the pod was lost after its work."""
    if run is None or run.state is None:
        return False
    if _in_catalog(run)[0] in ("published", "unchanged", "review"):
        return True
    return run.state.is_completed() or run.state.is_failed() or was_stopped(run)


@patient
def _in_catalog(run: FlowRun) -> tuple[str | None, str]:
    return runs.ending(site().database, str(run.id))


def _found(dataset: str, vintage: int, run: FlowRun | None) -> Filled:
    """Return what became of a vintage, by the catalog's record of its run."""
    outcome, message = _in_catalog(run) if run else (None, "")
    state = str(run and run.state and run.state.message)
    if run and run.state and run.state.is_completed():
        outcome = outcome or "published"
    elif outcome not in ("published", "unchanged", "review"):
        outcome = "not there" if OF_PUBLISHER.search(state) else UNEXPLAINED
        message = message or f"Its run {told(run)}."
    seconds = round(run.total_run_time.total_seconds(), 1) if run else 0.0
    return _said(dataset, vintage, outcome, seconds, " ".join((message or state).split()))


def _filled(flow: Flow[..., Any], dataset: str, vintage: int, given: dict[str, Any]) -> Filled:
    started = time.perf_counter()
    # a run of its own, as of a rebuild; see tasks.verbs.rebuilds
    state = Context().run(_followed, flow, given)
    outcome, message = _outcome(state)
    return _said(dataset, vintage, outcome, round(time.perf_counter() - started, 1), message)


def _said(dataset: str, vintage: int, outcome: str, seconds: float, message: str) -> Filled:
    filled = Filled(
        dataset=dataset, vintage=vintage, outcome=outcome, seconds=seconds, message=message
    )
    (say if outcome in ("published", "unchanged") else warn)(f"{filled}")
    return filled


def _followed(flow: Flow[..., Any], given: dict[str, Any]) -> State[Any]:
    with tags(BACKFILL):
        # see tasks.running.command_line.run
        state: State[Any] = flow(**given, return_state=True)  # type: ignore[assignment]
        return state


def _outcome(state: State[Any]) -> tuple[str, str]:
    message = " ".join(str(state.message or state.name).split())
    if state.is_completed():
        ended = runs.outcome(site().database, str(state.state_details.flow_run_id))
        return ended or "published", message
    error = state.result(raise_on_failure=False)
    if isinstance(error, KeptForReview):
        return "review", str(error)
    if isinstance(error, SourceError):
        return "not there", str(error)
    return UNEXPLAINED, str(error or message)
