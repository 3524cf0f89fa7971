"""Disks that do not take what a run writes: their errors in a sentence that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager
import psycopg2
from psycopg2.errorcodes import DISK_FULL

from tasks.core.model.errors import Refused
from tasks.core.model.settings import settings

FULL = "has no space or no inodes left"
REFUSING = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: "is beyond its quota",
    errno.EROFS: "is read-only",
    errno.EACCES: "may not be written by this account",
    errno.EPERM: "may not be written by this account",
}


@contextmanager
def explaining_disks() -> Iterator[None]:
    """Turn the error of a disk that refuses into a Refused that says what to do.

    Time does not heal it: whoever frees the space runs again.
    """
    try:
        yield
    except (psycopg2.Error, adbc_driver_manager.Error) as error:
        if DISK_FULL not in (getattr(error, "pgcode", None), getattr(error, "sqlstate", None)):
            raise
        said = str(error).strip().splitlines()[0]
        raise Refused(
            f"The disk of the database has no space left ({said}): free some space there, and run"
            " again; readers see what they saw before."
        ) from None
    except OSError as error:
        if (reason := REFUSING.get(error.errno or 0)) is None:
            raise
        where = f"of {error.filename}" if error.filename else "of this machine's files"
        raise Refused(
            f"A disk that takes what is written was expected, and the one {where} {reason}: mend"
            f" that, or set GEODATA_DATA (now {settings().data}) to a folder on another disk, and"
            " run again; what earlier runs published and archived stays."
        ) from None
