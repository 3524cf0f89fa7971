"""Arrears: what runs that were killed owe the archive, written by the next run or by the audit."""

from __future__ import annotations

from tasks.core.catalog import editions
from tasks.core.catalog.publication_documents import publication_documents
from tasks.core.model.declarations import Dataset
from tasks.running.archived_runs import beside_the_run, tell_earlier
from tasks.running.closing import close
from tasks.running.site import Site
from tasks.running.steps import say, warn


def settle(place: Site, dataset: Dataset) -> None:
    """Write what the archive lacks of a dataset: manifests, switches, documents of runs."""
    with beside_the_run():
        _close_earlier(place, dataset)
    settle_switches(place, dataset.slug)
    tell_earlier(place, dataset)


def settle_switches(place: Site, dataset: str) -> None:
    """Write the switches of a dataset that the archive lacks, as far as that is possible."""
    with beside_the_run():
        folder = f"publications/{dataset}"
        switched = publication_documents(place.database, dataset)
        known = place.archive.documents.names(folder) if switched else ()
        if lacking := switched.keys() - set(known):
            for failure in place.archive.documents.put_missing(folder, switched):
                warn(f"The archive location {failure} lacks records in {folder}.")
            say(f"Kept {len(lacking)} switches of {dataset} that the archive lacked.")


def _close_earlier(place: Site, dataset: Dataset) -> None:
    unclosed = editions.unclosed(place.database, dataset)
    # a location that is down may have a manifest, of which one made anew may differ
    down = place.archive.locations.listings(f"editions/{dataset.slug}")[1] if unclosed else ()
    for failure in down:
        warn(
            f"The archive location {failure} does not tell which manifests of {dataset.slug} it"
            " has; the next run closes the editions that have none."
        )
    for edition in () if down else unclosed:
        close(edition)
