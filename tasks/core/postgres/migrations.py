"""The tables of the catalog and our SQL functions, put in place from the files under sql/."""

from __future__ import annotations

import hashlib
from pathlib import Path

from psycopg2.errors import DuplicateObject, InsufficientPrivilege, UniqueViolation
from psycopg2.extensions import cursor as Cursor
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import SQL
from tasks.core.postgres.database import Database

LOCK = 7_246_021  # any number of our own: one process makes the first tables at a time
MADE_MEANWHILE = (UniqueViolation, DuplicateObject)
TURN = "LOCK TABLE geodata.applied IN SHARE ROW EXCLUSIVE MODE"  # only the owner may


@retry(retry=retry_if_exception_type(MADE_MEANWHILE), stop=stop_after_attempt(2), reraise=True)
def migrate(database: Database) -> None:
    """Apply the migrations a database lacks and refresh changed functions; cheap without any.

    A server's databases share its roles: one that another makes meanwhile is there at the retry.
    """
    with database.session() as cursor:
        cursor.execute("SELECT to_regclass('geodata.applied')")
        if cursor.fetchall() == [(None,)]:  # nobody reads here yet, who could hold this lock
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        else:
            cursor.execute(TURN)
        cursor.execute("SET LOCAL client_min_messages = warning")
        _create_postgis(cursor, database)
        cursor.execute("CREATE SCHEMA IF NOT EXISTS geodata")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS geodata.applied (name text PRIMARY KEY, sha256 text NOT"
            " NULL, at timestamptz NOT NULL DEFAULT now())"
        )
        cursor.execute(TURN)
        cursor.execute("SELECT name, sha256 FROM geodata.applied")
        applied = dict(cursor.fetchall())
        for path in sorted((SQL / "migrations").glob("*.sql")):
            _apply_once(cursor, path, applied)
        for path in sorted((SQL / "functions").glob("*.sql")):
            if applied.get(path.name) != _digest(path):
                _apply(cursor, path)


def _create_postgis(cursor: Cursor, database: Database) -> None:
    try:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    except InsufficientPrivilege:
        raise ConfigurationError(
            f"The role of {database} may not create the extension postgis, which the catalog needs:"
            " let an administrator run CREATE EXTENSION postgis there once, then run again."
        ) from None


def _apply_once(cursor: Cursor, path: Path, applied: dict[str, str]) -> None:
    if path.name not in applied:
        _apply(cursor, path)
    elif applied[path.name] != _digest(path):
        raise ConfigurationError(
            f"The migration {path.name} was edited after this database applied it: restore the file"
            " and write the change as a new migration."
        )


def _apply(cursor: Cursor, path: Path) -> None:
    cursor.execute(path.read_text(encoding="utf-8"))
    cursor.execute(
        "INSERT INTO geodata.applied (name, sha256) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE"
        " SET sha256 = excluded.sha256, at = now()",
        (path.name, _digest(path)),
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
