"""Replays: an edition made again under another number, and put back in place when equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import editions, publications, rows
from tasks.core.catalog.edition_documents import PARTS
from tasks.core.catalog.fingerprints import fingerprint
from tasks.core.catalog.shelving.readers import giving_way, take_turn
from tasks.core.catalog.shelving.shelves import place
from tasks.core.catalog.views import show_edition
from tasks.core.model.declarations import Dataset
from tasks.core.model.handles import Edition, Foundation, Original, Staging
from tasks.core.model.recipes import Recipe
from tasks.core.postgres.database import Database, records
from tasks.core.rebuilding.statements import (
    SELECT_LAYERS_THAT_DIFFER,
    SELECT_REPLAY_FACTS,
    SELECT_REPLAYS,
)

# By layer: a summary in words, and what is known by key.
Differences = Mapping[str, Mapping[str, Any]]


def begin(
    database: Database,
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    after: Sequence[Foundation],
) -> Staging:
    """Make the staging schema of a replay, whatever is shown now."""
    mark = fingerprint(dataset, vintage, originals, after)
    with database.session() as cursor:
        return editions.open_edition(cursor, dataset, vintage, originals, None, after, mark)


def differing_layers(database: Database, recipe: Recipe, made: int) -> dict[str, str]:
    """Return the layers that differ from the manifest, with what was expected and found."""
    found = database.records(
        SELECT_LAYERS_THAT_DIFFER, dataset=recipe.dataset, number=recipe.number, made=made
    )
    return {each.layer: _difference(each) for each in found}


def put_back(database: Database, staging: Staging, recipe: Recipe) -> Edition:
    """Give a replay equal to the manifest the edition's own schema, and show it where that is."""
    edition = _edition(staging, recipe, recipe.number)
    _put_in_place(database, staging, recipe, edition.schema)
    for attempt in giving_way(database, str(recipe), kept=False):
        with attempt, database.session() as cursor:
            take_turn(cursor, recipe.dataset)
            if not _is_there(cursor, recipe):
                key = {"dataset": recipe.dataset, "number": recipe.number}
                rows.update(cursor, "edition", {"state": "published"}, key)
                if _is_shown(cursor, recipe):
                    show_edition(cursor, recipe.dataset, recipe.vintage, recipe.number)
            _record(cursor, staging, recipe, "identical")
            _forget(cursor, recipe.dataset, staging.edition)
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(staging.schema)))
    return edition


def publish_instead(
    database: Database, staging: Staging, recipe: Recipe, differences: Differences
) -> Edition:
    """Keep a replay with other content under its own number, shown where the old one is."""
    edition = _edition(staging, recipe, staging.edition)
    for attempt in giving_way(database, str(recipe), kept=False):
        with attempt, database.session() as cursor:
            take_turn(cursor, recipe.dataset)
            editions.keep(cursor, staging, edition.schema)
    place(database, recipe.dataset, staging.edition, kept=False)
    for attempt in giving_way(database, str(recipe), kept=False):
        with attempt, database.session() as cursor:
            take_turn(cursor, recipe.dataset)
            if _is_shown(cursor, recipe):
                shown = (recipe.dataset, recipe.vintage, staging.edition)
                publications.switch(cursor, *shown, "publish")
            else:
                at = publications.next_moment(cursor)
                publications.mark_published(cursor, recipe.dataset, staging.edition, at)
            _record(cursor, staging, recipe, "differing", differences, staging.edition)
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(staging.schema)))
    return edition


def has_verdict(database: Database, recipe: Recipe) -> bool:
    """Return whether this rebuild has judged the edition already."""
    key = _key(recipe)
    return bool(
        database.records(
            "SELECT verdict FROM catalog.rebuilt_edition WHERE rebuild = %(rebuild)s"
            " AND dataset = %(dataset)s AND number = %(number)s",
            **{name: key[name] for name in ("rebuild", "dataset", "number")},
        )
    )


def record_missing(database: Database, recipe: Recipe, seconds: float, reason: str) -> None:
    """Keep why an edition could not be made again, unless its verdict is known already."""
    row = {"verdict": "missing", "seconds": seconds, "message": reason}
    with database.session() as cursor:
        rows.insert_new(cursor, "rebuilt_edition", _key(recipe) | row)


def clear(database: Database) -> int:
    """Drop what an interrupted rebuild was making; return how many replays."""
    with database.session() as cursor:
        left = records(cursor, SELECT_REPLAYS)
        for dataset, number, schema in left:
            dropped = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            cursor.execute(dropped)
            _forget(cursor, dataset, number)
    return len(left)


def _edition(staging: Staging, recipe: Recipe, number: int) -> Edition:
    schema = f"{recipe.dataset}_edition_{number}"
    return Edition(dataset=staging.dataset, vintage=recipe.vintage, number=number, schema=schema)


def _difference(layer: Any) -> str:
    if layer.stated is None or layer.made is None:
        return f"A table that the {'manifest' if layer.stated is None else 'code'} does not have."
    return (
        f"{layer.stated_rows:,} rows with the content hash {layer.stated} in the manifest,"
        f" {layer.made_rows:,} with {layer.made} made now."
    )


def _put_in_place(database: Database, staging: Staging, recipe: Recipe, schema: str) -> None:
    """Move a replay to the edition's schema and shelves, unless an interrupted rebuild did."""
    for attempt in giving_way(database, str(recipe), kept=False):
        with attempt, database.session() as cursor:
            take_turn(cursor, recipe.dataset)
            if _is_there(cursor, recipe):
                return
            dropped = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            cursor.execute(dropped)  # of a rebuild that ended before it said so
            editions.move_layers(cursor, staging, schema)
            _describe(cursor, recipe, schema)
    place(database, recipe.dataset, recipe.number, kept=False)


def _is_there(cursor: Cursor, recipe: Recipe) -> bool:
    """Tell whether the edition has tables, which may be what an interrupted rebuild made."""
    query = "SELECT state FROM catalog.edition WHERE dataset = %s AND number = %s"
    cursor.execute(query, (recipe.dataset, recipe.number))
    return cursor.fetchall() == [("published",)]


def _is_shown(cursor: Cursor, recipe: Recipe) -> bool:
    cursor.execute(
        "SELECT FROM catalog.current_edition WHERE dataset = %s AND number = %s",
        (recipe.dataset, recipe.number),
    )
    return bool(cursor.rowcount)


def _describe(cursor: Cursor, recipe: Recipe, schema: str) -> None:
    """Name the edition of the manifest in the tables' comments, not that of the replay."""
    cursor.execute(
        "SELECT layer, description FROM catalog.layer WHERE dataset = %s AND number = %s",
        (recipe.dataset, recipe.number),
    )
    for layer, description in cursor.fetchall():
        said = sql.SQL("COMMENT ON TABLE {} IS %s").format(sql.Identifier(schema, layer))
        cursor.execute(said, (description,))


def _record(
    cursor: Cursor,
    staging: Staging,
    recipe: Recipe,
    verdict: str,
    differences: Differences | None = None,
    published_as: int | None = None,
) -> None:
    edition = {"dataset": recipe.dataset, "number": recipe.number, "made": staging.edition}
    facts = records(cursor, SELECT_REPLAY_FACTS, **edition)[0]
    differing = differences or {}
    row = rows.same(facts, "same_code row_count seconds") | {
        "verdict": verdict,
        "published_as": published_as,
        "steps": rows.as_json(facts.steps or []),
        "differences": rows.as_json(differing),
        "message": "; ".join(f"{layer}: {each['summary']}" for layer, each in differing.items()),
    }
    rows.insert_new(cursor, "rebuilt_edition", _key(recipe) | row)


def _key(recipe: Recipe) -> dict[str, Any]:
    return rows.same(recipe, "rebuild dataset number vintage")


def _forget(cursor: Cursor, dataset: str, number: int) -> None:
    """Delete a replay's record: the history has the edition that it was to be."""
    for table in (*reversed(PARTS.values()), "edition"):
        deleted = sql.SQL("DELETE FROM catalog.{} WHERE dataset = %s AND number = %s")
        cursor.execute(deleted.format(sql.Identifier(table)), (dataset, number))
