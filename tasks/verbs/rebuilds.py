"""Rebuilds: all made again from the archive alone, or rehearsed in a throw-away database."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from prefect import runtime
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Completed

from tasks.core.model.errors import CheckFailed
from tasks.core.model.recipes import EditionKey, Recipe
from tasks.core.rebuilding import histories, replays
from tasks.core.rebuilding import plans as rebuild_plans
from tasks.core.rebuilding import records as rebuild_records
from tasks.core.rebuilding.plans import Plan, Scope
from tasks.running.announcements import telling
from tasks.running.deployed import on_work_pool
from tasks.running.endings import why
from tasks.running.locks import alone, await_parts, holding
from tasks.running.policies import SERVER, verb
from tasks.running.pooled_rebuild import begin_part, rebuild_over_pool, withdraw_left_parts
from tasks.running.processes import PROCESS_COUNT, end_with_parent, server_for_all
from tasks.running.remaking import make_again
from tasks.running.runs import in_threads, together
from tasks.running.site import Site, at, site, throwaway
from tasks.running.steps import say, warn
from tasks.running.wholeness import prove


@contextmanager
def rebuilding(scope: Scope, *, drill: bool = False) -> Iterator[int]:
    """Keep the record of a rebuild until its verdict, while nobody else publishes there.

    drill: all is done in a throw-away database, which is dropped at the end; its record is kept in
    the catalog of the real one.
    """
    real = site().database
    chosen = throwaway() if drill else nullcontext(site())
    with chosen as here, alone(place := here.database):
        rebuild_records.end_killed(place)  # from here on none of their parts begins
        if on_work_pool():
            withdraw_left_parts(here)
        await_parts(place)
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
    """Make the editions again, each after those it depends on, past any that cannot be made.

    Each is a run of its own where a work pool started this one, and a process of this machine else.
    """
    if on_work_pool():
        rebuild_over_pool(plan)
    else:
        _rebuild_in_processes(plan)


def _rebuild_in_processes(plan: Plan) -> None:
    ahead = {(recipe.dataset, recipe.number): recipe for recipe in plan.recipes}
    under_way: dict[EditionKey, PrefectFuture[None]] = {}
    with server_for_all():
        while ahead or under_way:
            prove()
            # the longest way first, and never more than there are processes
            for place in rebuild_plans.ready(ahead, under_way)[: PROCESS_COUNT - len(under_way)]:
                under_way[place] = rebuild_edition.submit(ahead.pop(place))
            ended = next(as_completed(list(under_way.values())))
            ended.result()
            under_way = {place: each for place, each in under_way.items() if each is not ended}


def rebuild_as_part(rebuild: int, dataset: str, number: int, throwaway: str) -> State[Any] | None:
    """Make an edition again as a part of a rebuild that is under way, in a run of its own.

    rebuild: row of catalog.rebuild. throwaway: name of the database of a drill. What it is made
    from is in the archive. Ends at once, and says so, where nobody waits for it any more.
    """
    with at(Site(throwaway)) as place:
        edition = (dataset, number)
        recipe = rebuild_plans.recipe_of(place.database, place.archive, rebuild, edition, throwaway)
        begun = begin_part(recipe)
        if isinstance(begun, str):
            say(begun)
            return Completed(name="Passed over", message=begun)
        with holding(begun):
            rebuild_edition(recipe)
    return None


@verb("rebuild {recipe.dataset} {recipe.vintage}, edition {recipe.number}", SERVER)
def rebuild_edition(recipe: Recipe) -> None:
    """Make an edition again by its own flow, and put it back if it equals its manifest.

    It is made from its own originals. Other content is published as an edition of its own. What
    cannot be made is recorded with the reason, and raises nothing.
    """
    end_with_parent()
    with at(Site(recipe.throwaway)):
        make_again(recipe)


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
    _hold_all(plan)
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


def _hold_all(plan: Plan) -> None:
    """Hold the wanted editions to their manifests, some at once; in a small pod by threads."""
    held: dict[str, Any] = {
        "rebuild": plan.rebuild,
        "place": list(plan.wanted),
        "throwaway": plan.throwaway,
    }
    if on_work_pool():
        in_threads(hold_to_manifest, held)
    else:
        with server_for_all():
            together(*hold_to_manifest.map(**held))


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
