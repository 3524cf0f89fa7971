"""The closed vocabulary of the flows, and the SQL files that psql must be able to run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prefect import Task
from psycopg2 import sql

from tasks import vocabulary
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

ROOT = Path(__file__).resolve().parents[1]


def test_the_words_are_these_and_no_others() -> None:
    assert vocabulary.__all__ == [
        "PROCESSES",
        "WORKERS",
        "aggregate",
        "archive",
        "audit",
        "backup",
        "bury_expired",
        "check_codes",
        "check_conserved",
        "check_freshness",
        "check_join",
        "check_keys",
        "check_licence",
        "check_rebuild",
        "check_rows",
        "check_topology",
        "check_totals",
        "clean_topology",
        "collect_superseded",
        "download",
        "join",
        "load_geometries",
        "load_table",
        "open_staging",
        "publish",
        "publish_catalog",
        "read_ledger",
        "rebuild_editions",
        "rebuilding",
        "recode",
        "recorded",
        "restore_catalog",
        "rollback",
        "settle",
        "stand_on",
        "together",
        "unite",
        "unpack",
        "unpack_all",
        "withdraw",
    ]


@pytest.mark.parametrize(
    "word", [word for word in vocabulary.__all__ if isinstance(getattr(vocabulary, word), Task)]
)
def test_a_task_says_what_it_does_and_to_what(word: str) -> None:
    task = getattr(vocabulary, word)
    assert re.match(r"[A-Z].*\.\s*(\n|$)", task.fn.__doc__), (
        "the first line of the docstring is one sentence"
    )
    assert "{" in task.task_run_name, "the name of a run in the timeline has its object in it"


def test_flows_have_no_sql_and_no_branching_and_stay_short() -> None:
    for path in (ROOT / "flows").glob("*.py"):
        text = path.read_text()
        assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE)\b", text), path
        body = text[text.index("@flow") :] if "@flow" in text else ""
        assert not re.search(
            r"^    +(if|for|while|try|match)\b", body.split("if __name__")[0], re.MULTILINE
        ), path
        assert text.count("\n") <= 90, path


def test_psql_runs_a_country_s_file_unmodified(database: Database, staging: Staging) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("psql is not on this machine")
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE series (municipality_code text, year bigint, municipality_name_nl text,"
            " municipality_name_fr text, declarations bigint, declarations_without_income bigint,"
            " net_taxable_income numeric, net_income numeric, real_estate_income numeric,"
            " state_taxes numeric, municipal_taxes numeric, taxes numeric, residents bigint);CREATE"
            " TABLE shapes (municipality_code text, geom geometry(MultiPolygon, 31370));INSERT INTO"
            " series VALUES ('11001', 2013, 'A', 'A', 10, 1, 1000, 900, 1, 2, 3, 4, 25);CREATE"
            " TABLE series_of_2025 AS SELECT *, NULL AS published_code, NULL AS code_change FROM"
            " series"
        )
    preset = f'SET search_path = "{staging.schema}", geodata, public'
    command = [
        psql,
        database.libpq_uri,
        "-v",
        "ON_ERROR_STOP=1",
        "-q",
        "-c",
        preset,
        "-f",
        str(ROOT / "sql" / "belgium_income.sql"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert database.rows(
        sql.SQL("SELECT mean_income FROM {}").format(
            sql.Identifier(staging.schema, "municipal_income")
        )
    ) == [(100,)]
