"""References: the originals that editions of this database need, by the account of its
catalog.
"""

from __future__ import annotations

from tasks.core.postgres.database import Database

NEEDED = """
WITH RECURSIVE needed AS (
    SELECT dataset, number FROM catalog.edition WHERE state IN ('published', 'building')
    UNION
    SELECT d.on_dataset, d.on_number FROM needed JOIN catalog.edition_dependency d USING (dataset, number)
)
SELECT DISTINCT sha256 FROM catalog.edition_input JOIN needed USING (dataset, number)
"""


def needed(database: Database) -> set[str]:
    """Hashes of all originals of the editions that are kept or being built, and of those that they
    stand on.
    """
    return {sha256 for (sha256,) in database.rows(NEEDED)}
