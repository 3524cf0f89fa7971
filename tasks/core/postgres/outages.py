"""Outages: the drivers' errors that mean the database was away, so that it is worth a retry."""

from __future__ import annotations

import adbc_driver_manager
import psycopg2
import psycopg2.errorcodes
import psycopg2.errors
import sqlalchemy.exc

DATABASE_FAILURES = (
    psycopg2.OperationalError,
    sqlalchemy.exc.OperationalError,
    adbc_driver_manager.OperationalError,
)
# classes of SQLSTATE: connection, transaction, resources, operator, system
HEALING = ("08", "40", "53", "57", "58")
# the server's last words to a connection that it cuts, or that it does not take yet
CUT = ("57P01", "57P02", "57P03")
PROTOCOL = psycopg2.errorcodes.PROTOCOL_VIOLATION  # a value in a binary form of another type
# what psycopg2 calls operational though it is the statement's own: a limit of the program (too many
# columns), an object that is not in the state that it needs, or a value of another type
FAULTS = tuple(
    psycopg2.errors.lookup(code)
    for code in psycopg2.errorcodes.__dict__.values()
    if isinstance(code, str)
    and len(code) == 5
    and (code[:2] in ("54", "55") or code == PROTOCOL)
    and code != psycopg2.errorcodes.LOCK_NOT_AVAILABLE
)


def is_outage(error: BaseException) -> bool:
    """Tell whether time can heal an error of a driver: by its SQLSTATE, where it has one."""
    if type(error) is psycopg2.DatabaseError:  # of no statement: the connection was cut under it
        return True
    if not isinstance(error, adbc_driver_manager.Error):
        return isinstance(error, DATABASE_FAILURES) and not isinstance(error, FAULTS)
    is_operational = isinstance(error, adbc_driver_manager.OperationalError)
    state = error.sqlstate or ""
    return state[:2] in HEALING and state != PROTOCOL if state else is_operational


def is_cut(error: BaseException) -> bool:
    """Tell whether the connection to the database was lost, or none could be had."""
    said = getattr(error, "orig", error)  # in the pool's own error
    state = getattr(said, "pgcode", None) or getattr(said, "sqlstate", None) or ""
    return is_outage(error) and (not state or state[:2] == "08" or state in CUT)
