"""An edition made again: from the archive alone, compared with its manifest, and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.core.catalog import foundations, layers, provenance
from tasks.core.model.declarations import Dataset
from tasks.core.model.handles import Edition, Foundation, Original, Staging
from tasks.core.model.names import Sources
from tasks.core.model.recipes import Recipe
from tasks.core.rebuilding import replays
from tasks.running.site import site
from tasks.running.steps import recording, say, warn


@dataclass(frozen=True)
class EditionAgain:
    """How a rebuild makes the edition of a recipe."""

    recipe: Recipe

    def run(self, dataset: Dataset, flow: Callable[[], object]) -> State[Any]:
        """Run a flow without a record or a lock: several editions may be made at the same time.

        The history is in the catalog already.
        """
        with site().database.session() as cursor:
            provenance.record_dataset(cursor, dataset)
        flow()
        return Completed(message=f"Made {self.recipe} again.")

    def reporting(self, dataset: Dataset) -> AbstractContextManager[None]:
        """Return a context that does nothing: a rebuild has a report of its own."""
        return nullcontext()

    def originals(
        self,
        sources: Sources,
        ask: Callable[[], tuple[Original, ...]],
        take: Callable[[Recipe], tuple[Original, ...]],
    ) -> tuple[Original, ...]:
        """Return those that the edition was made from, out of the archive."""
        return take(self.recipe)

    def foundation(
        self, dataset: str, layers: Sequence[str], at_least: int, *, start: bool
    ) -> Foundation:
        """Return the edition that it was made from, or its replacement; start nothing."""
        number = self.recipe.foundations.get(dataset, 0)
        return foundations.made_again(site().database, dataset, number, layers)

    def begin(
        self,
        dataset: Dataset,
        vintage: int,
        originals: tuple[Original, ...],
        after: Sequence[Foundation],
        *,
        rebuild: bool,
    ) -> Staging:
        """Open the staging of a replay, whatever is shown now."""
        return replays.begin(site().database, dataset, vintage, originals, after)

    def publish(self, staging: Staging) -> Edition:
        """Seal the layers, and publish them as the old edition if equal, else as one of its own."""
        from tasks.core.rebuilding import comparisons

        recipe, database = self.recipe, site().database
        with recording(staging, "seal", staging.dataset.schema) as step:
            rows = layers.seal_all(database, _as_empty_as(staging, recipe))
            step.done(f"Sealed {recipe} again with {len(rows)} layers", sum(rows.values()), **rows)
        differences = comparisons.differences(database, site().archive, staging, recipe)
        if not differences:
            say(f"Made {recipe} again: identical to its manifest.")
            return replays.put_back(database, staging, recipe)
        edition = replays.publish_instead(database, staging, recipe, differences)
        named = "; ".join(f"{layer}: {found['summary']}" for layer, found in differences.items())
        warn(
            f"Made {recipe} again with other content, published as edition {edition.number}."
            f" {named}"
        )
        return edition

    def makes_history(self, edition: Edition) -> bool:
        """Return whether it gets a manifest: only if it is new, and not in a drill."""
        return not self.recipe.throwaway and edition.number != self.recipe.number


def _as_empty_as(staging: Staging, recipe: Recipe) -> Staging:
    """Let those layers be empty that were so when the edition was published."""
    empty = site().database.rows(
        "SELECT layer FROM catalog.layer WHERE dataset = %s AND number = %s AND row_count = 0",
        recipe.dataset,
        recipe.number,
    )
    dataset = staging.dataset
    may_be_empty = (*dataset.may_be_empty, *(layer for (layer,) in empty))
    return replace(staging, dataset=replace(dataset, may_be_empty=may_be_empty))
