"""A prospect: a flow followed only to the files it would ask for, of a vintage not yet made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks.core.catalog import foundations
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Foundation, Original
from tasks.core.model.names import Sources
from tasks.core.model.recipes import Recipe
from tasks.running.new_edition import NewEdition
from tasks.running.site import site


class Wanted(Exception):
    """The sources that a flow names in `backup`, by keyword and part."""

    def __init__(self, sources: Sources) -> None:
        super().__init__()
        self.sources = sources


class Prospect(NewEdition):
    """How a flow is followed that makes nothing: it ends where publishers would be asked."""

    def originals(
        self,
        sources: Sources,
        ask: Callable[[], tuple[Original, ...]],
        take: Callable[[Recipe], tuple[Original, ...]],
    ) -> tuple[Original, ...]:
        """Raise Wanted."""
        raise Wanted(sources)

    def foundation(
        self, dataset: str, layers: Sequence[str], at_least: int, *, start: bool
    ) -> Foundation:
        """Return the edition shown, or one that stands for it: nothing is made of it here."""
        try:
            return foundations.find(site().database, dataset, layers, at_least)
        except CheckFailed:
            return Foundation(
                dataset=dataset, vintage=at_least, number=0, schema="", layers=(), content=""
            )
