"""Foundations: the published editions that another dataset is made from, found, described and lent
to a staging schema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Foundation, Staging
from tasks.core.postgres.database import Database

SHOWN = """
SELECT c.vintage, c.number, c.schema_name, c.mirror, array_agg(l.layer), string_agg(l.content_hash, ' ' ORDER BY l.layer)
  FROM catalog.current_edition c JOIN catalog.layer l USING (dataset, number)
 WHERE c.dataset = %s AND l.layer = ANY (%s)
 GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC LIMIT 1
"""

MADE_AGAIN = """
SELECT e.vintage, e.number, e.schema_name, e.mirror, array_agg(l.layer), string_agg(l.content_hash, ' ' ORDER BY l.layer)
  FROM catalog.edition e JOIN catalog.layer l ON l.dataset = e.dataset AND l.number = e.number AND l.layer = ANY (%s)
 WHERE e.state = 'published' AND e.dataset = %s
   AND e.number IN (SELECT %s UNION SELECT published_as FROM catalog.rebuilt_edition WHERE dataset = %s AND number = %s)
 GROUP BY 1, 2, 3, 4 ORDER BY 2 DESC LIMIT 1
"""


def find(database: Database, dataset: str, layers: Sequence[str], at_least: int) -> Foundation:
    """The newest vintage shown of a dataset; raises CheckFailed when there is none, it is too old,
    or lacks a layer.
    """
    found = database.rows(SHOWN, dataset, list(layers))
    wanted = f"{dataset} ({', '.join(layers)}) of {at_least} or newer"
    remedy = (
        f"run the flow of {dataset} first (python flows/{dataset}.py), or let this run start it"
    )
    if not found:
        raise CheckFailed(
            f"This dataset stands on {wanted}, and no edition of it is shown in {database}:"
            f" {remedy}."
        )
    vintage, number, _, _, there, _ = found[0]
    if missing := sorted(set(layers) - set(there)):
        raise CheckFailed(
            f"This dataset stands on {wanted}, and edition {number} of {vintage} lacks"
            f" {', '.join(missing)}: {remedy}."
        )
    if vintage < at_least:
        raise CheckFailed(
            f"This dataset stands on {wanted}, and the newest edition shown, {number}, is of"
            f" {vintage}: {remedy}."
        )
    return _foundation(dataset, layers, *found[0])


def made_again(database: Database, dataset: str, number: int, layers: Sequence[str]) -> Foundation:
    """The edition a dataset stood on, once a rebuild has made it again; or the one with other
    content that took its place.

    Raises CheckFailed when there is neither, or it lacks a layer.
    """
    found = database.rows(MADE_AGAIN, list(layers), dataset, number, dataset, number)
    if not found or set(layers) - set(found[0][4]):
        raise CheckFailed(
            f"This edition stands on edition {number} of {dataset} ({', '.join(layers)}), and that"
            " is not there: it could not be made again, or the archive has no manifest of it. See"
            " what the rebuild says of it, and rebuild that first."
        )
    return _foundation(dataset, layers, *found[0])


def _foundation(
    dataset: str,
    layers: Sequence[str],
    vintage: int,
    number: int,
    schema: str,
    mirror: str,
    _there: object,
    hashes: str,
) -> Foundation:
    content = hashlib.sha256(hashes.encode()).hexdigest()
    return Foundation(
        dataset=dataset,
        vintage=vintage,
        number=number,
        schema=schema,
        layers=tuple(layers),
        content=content,
        mirror=mirror,
    )


def lend(cursor: Cursor, staging: Staging, foundation: Foundation) -> None:
    """Record that the edition stands on another, and give its layers to the staging schema as views
    named <dataset>_<layer>.

    Raises CheckFailed when the other edition was removed since it was found.
    """
    _require_kept(cursor, staging, foundation)
    cursor.execute(
        "INSERT INTO catalog.edition_dependency VALUES (%s, %s, %s, %s, %s)",
        (
            staging.dataset.slug,
            staging.edition,
            foundation.dataset,
            foundation.number,
            list(foundation.layers),
        ),
    )
    for layer in foundation.layers:
        cursor.execute(
            sql.SQL("CREATE VIEW {} AS SELECT * FROM {}").format(
                sql.Identifier(staging.schema, f"{foundation.dataset}_{layer}"),
                sql.Identifier(foundation.schema, layer),
            )
        )


def _require_kept(cursor: Cursor, staging: Staging, foundation: Foundation) -> None:
    """The edition is still there, and by the lock on its row stays until the views on it are
    made.
    """
    cursor.execute(
        "SELECT state FROM catalog.edition WHERE dataset = %s AND number = %s FOR SHARE",
        (foundation.dataset, foundation.number),
    )
    states = [state for (state,) in cursor.fetchall()]
    tables = [
        sql.Identifier(foundation.schema, layer).as_string(cursor) for layer in foundation.layers
    ]
    cursor.execute("SELECT count(to_regclass(name)) FROM unnest(%s::text[]) AS name", (tables,))
    there = cursor.fetchall()[0][0]
    if states != ["published"] or there < len(tables):
        raise CheckFailed(
            f"Edition {staging.edition} of {staging.dataset.slug} was expected to stand on edition"
            f" {foundation.number} of {foundation.dataset} {foundation.vintage}"
            f" ({', '.join(foundation.layers)}), found when the run began; that is"
            f" {states[0] if states else 'not cataloged'} by now, with {there} of {len(tables)}"
            " tables: run again, on the edition shown now."
        )
