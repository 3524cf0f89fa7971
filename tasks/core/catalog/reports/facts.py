"""What the catalog knows of a run: its outcome, the files it asked for, the editions it made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.reports import statements
from tasks.core.postgres.database import Database, records


@dataclass(frozen=True)
class EditionMade:
    """An edition, and what was recorded while it was made; each row has its columns' names."""

    edition: Any
    layers: list[Any]
    checks: list[Any]
    joins: list[Any]
    steps: list[Any]
    changes: list[Any]
    drafts: list[Any]
    absent: list[Any]
    left_out: list[Any]


@dataclass(frozen=True)
class RunFacts:
    """A run, the files it asked for, the editions it made, and what readers of its dataset see.

    run: None where the catalog has no such run: it was refused before it began.
    """

    dataset: str
    run: Any
    files: list[Any]
    editions: list[EditionMade]
    shown: list[Any]


def of_run(database: Database, dataset: str, run: str) -> RunFacts:
    """Return what the catalog knows of a run of a dataset's flow."""
    with database.session() as cursor:
        found = records(cursor, statements.SELECT_RUN, run=run)
        editions = records(cursor, statements.SELECT_EDITIONS_OF_RUN, run=run)
        return RunFacts(
            dataset=dataset,
            run=found[0] if found else None,
            files=records(cursor, statements.SELECT_FILES_ASKED_FOR, run=run),
            editions=[_made(cursor, each) for each in editions],
            shown=records(cursor, statements.SELECT_SHOWN, dataset=dataset),
        )


def of_edition(database: Database, dataset: str, number: int) -> tuple[str, EditionMade]:
    """Return the title of a dataset, and what was recorded while one of its editions was made."""
    with database.session() as cursor:
        (found,) = records(cursor, statements.SELECT_EDITION, dataset=dataset, number=number)
        return found.title, _made(cursor, found)


def _made(cursor: Cursor, edition: Any) -> EditionMade:
    of_edition = {"dataset": edition.dataset, "number": edition.number}

    def rows(query: str, **more: Any) -> list[Any]:
        return records(cursor, query, **of_edition, **more)

    return EditionMade(
        edition=edition,
        layers=rows(statements.SELECT_LAYERS, before=edition.before_number),
        checks=rows(statements.SELECT_CHECKS),
        joins=rows(statements.SELECT_JOINS),
        steps=rows(statements.SELECT_STEPS),
        changes=rows(statements.SELECT_CHANGES),
        drafts=rows(statements.SELECT_DRAFTS),
        absent=rows(statements.SELECT_ABSENT),
        left_out=rows(statements.SELECT_LEFT_OUT),
    )
