"""Documents of runs in the archive: each is written when its run ends, or else by the next run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import sqlalchemy.exc

from tasks.core.archive.locations import outages
from tasks.core.catalog import run_documents
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import GeodataError
from tasks.running.site import Site
from tasks.running.steps import warn

MOST = 100  # documents of earlier runs that one run writes, and as many that it copies to replicas


def tell(place: Site, run: str) -> None:
    """Write the document of a run that has ended into the archive, as far as that is possible."""
    with beside_the_run():
        _write(place, run)


def tell_earlier(place: Site, dataset: Dataset) -> None:
    """Write what archive and replicas lack of runs that were killed or ended in an outage."""
    with beside_the_run():
        store = place.archive
        listings, failures = store.locations.listings(run_documents.folder(dataset.slug))
        for failure in failures:
            warn(
                f"The archive location {failure} does not tell which runs of {dataset.slug} it has;"
                " the next run asks it again."
            )
        # a location that is down may have a document, of which one made anew may differ in bytes
        if not failures:
            _tell_missing(place, dataset, {name for _, names in listings for name in names})
        lacking = store.documents.replicate(listings, MOST)
        for failure in {failure.location: failure for failure in lacking}.values():
            warn(
                f"The archive location {failure} lacks documents of runs of {dataset.slug} until"
                " the next run that can reach it."
            )


def _tell_missing(place: Site, dataset: Dataset, names: set[str]) -> None:
    untold = run_documents.untold(place.database, dataset.slug, names)
    for run in untold[:MOST]:
        _write(place, run)
    if left := untold[MOST:]:
        warn(
            f"The archive lacks the documents of {len(left):,} more runs of {dataset.slug}: the"
            " next runs write them."
        )


def _write(place: Site, run: str) -> None:
    name, document = run_documents.run_document(place.database, run)
    for failure in place.archive.documents.put(name, document):
        warn(
            f"The archive location {failure} lacks the document {name} until the next run that can"
            " reach it."
        )


def _hindrances() -> tuple[type[BaseException], ...]:
    return (GeodataError, *outages(), psycopg2.Error, sqlalchemy.exc.SQLAlchemyError)


@contextmanager
def beside_the_run() -> Iterator[None]:
    """Warn of what keeps documents out of the archive; the run goes on as it would have."""
    try:
        yield
    except _hindrances() as error:
        reason = redact(f"{type(error).__name__}: {error}")
        warn(
            f"Documents of runs were not written into the archive ({reason}); the next run of the"
            " dataset writes them."
        )
