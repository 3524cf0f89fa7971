"""What the pages show, read from the catalog in one snapshot: plain values by its own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.edition_documents import edition_document
from tasks.core.model.errors import WorkLost
from tasks.core.pages import statements
from tasks.core.postgres.database import Database

Row = dict[str, Any]
# of a run, what leaves with a page: neither its machine nor its parameters, which may name a folder
RUN = ("id", "flow", "code_revision", "started_at", "ended_at", "outcome")
# What is said of a dataset in one word, the gravest first, and what it means.
STANDINGS = {
    "nothing shown": "No edition is shown: readers see no data.",
    "failing": "The last run failed: readers see the edition before.",
    "waits for review": "An edition is made and waits for a person to accept it.",
    "overdue": "The next vintage was expected by now and is not seen.",
    "not asked": "A publisher was not asked for longer than declared.",
    "current": "What is shown is the newest that the publishers have.",
}


def status(database: Database, next_runs: Mapping[str, datetime]) -> list[Row]:
    """Return a row for each dataset: what is shown, how fresh, how checked, and its standing.

    next_runs: moment of the next planned run by dataset, as far as known.
    """
    with database.session() as cursor:
        rows = _objects(cursor, statements.SELECT_STATUS)
        drills = {row["dataset"]: row for row in _objects(cursor, statements.SELECT_DRILLS)}
    for row in rows:
        planned = next_runs.get(row["slug"])
        row |= {
            "drill": drills.get(row["slug"]),
            "next_run": planned.isoformat() if planned else None,
            "standing": standing(row),
        }
    return rows


def standing(row: Row) -> str:
    """Return the gravest word of STANDINGS that holds of a dataset."""
    holds = {
        "nothing shown": row["number"] is None,
        "failing": (row["run"] or {}).get("outcome") in ("failed", "abandoned"),
        "waits for review": bool(row["review"]),
        "overdue": bool((row["next"] or {}).get("overdue")),
        "not asked": bool(row["overdue"]),
        "current": True,
    }
    return next(word for word in STANDINGS if holds[word])


def shown(database: Database) -> list[Row]:
    """Return dataset, title, vintage and number of what is shown, the newest vintage first."""
    with database.session() as cursor:
        return _objects(cursor, statements.SELECT_SHOWN)


def require_same(before: Sequence[Row], after: Sequence[Row]) -> None:
    """Raise WorkLost where other editions are shown than when the build began."""
    changed = [each for each in (*before, *after) if each not in before or each not in after]
    if changed:
        names = sorted({f"{each['dataset']} {each['vintage']}" for each in changed})
        raise WorkLost(
            f"The same editions were expected to be shown while the site was built, and of"
            f" {', '.join(names)} another, or none, is by now: build it again."
        )


def columns(database: Database, dataset: str, number: int) -> list[Row]:
    """Return the layers of an edition, each with its columns: their names and descriptions."""
    with database.session() as cursor:
        of_edition = {"dataset": dataset, "number": number}
        return _objects(cursor, statements.SELECT_COLUMNS, of_edition)


def origins(database: Database) -> tuple[list[Row], list[Row]]:
    """Return from which publisher, and from which other dataset, each dataset shown is."""
    with database.session() as cursor:
        return (
            _objects(cursor, statements.SELECT_ORIGINS),
            _objects(cursor, statements.SELECT_FOUNDATIONS),
        )


def attributions(database: Database, dataset: str, vintage: int) -> list[Row]:
    """Return what is to be printed beside each layer of a vintage."""
    with database.session() as cursor:
        of_vintage = {"dataset": dataset, "vintage": vintage}
        return _objects(cursor, statements.SELECT_ATTRIBUTIONS, of_vintage)


def edition(database: Database, dataset: str, vintage: int, number: int) -> Row:
    """Return all that the page of an edition shows: its document and what stands around it."""
    document = edition_document(database, dataset, number)
    run = document["run"] or {}
    document["run"] = {name: run[name] for name in RUN if name in run}
    of_edition = {"dataset": dataset, "vintage": vintage, "number": number}
    parts = {
        "inputs": statements.SELECT_INPUTS,
        "lineage": statements.SELECT_LINEAGE,
        "attributions": statements.SELECT_ATTRIBUTIONS,
        "dependencies": statements.SELECT_DEPENDENCIES,
        "differences": statements.SELECT_DIFFERENCES,
        "history": statements.SELECT_HISTORY,
    }
    with database.session() as cursor:
        return document | {
            name: _objects(cursor, query, of_edition) for name, query in parts.items()
        }


def _objects(cursor: Cursor, query: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    cursor.execute(query, values or None)
    return [row for (row,) in cursor.fetchall()]
