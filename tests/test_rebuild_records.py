"""The record of a rebuild, without one: opened, held, closed, and kept in another catalog."""

from __future__ import annotations

import httpx
from prefect.states import Failed

from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import records
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


def test_a_busy_prefect_server_is_asked_again_by_a_rebuild() -> None:
    answer = httpx.Response(503, request=httpx.Request("POST", "http://server.example/api"))
    busy = httpx.HTTPStatusError("Service Unavailable", request=answer.request, response=answer)
    assert rebuild_edition.retry_condition_fn(None, None, Failed(data=busy))
    assert not rebuild_edition.retry_condition_fn(None, None, Failed(data=SourceError("Gone.")))
