"""Where things are on this machine, read from GEODATA_* environment variables.

GEODATA_DATABASE_URL        database to publish in; without it a Prefect block, then a private local
    cluster
GEODATA_DATABASE_BLOCK      name of a SqlAlchemyConnector block of prefect-sqlalchemy
GEODATA_DRILL_DATABASE_URL  server for the throw-away database of a drill (default: that of the
    database)
GEODATA_ARCHIVE             fsspec location of the archive (default: the data folder)
GEODATA_ARCHIVE_REPLICAS    further locations, separated by blanks
GEODATA_DATA                data folder (default: data/ beside the code)
GEODATA_INBOX               folder or base URL of files fetched by hand, as
    <source>-<vintage>.<container> (us-s1901-2023.text)
GEODATA_UPSTREAM            "archive": ask no publisher, use the last archived originals (air gap,
    rebuild)
GEODATA_ACCEPT_SHRINK       SHA-256 of reviewed files that may be less than half of the last
    original, separated by blanks
GEODATA_REVISION            revision of the code, set in the image; a checkout asks git
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SQL = ROOT / "sql"


def data_folder() -> Path:
    """The folder for everything this machine keeps, created when missing."""
    folder = Path(os.environ.get("GEODATA_DATA") or ROOT / "data").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def scratch_folder() -> Path:
    """The folder for files that can be made again: downloads in progress, unpacked members."""
    folder = data_folder() / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def archive_locations() -> tuple[str, ...]:
    """fsspec locations of the archive, the primary first."""
    primary = os.environ.get("GEODATA_ARCHIVE") or str(data_folder() / "archive")
    return primary, *os.environ.get("GEODATA_ARCHIVE_REPLICAS", "").split()


def inbox() -> str:
    """Where files lie that a person fetched past a bot wall, or from a portal without lasting
    addresses; empty where there is none.
    """
    return os.environ.get("GEODATA_INBOX", "").rstrip("/")


def publishers_are_asked() -> bool:
    """False where only the archive may be read: in an air gap, or in a rebuild."""
    return os.environ.get("GEODATA_UPSTREAM", "") != "archive"


def accepted_shrinks() -> frozenset[str]:
    """SHA-256 of files a person has reviewed although they shrank suspiciously."""
    return frozenset(os.environ.get("GEODATA_ACCEPT_SHRINK", "").split())
