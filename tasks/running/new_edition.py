"""A new edition: publishers are asked, and what is made is published and becomes history."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.core.catalog import editions, foundations, layers, removals, runs
from tasks.core.catalog.editions import InReview, NothingNew, Sealed
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Edition, Foundation, Original, Staging
from tasks.core.model.names import Sources
from tasks.core.model.recipes import Recipe
from tasks.running.archived_runs import tell
from tasks.running.arrears import settle
from tasks.running.clocks import compare_clocks
from tasks.running.closing import close, remove_old
from tasks.running.comparing import KeptForReview, compare, kept_for_review
from tasks.running.deployed import deployment_of, run_to_end
from tasks.running.disks import explaining_disks
from tasks.running.endings import why
from tasks.running.gauges import RunGauge
from tasks.running.locks import alone
from tasks.running.reports import reporting
from tasks.running.site import Site, site
from tasks.running.steps import recording, say, warn
from tasks.running.wholeness import prove


class ShownNow(Exception):
    """What an earlier run made of these files by this code is shown now; nothing is made again."""


class NewEdition:
    """How an ordinary run makes an edition."""

    def run(self, dataset: Dataset, flow: Callable[[], object]) -> State[Any]:
        """Run a flow with a record while nobody else makes the dataset; clear killed runs first."""
        place, run = site(), str(runtime.flow_run.id or uuid.uuid4())
        with explaining_disks(), alone(place.database, dataset), RunGauge(place.scratch) as gauge:
            end = partial(_end, place, run, gauge)
            compare_clocks(place.database)
            if cleared := removals.abandon(place.database, dataset):
                say(f"Cleared what earlier runs left unfinished: {', '.join(cleared)}.")
            settle(place, dataset)
            name = runtime.flow_run.flow_name or dataset.slug
            runs.begin(place.database, dataset, run, name, runtime.flow_run.parameters or {})
            try:
                flow()
            except NothingNew as news:
                say(str(news))
                if made := runs.published(place.database, run):  # before it was started again
                    return end("published", made)
                return end("unchanged", str(news))
            except ShownNow as news:
                say(str(news))
                return end("published", str(news))
            except KeptForReview as review:
                end("review", str(review))
                raise
            except BaseException as error:  # also when the run is cancelled or killed by a signal
                end("failed", why(error))
                raise
            return end("published", runs.published(place.database, run))

    def reporting(self, dataset: Dataset) -> AbstractContextManager[None]:
        """Return a context at whose end a report of the run is left for people."""
        return reporting(dataset)

    def originals(
        self,
        sources: Sources,
        ask: Callable[[], tuple[Original, ...]],
        take: Callable[[Recipe], tuple[Original, ...]],
    ) -> tuple[Original, ...]:
        """Return originals as the publishers give them now."""
        return ask()

    def foundation(
        self, dataset: str, layers: Sequence[str], at_least: int, *, start: bool
    ) -> Foundation:
        """Return the edition shown of another dataset, whose deployment may be started first."""
        try:
            return foundations.find(site().database, dataset, layers, at_least)
        except CheckFailed as reason:
            if not start:
                raise
            _start(deployment_of(dataset), reason)
        return foundations.find(site().database, dataset, layers, at_least)

    def begin(
        self,
        dataset: Dataset,
        vintage: int,
        originals: tuple[Original, ...],
        after: Sequence[Foundation],
        *,
        rebuild: bool,
    ) -> Staging:
        """Open the staging of the next edition.

        Raises NothingNew where it would be the same, and ShownNow where an earlier run made it and
        could not show it.
        """
        prove()
        try:
            return editions.begin(
                site().database,
                dataset,
                vintage,
                originals,
                runtime.flow_run.id,
                rebuild=rebuild,
                after=after,
                floor=site().archive.editions.floor(dataset.slug),
            )
        except InReview as kept:
            raise kept_for_review(kept.staging) from None
        except Sealed as kept:
            edition = self.publish(kept.staging)
        close(edition)
        raise ShownNow(
            f"Edition {edition.number} of {edition.dataset.slug} {edition.vintage}, which an"
            " earlier run made of these files by this code, is shown now."
        )

    def publish(self, staging: Staging) -> Edition:
        """Seal the layers and show them; those that are sealed already are only shown.

        Raises KeptForReview where nobody declared the vintage and the edition before does not
        explain what is in it; it is kept then and not shown.
        """
        database = site().database
        if editions.state(database, staging) == "building":
            self._seal(staging)
        with recording(staging, "publish", staging.dataset.schema) as step:
            rows = layers.sealed_rows(database, staging)
            if empty := [layer for layer, count in rows.items() if not count]:
                warn(f"The layers {', '.join(empty)} of {staging.dataset.slug} have no row.")
            prove(staging)
            edition = editions.publish(database, staging)
            made = f"edition {edition.number} of {staging.dataset.slug} {staging.vintage}"
            step.done(f"Published {made} with {len(rows)} layers", sum(rows.values()), **rows)
        return edition

    def _seal(self, staging: Staging) -> None:
        """Seal the layers, and tell how they differ from the edition before."""
        database = site().database
        with recording(staging, "seal", staging.dataset.schema) as step:
            rows = layers.seal_all(database, staging)
            made = f"edition {staging.edition} of {staging.dataset.slug} {staging.vintage}"
            step.done(f"Sealed {made} with {len(rows)} layers", sum(rows.values()), **rows)
        if compare(staging):
            prove(staging)
            editions.put_away(database, staging, "review")
            remove_old(staging.dataset, staging.vintage)
            raise kept_for_review(staging)

    def makes_history(self, edition: Edition) -> bool:
        """Return whether an edition gets a manifest in the archive."""
        return True


def _end(place: Site, run: str, gauge: RunGauge, outcome: str, message: str) -> State[Any]:
    message = redact(message)
    runs.end(place.database, run, outcome, message, gauge.taken()._asdict())
    tell(place, run)
    return Completed(message=message)


def _start(name: str, reason: CheckFailed) -> None:
    """Start a dataset's deployment, wait, and raise CheckFailed unless it ends well."""
    warn(f"{reason} Starting {name}.")
    state = run_to_end(name, because=str(reason))
    if state is None or not state.is_completed():
        raise CheckFailed(
            f"{reason} The run of {name} was expected to be completed, and it ended as"
            f" {state}: look at its log."
        ) from None
