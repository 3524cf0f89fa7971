"""Editions: begun, published and switched. A run builds in its own schema; publishing is a switch of views."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.deployments import run_deployment
from prefect.events import emit_event
from prefect.exceptions import ObjectNotFound

from tasks.connections import connect
from tasks.core.catalogue import editions, foundations, layers
from tasks.core.declarations import Dataset
from tasks.core.errors import CheckFailed, ConfigurationError
from tasks.core.handles import Edition, Foundation, Original, Staging
from tasks.steps import recording, say


@task(task_run_name="stand on {dataset}", cache_policy=NO_CACHE, persist_result=False)
def stand_on(dataset: str, layers: Sequence[str], at_least: int, start: bool = False) -> Foundation:
    """The edition shown of another dataset, some of whose layers this one is made from.

    at_least: the oldest vintage that will do. start: where there is none such, start the deployment of that dataset, for its newest
    vintage, and wait for its end.
    Raises CheckFailed when there is none, or it is older, and it may not be started.
    """
    try:
        return foundations.find(connect(), dataset, layers, at_least)
    except CheckFailed as reason:
        if not start:
            raise
        name = dataset.replace("_", "-")
        say(f"{reason} Starting {name}/{name}.", loudly=True)
        try:
            state = run_deployment(f"{name}/{name}").state  # type: ignore[union-attr]
        except ObjectNotFound:
            raise ConfigurationError(f"{reason} No deployment {name}/{name} is on the Prefect server: register it with `make deploy`.") from None
        if state is None or not state.is_completed():
            raise CheckFailed(f"{reason} The run of {name}/{name} was expected to be completed, and it ended as {state}: look at its log.") from None
        return foundations.find(connect(), dataset, layers, at_least)


def open_staging(dataset: Dataset, vintage: int, *originals: Original, rebuild: bool = False, after: Sequence[Foundation] = ()) -> Staging:
    """Open the private schema in which the next edition is built.

    The run ends here, well and early, when a published edition was already made from these originals by this
    code, unless `rebuild` is set. after: editions of other datasets it stands on; their layers are there as <dataset>_<layer>.
    """
    staging = editions.begin(connect(), dataset, vintage, originals, runtime.flow_run.id, rebuild=rebuild, after=after)
    say(f"Opened {staging.schema} for edition {staging.edition} of {dataset.slug} {vintage}.")
    return staging


@task(task_run_name="publish {staging.dataset.slug} {staging.vintage}", cache_policy=NO_CACHE, persist_result=False)
def publish(staging: Staging) -> Edition:
    """Seal every declared layer (key, indexes, descriptions, content hash) and switch the stable views to the new edition.

    Readers see the old edition until one short transaction, and the new one with all its provenance after it.
    Raises CheckFailed when a layer is missing, its key does not hold, or a column is not described.
    """
    database = connect()
    with recording(staging, "publish", staging.dataset.schema) as step:
        rows = {layer: layers.seal(database, staging, layer, key) for layer, key in staging.dataset.layers.items()}
        edition = editions.publish(database, staging)
        step.done(
            f"Published edition {edition.number} of {staging.dataset.slug} {staging.vintage} with {len(rows)} layers", sum(rows.values()), **rows
        )
    return edition


@task(task_run_name="switch {dataset} to another edition", cache_policy=NO_CACHE, persist_result=False)
def rollback(dataset: str, edition: int | None = None) -> None:
    """Switch the stable views to another kept edition of the same vintage, backwards or forwards.

    Without an edition: the one before the edition shown, of the newest vintage. Raises ConfigurationError with
    the list of kept editions when there is none such.
    """
    database = connect()
    vintage, before, now = editions.roll_back(database, dataset, edition)
    if runtime.flow_run.id:
        mirror = database.value("SELECT mirror FROM catalog.edition WHERE dataset = %s AND number = %s", dataset, now)
        emit_event(
            "geodata.edition.rolled_back", resource={"prefect.resource.id": f"geodata.dataset.{dataset}"},
            payload={"vintage": vintage, "edition": now, "instead_of": before, "mirror": mirror},
        )  # fmt: skip
    say(f"Switched {dataset} {vintage} from edition {before} to edition {now}.")
