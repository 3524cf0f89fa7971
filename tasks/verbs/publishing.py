"""Editions: begun in a schema of their own, published and switched by stable views."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import runtime
from prefect.events import emit_event

from tasks.core.catalog import provenance, publications
from tasks.core.catalog.publication_documents import publication_documents
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Edition, Foundation, Inputs, Staging
from tasks.running.log_lines import tell
from tasks.running.making import making
from tasks.running.policies import RECORD, verb
from tasks.running.site import site
from tasks.running.steps import say, warn


@verb("stand on {dataset}")
def stand_on(dataset: str, layers: Sequence[str], at_least: int, start: bool = False) -> Foundation:
    """Return the edition shown of another dataset, some of whose layers this one is made from.

    at_least: the oldest vintage that will do. start: where there is none such, start the deployment
    of that dataset, for its newest vintage, and wait for its end. Raises CheckFailed when there is
    none, or it is older, and it may not be started.
    """
    return making().foundation(dataset, layers, at_least, start=start)


def open_staging(
    dataset: Dataset,
    vintage: int,
    files: Inputs,
    *,
    rebuild: bool = False,
    after: Sequence[Foundation] = (),
) -> Staging:
    """Open the private schema in which the next edition is built.

    The run ends here, well and early, when a published edition was already made from these files by
    this code, unless `rebuild` is set. after: editions of other datasets it depends on; their
    layers are there as <dataset>_<layer>.
    """
    staging = making().begin(dataset, vintage, files.originals, after, rebuild=rebuild)
    tell(vintage=staging.vintage, edition=staging.edition)
    say(f"Opened {staging.schema} for edition {staging.edition} of {dataset.slug} {vintage}.")
    return staging


@verb("publish {staging.dataset.slug} {staging.vintage}")
def publish(staging: Staging) -> Edition:
    """Seal every declared layer and switch the stable views to the new edition.

    Sealing gives key, indexes, descriptions and content hash. Readers see the old edition until one
    short transaction, and the new one with all its provenance after it. Raises CheckFailed when a
    layer is missing, its key does not hold, a column is not described, a figure cannot be (a count
    below 0, NaN), or a required check has failed.
    """
    if not provenance.checked(site().database, staging):
        warn(f"No check was made of edition {staging.edition} of {staging.dataset.slug}.")
    return making().publish(staging)


def rollback(dataset: str, edition: int | None = None) -> None:
    """Switch the stable views to another kept edition of the vintage, also one withdrawn.

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
    show_again(dataset, edition or publications.edition_before(site().database, dataset))
    keep_switches(dataset)


def withdraw(dataset: str, vintage: int) -> None:
    """Show a vintage no longer, until a new edition of it is made or rollback() names one.

    Its tables stay. Views without a year show the newest vintage still shown. Raises
    ConfigurationError with the list of what is shown when the vintage is not, and when no location
    of the archive can keep the record; CheckFailed when readers' views depend on its views.
    """
    show_no_longer(dataset, vintage)
    keep_switches(dataset)


@verb("show edition {edition} of {dataset}")
def show_again(dataset: str, edition: int) -> None:
    """Switch a vintage's stable views to a kept edition; nothing changes if it is shown already."""
    vintage, before, now = publications.roll_back(site().database, dataset, edition)
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
    number = publications.withdraw(site().database, dataset, vintage)
    if number is None:
        warn(f"The vintage {vintage} of {dataset} was withdrawn already.")
        return
    _announce("withdrawn", dataset, vintage, number)
    say(f"Withdrew {dataset} {vintage}: its edition {number} is shown no longer.")
    if dependent := publications.standing_on(site().database, dataset, number):
        warn(
            f"Made from it and still shown: {', '.join(dependent)}. Run their flows, or withdraw"
            " them too."
        )


@verb("keep the switches of {dataset} in the archive", RECORD)
def keep_switches(dataset: str) -> None:
    """Keep in the archive which editions persons switched, so that a rebuild restores that.

    Also writes what earlier runs could not. Raises ConfigurationError when no location can take it;
    the switch itself has happened.
    """
    folder = f"publications/{dataset}"
    documents = publication_documents(site().database, dataset)
    try:
        failures = site().archive.documents.put_missing(folder, documents)
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
    """Tell the Prefect server what is shown now, so that what depends on it is made again."""
    if runtime.flow_run.id:
        mirror = site().database.value(
            "SELECT mirror FROM catalog.edition WHERE dataset = %s AND number = %s", dataset, number
        )
        emit_event(
            f"geodata.edition.{event}",
            resource={"prefect.resource.id": f"geodata.dataset.{dataset}"},
            payload={"vintage": vintage, "edition": number, "mirror": mirror, **more},
        )
