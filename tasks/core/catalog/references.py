"""References: the originals that editions of this database need, by the account of its
catalog.
"""

from __future__ import annotations

from tasks.core.catalog.statements import SELECT_ORIGINALS_NEEDED
from tasks.core.postgres.database import Database


def needed(database: Database) -> set[str]:
    """Hashes of all originals of the editions that are kept or being built, and of their
    foundations.
    """
    return {sha256 for (sha256,) in database.rows(SELECT_ORIGINALS_NEEDED)}
