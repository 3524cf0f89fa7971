"""Outages: the errors of the drivers that mean the database was away, so that a try is worth
another.
"""

from __future__ import annotations

import adbc_driver_manager
import psycopg2
import sqlalchemy.exc

DATABASE_FAILURES = (
    psycopg2.OperationalError,
    sqlalchemy.exc.OperationalError,
    adbc_driver_manager.OperationalError,
)
