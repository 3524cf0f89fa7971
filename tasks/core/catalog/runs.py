"""Rows of `catalog.run`: begun, ended, and what a run published in one sentence."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from tasks.core.catalog import provenance, rows
from tasks.core.catalog.statements import SELECT_EDITIONS_OF_RUN, SELECT_TAKEN_BY_RUNS
from tasks.core.model.addresses import redact_all
from tasks.core.model.declarations import Dataset
from tasks.core.model.revision import code_revision
from tasks.core.postgres.database import Database


def begin(
    database: Database, dataset: Dataset, run: str, flow: str, parameters: Mapping[str, Any]
) -> None:
    """Keep that the run of a flow has begun, with its parameters, without credentials."""
    row = {
        "id": run,
        "flow": flow,
        "dataset": dataset.slug,
        "parameters": rows.as_json(redact_all(dict(parameters))),
        "code_revision": code_revision(),
        "machine": platform.node(),
    }
    with database.session() as cursor:
        provenance.record_dataset(cursor, dataset)
        # Prefect retries keep the id
        anew = {"outcome": "running", "started_at": rows.NOW, "ended_at": None, "message": ""}
        anew |= {"peak_mib": None, "cpu_seconds": None, "scratch_mib": None}
        rows.upsert(cursor, "run", row | anew, key=("id",), refreshed=anew)


def end(
    database: Database, run: str, outcome: str, message: str, taken: Mapping[str, float]
) -> None:
    """Keep how a run ended; the editions that a failed one was building failed with it.

    taken: what it took of its machine, by the columns of `catalog.run`.
    """
    with database.session() as cursor:
        ended = {"outcome": outcome, "message": message, "ended_at": rows.NOW, **taken}
        rows.update(cursor, "run", ended, {"id": run})
        if outcome == "failed":
            building = {"run": run, "state": "building"}
            rows.update(cursor, "edition", {"state": "failed"}, building)


def outcome(database: Database, run: str) -> str | None:
    """Return how a run ended; None for one that the catalog does not know."""
    return ending(database, run)[0]


def ending(database: Database, run: str) -> tuple[str | None, str]:
    """Return how a run ended and its last sentence; None for one that the catalog does not know."""
    found = database.rows("SELECT outcome, message FROM catalog.run WHERE id = %s", run)
    return found[0] if found else (None, "")


def published(database: Database, run: str) -> str:
    """Return what a run published, in a sentence for each edition, and what its files lacked."""
    return "; ".join(
        f"Published {each.dataset} {each.vintage}, edition {each.number} ({each.layers})."
        + (f" Absent from its files: {each.absent}." if each.absent else "")
        + (f" Rows left out: {each.left_out}." if each.left_out else "")
        for each in database.records(SELECT_EDITIONS_OF_RUN, run=run)
    )


def taken(database: Database, days: int) -> dict[str, Any]:
    """Return by dataset what its runs of the last days took at most, and how many they are.

    Memory and scratch are in MiB, seconds those of the clock and of all processors together; made:
    whether one of them made an edition. Runs that were killed, and those of before this was kept,
    are not among them.
    """
    found = database.records(SELECT_TAKEN_BY_RUNS, days=days)
    return {each.dataset: each for each in found}
