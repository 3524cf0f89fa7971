"""Intruders: readers who take what they may, and other accounts of the machine."""

from __future__ import annotations

import hashlib
import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from conftest import DATASET
from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.archive.locations import Folder
from tasks.core.archive.manifests import FOLDER
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import data_folder, scratch_folder
from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database
from tasks.core.postgres.migrations import LOCK, migrate
from tasks.running.locks import alone

REFUSALS = (
    *(errors.InsufficientPrivilege, errors.WrongObjectType),
    errors.ObjectNotInPrerequisiteState,  # a view that nobody can write
)
pytestmark = pytest.mark.faults
FORMER = 7_246_022  # first half of the locks until 0.1
SESSIONS_WITH_LOCKS = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
 WHERE locktype = 'advisory' AND usename = current_user AND datname = current_database()
"""
OBJECTS = """
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('catalog', 'geodata') AND c.relkind IN ('r', 'v')
"""


@pytest.fixture
def reader(database: Database) -> Iterator[Cursor]:
    """A session of an account that may read, and no more."""
    name = f"reader_{uuid.uuid4().hex[:8]}"
    role = sql.Identifier(name)
    database.outside_transaction(
        sql.SQL("CREATE ROLE {} LOGIN IN ROLE geodata_reader").format(role)
    )
    connection = psycopg2.connect(Database(database.url.set(username=name)).libpq_uri)
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()
    database.outside_transaction(sql.SQL("DROP ROLE {}").format(role))


@contextmanager
def held(database: Database, dataset: Dataset | None = None) -> Iterator[None]:
    """As alone(), and waits until the server has seen the end of its session."""
    with alone(database, dataset):
        yield
    while database.value(SESSIONS_WITH_LOCKS):
        time.sleep(0.01)


def test_no_reader_holds_up_a_run_a_rebuild_or_a_migration(
    database: Database, reader: Cursor
) -> None:
    for name in (DATASET.slug, ""):
        reader.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (FORMER, name))
        reader.execute(
            "SELECT pg_advisory_lock(n, hashtext(%s)) FROM generate_series(1, 99) n", (name,)
        )
    reader.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    migrate(database)
    again = pytest.raises(ConfigurationError, match=r"\(session \d+ of \w+\)")
    with held(database, DATASET), again, alone(database, DATASET):
        pytest.fail("two runs of a dataset at the same time")
    with held(database):
        pass


def test_runs_and_rebuilds_keep_apart(database: Database) -> None:
    other = replace(DATASET, slug="otherland")
    refused = partial(pytest.raises, ConfigurationError, match="is under way")
    with held(database, DATASET), alone(database, other), refused(), alone(database):
        pytest.fail("a rebuild beside runs")
    for each in (None, DATASET):
        with held(database), refused(), alone(database, each):
            pytest.fail("a run beside a rebuild")


def test_a_reader_who_sees_a_lock_cannot_take_the_next(database: Database, reader: Cursor) -> None:
    for _ in range(3):
        with held(database, DATASET):
            reader.execute(
                "SELECT classid::bigint, objid::bigint FROM pg_locks WHERE locktype = 'advisory'"
                " AND pid <> pg_backend_pid()"
            )
            seen = reader.fetchall()
            assert seen
        for first, second in seen:
            reader.execute(
                "SELECT pg_try_advisory_lock(%s::int, (%s::bigint::bit(32))::int)", (first, second)
            )


def test_a_reader_locks_and_writes_no_table_of_ours(database: Database, reader: Cursor) -> None:
    names = [name for (name,) in database.rows(OBJECTS)]
    assert len(names) > 20
    for name in names:
        for attempt in (
            f"LOCK TABLE {name} IN ROW SHARE MODE",
            f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE",
            f"DELETE FROM {name}",
            f"SELECT 1 FROM {name} FOR UPDATE",
            f"TRUNCATE {name}",
            f"DROP VIEW {name}",
        ):
            with pytest.raises(REFUSALS):
                reader.execute(f"BEGIN; {attempt}")
            reader.execute("ROLLBACK")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_no_other_account_looks_into_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "new" / "data"))
    file = tmp_path / "file"
    file.write_bytes(b"x")
    sha256 = hashlib.sha256(b"x").hexdigest()
    before = os.umask(0)
    try:
        folder = Folder("", str(data_folder() / "archive"))
        folder.add(file, f"{FOLDER}/a.json", sha256)
        scratch_folder()
    finally:
        os.umask(before)
    assert mode(folder.root) == mode(scratch_folder()) == 0o700
    assert mode(data_folder()) == 0o711


def test_the_socket_is_reached_by_our_accounts_only(cluster_database: Database) -> None:
    (socket,) = (Path(str(cluster_database.url.query["host"])),)
    assert mode(socket) == 0o700
    assert {mode(path) for path in socket.glob(".s.PGSQL.*[0-9]")} == {0o700}


@pytest.mark.parametrize("trap", ["open", "foreign", "link", "nowhere"])
def test_a_socket_folder_that_somebody_else_prepared_is_refused(tmp_path: Path, trap: str) -> None:
    socket, target = tmp_path / "socket", tmp_path / "target"
    if trap in ("link", "nowhere"):
        socket.symlink_to(target)
    if trap != "nowhere":
        (target if trap == "link" else socket).mkdir(mode=0o700)
    if trap == "open":
        socket.chmod(0o755)
    if trap == "foreign":
        if os.geteuid():
            pytest.skip("only root gives a folder to another account")
        os.chown(socket, 12345, 12345)
    with pytest.raises(ConfigurationError, match=r"was expected to be a folder of .*: remove it"):
        cluster._start(tmp_path / "data", socket)
    assert not target.exists() or target.stat().st_uid == os.geteuid()
