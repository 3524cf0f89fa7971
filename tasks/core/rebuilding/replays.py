"""Replays: an edition made again under a number of its own, held against its manifest, and put back
in its place when it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import editions, publications
from tasks.core.catalog.edition_documents import PARTS
from tasks.core.catalog.fingerprints import fingerprint
from tasks.core.catalog.provenance import as_json
from tasks.core.model.declarations import Dataset
from tasks.core.model.handles import Edition, Foundation, Original, Staging
from tasks.core.model.recipes import Recipe
from tasks.core.postgres.database import Database

Differences = Mapping[
    str, Mapping[str, Any]
]  # by layer: a summary in words, and what is known by key
REPLAYS = (  # an ordinary run always has its row; a replay is not history, and has none
    "state = 'building' AND run IS NULL"
)
RECORD = """
INSERT INTO catalog.rebuilt_edition
       (rebuild, dataset, number, vintage, verdict, same_code, published_as, row_count, seconds, steps, differences, message)
VALUES (%(rebuild)s, %(dataset)s, %(number)s, %(vintage)s, %(verdict)s, %(same_code)s, %(published_as)s, %(row_count)s, %(seconds)s, %(steps)s,
        %(differences)s, %(message)s)
ON CONFLICT (rebuild, dataset, number) DO NOTHING
"""
DIFFERING = """
SELECT layer, stated.content_hash, made.content_hash, stated.row_count, made.row_count
  FROM (SELECT * FROM catalog.layer WHERE dataset = %s AND number = %s) AS stated
  FULL JOIN (SELECT * FROM catalog.layer WHERE dataset = %s AND number = %s) AS made USING (layer)
 WHERE stated.content_hash IS DISTINCT FROM made.content_hash ORDER BY layer
"""


def begin(
    database: Database,
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    after: Sequence[Foundation],
) -> Staging:
    """Make the staging schema of a replay, whatever is shown now."""
    with database.session() as cursor:
        return editions.open_edition(
            cursor,
            dataset,
            vintage,
            originals,
            None,
            after,
            fingerprint(dataset, vintage, originals, after),
        )


def differing_layers(database: Database, recipe: Recipe, made: int) -> dict[str, str]:
    """Layers whose content is not that of the manifest, each with what was expected and found."""
    found = database.rows(DIFFERING, recipe.dataset, recipe.number, recipe.dataset, made)
    return {layer: _difference(*facts) for layer, *facts in found}


def put_back(database: Database, staging: Staging, recipe: Recipe) -> Edition:
    """Give the tables of a replay, equal to the manifest, the edition's own schema, and show them
    where that edition is shown; all at once.
    """
    edition = Edition(
        dataset=staging.dataset,
        vintage=recipe.vintage,
        number=recipe.number,
        schema=f"{recipe.dataset}_edition_{recipe.number}",
    )
    for attempt in publications.giving_way():
        with attempt, database.session() as cursor:
            publications.take_turn(cursor, recipe.dataset)
            cursor.execute(
                "SELECT state FROM catalog.edition WHERE dataset = %s AND number = %s",
                (recipe.dataset, recipe.number),
            )
            if cursor.fetchall() != [
                ("published",)
            ]:  # unless what an interrupted rebuild left running was faster
                _put_in_place(cursor, staging, recipe, edition.schema)
            _record(cursor, staging, recipe, "identical")
            _forget(cursor, recipe.dataset, staging.edition)
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(staging.schema)))
    return edition


def publish_instead(
    database: Database, staging: Staging, recipe: Recipe, differences: Differences
) -> Edition:
    """Keep a replay with other content as an edition of its own number, shown where the edition it
    was to be is shown.
    """
    edition = Edition(
        dataset=staging.dataset,
        vintage=recipe.vintage,
        number=staging.edition,
        schema=f"{recipe.dataset}_edition_{staging.edition}",
    )
    for attempt in publications.giving_way():
        with attempt, database.session() as cursor:
            publications.take_turn(cursor, recipe.dataset)
            editions.move_layers(cursor, staging, edition.schema)
            editions.mark_published(cursor, staging, edition.schema)
            if _is_shown(cursor, recipe):
                publications.switch(
                    cursor, recipe.dataset, recipe.vintage, staging.edition, "publish"
                )
            _record(cursor, staging, recipe, "differing", differences, staging.edition)
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(staging.schema)))
    return edition


def record_missing(database: Database, recipe: Recipe, seconds: float, reason: str) -> None:
    """Keep that an edition could not be made again, and why, unless its verdict is known already;
    nothing else of the replay stays.
    """
    row = {
        "verdict": "missing",
        "same_code": None,
        "published_as": None,
        "row_count": None,
        "seconds": seconds,
        "steps": "[]",
        "message": reason,
    }
    with database.session() as cursor:
        cursor.execute(RECORD, row | _place(recipe) | {"differences": "{}"})


def clear(database: Database) -> int:
    """Drop what an interrupted rebuild was making; returns how many replays."""
    with database.session() as cursor:
        cursor.execute(f"SELECT dataset, number, schema_name FROM catalog.edition WHERE {REPLAYS}")
        left = cursor.fetchall()
        for dataset, number, schema in left:
            cursor.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            )
            _forget(cursor, dataset, number)
    return len(left)


def _difference(
    stated: str | None, made: str | None, stated_rows: int | None, made_rows: int | None
) -> str:
    if stated is None or made is None:
        return f"A table that the {'manifest' if stated is None else 'code'} does not have."
    return (
        f"{stated_rows:,} rows with the content hash {stated} in the manifest, {made_rows:,} with"
        f" {made} made now."
    )


def _put_in_place(cursor: Cursor, staging: Staging, recipe: Recipe, schema: str) -> None:
    editions.move_layers(cursor, staging, schema)
    _describe(cursor, recipe, schema)
    cursor.execute(
        "UPDATE catalog.edition SET state = 'published' WHERE dataset = %s AND number = %s",
        (recipe.dataset, recipe.number),
    )
    if _is_shown(cursor, recipe):
        publications.show_edition(cursor, recipe.dataset, recipe.vintage, recipe.number)


def _is_shown(cursor: Cursor, recipe: Recipe) -> bool:
    cursor.execute(
        "SELECT FROM catalog.current_edition WHERE dataset = %s AND number = %s",
        (recipe.dataset, recipe.number),
    )
    return bool(cursor.rowcount)


def _describe(cursor: Cursor, recipe: Recipe, schema: str) -> None:
    """The comments of the tables name the edition: that of the manifest, not that of the replay."""
    cursor.execute(
        "SELECT layer, description FROM catalog.layer WHERE dataset = %s AND number = %s",
        (recipe.dataset, recipe.number),
    )
    for layer, description in cursor.fetchall():
        cursor.execute(
            sql.SQL("COMMENT ON TABLE {} IS %s").format(sql.Identifier(schema, layer)),
            (description,),
        )


def _record(
    cursor: Cursor,
    staging: Staging,
    recipe: Recipe,
    verdict: str,
    differences: Differences | None = None,
    published_as: int | None = None,
) -> None:
    cursor.execute(
        "SELECT e.fingerprint = m.fingerprint, extract(epoch FROM clock_timestamp() -"
        " m.started_at)::float8, (SELECT sum(row_count) FROM catalog.layer l WHERE l.dataset ="
        " m.dataset AND l.number = m.number), (SELECT jsonb_agg(jsonb_build_object('verb', verb,"
        " 'subject', subject, 'seconds', seconds, 'rows', row_count) ORDER BY ordinal) FROM"
        " catalog.step s WHERE s.dataset = m.dataset AND s.number = m.number) FROM catalog.edition"
        " m JOIN catalog.edition e ON e.dataset = m.dataset AND e.number = %s WHERE m.dataset = %s"
        " AND m.number = %s",
        (recipe.number, recipe.dataset, staging.edition),
    )
    same_code, seconds, rows, steps = cursor.fetchall()[0]
    row = {
        "verdict": verdict,
        "same_code": same_code,
        "published_as": published_as,
        "row_count": rows,
        "seconds": seconds,
        "steps": as_json(steps or []),
        "differences": as_json(differences or {}),
        "message": "; ".join(
            f"{layer}: {difference['summary']}" for layer, difference in (differences or {}).items()
        ),
    }
    cursor.execute(RECORD, row | _place(recipe))


def _place(recipe: Recipe) -> dict[str, Any]:
    return {
        "rebuild": recipe.rebuild,
        "dataset": recipe.dataset,
        "number": recipe.number,
        "vintage": recipe.vintage,
    }


def _forget(cursor: Cursor, dataset: str, number: int) -> None:
    """Take the record of a replay out of the catalog: the history has the edition it was to
    be.
    """
    parts = list(PARTS.values())
    for table in (*reversed(parts), "edition"):
        cursor.execute(
            sql.SQL("DELETE FROM catalog.{} WHERE dataset = %s AND number = %s").format(
                sql.Identifier(table)
            ),
            (dataset, number),
        )
