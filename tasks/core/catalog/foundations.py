"""Foundations: published editions from which another is made, given to it as views."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.statements import SELECT_FOUNDATION_MADE_AGAIN, SELECT_FOUNDATION_SHOWN
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Foundation, Staging
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database


def find(database: Database, dataset: str, layers: Sequence[str], at_least: int) -> Foundation:
    """Return the newest vintage shown; raise CheckFailed when none is recent and has the layers."""
    found = database.records(SELECT_FOUNDATION_SHOWN, dataset=dataset, layers=list(layers))
    wanted = f"{dataset} ({', '.join(layers)}) of {at_least} or newer"
    command = f"python flows/{dataset}.py"
    remedy = f"run the flow of {dataset} first ({command}), or let this run start it"
    if not found:
        raise CheckFailed(
            f"This dataset is made from {wanted}, and no edition of it is shown in {database}:"
            f" {remedy}."
        )
    newest = found[0]
    if missing := sorted(set(layers) - set(newest.layers)):
        raise CheckFailed(
            f"This dataset is made from {wanted}, and edition {newest.number} of {newest.vintage}"
            f" lacks {', '.join(missing)}: {remedy}."
        )
    if newest.vintage < at_least:
        raise CheckFailed(
            f"This dataset is made from {wanted}, and the newest edition shown, {newest.number},"
            f" is of {newest.vintage}: {remedy}."
        )
    return _foundation(dataset, layers, newest)


def made_again(database: Database, dataset: str, number: int, layers: Sequence[str]) -> Foundation:
    """Return the foundation that a rebuild made again, or the edition that took its place.

    Raises CheckFailed when there is neither, or it lacks a layer.
    """
    found = database.records(
        SELECT_FOUNDATION_MADE_AGAIN, dataset=dataset, number=number, layers=list(layers)
    )
    if not found or set(layers) - set(found[0].layers):
        raise CheckFailed(
            f"This edition is made from edition {number} of {dataset} ({', '.join(layers)}), and"
            " that is not there: it could not be made again, or the archive has no manifest of it."
            " See what the rebuild says of it, and rebuild that first."
        )
    return _foundation(dataset, layers, found[0])


def _foundation(dataset: str, layers: Sequence[str], found: Any) -> Foundation:
    return Foundation(
        dataset=dataset,
        vintage=found.vintage,
        number=found.number,
        schema=found.schema_name,
        layers=tuple(layers),
        content=hashlib.sha256(found.hashes.encode()).hexdigest(),
        mirror=found.mirror,
    )


def build_on(cursor: Cursor, staging: Staging, foundation: Foundation) -> None:
    """Record the edition another is made from, and make a view <dataset>_<layer> of each layer.

    Raises CheckFailed when the other edition was removed since it was found.
    """
    _require_kept(cursor, staging, foundation)
    row = {
        "on_dataset": foundation.dataset,
        "on_number": foundation.number,
        "layers": foundation.layers,
    }
    rows.insert(cursor, "edition_dependency", rows.of_edition(staging) | row)
    for layer in foundation.layers:
        described = columns(cursor, foundation.schema, layer)
        cursor.execute(
            sql.SQL("CREATE VIEW {} AS SELECT {} FROM {}").format(
                sql.Identifier(staging.schema, f"{foundation.dataset}_{layer}"),
                sql.SQL(", ").join(sql.Identifier(column.name) for column in described),
                sql.Identifier(foundation.schema, layer),
            )
        )


def _require_kept(cursor: Cursor, staging: Staging, foundation: Foundation) -> None:
    """Lock the row of an edition that is still there, until the views on it are made."""
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
            f"Edition {staging.edition} of {staging.dataset.slug} was expected to depend on edition"
            f" {foundation.number} of {foundation.dataset} {foundation.vintage}"
            f" ({', '.join(foundation.layers)}), found when the run began; that is"
            f" {states[0] if states else 'not in the catalog'} by now, with {there} of"
            f" {len(tables)} tables: run again, on the edition shown now."
        )
