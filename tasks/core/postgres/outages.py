"""Outages: the drivers' errors that mean the database was away, so that it is worth a retry."""

from __future__ import annotations

import adbc_driver_manager
import psycopg2
import sqlalchemy.exc

DATABASE_FAILURES = (
    psycopg2.OperationalError,
    sqlalchemy.exc.OperationalError,
    adbc_driver_manager.OperationalError,
)
