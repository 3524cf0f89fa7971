"""Which database a run works in, and what a person reads when it cannot be used."""

from __future__ import annotations

import traceback

import pytest
from prefect.client.orchestration import get_client
from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector, SyncDriver

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres import database as databases
from tasks.core.postgres.database import Database
from tasks.core.postgres.migrations import migrate
from tasks.running.site import Site, at, site, throwaway


def test_a_prefect_block_names_the_database(
    prefect_server: None, cluster_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster_database.url
    components = ConnectionComponents(
        driver=SyncDriver.POSTGRESQL_PSYCOPG2,
        username=url.username,
        database="postgres",
        query=dict(url.query),
    )
    SqlAlchemyConnector(connection_info=components).save("geodata-test", overwrite=True)
    monkeypatch.setenv("GEODATA_DATABASE_BLOCK", "geodata-test")
    found = site().database
    assert found.url == url.set(database="postgres")
    assert found.value("SELECT count(*) FROM catalog.publication") == 0


def test_a_block_that_is_not_there_is_named(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_DATABASE_BLOCK", "no-such-block")
    with pytest.raises(
        ConfigurationError, match=r"'no-such-block' named in GEODATA_DATABASE_BLOCK"
    ):
        assert site().database


def test_a_block_that_does_not_fit_shows_nothing_of_it(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqlAlchemyConnector(connection_info="postgresql://u@127.0.0.1:1/d").save(
        "unfit", overwrite=True
    )
    with get_client(sync_client=True) as client:
        kept = client.read_block_document_by_name("unfit", "sqlalchemy-connector")
        spoilt = {"connection_info": {"password": "s3cr1t", "port": "s3cr1t"}}
        client.request(
            *("PATCH", "/block_documents/{id}"),
            path_params={"id": kept.id},
            json={"data": spoilt, "merge_existing_data": False},
        ).raise_for_status()
    monkeypatch.setenv("GEODATA_DATABASE_BLOCK", "unfit")
    with pytest.raises(ConfigurationError, match="its fields do not fit") as caught:
        assert site().database
    assert "s3cr1t" not in "".join(traceback.format_exception(caught.value))


def test_an_environment_variable_comes_before_everything(
    cluster_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = cluster_database.url.set(drivername="postgres", database="postgres").render_as_string(
        hide_password=False
    )
    monkeypatch.setenv("GEODATA_DATABASE_BLOCK", "not-looked-at")
    monkeypatch.setenv("GEODATA_DATABASE_URL", address)
    assert site().database.url.database == "postgres"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("POSTGRESQL_OLDEST", 99, "version 99 or newer is needed"),
        ("POSTGIS_OLDEST", (99, 0), r"offers PostGIS 3\.\d"),
    ],
)
def test_a_server_that_is_too_old_is_refused(
    cluster_database: Database, monkeypatch: pytest.MonkeyPatch, name: str, value: object, told: str
) -> None:
    monkeypatch.setattr(databases, name, value)
    with pytest.raises(ConfigurationError, match=told):
        databases.require_postgis(cluster_database)


def test_a_throw_away_database_is_used_meanwhile_and_dropped(other_database: Database) -> None:
    left = "geodata_drill_left"
    other_database.outside_transaction(f"CREATE DATABASE {left}")  # as a killed drill leaves it
    with throwaway() as place:
        made = place.database
        assert site().database == made != other_database
        assert made.value("SELECT count(*) FROM catalog.edition") == 0
        names = other_database.rows(
            "SELECT datname FROM pg_database WHERE starts_with(datname, 'geodata_drill_')"
        )
        assert names == [(made.url.database,)]
    assert site().database == other_database
    assert (
        other_database.rows("SELECT FROM pg_database WHERE starts_with(datname, 'geodata_drill_')")
        == []
    )


def test_the_throw_away_database_of_a_drill_that_has_ended_is_missed(
    other_database: Database,
) -> None:
    with (
        pytest.raises(ConfigurationError, match="geodata_drill_ended of a drill was expected"),
        at(Site("geodata_drill_ended")),
    ):
        assert site().database != other_database


def test_a_role_that_may_make_no_database_is_told_what_to_do(
    other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_database.outside_transaction("CREATE ROLE geodata_no_drills LOGIN")
    url = other_database.url.set(username="geodata_no_drills").render_as_string(hide_password=False)
    monkeypatch.setenv("GEODATA_DRILL_DATABASE_URL", url)
    with (
        pytest.raises(
            ConfigurationError, match="grant it CREATEDB, or set GEODATA_DRILL_DATABASE_URL"
        ),
        throwaway(),
    ):
        pytest.fail("it was made")
    assert site().database == other_database
    other_database.outside_transaction("DROP ROLE geodata_no_drills")


def test_a_role_that_may_not_create_postgis_is_told_who_can(other_database: Database) -> None:
    other_database.outside_transaction("CREATE ROLE geodata_plain LOGIN")
    made = "CREATE DATABASE geodata_plain OWNER geodata_plain TEMPLATE template0"
    other_database.outside_transaction(made)
    url = other_database.url.set(username="geodata_plain", database="geodata_plain")
    with pytest.raises(ConfigurationError, match="an administrator run CREATE EXTENSION postgis"):
        migrate(databases.parse(url.render_as_string(hide_password=False)))
    other_database.outside_transaction("DROP DATABASE geodata_plain WITH (FORCE)")
    other_database.outside_transaction("DROP ROLE geodata_plain")


def test_the_server_is_told_to_notice_a_client_that_is_lost(database: Database) -> None:
    """A socket of this machine has no keepalives, but the session says that they were set."""
    asked = "SELECT source FROM pg_settings WHERE name LIKE 'tcp_keepalives%' GROUP BY 1"
    assert database.value(asked) == "session"
    assert database.value(asked) == "session"  # also after the transaction that opened it
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute(asked)
        assert cursor.fetchall() == [("session",)]
    connection.close()
