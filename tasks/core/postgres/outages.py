"""Outages: whether a try ended because the database was away, and is worth another."""

from __future__ import annotations

from typing import Any

import adbc_driver_manager
import psycopg2
import sqlalchemy.exc

DATABASE_FAILURES = (
    psycopg2.OperationalError,
    sqlalchemy.exc.OperationalError,
    adbc_driver_manager.OperationalError,
)


def database_failed(task: Any, run: Any, state: Any) -> bool:
    """Prefect's retry condition for verbs that only use the database: nothing else becomes right by
    asking again.
    """
    return isinstance(state.result(raise_on_failure=False), DATABASE_FAILURES)
