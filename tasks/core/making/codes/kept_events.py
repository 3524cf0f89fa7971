"""Kept events: those of the ledgers of a run, beside its tables, so that codes can be explained."""

from __future__ import annotations

from psycopg2 import sql

from tasks.core.catalog import rows
from tasks.core.catalog.changes.codes.code_events import EVENTS
from tasks.core.making.codes.ledger import Ledger
from tasks.core.making.codes.statements import CREATE_EVENTS, INSERT_EVENTS
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

SELECT_TURN = "SELECT FROM catalog.edition WHERE (dataset, number) = (%s, %s) FOR NO KEY UPDATE"


def keep(database: Database, staging: Staging, ledger: Ledger) -> None:
    """Keep the events of a ledger in the staging, each once, also where several recodes run.

    The table ledger_events has the columns day, before and after: codes in the ledger's order.
    """
    table = sql.Identifier(staging.schema, EVENTS)
    told = [
        {"day": event.day, "before": event.before, "after": event.after} for event in ledger.events
    ]
    with database.session(staging.schema) as cursor:
        cursor.execute(SELECT_TURN, (staging.dataset.slug, staging.edition))  # one at a time
        cursor.execute(sql.SQL(CREATE_EVENTS).format(table))
        cursor.execute(sql.SQL(INSERT_EVENTS).format(table, table), (rows.as_json(told),))
