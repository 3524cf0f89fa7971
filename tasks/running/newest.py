"""The newest vintage: asked for before a flow begins, and put in place of the word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from tasks.core.model.declarations import Dataset
from tasks.running.announcements import call_by
from tasks.running.parameters import NEWEST
from tasks.running.question import Flow, Question
from tasks.running.steps import say


@dataclass(frozen=True)
class Asked:
    """The arguments that a flow is run with, in order, with years in place of "newest".

    instead: those for the vintage that stays shown when the newest cannot be.
    """

    runs: list[dict[str, Any]]
    instead: dict[str, Any] | None = None


def asked(dataset: Dataset, flow: Flow, given: Mapping[str, Any]) -> Asked:
    """Return what a flow is run with.

    There are two runs where nothing is shown that an undeclared vintage could be judged by: the
    newest that is declared comes first.
    """
    if given.get("vintage") != NEWEST:
        return Asked([dict(given)])
    question = Question(dataset, flow, given)
    vintages = question.vintages()
    say(f"The newest vintage of {dataset.slug} is {vintages[-1]}.")
    call_by(vintages[-1], instead_of=NEWEST)
    if vintages[1:]:
        say(f"Made first is {vintages[0]}, by which {vintages[1]} is judged.")
    runs = [{**given, "vintage": vintage} for vintage in vintages]
    if question.shown in (None, vintages[-1]):
        return Asked(runs)
    return Asked(runs, {**given, "vintage": question.shown})


def newest_of(dataset: Dataset, flow: Flow, given: Mapping[str, Any]) -> int:
    """Return the newest vintage that a dataset's publishers have."""
    parameters = signature(flow).bind(**given)
    parameters.apply_defaults()
    return Question(dataset, flow, parameters.arguments).newest()
