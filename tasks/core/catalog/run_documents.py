"""The document of a run: all the catalog holds about it, kept in the archive as well.

An edition that was published has a manifest of its own (see tasks.core.catalog.edition_documents),
written before its run ends: the run in it still says "running", and the document of the run is what
counts. All other editions are told here. A run that is tried again keeps its id and starts anew: it
leaves a document for each try, and the last one holds all that the earlier ones hold but their own
last words.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from tasks.core.catalog.edition_documents import edition_document
from tasks.core.model.addresses import redact_all
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database


def run_document(database: Database, run: str) -> tuple[str, dict[str, Any]]:
    """Return the name of an ended run in the archive and all known about it, no credentials.

    Keys are the tables' own column names. editions: those that no manifest tells of, because they
    failed, were abandoned, or were published by a run that ended before it could write one.
    """
    query = (
        "SELECT to_jsonb(r), to_jsonb(d), r.started_at FROM catalog.run r JOIN catalog.dataset d ON"
        " d.slug = r.dataset WHERE r.id = %s"
    )
    if not (found := database.rows(query, run)):
        unknown = f"The catalog has no run {run!r}: list those it has in catalog.run."
        raise ConfigurationError(unknown)
    row, dataset, started_at = found[0]
    asked = database.rows(
        "SELECT to_jsonb(r) - 'id' FROM catalog.retrieval r WHERE run = %s ORDER BY id", run
    )
    made = database.rows(
        "SELECT dataset, number FROM catalog.edition WHERE run = %s AND manifest IS NULL ORDER BY"
        " dataset, number",
        run,
    )
    document = {
        "document": "run of geodata-flows",
        "version": 1,
        "dataset": dataset,
        "run": row,
        "retrievals": [retrieval for (retrieval,) in asked],
        "editions": [edition_document(database, slug, number) for slug, number in made],
    }
    return _name(dataset["slug"], started_at, run), redact_all(document)


def folder(dataset: str) -> str:
    """Return the folder of the archive with the documents of a dataset's runs."""
    return f"runs/{dataset}"


def untold(database: Database, dataset: str, names: Collection[str]) -> list[str]:
    """Return the ended runs of a dataset, oldest first, whose documents are not among the names."""
    ended = database.rows(
        "SELECT id, started_at FROM catalog.run WHERE dataset = %s AND outcome <> 'running' ORDER"
        " BY started_at, id",
        dataset,
    )
    return [run for run, started_at in ended if _name(dataset, started_at, run) not in names]


def _name(dataset: str, started_at: datetime, run: str) -> str:
    start = started_at.astimezone(UTC)
    return f"{folder(dataset)}/{start:%Y}/{start:%Y%m%dT%H%M%S.%fZ}-{run}.json"
