"""A run killed with SIGKILL, between and inside its steps: what was published stays, and the next
run completes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import processes
import psutil
import psycopg2
import pytest
from prefect.settings import PREFECT_API_URL
from processes import PATIENCE
from synthetic import belgium as synthetic

from tasks.core.postgres.database import Database

ROOT = Path(__file__).resolve().parents[1]


# Starts a run for every line it reads, in a process of its own that has the libraries already.
RUNS = """
import json, os, runpy, sys
import flows.belgium
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        sys.argv = json.loads(line)
        runpy.run_path(sys.argv[0], run_name="__main__")
        sys.exit()
    print(process, flush=True)
    print(os.waitpid(process, 0)[1], flush=True)
"""


def command(mirror: Path, *options: str) -> list[str]:
    flow = str(ROOT / "flows" / "belgium.py")
    return [flow, "--vintage", "2024", "--mirror", str(mirror), *options]


def program(*arguments: str, **pipes: int) -> AbstractContextManager[processes.Program]:
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    return processes.started(sys.executable, *arguments, env=environment, cwd=ROOT, **pipes)


@pytest.fixture
def runs(prefect_server: None, other_database: Database) -> Iterator[processes.Program]:
    with program("-c", RUNS, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        yield started


def kill_when(moment: Callable[[], bool], runs: processes.Program, mirror: Path) -> None:
    """Start a run and kill it as soon as a moment has come."""
    assert runs.stdin is not None
    assert runs.stdout is not None
    print(json.dumps(command(mirror, "--rebuild")), file=runs.stdin, flush=True)
    process, deadline = psutil.Process(int(runs.stdout.readline())), time.monotonic() + PATIENCE
    while not moment():
        assert process.is_running(), f"the run ended before it could be killed: {runs.said()}"
        assert time.monotonic() < deadline, "the moment to kill at never came"
        time.sleep(0.005)
    process.kill()
    assert int(runs.stdout.readline()) == signal.SIGKILL


def finish(mirror: Path, *options: str) -> str:
    with program(*command(mirror, *options)) as run:
        return run.finish()


def state(database: Database) -> tuple[object, ...]:
    """What a reader sees: the edition shown and the content behind the views."""
    content = [
        database.value(
            f"SELECT md5(string_agg(v::text, '' ORDER BY v::text)) FROM belgium.{layer} v"
        )
        for layer in ("sectors", "regions")
    ]
    return (
        database.rows("SELECT number FROM catalog.current_edition WHERE dataset = 'belgium'")[0][0],
        *content,
    )


def test_whenever_a_run_is_killed_readers_keep_their_edition_and_the_next_run_completes(
    tmp_path: Path, runs: processes.Program, other_database: Database
) -> None:
    database, mirror = other_database, tmp_path / "mirror"
    synthetic.write(mirror, municipalities=12, sectors=600, vintages=(2024,))
    finish(mirror)
    published = state(database)

    def steps(verb: str) -> int:
        query = (
            "SELECT count(*) FROM catalog.step s JOIN catalog.edition e USING (dataset, number)"
            " WHERE e.state = 'building' AND verb = %s"
        )
        return int(database.value(query, verb))

    moments: list[Callable[[], bool]] = [
        lambda: bool(
            database.rows("SELECT 1 FROM catalog.run WHERE outcome = 'running'")
        ),  # asking the publisher
        lambda: bool(
            database.rows("SELECT 1 FROM catalog.edition WHERE state = 'building'")
        ),  # loading
        lambda: steps("check_join") == 2,  # cleaning
        lambda: steps("join") == 1,  # aggregating
        lambda: steps("aggregate") == 4,  # last checks, sealing
    ]
    for moment in moments:
        kill_when(moment, runs, mirror)
        assert state(database) == published
    sealed = "SELECT 1 FROM catalog.edition WHERE state = 'sealed'"
    switching = (
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE"
        ' \'INSERT INTO "catalog"."shown_view"%%\''
    )
    for held, moment in (  # the run is killed before the switch, and inside its transaction
        ("SELECT * FROM belgium.sectors LIMIT 1", sealed),
        ("SELECT FROM catalog.shown_view FOR UPDATE", switching),
    ):
        with psycopg2.connect(database.libpq_uri) as reader:
            reader.cursor().execute(held)
            kill_when(lambda moment=moment: bool(database.rows(moment)), runs, mirror)
        reader.close()
        assert state(database) == published

    assert "Published belgium 2024" in finish(mirror, "--rebuild")
    assert state(database)[1:] == published[1:]
    assert (
        database.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'belgium_staging%%'")
        == []
    )
    outcomes = database.rows("SELECT outcome, count(*) FROM catalog.run GROUP BY 1 ORDER BY 1")
    assert outcomes == [("abandoned", len(moments) + 2), ("published", 2)]
