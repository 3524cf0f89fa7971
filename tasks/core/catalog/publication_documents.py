"""Documents of publications: what persons switched, kept in the archive as well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tasks.core.postgres.database import Database


def publication_documents(database: Database, dataset: str) -> dict[str, dict[str, Any]]:
    """Return what persons switched of a dataset, by name in the archive, for a rebuild."""
    switched = database.records(
        "SELECT vintage, at, action, to_jsonb(p) AS row FROM catalog.publication p"
        " WHERE dataset = %(dataset)s AND action <> 'publish' ORDER BY at, id",
        dataset=dataset,
    )
    return {
        f"publications/{dataset}/{each.vintage}/{_stamp(each.at)}-{each.action}.json": {
            "document": "publication of geodata-flows",
            "version": 1,
            "publication": each.row,
        }
        for each in switched
    }


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"
