"""Larger areas out of smaller ones: dissolved along shared edges, sums summed, shares recomputed."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.connections import connect
from tasks.core import aggregation
from tasks.core.handles import Staging
from tasks.core.outages import database_failed
from tasks.steps import recording


@task(
    task_run_name="aggregate {table} by {by}", retries=2, retry_delay_seconds=[10, 60], retry_condition_fn=database_failed,
    cache_policy=NO_CACHE, persist_result=False,
)  # fmt: skip
def aggregate(staging: Staging, table: str, by: str, into: str, carry: Sequence[str] = (), adding: str | None = None) -> int:
    """The areas of a table put together by a parent code, one row for each parent; returns their number.

    Each column obeys the rule in its comment: sums are summed, ratios and weighted means recomputed, medians and reasons
    dropped, never summed. Where figures were hidden, the sum counts the known ones and `<column>_missing` tells how many
    areas are not in it; a sum of nothing known stays empty. carry: patterns of names and codes to keep, which must be the
    same within a parent. adding: a table keyed by the parent with figures that have no area (residents who cannot be
    located). Rows without a parent are left out and counted. Raises CheckFailed when a carried column differs within a
    parent, a median is carried, or an added row has no parent.
    """
    with recording(staging, "aggregate", into) as step:
        tally = aggregation.aggregate(connect(), staging.schema, table, by, into, carry, adding)
        left = f", {tally.left_out:,} without {by} left out" if tally.left_out else ""
        step.done(f"Aggregated {tally.rows:,} {table} into {tally.groups:,} {into}{left}", tally.groups, left_out=tally.left_out, slow_unions=tally.slow_unions)
    return tally.groups
