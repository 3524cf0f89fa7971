"""Publications: which edition of each vintage the stable views show, switched briefly."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from typing import Any

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.shelving import showings
from tasks.core.catalog.shelving.readers import HELD, InTheWay, deadline, giving_way, take_turn
from tasks.core.catalog.shelving.shelves import place
from tasks.core.catalog.statements import (
    SELECT_EDITIONS_BUILT_ON,
    SELECT_KEPT_EDITIONS,
    SELECT_NEXT_MOMENT,
)
from tasks.core.catalog.views import (
    Shown,
    hide_vintage,
    narrow,
    show_edition,
    views_instead,
    views_of,
    widen,
)
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database, records

BETWEEN = 0.3  # seconds between the locks of two views


def show(database: Database, dataset: str, vintage: int, number: int) -> None:
    """Show an edition for the first time: its tables are in place, and every reader's turn is left.

    Raises ConfigurationError that names the readers in the way, when there are any; the edition
    stays sealed then.
    """
    shown, until = _prepare(database, dataset, number)
    for attempt in giving_way(database, f"Edition {number} of {dataset} {vintage}", until):
        with attempt, database.session() as cursor:
            take_turn(cursor, dataset)
            switch(cursor, dataset, vintage, number, "publish")
    _tidy(database, dataset, shown)


def _prepare(database: Database, dataset: str, number: int) -> tuple[list[Shown], float]:
    """Get an edition ready to be shown by rows alone.

    Return the views that are to show it, and until when the switch is tried.

    A view that must read another shelf than before is locked alone, so that no reader who joins
    several stands in the way of another.
    """
    until = deadline()
    place(database, dataset, number, until)
    with database.session() as cursor:
        shown = views_of(cursor, dataset, number)
    _widen(database, dataset, f"Edition {number} of {dataset}", shown, until)
    return shown, until


def _widen(
    database: Database, dataset: str, subject: str, shown: list[Shown], until: float
) -> None:
    """Let views read the shelves of what they are to show, each locked alone."""
    for view in shown:
        for attempt in giving_way(database, subject, until):
            with attempt, database.session() as cursor:
                take_turn(cursor, dataset)
                widened = widen(cursor, view)
        if widened:  # whoever waited for this view is to be done before the next
            time.sleep(BETWEEN)


def _tidy(database: Database, dataset: str, shown: list[Shown]) -> None:
    """Let views that still read shelves of before read one alone.

    What readers hold stays so, and what has columns more, of an edition that could not be shown.
    """
    showings.forget(database)
    refusals = (InTheWay, errors.InvalidTableDefinition, *HELD)
    for view in shown:
        with suppress(*refusals), database.session() as cursor:
            take_turn(cursor, dataset)
            narrow(cursor, view)


def switch(cursor: Cursor, dataset: str, vintage: int, number: int, action: str) -> None:
    """Record a publication and let the views show it, in the transaction of take_turn()."""
    at = next_moment(cursor)
    if action == "publish":
        mark_published(cursor, dataset, number, at)
    row = {"dataset": dataset, "vintage": vintage, "number": number, "action": action, "at": at}
    rows.insert(cursor, "publication", row)
    if action == "withdraw":
        hide_vintage(cursor, dataset, vintage, number)
    else:
        show_edition(cursor, dataset, vintage, number)


def next_moment(cursor: Cursor) -> datetime:
    """Return now, or the moment after the newest publication where the server's clock went back.

    Catalog and archive tell by these moments which of two publications is the later one.
    """
    cursor.execute(SELECT_NEXT_MOMENT)
    moment: datetime = cursor.fetchall()[0][0]
    return moment


def mark_published(cursor: Cursor, dataset: str, number: int, at: datetime) -> None:
    """Say in the catalog that an edition is published, and since when."""
    changes = {"state": "published", "published_at": at}
    rows.update(cursor, "edition", changes, {"dataset": dataset, "number": number})


def edition_before(database: Database, dataset: str) -> int:
    """Return the newest kept edition older than the one shown, of the newest vintage shown.

    Editions that were withdrawn are passed over. Raises ConfigurationError with the list of kept
    editions when there is none.
    """
    kept = database.records(SELECT_KEPT_EDITIONS, dataset=dataset)
    newest = next((each.vintage for each in kept if each.shown), None)
    for each in kept:
        if each.vintage == newest and each.number < each.shown and not each.withdrawn:
            return int(each.number)
    raise _no_such_edition(dataset, "the one before", kept)


def roll_back(database: Database, dataset: str, number: int) -> tuple[int, int | None, int]:
    """Show a kept edition in place of another of its vintage: (vintage, shown before, shown now).

    Before is None when the vintage was withdrawn, and the same as now when nothing had to be
    switched. Raises ConfigurationError with the list of kept editions when it is none of them.
    """
    with database.session() as cursor:
        _kept(cursor, dataset, number)
    shown, until = _prepare(database, dataset, number)
    for attempt in giving_way(database, f"Edition {number} of {dataset}", until):
        with attempt, database.session() as cursor:
            take_turn(cursor, dataset)
            found = _kept(cursor, dataset, number)
            if found.shown != number:
                switch(cursor, dataset, found.vintage, number, "rollback")
    _tidy(database, dataset, shown)
    return found.vintage, found.shown, number


def _kept(cursor: Cursor, dataset: str, number: int) -> Any:
    kept = records(cursor, SELECT_KEPT_EDITIONS, dataset=dataset)
    for each in kept:
        if each.number == number:
            return each
    raise _no_such_edition(dataset, str(number), kept)


def withdraw(database: Database, dataset: str, vintage: int) -> int | None:
    """Show no edition of a vintage any more; return the one shown, or None if withdrawn already.

    Its tables stay. Raises ConfigurationError with the list of what is shown when the vintage never
    was, and CheckFailed when views of readers select from its views.
    """
    until, subject = deadline(), f"The withdrawal of {dataset} {vintage}"
    with database.session() as cursor:
        number, _ = last_publication(cursor, dataset, vintage)
        if number is None:
            raise _not_shown(cursor, dataset, vintage)
        shown, _ = views_instead(cursor, dataset, vintage, number)
    _widen(database, dataset, subject, shown, until)
    for attempt in giving_way(database, subject, until):
        with attempt, database.session() as cursor:
            take_turn(cursor, dataset)
            number, action = last_publication(cursor, dataset, vintage)
            if number and action != "withdraw":
                switch(cursor, dataset, vintage, number, "withdraw")
    _tidy(database, dataset, shown)
    return None if action == "withdraw" else number


def last_publication(cursor: Cursor, dataset: str, vintage: int) -> tuple[int | None, str | None]:
    """Return the edition and the action of the newest publication of a vintage."""
    cursor.execute(
        "SELECT number, action FROM catalog.publication WHERE dataset = %s AND vintage = %s ORDER"
        " BY at DESC, id DESC LIMIT 1",
        (dataset, vintage),
    )
    return next(iter(cursor.fetchall()), (None, None))


def standing_on(database: Database, dataset: str, number: int) -> list[str]:
    """Return the editions of other datasets that are shown and made from this one, in words."""
    return [
        f"edition {each.number} of {each.dataset} {each.vintage}"
        for each in database.records(SELECT_EDITIONS_BUILT_ON, dataset=dataset, number=number)
    ]


def _no_such_edition(dataset: str, wanted: str, kept: list[Any]) -> ConfigurationError:
    offered = "; ".join(f"edition {e.number} of {e.vintage}{_mark(e)}" for e in kept) or "none"
    return ConfigurationError(
        f"No kept edition of {dataset!r} answers to {wanted}: choose one of these: {offered}. An"
        " edition that is the only one of its vintage is taken away by a withdrawal of the vintage."
    )


def _mark(kept: Any) -> str:
    if kept.number == kept.shown:
        return " (shown)"
    return " (withdrawn)" if kept.withdrawn else ""


def _not_shown(cursor: Cursor, dataset: str, vintage: int) -> ConfigurationError:
    cursor.execute(
        "SELECT dataset, vintage, number FROM catalog.current_edition ORDER BY dataset = %s DESC,"
        " dataset, vintage DESC",
        (dataset,),
    )
    shown = cursor.fetchall()
    of_dataset = [row for row in shown if row[0] == dataset]
    offered = (
        "; ".join(f"{name} {year} (edition {number})" for name, year, number in of_dataset or shown)
        or "nothing"
    )
    return ConfigurationError(
        f"No edition of {dataset!r} {vintage} is shown, so none can be withdrawn; shown are:"
        f" {offered}."
    )
