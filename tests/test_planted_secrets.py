"""Planted secrets: everywhere a person may put one, and looked for everywhere a run leaves a
trace.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deployed import wait
from faulty_server import FaultyServer, running, status, whole
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter
from prefect.settings import get_current_settings
from runland import PLACES, RUNLAND, SCRIPT, write
from s3fs import S3FileSystem

from tasks.core.postgres.database import Database
from tasks.core.upstream import http
from tasks.running.site import site
from tasks.verbs import originals
from tasks.vocabulary import (
    backup,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recorded,
    unpack,
)

pytestmark = pytest.mark.faults
MARK = "s3cr1t"  # in every secret
ROWS = b"code;people\nA;1\nB;2\nC;3\n"


@flow(name="secretive")
@recorded(RUNLAND)
def secretive(address: str = "", mirror: str | None = None, script: str = "") -> None:
    """Publish Runland from an address or a mirror."""
    source = replace(PLACES, urls=(SECRET_ADDRESS[address],)) if address else PLACES
    files = backup(loaded=source, mirror=mirror)
    staging = open_staging(RUNLAND, 2026, files, rebuild=True)
    load(staging, unpack(files))
    join(staging, script)
    publish_catalog(publish(staging))


SECRET_ADDRESS: dict[str, str] = {}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    with running() as faulty:
        yield faulty


@pytest.fixture
def planted(
    other_database: Database,
    s3_api: Any,
    server: FaultyServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A site with a secret in each of its settings; gives the script of the flow."""
    url = other_database.url.update_query_dict({"password": f"{MARK}-database"})
    monkeypatch.setenv("GEODATA_DATABASE_URL", url.render_as_string(hide_password=False))
    s3_api.create_bucket(Bucket="secretive-bucket")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{MARK}-s3")
    S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("GEODATA_ARCHIVE", "s3://secretive-bucket/archive")
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    host = server.base.removeprefix("http://")
    known = f"http://me:{MARK}-mirror@{host}/mirror http://{host}/open?k={MARK}-question"
    monkeypatch.setenv("GEODATA_CREDENTIALS", known)
    write(tmp_path / "mirror")
    return SCRIPT


def traces(database: Database, data: Path) -> Iterator[tuple[str, str]]:
    """Everything that runs leave: the catalog, the archive, files, and all that Prefect keeps."""
    tables = "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN %s"
    for (table,) in database.rows(tables, ("catalog", "geodata", "runland")):
        for row in database.rows(f"SELECT t::text FROM {table} t"):
            yield table, row[0]
    store = site().archive
    for location in store.locations.all:
        for name in location.names(""):
            yield name, location.read(name).decode("latin-1")
    settings = get_current_settings()
    kept = str(settings.server.database.connection_url.get_secret_value()).partition("///")[2]
    folders = (data, Path(kept.partition("?")[0]).parent, Path(settings.home))
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes().decode("latin-1")


def test_no_secret_is_in_anything_that_runs_leave(
    recording_server: None,
    planted: Path,
    server: FaultyServer,
    other_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    for verb in ("download", "archive"):  # as often as ever, but not minutes later
        soon = getattr(originals, verb).with_options(retry_delay_seconds=[1, 1])
        monkeypatch.setattr(originals, verb, soon)
    host = server.base.removeprefix("http://")
    described = {"path": "places.csv"}
    content = {"label": "secretive", "sources": {"zr-places-2026": described}}
    server.script("/mirror/mirror.json", whole(json.dumps(content).encode()))
    server.script("/mirror/places.csv", whole(ROWS, kind="text/csv"))
    moved = status(301, Location=f"/new?token={MARK}-moved&k={MARK}-question")
    server.script("/open/places.csv", moved)
    server.script("/new", whole(ROWS, kind="text/csv"))
    server.script("/gone", status(403))
    SECRET_ADDRESS["bad"] = f"http://me:{MARK}-user@{host}/gone?api_key={MARK}-key"
    SECRET_ADDRESS["good"] = f"http://me:{MARK}-user@{host}/new?api_key={MARK}-key"
    SECRET_ADDRESS["known"] = f"http://{host}/open/places.csv"
    run: Any = secretive
    mirror, script = f"{server.base}/mirror", str(planted)
    states = [run(mirror=mirror, script=script, return_state=True)]
    server.script("/mirror/mirror.json", status(403))
    states.append(run(mirror=mirror, script=script, return_state=True))
    states += [run(address=each, script=script, return_state=True) for each in SECRET_ADDRESS]
    assert [state.is_completed() for state in states] == [True, False, False, True, True]
    assert any("authorization" in each.headers for each in server.asked)
    assert any(f"k={MARK}-question" in each.path for each in server.asked)
    failed = TaskRunFilter(state={"type": {"any_": ["FAILED"]}})
    ours = {"filter": {"event": {"prefix": ["geodata."]}}}
    with get_client(sync_client=True) as client:  # which the server records a little later
        wait(lambda: client.read_task_runs(task_run_filter=failed), "a task that failed")
        asked = "POST", "/events/filter"
        wait(lambda: client.request(*asked, json=ours).json()["events"], "an event of ours")
    left = list(traces(other_database, tmp_path / "data"))
    read = {place for place, text in left if "zr-places" in text}
    assert {"catalog.retrieval", "catalog.run"} <= read
    assert any(place.startswith("manifests/") for place in read)
    assert any(".db" in Path(place).name for place in read)  # Prefect's server
    assert not {place for place, text in left if MARK in text}
    monkeypatch.setenv("GEODATA_DATABASE_URL", f"postgresql://u@127.0.0.1:1/d?password={MARK}")
    states.append(run(address="good", script=script, return_state=True))
    assert MARK not in " ".join(str(state.message) for state in states)
    assert MARK not in caplog.text
