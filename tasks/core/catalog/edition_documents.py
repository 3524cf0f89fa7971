"""The manifest of an edition: all the catalog holds about it, as a document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tasks.core.catalog import rows
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Edition
from tasks.core.postgres.database import Database

PARTS = {
    "inputs": "edition_input",
    "dependencies": "edition_dependency",
    "layers": "layer",
    "columns": "layer_column",
    "steps": "step",
    "checks": "check_result",
    "joins": "join_report",
    "topology": "topology_report",
    "code_changes": "code_change",
    "code_labels": "code_label",
    "changes": "change",
    "ledger_drafts": "ledger_draft",
    "acceptances": "acceptance",
    "publications": "publication",
}
ROWS = "jsonb_agg(to_jsonb(t) - 'dataset' - 'number' ORDER BY to_jsonb(t))"


def edition_document(database: Database, dataset: str, number: int) -> dict[str, Any]:
    """Return everything known about one edition; keys are the tables' own column names."""
    found = database.rows(
        "SELECT to_jsonb(e) - 'manifest' FROM catalog.edition e WHERE dataset = %s AND number = %s",
        dataset,
        number,
    )
    if not found:
        raise ConfigurationError(
            f"The catalog has no edition {number} of {dataset!r}: list those it has in"
            " catalog.edition."
        )
    document: dict[str, Any] = {
        "document": "edition of geodata-flows",
        "version": 1,
        "edition": found[0][0],
    }
    document["dataset"] = database.value(
        "SELECT to_jsonb(d) FROM catalog.dataset d WHERE slug = %s", dataset
    )
    query, run = "SELECT to_jsonb(r) FROM catalog.run r WHERE id = %s", found[0][0]["run"]
    document["run"] = next((row for (row,) in database.rows(query, run)), None)
    for part, table in PARTS.items():
        query = f"SELECT coalesce({ROWS}, '[]') FROM catalog.{table} t"
        query += " WHERE dataset = %s AND number = %s"
        document[part] = database.value(query, dataset, number)
    document["steps"].sort(key=lambda step: step["ordinal"])
    document["changes"].sort(key=lambda change: change["ordinal"])
    document["columns"].sort(key=lambda column: (column["layer"], column["ordinal"]))
    return document


def manifest_name(document: dict[str, Any]) -> str:
    """Return the name in the archive of the manifest of an edition, by its document."""
    edition, slug = document["edition"], document["dataset"]["slug"]
    moment = datetime.fromisoformat(edition["published_at"]).astimezone(UTC)
    name = f"{edition['number']:04d}-{moment:%Y%m%dT%H%M%S}"
    return f"editions/{slug}/{edition['vintage']}/{name}.json"


def name_manifest(database: Database, edition: Edition, path: str) -> None:
    """Keep in the catalog which document of the archive is the manifest of an edition."""
    with database.session() as cursor:
        of_edition = {"dataset": edition.dataset.slug, "number": edition.number}
        rows.update(cursor, "edition", {"manifest": path}, of_edition)
