"""Reviews: a person accepts what was made of a vintage that nobody had declared."""

from __future__ import annotations

from tasks.core.catalog import editions
from tasks.core.catalog import reviews as kept
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.running.closing import close
from tasks.running.locks import alone
from tasks.running.policies import DATABASE, verb
from tasks.running.reports import report_accepted
from tasks.running.site import site
from tasks.running.steps import say


@verb("accept edition {edition} of {dataset}", DATABASE)
def accept_edition(dataset: str, edition: int, person: str, reason: str = "") -> None:
    """Show an edition that was kept for review, and keep who accepted it and why.

    Raises ConfigurationError with the list of editions kept for review when it is none of them,
    when nobody is named, when another run of the dataset is under way, and when a later edition of
    the vintage is shown or persons switched it since.
    """
    if not person.strip():
        raise ConfigurationError(
            "The person who accepts an edition was expected by name, found none: give --person."
        )
    database = site().database
    named = Dataset(slug=dataset, title=dataset, country="", schema="", layers={})
    with alone(database, named):
        staging = kept.accept(database, dataset, edition, person.strip(), reason.strip())
        close(editions.publish(database, staging))
        report_accepted(staging)
        by = kept.accepted_by(database, staging)
    say(f"Edition {edition} of {dataset} {staging.vintage} is shown, accepted by {by}.")
