"""The documents that runs leave in the archive, however they end and whatever the archive does at
that moment.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import processes
import pytest
from botocore import retryhandler
from conftest import database_of_its_own
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from runland import ADDRESS, bring_back, runland, take_away, tried_again, write
from s3fs import S3FileSystem

from tasks.core.catalog.run_documents import run_document
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database
from tasks.running import archived_runs, steps
from tasks.running.site import site

ROOT = Path(__file__).resolve().parents[1]


def run(mirror: Path, **parameters: Any) -> State[Any]:
    return runland(mirror=str(mirror), **parameters, return_state=True)  # type: ignore[call-overload, no-any-return]


def killed(mirror: Path) -> None:
    """A run in an operating system process of its own, which ends by SIGKILL."""
    code = (
        f"from runland import runland; runland(mirror={str(mirror)!r}, rebuild=True,"
        " ending='killed')"
    )
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "PYTHONPATH": path}
    with processes.started(sys.executable, "-c", code, env=environment) as run:
        run.finish(-signal.SIGKILL)


def documents() -> list[dict[str, Any]]:
    return [document for _, document in site().archive.documents.read_all("runs")]


def outcomes(folder: Path) -> list[str]:
    """What the documents in one location say, in the order of their names."""
    return [
        json.loads(path.read_text())["run"]["outcome"]
        for path in sorted(folder.glob("runs/runland/*/*.json"))
    ]


@contextmanager
def heard() -> Iterator[list[str]]:
    """The sentences said loudly about runs."""
    loud: list[str] = []
    log = steps.log
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            steps,
            "log",
            lambda level, sentence: (
                loud.append(sentence) if level >= logging.WARNING else None,
                log(level, sentence),
            )[0],
        )
        yield loud


@pytest.fixture(scope="module")
def history(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: None, cluster_database: Database
) -> Iterator[Database]:
    """Runs that published, found nothing new, failed, were killed and, in the end, published
    again.
    """
    folder = tmp_path_factory.mktemp("history")
    mirror = folder / "mirror"
    with database_of_its_own(cluster_database, folder / "archive") as database:
        write(mirror)
        run(mirror)
        run(mirror)
        write(mirror, people=7)
        run(mirror)
        write(mirror)
        killed(mirror)
        assert outcomes(folder / "archive") == ["published", "unchanged", "failed"]
        run(mirror, rebuild=True)
        yield database


@pytest.fixture
def mirror(tmp_path: Path, prefect_server: None, other_database: Database) -> Path:
    """A mirror of the office, beside an empty database and an empty archive."""
    write(tmp_path / "mirror")
    return tmp_path / "mirror"


def test_every_ended_run_has_a_document_that_is_its_row(history: Database) -> None:
    found = documents()
    assert [document["run"]["outcome"] for document in found] == [
        "published",
        "unchanged",
        "failed",
        "abandoned",
        "published",
    ]
    assert [document["run"] for document in found] == [
        row for (row,) in history.rows("SELECT to_jsonb(r) FROM catalog.run r ORDER BY started_at")
    ]
    assert all(document["run"]["ended_at"] for document in found)
    taken = [document["run"]["peak_mib"] for document in found]
    assert [each is None for each in taken] == [False, False, False, True, False]  # one was killed
    assert found[0]["run"]["message"].startswith("Published runland 2026, edition 1 (places 3).")
    for document in found:
        assert list(document) == ["document", "version", "dataset", "run", "retrievals", "editions"]
        assert (document["document"], document["version"]) == ("run of geodata-flows", 1)
        assert document["dataset"] == history.value("SELECT to_jsonb(d) FROM catalog.dataset d")


def test_a_document_is_named_after_the_start_and_the_run(history: Database) -> None:
    names = [name for name, _ in site().archive.documents.read_all("runs")]
    rows = history.rows("SELECT started_at, id FROM catalog.run ORDER BY started_at")
    starts = [(start.astimezone(UTC), run_id) for start, run_id in rows]
    assert names == [
        f"runs/runland/{start:%Y}/{start:%Y%m%dT%H%M%S.%fZ}-{run_id}.json"
        for start, run_id in starts
    ]
    assert re.fullmatch(r"runs/runland/20\d\d/20\d{6}T\d{6}\.\d{6}Z-[0-9a-f-]{36}\.json", names[0])


def test_a_document_has_what_the_publisher_answered_to_its_run(history: Database) -> None:
    asked = [document["retrievals"] for document in documents()]
    assert [[retrieval["state"] for retrieval in retrievals] for retrievals in asked] == [
        ["new"],
        *[["unchanged"]] * 4,
    ]
    rows = history.rows("SELECT to_jsonb(r) - 'id' FROM catalog.retrieval r ORDER BY id")
    assert [(retrieval,) for retrievals in asked for retrieval in retrievals] == rows
    assert [retrievals[0]["run"] for retrievals in asked] == [
        run_id for (run_id,) in history.rows("SELECT id FROM catalog.run ORDER BY started_at")
    ]


def test_a_document_has_the_editions_that_were_not_published_with_their_steps_and_checks(
    history: Database,
) -> None:
    found = [document["editions"] for document in documents()]
    assert [[edition["edition"]["state"] for edition in editions] for editions in found] == [
        [],
        [],
        ["failed"],
        ["abandoned"],
        [],
    ]
    (failed,), (abandoned,) = found[2], found[3]
    assert failed["document"] == "edition of geodata-flows"
    assert [(step["verb"], step["sentence"]) for step in failed["steps"]] == [
        ("load_table", "Loaded 3 rows")
    ]
    checks = [(check["expected"], check["found"], check["passed"]) for check in failed["checks"]]
    assert checks == [("7 (± 0.00%, the mirror synthetic-runland)", "6 in 3 of 3 rows", False)]
    assert [check["passed"] for check in abandoned["checks"]] == [True]
    assert failed["inputs"][0]["source"] == abandoned["inputs"][0]["source"] == "zr-places"
    assert (failed["run"]["outcome"], abandoned["run"]["outcome"]) == ("failed", "abandoned")


def test_published_editions_have_manifests_of_their_own(history: Database) -> None:
    manifests = [document for _, document in site().archive.documents.read_all("editions")]
    assert [
        (manifest["edition"]["number"], manifest["run"]["outcome"]) for manifest in manifests
    ] == [(1, "running"), (4, "running")]


def test_a_run_that_the_catalog_does_not_know_has_no_document(history: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"no run 'another'"):
        run_document(history, "another")


def test_an_edition_that_was_published_without_a_manifest_is_told_by_its_run(mirror: Path) -> None:
    assert run(mirror, ending="uncataloged").is_completed()
    (document,) = documents()
    assert [
        (made["edition"]["state"], len(made["publications"])) for made in document["editions"]
    ] == [("published", 1)]
    assert document["editions"][0]["layers"][0]["content_hash"]


@pytest.mark.parametrize(
    ("ending", "outcome"), [("archive lost", "published"), ("archive lost and refused", "failed")]
)
def test_without_an_archive_a_run_ends_as_it_would_and_the_next_run_writes_its_document(
    mirror: Path, tmp_path: Path, other_database: Database, ending: str, outcome: str
) -> None:
    with heard() as loud:
        state = run(mirror, ending=ending)
    assert (state.name, state.is_completed()) == (
        ("Completed", True) if outcome == "published" else ("Failed", False)
    )
    assert re.match(
        r"Published runland 2026, edition 1|.*SourceError: The file .* was expected and is not"
        r" there\.",
        str(state.message),
    )
    assert len(loud) == 1
    assert re.match(
        r"Documents of runs were not written .*No location of the archive could keep the document"
        r" runs/runland/.*next run",
        loud[0],
    )
    (kept,) = other_database.rows("SELECT to_jsonb(r) FROM catalog.run r")
    assert kept[0]["outcome"] == outcome

    bring_back(tmp_path / "archive")
    with heard() as loud:
        assert "Nothing new" in str(run(mirror).message)
    assert loud == []
    assert outcomes(tmp_path / "archive") == [outcome, "unchanged"]
    assert documents()[0]["run"] == kept[0]


def test_a_replica_that_was_down_is_named_and_catches_up(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = tmp_path / "replica"
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(replica))
    run(mirror)
    take_away(replica)
    with heard() as loud:
        assert run(mirror).is_completed()
    assert any(
        sentence.startswith(f"The archive location {replica} ")
        and "lacks the document runs/runland/" in sentence
        for sentence in loud
    )
    bring_back(replica)
    assert outcomes(replica) == ["published"]
    run(mirror)
    assert (
        outcomes(replica)
        == outcomes(tmp_path / "archive")
        == ["published", "unchanged", "unchanged"]
    )
    for path in (tmp_path / "archive").glob("runs/**/*.json"):
        assert path.read_bytes() == (replica / path.relative_to(tmp_path / "archive")).read_bytes()


def test_documents_that_a_location_without_an_answer_may_have_are_not_made_again(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(mirror, ending="archive lost")
    bring_back(tmp_path / "archive")
    with monkeypatch.context() as down:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            down.setenv(name, "test")
        down.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        down.setattr(retryhandler, "delay_exponential", lambda *_, **__: 0.0)  # tries again at once
        down.setenv("GEODATA_ARCHIVE_REPLICAS", "s3://replica/archive")
        S3FileSystem.clear_instance_cache()
        with heard() as loud:
            assert run(mirror).is_completed()
    S3FileSystem.clear_instance_cache()
    assert any(
        "s3://replica/archive" in sentence
        and "does not tell which runs of runland it has" in sentence
        for sentence in loud
    )
    assert outcomes(tmp_path / "archive") == ["unchanged"]
    run(mirror)
    assert outcomes(tmp_path / "archive") == ["published", "unchanged", "unchanged"]


def test_one_run_writes_no_more_than_so_many_documents_of_earlier_ones_the_oldest_first(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        run(mirror)
    for path in (tmp_path / "archive").glob("runs/**/*.json"):
        path.unlink()
    monkeypatch.setattr(archived_runs, "MOST", 2)
    with heard() as loud:
        run(mirror)
    assert loud == [
        "The archive lacks the documents of 1 more runs of runland: the next runs write them."
    ]
    assert outcomes(tmp_path / "archive") == ["published", "unchanged", "unchanged"]
    run(mirror)
    assert len(outcomes(tmp_path / "archive")) == 5


def test_a_run_that_is_tried_again_leaves_a_document_for_each_try(mirror: Path) -> None:
    assert tried_again(mirror=str(mirror), return_state=True).is_completed()  # type: ignore[call-overload]
    first, second = documents()
    assert (first["run"]["outcome"], second["run"]["outcome"]) == ("failed", "published")
    assert first["run"]["id"] == second["run"]["id"]
    assert second["retrievals"][: len(first["retrievals"])] == first["retrievals"]
    assert len(second["retrievals"]) == 2
    assert datetime.fromisoformat(first["run"]["started_at"]) < datetime.fromisoformat(
        second["run"]["started_at"]
    )


def test_a_rebuild_that_is_tried_again_publishes_its_edition_once(
    mirror: Path, other_database: Database
) -> None:
    assert run(mirror).is_completed()
    ends_badly_once_it_has_published = {"rebuild": True, "ending": "refused"}
    twice = runland.with_options(retries=1)
    state = twice(mirror=str(mirror), **ends_badly_once_it_has_published, return_state=True)
    assert state.message == "Published runland 2026, edition 2 (places 3)."
    assert other_database.rows("SELECT outcome, message FROM catalog.run ORDER BY started_at") == [
        ("published", "Published runland 2026, edition 1 (places 3)."),
        ("published", "Published runland 2026, edition 2 (places 3)."),
    ]
    assert run(mirror, rebuild=True).message == "Published runland 2026, edition 3 (places 3)."


def test_credentials_in_parameters_and_in_the_last_words_are_not_kept(
    mirror: Path, other_database: Database
) -> None:
    state = run(mirror, ending="refused", addresses=(ADDRESS,))
    assert state.is_failed()
    (kept,) = other_database.rows("SELECT parameters, message FROM catalog.run")
    assert kept[0]["addresses"] == ["https://***@office.example/places.csv?api_key=***"]
    assert (
        kept[1]
        == "The file https://***@office.example/places.csv?api_key=*** was expected and is not"
        " there."
    )
    (document,) = documents()
    assert (document["run"]["parameters"], document["run"]["message"]) == kept
    with other_database.session() as cursor:  # as runs of before kept them
        cursor.execute("UPDATE catalog.run SET message = %s", (ADDRESS,))
    assert "hidden" not in json.dumps(run_document(other_database, document["run"]["id"]))
