"""Which way editions are made now: new, or again from a recipe; chosen once, asked by the verbs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tasks.running.edition_again import EditionAgain
from tasks.running.new_edition import NewEdition

Making = NewEdition | EditionAgain

_current: ContextVar[Making] = ContextVar("making", default=NewEdition())  # noqa: B039 (it has no state)


def making() -> Making:
    """Return how the run under way makes its edition; new, unless something else is said."""
    return _current.get()


@contextmanager
def made_by(way: Making) -> Iterator[None]:
    """Make what is run within in another way, also in the tasks that are submitted to threads."""
    token = _current.set(way)
    try:
        yield
    finally:
        _current.reset(token)
