"""An edition made again by its own flow, in a run of its own, and what cannot be made recorded."""

from __future__ import annotations

import time
from contextvars import Context
from typing import Any

import httpx
from prefect import tags
from prefect.client.schemas.objects import State
from prefect.flows import Flow

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.recipes import Recipe
from tasks.core.rebuilding import replays
from tasks.running.edition_again import EditionAgain
from tasks.running.locks import Lock, lock_held, proving
from tasks.running.making import made_by
from tasks.running.policies import SERVER
from tasks.running.processes import flow_of
from tasks.running.site import Site, at, site
from tasks.running.steps import warn

OWN = ("mirror", "rebuild")  # parameters that a recipe takes the place of


def make_again(recipe: Recipe) -> None:
    """Make an edition again, unless its rebuild has judged it; record why one cannot be made.

    Raises httpx.HTTPError of a Prefect server that is busy, where the task is tried again.
    """
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
        state = Context().run(_follow, made, recipe, lock_held())
        if state.is_completed():
            return
        failure = state.result(raise_on_failure=False)
        if isinstance(failure, httpx.HTTPError) and SERVER.is_tried_again():
            raise failure  # of the server of the runs, which is busy: no publisher is asked
        reason = str(failure or state.message)
    replays.record_missing(site().database, recipe, time.perf_counter() - started, reason)
    warn(f"Not rebuilt: {recipe}. {reason}")


def _follow(flow: Flow[..., Any], recipe: Recipe, lock: Lock | None) -> State[Any]:
    place, way = Site(recipe.throwaway), EditionAgain(recipe)
    with at(place), made_by(way), proving(lock), tags("rebuild"):
        # see tasks.running.command_line.run
        state: State[Any] = flow(**_parameters(flow, recipe), return_state=True)  # type: ignore[assignment]
        return state


def _parameters(flow: Flow[..., Any], recipe: Recipe) -> dict[str, Any]:
    """Return those of the run that made it, as far as the flow still knows them."""
    known = set(flow.parameters.properties) - set(OWN)
    told = {**recipe.parameters, "vintage": recipe.vintage}
    return {name: value for name, value in told.items() if name in known}
