"""References: the originals that editions need, according to this database's catalog."""

from __future__ import annotations

from tasks.core.catalog.statements import SELECT_ORIGINALS_NEEDED
from tasks.core.postgres.database import Database


def needed(database: Database) -> set[str]:
    """Return the hashes of all originals of kept or unfinished editions and their foundations."""
    return {sha256 for (sha256,) in database.rows(SELECT_ORIGINALS_NEEDED)}
