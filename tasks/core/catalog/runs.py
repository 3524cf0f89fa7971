"""Rows of `catalog.run`: begun, ended, and what a run published in one sentence."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from tasks.core.catalog import provenance
from tasks.core.model.addresses import redact_all
from tasks.core.model.declarations import Dataset
from tasks.core.model.revision import code_revision
from tasks.core.postgres.database import Database

BEGIN_RUN = """
INSERT INTO catalog.run (id, flow, dataset, parameters, code_revision, machine)
VALUES (%(id)s, %(flow)s, %(dataset)s, %(parameters)s, %(code_revision)s, %(machine)s)
ON CONFLICT (id) DO UPDATE  -- Prefect retries keep the id
   SET outcome = 'running', started_at = excluded.started_at, ended_at = NULL, message = ''
"""
END_RUN = """
UPDATE catalog.run SET outcome = %s, message = %s, ended_at = clock_timestamp() WHERE id = %s
"""
FAIL_EDITIONS = """
UPDATE catalog.edition SET state = 'failed' WHERE run = %s AND state = 'building'
"""
SELECT_PUBLISHED = """
SELECT e.dataset, e.vintage, e.number,
       string_agg(l.layer || ' ' || l.row_count, ', ' ORDER BY l.row_count DESC)
  FROM catalog.edition e JOIN catalog.layer l USING (dataset, number)
 WHERE e.run = %s GROUP BY e.dataset, e.number
"""


def begin(
    database: Database, dataset: Dataset, run: str, flow: str, parameters: Mapping[str, Any]
) -> None:
    """Keep that the run of a flow has begun, with its parameters, without credentials."""
    row = {
        "id": run,
        "flow": flow,
        "dataset": dataset.slug,
        "parameters": provenance.as_json(redact_all(dict(parameters))),
        "code_revision": code_revision(),
        "machine": platform.node(),
    }
    with database.session() as cursor:
        provenance.record_dataset(cursor, dataset)
        cursor.execute(BEGIN_RUN, row)


def end(database: Database, run: str, outcome: str, message: str) -> None:
    """Keep how a run ended; the editions that a failed one was building failed with it."""
    with database.session() as cursor:
        cursor.execute(END_RUN, (outcome, message, run))
        if outcome == "failed":
            cursor.execute(FAIL_EDITIONS, (run,))


def published(database: Database, run: str) -> str:
    """What a run published, in a sentence for each edition."""
    return "; ".join(
        f"Published {dataset} {vintage}, edition {number} ({layers})."
        for dataset, vintage, number, layers in database.rows(SELECT_PUBLISHED, run)
    )
