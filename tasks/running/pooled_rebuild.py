"""A rebuild over a work pool: each edition is a run of a deployment, started again when lost.

The database decides who works: parts hold locks of their own, and begin only for a rebuild that has
the lock of the whole database and an open record. Prefect's word on a run decides nothing but
whether it is started again.
"""

from __future__ import annotations

import time
from functools import cache

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tasks.core.model.recipes import EditionKey, Recipe
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import plans, records, replays
from tasks.core.rebuilding.plans import Plan
from tasks.running import deployed
from tasks.running.deployed import Order
from tasks.running.locks import LOOKED_AT_EVERY, Lock, Taken, is_being_rebuilt, lock_of_part
from tasks.running.parts import Parts, told, was_stopped, withdraw
from tasks.running.site import Site, site
from tasks.running.steps import say, warn
from tasks.running.wholeness import PATIENCE, patient, prove

NAME = "rebuild-edition"
TAKEN_FOR = 3600  # seconds for which another maker of the same edition is waited for


def rebuild_over_pool(plan: Plan) -> None:
    """Start a run for each edition whose foundations are there, until all are judged.

    The work pool says how many are made at once. One that was lost twice more, or that a person
    stopped, is recorded as missing.
    """
    recipes = {(each.dataset, each.number): each for each in plan.recipes}
    ahead, under_way = dict(recipes), set[EditionKey]()
    parts = Parts[EditionKey](lambda place, run: _is_judged(recipes[place]) or was_stopped(run))
    size_of = cache(deployed.sizes)
    with parts.withdrawn_after_failure(running=bool(plan.throwaway)):
        while ahead or under_way:
            prove()
            for place in plans.ready(ahead, under_way):
                recipe = ahead.pop(place)
                parts.start(place, _order(recipe, size_of(recipe.dataset)))
                under_way.add(place)
            for place, run in parts.look():
                under_way.remove(place)
                if not _is_judged(recipes[place]):
                    _record_lost(recipes[place], f"Its run {told(run)}.")


def withdraw_left_parts(place: Site) -> None:
    """Cancel what a rebuild of the same place left when it died, where it has not started.

    What runs is named: await_parts() waits for it. Parts of a drill, whose database is in vain now,
    are cancelled in any case.
    """
    is_drill = bool(place.throwaway)
    live = deployed.live([NAME])
    left = [run for run in live if bool(run.parameters.get("throwaway")) == is_drill]
    withdraw(left, running=is_drill)
    for run in left:
        if not is_drill and run.state and run.state.is_running():
            say(f"The run {run.name}, which an earlier rebuild had started, is waited for.")


def begin_part(recipe: Recipe) -> Lock | str:
    """Take the lock of a part of a rebuild, or return why there is nothing to do for it.

    Another maker of the same edition is waited for, for an hour; then Taken is raised.
    """
    database = site().database
    lock = _taken_patiently(database, recipe)
    if not records.is_under_way(database, recipe.rebuild):
        reason = f"The rebuild that wanted {recipe} has ended; another makes what it lacks."
    elif not _is_led(database):
        reason = f"The rebuild that wanted {recipe} has died: run it again."
    else:
        return lock
    lock.release()
    return reason


@retry(
    retry=retry_if_exception_type(Taken),
    stop=stop_after_delay(TAKEN_FOR),
    wait=wait_fixed(LOOKED_AT_EVERY),
    reraise=True,
)
def _taken_patiently(database: Database, recipe: Recipe) -> Lock:
    return lock_of_part(database, recipe)


def _is_led(database: Database) -> bool:
    """Tell whether the rebuild has its lock, which it takes again after a crash of the server."""
    until = time.monotonic() + PATIENCE
    while not (is_led := is_being_rebuilt(database)) and time.monotonic() < until:
        time.sleep(LOOKED_AT_EVERY)
    return is_led


@patient
def _is_judged(recipe: Recipe) -> bool:
    return replays.has_verdict(site().database, recipe)


@patient
def _record_lost(recipe: Recipe, reason: str) -> None:
    replays.record_missing(site().database, recipe, 0.0, reason)
    warn(f"Not rebuilt: {recipe}. {reason}")


def _order(recipe: Recipe, size: dict[str, str]) -> Order:
    return Order(
        deployment=f"{NAME}/{NAME}",
        name=f"rebuild {recipe.dataset}, edition {recipe.number}",
        key=f"{recipe.rebuild} {recipe.dataset} {recipe.number}",
        parameters={
            "rebuild": recipe.rebuild,
            "dataset": recipe.dataset,
            "number": recipe.number,
            "throwaway": recipe.throwaway,
        },
        tags=("rebuild",),
        job_variables=size,
    )
