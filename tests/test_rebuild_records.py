"""The record of a rebuild, without one: opened, held, closed, and kept in another catalog."""

from __future__ import annotations

import re

import httpx
from prefect.states import Failed
from test_rebuild_parts import recipe

from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import records
from tasks.core.rebuilding.replays import differing_layers
from tasks.verbs.rebuilds import rebuild_edition


def test_a_record_is_closed_once_and_kept_in_another_catalog(
    database: Database, other_database: Database, staging: Staging
) -> None:
    slug, number = staging.dataset.slug, staging.edition
    with database.session() as cursor:
        cursor.execute(
            "INSERT INTO catalog.layer (dataset, number, layer, description, key_columns,"
            " row_count, size_bytes, content_hash) VALUES (%s, %s, 'areas', '', '{}', 7, 0, '')",
            (slug, number),
        )
        failed = "UPDATE catalog.edition SET state = 'failed' WHERE (dataset, number) = (%s, %s)"
        cursor.execute(failed, (slug, number))
    rebuild = records.begin(database, "kept", ["/archive"], drill=True)
    assert records.check(database, rebuild, slug, number) == "missing"
    result = records.end(database, rebuild, ["a document"])
    assert result.verdict == "incomplete"
    assert result.unexplained
    assert "0 of 1 editions of 1 datasets with 7 rows" in result.message
    assert result.message.endswith("1 missing; the history is not whole: a document")
    assert [each["message"] for each in result.others] == ["it was not made"]
    records.close(database, rebuild, "failed", "too late")
    copy = records.copy(database, other_database, rebuild)
    told = "SELECT drill, archive, verdict, message, ended_at FROM catalog.rebuild WHERE id = %s"
    assert other_database.rows(told, copy) == database.rows(told, rebuild)
    assert other_database.rows(told, copy)[0][2] == "incomplete"
    kept = "SELECT dataset, number, verdict, row_count FROM catalog.rebuilt_edition"
    assert other_database.rows(kept) == [(slug, number, "missing", 7)]


def test_a_manifest_of_an_earlier_hash_is_proved_and_disproved(
    database: Database, staging: Staging
) -> None:
    stated = recipe(staging.edition + 1)
    table = f"{staging.schema}.areas"
    with database.session() as cursor:
        cursor.execute(f"CREATE TABLE {table} AS SELECT 'A' AS code, ST_Point(1, 2) AS geom")
        cursor.execute(
            "INSERT INTO catalog.edition (dataset, number, vintage, code_revision, fingerprint,"
            " schema_name) SELECT dataset, number + 1, vintage, '', '', 'gone' FROM catalog.edition"
            " WHERE (dataset, number) = (%s, %s)",
            (staging.dataset.slug, staging.edition),
        )
        for number, version in ((stated.number, 1), (staging.edition, 2)):
            cursor.execute(
                "INSERT INTO catalog.layer (dataset, number, layer, description, key_columns,"
                " row_count, size_bytes, content_hash) VALUES (%s, %s, 'areas', '', '{code}', 1, 0,"
                " geodata.content_hash(%s::regclass, %s))",
                (staging.dataset.slug, number, table, version),
            )
    assert differing_layers(database, stated, staging.edition) == {}
    with database.session() as cursor:
        cursor.execute(f"UPDATE {table} SET geom = ST_Point(1, 3)")
    found = differing_layers(database, stated, staging.edition)["areas"]
    assert len(set(re.findall(r"\b[0-9a-f]{32}-1 ", found))) == 2


def test_a_busy_prefect_server_is_asked_again_by_a_rebuild() -> None:
    answer = httpx.Response(503, request=httpx.Request("POST", "http://server.example/api"))
    busy = httpx.HTTPStatusError("Service Unavailable", request=answer.request, response=answer)
    assert rebuild_edition.retry_condition_fn(None, None, Failed(data=busy))
    assert not rebuild_edition.retry_condition_fn(None, None, Failed(data=SourceError("Gone.")))
