"""The catalog's tables: put in place once, described to the last column."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from deployed import wait
from psycopg2.errors import RaiseException

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres import migrations
from tasks.core.postgres.database import Database, engine, parse, require_postgis

RELATIONS = "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'catalog'"


def test_every_table_view_and_column_says_what_it_is(database: Database) -> None:
    assert (
        database.rows(
            f"SELECT relname {RELATIONS} AND relkind IN ('r', 'v') AND obj_description(c.oid) IS"
            " NULL"
        )
        == []
    )
    silent = (
        f"SELECT relname, attname FROM pg_attribute a JOIN (SELECT c.oid, relname {RELATIONS} AND"
        " relkind = 'r') t ON t.oid = attrelid "
    )
    assert (
        database.rows(
            silent
            + "WHERE attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL"
        )
        == []
    )


def test_the_catalog_has_the_tables_the_design_names(database: Database) -> None:
    tables = {name for (name,) in database.rows(f"SELECT relname {RELATIONS} AND relkind = 'r'")}
    assert tables == {
        "publisher",
        "licence",
        "dataset",
        "source",
        "artifact",
        "retrieval",
        "edition",
        "edition_input",
        "layer",
        "layer_column",
        "step",
        "check_result",
        "join_report",
        "topology_report",
        "run",
        "publication",
        "code_change",
        "code_label",
        "edition_dependency",
        "tombstone",
        "archive_audit",
        "rebuild",
        "rebuilt_edition",
        "shelved_edition",
        "showing",
        "prospect",
        "listed_file",
        "change",
        "ledger_draft",
        "acceptance",
    }


def test_migrating_twice_changes_nothing_and_an_edited_migration_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = database.rows("SELECT name, at FROM geodata.applied ORDER BY name")
    migrations.migrate(database)
    assert database.rows("SELECT name, at FROM geodata.applied ORDER BY name") == applied
    monkeypatch.setattr(migrations, "_digest", lambda path: "0" * 64)
    with pytest.raises(ConfigurationError, match=r"0001_catalog.sql was edited"):
        migrations.migrate(database)


MAKE_ROLE = "CREATE ROLE geodata_reader NOLOGIN"


@pytest.mark.parametrize(
    ("before", "then"),
    [(MAKE_ROLE, "SELECT"), ("LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE", MAKE_ROLE)],
    ids=["role not seen yet", "role made a moment later"],
)
def test_two_databases_of_a_new_server_are_migrated_at_one_time(
    before: str, then: str, cluster_database: Database
) -> None:
    url = cluster_database.url.set(database="geodata_second")
    cluster_database.outside_transaction(
        "ALTER ROLE geodata_reader RENAME TO geodata_reader_of_tests",
        f"CREATE DATABASE {url.database}",
    )
    second = parse(url.render_as_string(hide_password=False))
    waiting = "SELECT FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    try:
        with ThreadPoolExecutor(1) as beside:
            with cluster_database.session() as first:
                first.execute(before)
                migrating = beside.submit(migrations.migrate, second)
                is_waiting = partial(cluster_database.rows, waiting, url.database)
                wait(lambda: is_waiting() or migrating.done(), "the second to make the role")
                assert not migrating.done()
                first.execute(then)
            migrating.result()
        assert second.value("SELECT has_schema_privilege('geodata_reader', 'catalog', 'USAGE')")
    finally:
        engine(second).dispose()
        cluster_database.outside_transaction(
            f"DROP DATABASE {url.database} WITH (FORCE)",
            "DROP ROLE IF EXISTS geodata_reader",
            "ALTER ROLE geodata_reader_of_tests RENAME TO geodata_reader",
        )


def test_the_content_hash_knows_rows_and_not_their_order(database: Database) -> None:
    def hashed(rows: str, version: int = 2) -> str:
        with database.session() as cursor:
            cursor.execute(
                f"CREATE TEMPORARY TABLE hashed ON COMMIT DROP AS SELECT * FROM (VALUES {rows}) AS"
                " v (code, people)"
            )
            cursor.execute("SELECT geodata.content_hash('hashed', %s)", (version,))
            return str(cursor.fetchall()[0][0])

    known = (  # as it is in the manifests of every archive: it must never become another
        "023a5766881a79af241ad2e0860d358d-2"
    )
    assert hashed("('A', 1.5), ('B', NULL)", 1) == hashed("('B', NULL), ('A', 1.5)", 1) == known
    assert hashed("('A', 1.5), ('B', NULL)") == hashed("('B', NULL), ('A', 1.5)")
    assert hashed("('A', 1.5), ('B', NULL)") == f"{known}-v2"
    assert (
        len(
            {
                hashed(rows)
                for rows in (
                    "('A', 1.5), ('B', NULL)",
                    "('A', 1.5), ('B', 0)",
                    "('A', 1.5)",
                    "('A', 1.5), ('A', 1.5)",
                )
            }
        )
        == 4
    )


def test_manifests_of_each_version_of_the_content_hash_are_proved(database: Database) -> None:
    with database.session() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE hashed ON COMMIT DROP AS SELECT code,"
            " ST_SetSRID(ST_Point(code, 2), 3035) AS geom FROM (VALUES (1), (NULL)) AS v (code)"
        )

        def told(of: str) -> str:
            cursor.execute(f"SELECT geodata.content_hash('hashed'::regclass{of})")
            return str(cursor.fetchall()[0][0])

        first, second = told(", 1"), told(", 2")
        # as they are in manifests of archives: they must never become others
        assert first == "9bd32e8b169c8b0c3d678c093f34509c-2"
        assert second == "0aacc8115f1bfd943632bc7539b841ff-2-v2"
        assert told(f", geodata.hash_version('{first}')") == first
        assert told(f", geodata.hash_version('{second}')") == second
        cursor.execute("UPDATE hashed SET geom = ST_SetSRID(geom, 3812)")
        assert first != told(", 1") == told("")
        assert second != told(", 2") != told(", 1")
        with pytest.raises(RaiseException, match="version 1 or 2, found 3: newer code"):
            told(", 3")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://host/name", "must be PostgreSQL"),
        ("nonsense", "cannot be read"),
        ("postgresql://user:secret@127.0.0.1:9/x", "cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_used_is_explained_without_its_password(
    url: str, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        require_postgis(parse(url))
    assert "secret" not in str(raised.value)
