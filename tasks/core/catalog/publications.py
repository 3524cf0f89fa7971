"""Publications: which edition of each vintage the stable views show, switched in short transactions
that give way to readers.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from tasks.core.catalog.views import hide_layer, show_layer
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.postgres.database import Database

LOCK_WAIT = "500ms"  # a waiting switch holds new readers back: give way often instead
PATIENCE = 600  # seconds of trying before a long reader is named

KEPT = """
SELECT e.vintage, e.number, c.number,
       (SELECT p.action = 'withdraw' FROM catalog.publication p
         WHERE p.dataset = e.dataset AND p.number = e.number ORDER BY p.at DESC, p.id DESC LIMIT 1)
  FROM catalog.edition e LEFT JOIN catalog.current_edition c USING (dataset, vintage)
 WHERE e.dataset = %s AND e.state = 'published' ORDER BY e.vintage DESC, e.number DESC
"""
INSTEAD = """
SELECT l.layer, d.published_schema, s.schema_name, s.vintage
  FROM catalog.layer l JOIN catalog.dataset d ON d.slug = l.dataset
  LEFT JOIN LATERAL (SELECT c.schema_name, c.vintage FROM catalog.current_edition c JOIN catalog.layer o USING (dataset, number)
                      WHERE c.dataset = l.dataset AND o.layer = l.layer ORDER BY c.vintage DESC LIMIT 1) s ON true
 WHERE l.dataset = %s AND l.number = %s ORDER BY l.layer
"""


def giving_way() -> Retrying:
    """Attempts of a switch, each of which waits for readers only briefly."""
    return Retrying(
        retry=retry_if_exception_type(errors.LockNotAvailable),
        wait=wait_random(0.2, 2.0),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )


def take_turn(cursor: Cursor, dataset: str) -> None:
    """Begin the transaction of a switch: one at a time for each dataset, so that views and
    catalog always say the same.
    """
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
    cursor.execute("SELECT 1 FROM catalog.dataset WHERE slug = %s FOR NO KEY UPDATE", (dataset,))


def switch(cursor: Cursor, dataset: str, vintage: int, number: int, action: str) -> None:
    """Keep a publication in the catalog, and let the stable views show what it says, in the
    transaction begun with take_turn().
    """
    cursor.execute(
        "INSERT INTO catalog.publication (dataset, vintage, number, action) VALUES (%s, %s,"
        " %s, %s)",
        (dataset, vintage, number, action),
    )
    if action == "withdraw":
        hide_vintage(cursor, dataset, vintage, number)
    else:
        show_edition(cursor, dataset, vintage, number)


def edition_before(database: Database, dataset: str) -> int:
    """The newest kept edition older than the one shown, of the newest vintage shown; editions
    withdrawn are passed over.

    Raises ConfigurationError with the list of kept editions when there is none such.
    """
    with database.session() as cursor:
        kept = _kept(cursor, dataset)
    newest = next((vintage for vintage, _, shown, _ in kept if shown), None)
    for vintage, number, shown, withdrawn in kept:
        if vintage == newest and shown and number < shown and not withdrawn:
            return number
    raise _no_such_edition(dataset, "the one before", kept)


def roll_back(database: Database, dataset: str, number: int) -> tuple[int, int | None, int]:
    """Show a kept edition instead of another of its vintage, backwards or forwards: (vintage,
    edition shown before, edition shown now).

    Before is None when the vintage was withdrawn, and the same as now when nothing had to be
    switched. Raises ConfigurationError with the list of kept editions when it is none of them.
    """
    for attempt in giving_way():
        with attempt, database.session() as cursor:
            take_turn(cursor, dataset)
            kept = _kept(cursor, dataset)
            found = [(vintage, shown) for vintage, each, shown, _ in kept if each == number]
            if not found:
                raise _no_such_edition(dataset, str(number), kept)
            vintage, before = found[0]
            if before != number:
                switch(cursor, dataset, vintage, number, "rollback")
    return vintage, before, number


def withdraw(database: Database, dataset: str, vintage: int) -> int | None:
    """Show no edition of a vintage any more; returns the edition shown until then, None when the
    vintage was withdrawn already.

    Its tables stay. Raises ConfigurationError with the list of what is shown when the vintage never
    was, and CheckFailed when views of readers stand on its views.
    """
    for attempt in giving_way():
        with attempt, database.session() as cursor:
            take_turn(cursor, dataset)
            number, action = last_publication(cursor, dataset, vintage)
            if number is None:
                raise _not_shown(cursor, dataset, vintage)
            if action != "withdraw":
                switch(cursor, dataset, vintage, number, "withdraw")
    return None if action == "withdraw" else number


def last_publication(cursor: Cursor, dataset: str, vintage: int) -> tuple[int | None, str | None]:
    """The edition and the action of the newest publication of a vintage."""
    cursor.execute(
        "SELECT number, action FROM catalog.publication WHERE dataset = %s AND vintage = %s ORDER"
        " BY at DESC, id DESC LIMIT 1",
        (dataset, vintage),
    )
    return next(iter(cursor.fetchall()), (None, None))


def publication_documents(database: Database, dataset: str) -> dict[str, dict[str, Any]]:
    """All that persons switched of a dataset, as documents of the archive by their names; a rebuild
    restores the publications from them.
    """
    rows = database.rows(
        "SELECT vintage, at, action, to_jsonb(p) FROM catalog.publication p WHERE dataset = %s AND"
        " action <> 'publish' ORDER BY at, id",
        dataset,
    )
    return {
        f"publications/{dataset}/{vintage}/{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{action}.json": {
            "document": "publication of geodata-flows",
            "version": 1,
            "publication": row,
        }
        for vintage, at, action, row in rows
    }


def standing_on(database: Database, dataset: str, number: int) -> list[str]:
    """Editions of other datasets that are shown and were made from an edition of this one, in
    words.
    """
    return [
        f"edition {each} of {name} {vintage}"
        for name, vintage, each in database.rows(
            "SELECT c.dataset, c.vintage, c.number FROM catalog.edition_dependency d JOIN"
            " catalog.current_edition c USING (dataset, number) WHERE d.on_dataset = %s AND"
            " d.on_number = %s ORDER BY 1, 2",
            dataset,
            number,
        )
    ]


def show_edition(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Point the views of a vintage to an edition, and those without a year too when no newer
    vintage is shown.
    """
    cursor.execute(
        "SELECT d.published_schema, e.schema_name, l.layer, e.vintage >= (SELECT max(vintage) FROM"
        " catalog.current_edition c WHERE c.dataset = d.slug) FROM catalog.dataset d JOIN"
        " catalog.edition e ON e.dataset = d.slug JOIN catalog.layer l ON l.dataset = d.slug AND"
        " l.number = e.number WHERE d.slug = %s AND e.number = %s ORDER BY l.layer",
        (dataset, number),
    )
    rows = cursor.fetchall()
    if not rows:
        raise CheckFailed(
            f"Edition {number} of {dataset} has no layer in the catalog, so nothing can be shown:"
            " seal its layers first."
        )
    _hide_dropped_layers(cursor, dataset, vintage, number, rows[0][0], newest=rows[0][3])
    for published_schema, schema, layer, newest in rows:
        show_layer(cursor, schema, layer, published_schema, f"{layer}_{vintage}")
        if newest:
            show_layer(cursor, schema, layer, published_schema, layer)


def hide_vintage(cursor: Cursor, dataset: str, vintage: int, number: int) -> None:
    """Take the views of a vintage away; those without a year that showed it show the newest vintage
    still shown, or go when there is none.
    """
    reason = f"the vintage {vintage} is withdrawn"
    cursor.execute(INSTEAD, (dataset, number))
    for layer, view_schema, schema, newest in cursor.fetchall():
        hide_layer(cursor, view_schema, f"{layer}_{vintage}", reason)
        if newest is None:
            hide_layer(cursor, view_schema, layer, reason)
        elif newest < vintage:
            show_layer(cursor, schema, layer, view_schema, layer)


def _hide_dropped_layers(
    cursor: Cursor, dataset: str, vintage: int, number: int, view_schema: str, *, newest: bool
) -> None:
    """Take away the views of layers that earlier editions of the vintage had and this one has
    not.
    """
    cursor.execute(
        "SELECT layer FROM catalog.layer JOIN catalog.publication USING (dataset, number) WHERE"
        " dataset = %s AND vintage = %s EXCEPT SELECT layer FROM catalog.layer WHERE dataset = %s"
        " AND number = %s ORDER BY layer",
        (dataset, vintage, dataset, number),
    )
    for (layer,) in cursor.fetchall():
        for view in (f"{layer}_{vintage}", layer)[: 1 + newest]:
            hide_layer(cursor, view_schema, view)


def _kept(cursor: Cursor, dataset: str) -> list[tuple[int, int, int | None, bool]]:
    """Editions that can be shown: vintage, number, the edition shown of that vintage, and whether
    this one was withdrawn last.
    """
    cursor.execute(KEPT, (dataset,))
    return cursor.fetchall()


def _no_such_edition(
    dataset: str, wanted: str, kept: list[tuple[int, int, int | None, bool]]
) -> ConfigurationError:
    marks = {
        number: " (shown)" if number == shown else " (withdrawn)" if withdrawn else ""
        for _, number, shown, withdrawn in kept
    }
    offered = (
        "; ".join(f"edition {number} of {vintage}{marks[number]}" for vintage, number, _, _ in kept)
        or "none"
    )
    return ConfigurationError(
        f"No kept edition of {dataset!r} answers to {wanted}: choose one of these: {offered}."
    )


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
