"""The wholeness of a staging: proved by a row in an unlogged table of its own.

PostgreSQL empties unlogged tables after a crash of the server or of one of its processes, at a
failover and in a restored copy: all of them, and nothing else does. So where the row is, all that
was loaded is; where it is not, the tables may be empty although no connection failed.
"""

from __future__ import annotations

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.errors import WorkLost
from tasks.core.model.handles import Staging

PROOF = "staging_proof"  # a table beside those that a run loads


def begin_proof(cursor: Cursor, staging: Staging) -> None:
    """Lay the row that proves a staging whole into its new schema."""
    table = sql.Identifier(staging.schema, PROOF)
    cursor.execute(sql.SQL("CREATE UNLOGGED TABLE {} (edition integer NOT NULL)").format(table))
    cursor.execute(sql.SQL("INSERT INTO {} VALUES (%s)").format(table), (staging.edition,))


def require_whole(cursor: Cursor, staging: Staging) -> None:
    """Raise WorkLost unless a staging is whole, or is an edition by now, in tables that are logged.

    Until the transaction ends, nobody can clear it.
    """
    state = "SELECT state FROM catalog.edition WHERE dataset = %s AND number = %s"
    cursor.execute(state, (staging.dataset.slug, staging.edition))
    if cursor.fetchall() in ([("sealed",)], [("review",)], [("published",)]):
        return
    edition = f"edition {staging.edition} of {staging.dataset.slug} {staging.vintage}"
    try:
        query = sql.SQL("SELECT edition FROM {}")
        cursor.execute(query.format(sql.Identifier(staging.schema, PROOF)))
    except errors.UndefinedTable:
        raise WorkLost(
            f"The staging {staging.schema} was expected to be there for {edition}, and it is gone:"
            " another run has cleared it when this one had lost its connection and its lock; run"
            " again, which makes it anew."
        ) from None
    if cursor.fetchall() != [(staging.edition,)]:
        raise WorkLost(
            f"The tables of {staging.schema} were expected to be as this run loaded them, and the"
            " database server has emptied those that it keeps no log of, as it does after a crash"
            f" or a failover: nothing can be made of them; run again, which makes {edition} anew"
            " from the archive."
        )
