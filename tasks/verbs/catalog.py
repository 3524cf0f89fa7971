"""The catalog's last word on an edition: its manifest in the archive, and its summary in the
Prefect UI.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from tasks.core.archive.copies import digest
from tasks.core.archive.store import configured
from tasks.core.catalog import editions, row_digests
from tasks.core.catalog.edition_documents import edition_document, summary
from tasks.core.model.handles import Edition
from tasks.core.model.recipes import followed
from tasks.core.model.settings import scratch_folder
from tasks.core.postgres.database import Database
from tasks.running.policies import RECORD, verb
from tasks.running.site import connect
from tasks.running.steps import say, warn


@verb("catalog {edition.dataset.slug} {edition.vintage}", RECORD)
def publish_catalog(edition: Edition) -> None:
    """Close the record of an edition: its whole provenance as a manifest in the archive, named in
    the catalog.

    With the manifest the archive alone is enough to rebuild the catalog, and with the row digests
    it names, to say by key what a rebuild by newer code makes otherwise. Editions beyond the number
    kept are removed.
    """
    recipe = followed()
    if recipe and (
        recipe.rehearsal or edition.number == recipe.number
    ):  # its manifest is in the archive, or must not get there
        return
    database, dataset = connect(), edition.dataset
    document = {
        **edition_document(database, dataset.slug, edition.number),
        "digests": _keep_digests(database, edition),
    }
    stamp = document["edition"]["published_at"][:19].translate({ord(sign): None for sign in "-:"})
    path = f"editions/{dataset.slug}/{edition.vintage}/{edition.number:04d}-{stamp}.json"
    for failure in configured().documents.put(path, document):
        warn(f"The archive location {failure} lacks the manifest {path}.")
    with database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.edition SET manifest = %s WHERE dataset = %s AND number = %s",
            (path, dataset.slug, edition.number),
        )
    removed, needed = editions.remove_old(database, dataset, edition.vintage)
    if removed:
        say(f"Removed the tables of editions {', '.join(map(str, removed))}; {dataset.keep} stay.")
    if needed:
        warn(
            f"Kept editions {', '.join(map(str, needed))} beyond the {dataset.keep} declared,"
            " because other views stand on them."
        )
    if runtime.flow_run.id:
        create_markdown_artifact(
            summary(document),
            key=f"{dataset.slug.replace('_', '-')}-edition",
            description=f"Edition {edition.number}",
        )
        emit_event(
            "geodata.edition.published",
            resource={"prefect.resource.id": f"geodata.dataset.{dataset.slug}"},
            payload={
                "vintage": edition.vintage,
                "edition": edition.number,
                "mirror": document["edition"]["mirror"],
            },
        )
    say(f"Cataloged edition {edition.number} of {dataset.slug} {edition.vintage} in {path}.")


def _keep_digests(database: Database, edition: Edition) -> dict[str, Any]:
    """Keep the row digests of each layer in the archive; returns what the manifest says of them, by
    layer. Done again, it gives the same.
    """
    kept = {}
    for layer, columns in row_digests.key_columns(
        database, edition.dataset.slug, edition.number
    ).items():
        with tempfile.NamedTemporaryFile(dir=scratch_folder(), suffix=".parquet") as file:
            path = Path(file.name)
            row_digests.write(database, edition.schema, layer, columns, path)
            sha256 = digest(path)
            for failure in configured().digests.put(path, sha256):
                warn(f"The archive location {failure} lacks the row digests {sha256} of {layer}.")
            kept[layer] = {"sha256": sha256, "key": list(columns), "size": path.stat().st_size}
    return kept
