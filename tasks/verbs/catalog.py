"""The end of an edition's record: its manifest in the archive."""

from __future__ import annotations

from tasks.core.model.handles import Edition
from tasks.running.closing import close
from tasks.running.making import making
from tasks.running.policies import RECORD, verb


@verb("catalog {edition.dataset.slug} {edition.vintage}", RECORD)
def publish_catalog(edition: Edition) -> None:
    """Close the record of an edition: its provenance as a manifest named in the catalog.

    With the manifest the archive alone is enough to rebuild the catalog, and with the row digests
    it names, to say by key what a rebuild by newer code makes otherwise. Editions beyond the number
    kept are removed.
    """
    if making().makes_history(edition):
        close(edition)
