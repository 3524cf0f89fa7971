"""The record of a rebuild: begun, compared with the manifests, ended with a verdict.

That of a drill is kept in the catalog it was held for.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.catalog import rows
from tasks.core.model.revision import code_revision
from tasks.core.postgres.database import Database, records
from tasks.core.rebuilding import replays
from tasks.core.rebuilding.plans import Scope
from tasks.core.rebuilding.statements import (
    INSERT_EDITION_FOUND,
    SELECT_EDITIONS_NOT_IDENTICAL,
    SELECT_LAYERS_CHANGED,
    SELECT_REBUILD_SUMMARY,
    SELECT_VIEWS_AMISS,
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a rebuild came to: verdict, sentence, and a row on each edition that is not as it was.

    unexplained: whether one is missing, differs although the same code made it, or may be unknown
    because the history is not whole.
    """

    verdict: str
    message: str
    others: tuple[dict[str, str], ...]
    unexplained: bool


def begin(database: Database, scope: Scope, archive: Sequence[str], *, drill: bool) -> int:
    """Open the record of a rebuild; what interrupted ones were making is dropped first."""
    replays.clear(database)
    end_killed(database)
    row = {
        "drill": drill,
        "scope": scope,
        "archive": list(archive),
        "code_revision": code_revision(),
        "machine": platform.node(),
    }
    with database.session() as cursor:
        return int(rows.insert_returning(cursor, "rebuild", row, "id"))


def end_killed(database: Database) -> None:
    """Close the records of rebuilds that nobody closed; their parts that begin now stop at once."""
    killed = {"verdict": "failed", "message": "It was killed, or lost its database."}
    with database.session() as cursor:
        rows.update(cursor, "rebuild", killed, {"verdict": "running"})


def is_under_way(database: Database, rebuild: int) -> bool:
    """Return whether the record of a rebuild is open."""
    query = "SELECT FROM catalog.rebuild WHERE id = %s AND verdict = 'running'"
    return bool(database.rows(query, rebuild))


def check(database: Database, rebuild: int, dataset: str, number: int) -> str:
    """Compare an edition's tables and views with its manifest; return the verdict, which is kept.

    An edition that was there before this rebuild gets its row here; what a replay said of the
    others stays unless it is not true.
    """
    edition = {"dataset": dataset, "number": number}
    key = {"rebuild": rebuild, **edition}
    with database.session() as cursor:
        cursor.execute(INSERT_EDITION_FOUND, key)
        cursor.execute(
            "SELECT verdict FROM catalog.rebuilt_edition"
            " WHERE (rebuild, dataset, number) = (%(rebuild)s, %(dataset)s, %(number)s)",
            key,
        )
        if (verdict := str(cursor.fetchall()[0][0])) != "identical":
            return verdict
        amiss = [
            f"the content of {layer} is not that of the manifest"
            for (layer,) in records(cursor, SELECT_LAYERS_CHANGED, **edition)
        ]
        amiss += [
            f"the view {view} does not show it"
            for (view,) in records(cursor, SELECT_VIEWS_AMISS, **edition)
        ]
        if amiss:
            differing = {"verdict": "differing", "message": "; ".join(amiss)}
            rows.update(cursor, "rebuilt_edition", differing, key)
    return "differing" if amiss else "identical"


def end(database: Database, rebuild: int, unrestored: Sequence[str]) -> Result:
    """Close the record of a rebuild with a verdict on its editions and on what is not restored."""
    found = database.records(SELECT_REBUILD_SUMMARY, rebuild=rebuild)[0]
    message = (
        f"Rebuilt {found.identical + found.differing:,} of {found.editions:,} editions of"
        f" {found.datasets:,} datasets with {found.row_count:,} rows in {found.seconds:,.0f} s:"
        f" {found.identical:,} identical to their manifests, {found.differing:,} differing,"
        f" {found.missing:,} missing"
    )
    if unrestored:
        message += f"; the history is not whole: {'; '.join(unrestored)}"
    verdict = "differing" if found.differing else "identical"
    if found.missing or unrestored:
        verdict = "incomplete"
    close(database, rebuild, verdict, message)
    others = database.records(SELECT_EDITIONS_NOT_IDENTICAL, rebuild=rebuild)
    return Result(
        verdict=verdict,
        message=message,
        others=tuple(map(_told, others)),
        unexplained=bool(unrestored) or any(each.unexplained for each in others),
    )


def _told(edition: Any) -> dict[str, str]:
    told = rows.same(edition, "edition verdict message")
    return told | {"published as": edition.published_as}


def close(database: Database, rebuild: int, verdict: str, message: str) -> None:
    """Give the record of a rebuild its end, unless it has one."""
    changes = {"verdict": verdict, "message": message, "ended_at": rows.NOW}
    with database.session() as cursor:
        rows.update(cursor, "rebuild", changes, {"id": rebuild, "ended_at": None})


def copy(source: Database, target: Database, rebuild: int) -> int:
    """Keep the record of a rebuild in another catalog too; return its row number there."""
    record = source.value("SELECT to_jsonb(b) - 'id' FROM catalog.rebuild b WHERE id = %s", rebuild)
    editions = source.rows(
        "SELECT to_jsonb(r) FROM catalog.rebuilt_edition r WHERE rebuild = %s", rebuild
    )
    with target.session() as cursor:
        number = int(rows.insert_returning(cursor, "rebuild", record, "id"))
        copies = [edition | {"rebuild": number} for (edition,) in editions]
        rows.insert_json(cursor, "rebuilt_edition", copies)
    return number
