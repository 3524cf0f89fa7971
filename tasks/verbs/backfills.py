"""Backfills: every vintage that publishers or the archive still have, the oldest first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextvars import Context
from dataclasses import asdict, dataclass
from typing import Any

from prefect import runtime, tags
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.flows import Flow

from tasks.core.catalog import runs
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed, SourceError
from tasks.running.announcements import telling
from tasks.running.comparing import KeptForReview
from tasks.running.newest import newest_of
from tasks.running.policies import SERVER, verb
from tasks.running.processes import end_with_parent, flow_of, server_for_all
from tasks.running.runs import together
from tasks.running.site import site
from tasks.running.steps import say, warn

UNEXPLAINED = "failed"


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

    Datasets are filled at the same time, a process each; the vintages of one come after each other,
    the oldest first, so that each is compared with the one before. What is there already and has
    not changed costs a question to its publisher. Keeps the table as an artefact. Raises
    CheckFailed when a vintage failed although its files are there.
    """
    with server_for_all():
        filling = together(*(fill.submit(dataset, since, mirror) for dataset in datasets))
    filled = [each for future in filling for each in future.result()]
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


@verb("backfill {dataset}", SERVER)
def fill(dataset: str, since: int | None, mirror: str | None) -> tuple[Filled, ...]:
    """Run the flow of a dataset for each vintage since the first declared, the oldest first."""
    end_with_parent()
    flow = flow_of(dataset)
    declared: Dataset = flow.fn.dataset  # type: ignore[attr-defined]
    given = {"mirror": mirror}
    if not declared.vintages:  # of one vintage only
        return (_filled(flow, declared.slug, 0, given),)
    newest = newest_of(declared, flow.fn.__wrapped__, given)  # type: ignore[attr-defined]
    years = range(max(since or 0, min(declared.vintages)), newest + 1)
    return tuple(_filled(flow, dataset, year, {**given, "vintage": year}) for year in years)


def _filled(flow: Flow[..., Any], dataset: str, vintage: int, given: dict[str, Any]) -> Filled:
    started = time.perf_counter()
    # a run of its own, as of a rebuild; see tasks.verbs.rebuilds
    state = Context().run(_followed, flow, given)
    outcome, message = _outcome(state)
    seconds = round(time.perf_counter() - started, 1)
    filled = Filled(
        dataset=dataset, vintage=vintage, outcome=outcome, seconds=seconds, message=message
    )
    (say if outcome in ("published", "unchanged") else warn)(f"{filled}")
    return filled


def _followed(flow: Flow[..., Any], given: dict[str, Any]) -> State[Any]:
    with tags("backfill"):
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
