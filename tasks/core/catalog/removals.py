"""The end of editions: what killed runs left, and those beyond the number kept."""

from __future__ import annotations

from psycopg2 import errors, sql

from tasks.core.catalog import rows
from tasks.core.catalog.shelving import showings
from tasks.core.catalog.shelving.readers import HELD, LOCK_WAIT
from tasks.core.catalog.shelving.shelves import take_off
from tasks.core.catalog.statements import SELECT_EDITIONS_BEYOND_KEEP
from tasks.core.model.declarations import Dataset
from tasks.core.postgres.database import Database


def abandon(database: Database, dataset: Dataset) -> list[str]:
    """Clear what killed or failed runs of a dataset left; return the staging schemas dropped."""
    showings.forget(database, seconds=0)
    with database.session() as cursor:
        ended = {"outcome": "abandoned", "ended_at": rows.NOW}
        rows.update(cursor, "run", ended, {"dataset": dataset.slug, "outcome": "running"})
        left = {"dataset": dataset.slug, "state": "building"}
        rows.update(cursor, "edition", {"state": "abandoned"}, left)
        cursor.execute(
            r"SELECT nspname FROM pg_namespace WHERE nspname ~ ('^' || %s || '_staging_\d+$')",
            (dataset.slug,),
        )
        leftovers = [name for (name,) in cursor.fetchall()]
        for name in leftovers:
            dropped = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
            cursor.execute(dropped.format(sql.Identifier(name)))
    return leftovers


def remove_old(database: Database, dataset: Dataset, vintage: int) -> tuple[list[int], list[int]]:
    """Drop the tables of editions beyond the number kept; return those removed and those needed.

    An edition is needed when others' views select from it. The edition shown is one of those kept;
    of a vintage that was withdrawn, the newest are. As many that wait for review are kept beside.
    """
    old = database.records(
        SELECT_EDITIONS_BEYOND_KEEP, dataset=dataset.slug, vintage=vintage, keep=dataset.keep
    )
    removed: list[int] = []
    needed: list[int] = []
    for (number,) in old:
        (removed if remove(database, dataset.slug, number) else needed).append(number)
    return removed, needed


def remove(database: Database, dataset: str, number: int) -> bool:
    """Drop an edition's tables; return false, dropping none, if views or readers need them."""
    schema, edition = f"{dataset}_edition_{number}", {"dataset": dataset, "number": number}
    query = "SELECT layer FROM catalog.layer WHERE (dataset, number) = (%s, %s) ORDER BY layer"
    layers = database.rows(query, dataset, number)
    showings.forget(database)
    with database.session() as cursor:
        rows.delete(cursor, "shelved_edition", edition)
    if not all(take_off(database, schema, layer, number) for (layer,) in layers):
        return False
    try:
        with database.session() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
            for (layer,) in layers:
                table = sql.Identifier(schema, layer)
                cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
            cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))
            rows.update(cursor, "edition", {"state": "removed"}, edition)
    except (errors.DependentObjectsStillExist, *HELD):
        return False
    return True
