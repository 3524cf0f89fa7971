"""Comparisons: how an edition that was made again differs from its manifest."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tasks.core.archive.archive import Archive
from tasks.core.catalog import row_digests
from tasks.core.model.errors import GeodataError
from tasks.core.model.handles import Staging
from tasks.core.model.recipes import Recipe
from tasks.core.postgres.database import Database
from tasks.core.rebuilding.replays import Differences, differing_layers


def differences(
    database: Database, archive: Archive, staging: Staging, recipe: Recipe
) -> Differences:
    """Return the sealed layers that differ from the manifest; none for an identical edition.

    Each has both content hashes, and the keys that differ where the archive has earlier row
    digests.
    """
    return {
        layer: _by_key(database, archive, staging, recipe, layer, facts)
        for layer, facts in differing_layers(database, recipe, staging.edition).items()
    }


def _by_key(
    database: Database, archive: Archive, staging: Staging, recipe: Recipe, layer: str, facts: str
) -> dict[str, Any]:
    if layer not in recipe.digests or layer not in staging.dataset.layers:
        return {"summary": facts}
    try:
        before = archive.digests.fetch(recipe.digests[layer])
        difference = row_digests.compare(database, staging.schema, layer, before)
    except GeodataError as error:
        return {"summary": f"{facts} Its keys could not be compared: {error}"}
    return {"summary": f"{facts} {difference}", **asdict(difference)}
