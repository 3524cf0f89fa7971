"""The end of an edition's record: row digests and manifest in the archive, and old editions go."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import runtime
from prefect.events import emit_event

from tasks.core.archive.copies import digest
from tasks.core.catalog import removals
from tasks.core.catalog.edition_documents import (
    edition_document,
    manifest_name,
    name_manifest,
)
from tasks.core.model.declarations import Dataset
from tasks.core.model.handles import Edition
from tasks.core.model.scratch import workplace
from tasks.running.site import site
from tasks.running.steps import say, warn


def close(edition: Edition) -> None:
    """Close the record of a published edition, and remove editions beyond the number kept.

    The catalog names its manifest last of all: what a killed run did not do is done by the next.
    """
    document = edition_document(site().database, edition.dataset.slug, edition.number)
    path = manifest_name(document)
    kept = site().archive.documents.find(path)
    document = kept if kept and _is_of(kept, document) else _keep_manifest(edition, path, document)
    remove_old(edition.dataset, edition.vintage)
    if runtime.flow_run.id:
        _announce(edition, document)
    name_manifest(site().database, edition, path)
    say(
        f"Cataloged edition {edition.number} of {edition.dataset.slug} {edition.vintage} in {path}."
    )


def _keep_digests(edition: Edition) -> dict[str, Any]:
    """Keep each layer's row digests in the archive; return what the manifest says of them."""
    from tasks.core.catalog import row_digests

    kept, place, slug = {}, site(), edition.dataset.slug
    for layer, columns in row_digests.key_columns(place.database, slug, edition.number).items():
        with tempfile.NamedTemporaryFile(dir=workplace(), suffix=".parquet") as file:
            path = Path(file.name)
            row_digests.write(place.database, edition.schema, layer, columns, path)
            sha256 = digest(path)
            for failure in place.archive.digests.put(path, sha256):
                warn(f"The archive location {failure} lacks the row digests {sha256} of {layer}.")
            kept[layer] = {"sha256": sha256, "key": list(columns), "size": path.stat().st_size}
    return kept


def _keep_manifest(edition: Edition, path: str, document: dict[str, Any]) -> dict[str, Any]:
    """Keep the manifest, and the row digests it names, in the archive; return it."""
    document = {**document, "digests": _keep_digests(edition)}
    for failure in site().archive.documents.put(path, document):
        warn(f"The archive location {failure} lacks the manifest {path}.")
    return document


def _is_of(kept: dict[str, Any], document: dict[str, Any]) -> bool:
    """Tell whether a manifest is that of an edition, written by a run that was killed then."""
    ours, theirs = (each["edition"]["published_at"] for each in (document, kept))
    return datetime.fromisoformat(ours) == datetime.fromisoformat(theirs)


def remove_old(dataset: Dataset, vintage: int) -> None:
    """Remove the tables of editions beyond the number kept, unless other views need them."""
    removed, needed = removals.remove_old(site().database, dataset, vintage)
    if removed:
        say(f"Removed the tables of editions {', '.join(map(str, removed))}; {dataset.keep} stay.")
    if needed:
        warn(
            f"Kept editions {', '.join(map(str, needed))} beyond the {dataset.keep} declared,"
            " because other views depend on them, or transactions may read them still."
        )


def _announce(edition: Edition, document: dict[str, Any]) -> None:
    """Tell the Prefect server of the edition, so that what depends on it is made again."""
    slug, mirror = edition.dataset.slug, document["edition"]["mirror"]
    emit_event(
        "geodata.edition.published",
        resource={"prefect.resource.id": f"geodata.dataset.{slug}"},
        payload={"vintage": edition.vintage, "edition": edition.number, "mirror": mirror},
    )
