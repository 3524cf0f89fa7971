"""Editions: begun, published and switched. A run builds in its own schema; publishing is a switch
of views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from prefect import runtime
from prefect.deployments import run_deployment
from prefect.events import emit_event
from prefect.exceptions import ObjectNotFound

from tasks.core.archive.store import configured
from tasks.core.catalog import editions, foundations, layers, publications, row_digests
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed, ConfigurationError, GeodataError
from tasks.core.model.handles import Edition, Foundation, Inputs, Staging
from tasks.core.model.recipes import Recipe, followed
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import replays
from tasks.running.policies import RECORD, verb
from tasks.running.site import connect
from tasks.running.steps import recording, say, warn


@verb("stand on {dataset}")
def stand_on(dataset: str, layers: Sequence[str], at_least: int, start: bool = False) -> Foundation:
    """The edition shown of another dataset, some of whose layers this one is made from.

    at_least: the oldest vintage that will do. start: where there is none such, start the deployment
    of that dataset, for its newest vintage, and wait for its end. Raises CheckFailed when there is
    none, or it is older, and it may not be started.
    """
    if recipe := followed():
        return foundations.made_again(
            connect(), dataset, recipe.foundations.get(dataset, 0), layers
        )
    try:
        return foundations.find(connect(), dataset, layers, at_least)
    except CheckFailed as reason:
        if not start:
            raise
        name = dataset.replace("_", "-")
        warn(f"{reason} Starting {name}/{name}.")
        try:
            state = run_deployment(f"{name}/{name}").state  # type: ignore[union-attr]
        except ObjectNotFound:
            raise ConfigurationError(
                f"{reason} No deployment {name}/{name} is on the Prefect server: register it with"
                " `make deploy`."
            ) from None
        if state is None or not state.is_completed():
            raise CheckFailed(
                f"{reason} The run of {name}/{name} was expected to be completed, and it ended as"
                f" {state}: look at its log."
            ) from None
        return foundations.find(connect(), dataset, layers, at_least)


def open_staging(
    dataset: Dataset,
    vintage: int,
    files: Inputs,
    *,
    rebuild: bool = False,
    after: Sequence[Foundation] = (),
) -> Staging:
    """Open the private schema in which the next edition is built.

    The run ends here, well and early, when a published edition was already made from these
    files by this code, unless `rebuild` is set. after: editions of other datasets it stands on;
    their layers are there as <dataset>_<layer>.
    """
    if followed():
        staging = replays.begin(connect(), dataset, vintage, files.originals, after)
    else:
        floor = configured().last_number(dataset.slug)
        staging = editions.begin(
            connect(),
            dataset,
            vintage,
            files.originals,
            runtime.flow_run.id,
            rebuild=rebuild,
            after=after,
            floor=floor,
        )
    say(f"Opened {staging.schema} for edition {staging.edition} of {dataset.slug} {vintage}.")
    return staging


@verb("publish {staging.dataset.slug} {staging.vintage}")
def publish(staging: Staging) -> Edition:
    """Seal every declared layer (key, indexes, descriptions, content hash) and switch the stable
    views to the new edition.

    Readers see the old edition until one short transaction, and the new one with all its provenance
    after it. Raises CheckFailed when a layer is missing, its key does not hold, or a column is not
    described.
    """
    if recipe := followed():
        return _put_back(staging, recipe)
    database = connect()
    with recording(staging, "publish", staging.dataset.schema) as step:
        rows = _sealed(database, staging)
        edition = editions.publish(database, staging)
        step.done(
            f"Published edition {edition.number} of {staging.dataset.slug} {staging.vintage} with"
            f" {len(rows)} layers",
            sum(rows.values()),
            **rows,
        )
    return edition


def _put_back(staging: Staging, recipe: Recipe) -> Edition:
    """Seal the layers of an edition that is made again, and let its content decide: in the place of
    the old one, or as one of its own.
    """
    database = connect()
    with recording(staging, "seal", staging.dataset.schema) as step:
        rows = _sealed(database, staging)
        step.done(f"Sealed {recipe} again with {len(rows)} layers", sum(rows.values()), **rows)
    differing = replays.differing_layers(database, recipe, staging.edition)
    if not differing:
        say(f"Made {recipe} again: identical to its manifest.")
        return replays.put_back(database, staging, recipe)
    differences = {
        layer: _by_key(database, staging, recipe, layer, facts)
        for layer, facts in differing.items()
    }
    edition = replays.publish_instead(database, staging, recipe, differences)
    named = "; ".join(
        f"{layer}: {difference['summary']}" for layer, difference in differences.items()
    )
    warn(f"Made {recipe} again with other content, published as edition {edition.number}. {named}")
    return edition


def _by_key(
    database: Database, staging: Staging, recipe: Recipe, layer: str, facts: str
) -> dict[str, Any]:
    """What differs in a layer: both content hashes, and where the archive has the row digests of
    before, the keys.
    """
    if layer not in recipe.digests or layer not in staging.dataset.layers:
        return {"summary": facts}
    try:
        difference = row_digests.compare(
            database, staging.schema, layer, configured().fetch_digests(recipe.digests[layer])
        )
    except GeodataError as error:
        return {"summary": f"{facts} Its keys could not be compared: {error}"}
    return {"summary": f"{facts} {difference}", **asdict(difference)}


def _sealed(database: Database, staging: Staging) -> dict[str, int]:
    return {
        layer: layers.seal(database, staging, layer, key)
        for layer, key in staging.dataset.layers.items()
    }


def rollback(dataset: str, edition: int | None = None) -> None:
    """Switch the stable views to another kept edition of the same vintage, backwards or forwards,
    also one that was withdrawn.

    Without an edition: the one before the edition shown, of the newest vintage. Raises
    ConfigurationError with the list of kept editions when there is none such, and when no location
    of the archive can keep the record of the switch.
    """
    if edition is None and runtime.flow_run.run_count > 1:
        raise ConfigurationError(
            f"This run for {dataset} was started before and may have switched already: the edition"
            " to show was expected, found none. Look at catalog.publication, and start a new run"
            " that names the edition."
        )
    show_again(dataset, edition or publications.edition_before(connect(), dataset))
    keep_switches(dataset)


def withdraw(dataset: str, vintage: int) -> None:
    """Show a vintage no longer; its tables stay, and it stays withdrawn until a new edition of it
    is made, or rollback() names one.

    Views without a year show the newest vintage still shown. Raises ConfigurationError with the
    list of what is shown when the vintage is not, and when no location of the archive can keep the
    record; CheckFailed when readers' views stand on its views.
    """
    show_no_longer(dataset, vintage)
    keep_switches(dataset)


@verb("show edition {edition} of {dataset}")
def show_again(dataset: str, edition: int) -> None:
    """Switch the stable views of a vintage to one of its kept editions; where it is shown already
    nothing changes.
    """
    vintage, before, now = publications.roll_back(connect(), dataset, edition)
    if before == now:
        warn(f"Edition {now} of {dataset} {vintage} is shown already.")
        return
    _announce("rolled_back", dataset, vintage, now, instead_of=before)
    say(
        f"Switched {dataset} {vintage} from {f'edition {before}' if before else 'its withdrawal'}"
        f" to edition {now}."
    )


@verb("show {dataset} {vintage} no longer")
def show_no_longer(dataset: str, vintage: int) -> None:
    """Take the stable views of a vintage away; where it was withdrawn already nothing changes."""
    number = publications.withdraw(connect(), dataset, vintage)
    if number is None:
        warn(f"The vintage {vintage} of {dataset} was withdrawn already.")
        return
    _announce("withdrawn", dataset, vintage, number)
    say(f"Withdrew {dataset} {vintage}: its edition {number} is shown no longer.")
    if dependent := publications.standing_on(connect(), dataset, number):
        warn(
            f"Made from it and still shown: {', '.join(dependent)}. Run their flows, or withdraw"
            " them too."
        )


@verb("keep the switches of {dataset} in the archive", RECORD)
def keep_switches(dataset: str) -> None:
    """Keep in the archive which editions of a dataset persons had shown again or withdrawn: a
    rebuild from it restores that too.

    Also writes what earlier runs could not. Raises ConfigurationError when no location can take it;
    the switch itself has happened.
    """
    folder, documents = (
        f"publications/{dataset}",
        publications.publication_documents(connect(), dataset),
    )
    try:
        failures = configured().put_missing(folder, documents)
    except ConfigurationError as reason:
        raise ConfigurationError(
            f"The views of {dataset} are switched and stay so, but the archive lacks the record of"
            f" it in {folder}, so that a rebuild would not know: {reason} Then run the same again,"
            " with the edition or vintage named: it does not switch a second time."
        ) from None
    for failure in failures:
        warn(
            f"The archive location {failure} lacks records in {folder}; the next rollback or"
            f" withdrawal of {dataset} adds them."
        )
    say(f"Kept the {len(documents)} switches of {dataset} in the archive, in {folder}.")


def _announce(event: str, dataset: str, vintage: int, number: int, **more: int | None) -> None:
    """Tell the Prefect server what is shown now, so that what stands on it is made again."""
    if runtime.flow_run.id:
        mirror = connect().value(
            "SELECT mirror FROM catalog.edition WHERE dataset = %s AND number = %s", dataset, number
        )
        emit_event(
            f"geodata.edition.{event}",
            resource={"prefect.resource.id": f"geodata.dataset.{dataset}"},
            payload={"vintage": vintage, "edition": number, "mirror": mirror, **more},
        )
