"""Rebuilds: all made again from the archive alone, or rehearsed in a throw-away database."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import Context
from dataclasses import replace
from typing import Any

import httpx
from prefect import runtime, tags
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.flows import Flow
from prefect.futures import PrefectFuture, as_completed

from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.recipes import EditionKey, Recipe
from tasks.core.rebuilding import histories, replays
from tasks.core.rebuilding import plans as rebuild_plans
from tasks.core.rebuilding import records as rebuild_records
from tasks.core.rebuilding.plans import Plan, Scope
from tasks.running.announcements import telling
from tasks.running.edition_again import EditionAgain
from tasks.running.endings import why
from tasks.running.locks import alone
from tasks.running.making import made_by
from tasks.running.policies import SERVER, verb
from tasks.running.processes import PROCESS_COUNT, end_with_parent, flow_of, server_for_all
from tasks.running.runs import together
from tasks.running.site import Site, at, site, throwaway
from tasks.running.steps import say, warn
from tasks.running.wholeness import prove

OWN = ("mirror", "rebuild")  # parameters that a recipe takes the place of


@contextmanager
def rebuilding(scope: Scope, *, drill: bool = False) -> Iterator[int]:
    """Keep the record of a rebuild until its verdict, while nobody else publishes there.

    drill: all is done in a throw-away database, which is dropped at the end; its record is kept in
    the catalog of the real one.
    """
    real = site().database
    chosen = throwaway() if drill else nullcontext(site())
    with chosen as here, alone(place := here.database):
        rebuild = rebuild_records.begin(
            place, scope, [each.url for each in here.archive.locations.all], drill=drill
        )
        try:
            yield rebuild
        except BaseException as error:  # no record stays open, also when a person interrupts
            rebuild_records.close(place, rebuild, "failed", why(error))
            raise
        finally:
            if drill:
                rebuild_records.copy(place, real, rebuild)


@verb("restore the catalog for {scope} editions")
def restore_catalog(rebuild: int, scope: Scope, datasets: Sequence[str] = ()) -> Plan:
    """Put the history in the archive back into the catalog; what is there already stays.

    The history is sources, originals, runs, editions, checks and publications. Returns what is to
    be made again, and from what. Raises ConfigurationError when the archive has nothing.
    """
    started, database = time.perf_counter(), site().database
    history = histories.read(site().archive)
    unrestored = histories.restore(database, history)
    for problem in unrestored:
        warn(f"Not restored: {problem}.")
    plan = rebuild_plans.plan(
        database, history, rebuild, scope, datasets, throwaway=site().throwaway
    )
    plan = replace(plan, unrestored=tuple(unrestored))
    say(
        f"Restored the history of {len(history.editions):,} editions from"
        f" {len(history.manifests):,} manifests of originals in {time.perf_counter() - started:.1f}"
        f" s: {len(plan.wanted):,} are to be there, {len(plan.recipes):,} are to be made again."
    )
    return plan


def rebuild_editions(plan: Plan) -> None:
    """Make the editions again, each after those it depends on, past any that cannot be made."""
    ahead = {(recipe.dataset, recipe.number): recipe for recipe in plan.recipes}
    under_way: dict[EditionKey, PrefectFuture[None]] = {}
    with server_for_all():
        while ahead or under_way:
            prove()
            ready = [
                place
                for place, recipe in ahead.items()
                if not recipe.foundations.items() & {*ahead, *under_way}
            ]
            # the longest way first, and never more than there are processes
            for place in ready[: PROCESS_COUNT - len(under_way)]:
                under_way[place] = rebuild_edition.submit(ahead.pop(place))
            ended = next(as_completed(list(under_way.values())))
            ended.result()
            under_way = {place: each for place, each in under_way.items() if each is not ended}


@verb("rebuild {recipe.dataset} {recipe.vintage}, edition {recipe.number}", SERVER)
def rebuild_edition(recipe: Recipe) -> None:
    """Make an edition again by its own flow, and put it back if it equals its manifest.

    It is made from its own originals. Other content is published as an edition of its own. What
    cannot be made is recorded with the reason, and raises nothing.
    """
    end_with_parent()
    with at(Site(recipe.throwaway)):
        _rebuild_edition(recipe)


def _rebuild_edition(recipe: Recipe) -> None:
    started = time.perf_counter()
    if replays.has_verdict(site().database, recipe):  # of an earlier try
        return
    try:
        made = flow_of(recipe.dataset)
    except ConfigurationError as error:
        reason = str(error)
    else:
        # A run of its own, not a sub-run: those write a task run each, for which a busy server on
        # SQLite has no time.
        state = Context().run(_follow, made, recipe)
        if state.is_completed():
            return
        failure = state.result(raise_on_failure=False)
        if isinstance(failure, httpx.HTTPError) and SERVER.is_tried_again():
            raise failure  # of the server of the runs, which is busy: no publisher is asked
        reason = str(failure or state.message)
    replays.record_missing(site().database, recipe, time.perf_counter() - started, reason)
    warn(f"Not rebuilt: {recipe}. {reason}")


@verb("hold edition {place[1]} of {place[0]} to its manifest")
def hold_to_manifest(rebuild: int, place: EditionKey, throwaway: str = "") -> None:
    """Compare an edition's content and views with its manifest; throwaway: as in the plan."""
    started = time.perf_counter()
    verdict = rebuild_records.check(Site(throwaway).database, rebuild, *place)
    (say if verdict == "identical" else warn)(
        f"Held edition {place[1]} of {place[0]} to its manifest: {verdict}, in"
        f" {time.perf_counter() - started:.1f} s."
    )


def check_rebuild(plan: Plan) -> None:
    """Compare all wanted editions with their manifests, and close the record with a verdict.

    Raises CheckFailed when an edition is missing, or differs although it was made by the same code,
    or when the history could not be put back whole; what newer code makes otherwise is said.
    """
    with server_for_all():
        together(*hold_to_manifest.map(plan.rebuild, list(plan.wanted), plan.throwaway))
    database = site().database
    prove()
    replays.clear(database)
    rebuild_plans.remove_stepping_stones(database, plan)
    result = rebuild_records.end(database, plan.rebuild, plan.unrestored)
    if result.others and runtime.flow_run.id:
        description = "Editions that are not as their manifests say"
        with telling("which editions are not as they were"):
            create_table_artifact(list(result.others), key="rebuild", description=description)
    for other in result.others:
        warn(f"Not as it was: {other['edition']} is {other['verdict']}. {other['message']}")
    say(f"{result.message}.")
    if result.unexplained:
        raise CheckFailed(_failure(result))


def _failure(result: rebuild_records.Result) -> str:
    others = [
        f"{each['edition']} is {each['verdict']}: {each['message']}" for each in result.others
    ]
    named = "; ".join(others) or "what is said before"
    return (
        f"{result.message}; all were expected to be identical, found {named}. What is whole is"
        " published. Restore what is missing from a backup of the archive, or use the code that"
        " made the edition (catalog.edition.code_revision), and run again: only what is not there"
        " is made."
    )


def _follow(flow: Flow[..., Any], recipe: Recipe) -> State[Any]:
    with at(Site(recipe.throwaway)), made_by(EditionAgain(recipe)), tags("rebuild"):
        # see tasks.running.command_line.run
        state: State[Any] = flow(**_parameters(flow, recipe), return_state=True)  # type: ignore[assignment]
        return state


def _parameters(flow: Flow[..., Any], recipe: Recipe) -> dict[str, Any]:
    """Return those of the run that made it, as far as the flow still knows them."""
    known = set(flow.parameters.properties) - set(OWN)
    told = {**recipe.parameters, "vintage": recipe.vintage}
    return {name: value for name, value in told.items() if name in known}
