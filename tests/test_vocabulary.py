"""The closed vocabulary of the flows, and the SQL files that psql must be able to run."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prefect import Task
from psycopg2 import sql

from tasks import nouns, vocabulary
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

ROOT = Path(__file__).resolve().parents[1]


def test_the_words_are_these_and_no_others() -> None:
    assert vocabulary.__all__ == [
        "PROCESSES",
        "WORKERS",
        "accept_edition",
        "aggregate",
        "announce_export",
        "archive",
        "audit",
        "backfill_datasets",
        "backup",
        "bury_expired",
        "check_codes",
        "check_conserved",
        "check_day",
        "check_freshness",
        "check_join",
        "check_keys",
        "check_licence",
        "check_rebuild",
        "check_rows",
        "check_topology",
        "check_totals",
        "check_within",
        "clean_topology",
        "collect_superseded",
        "download",
        "export_layer",
        "join",
        "load",
        "load_geometries",
        "load_table",
        "locate",
        "open_staging",
        "publish",
        "publish_catalog",
        "publish_site",
        "read_ledger",
        "rebuild_as_part",
        "rebuild_editions",
        "rebuilding",
        "recode",
        "recorded",
        "restore_catalog",
        "rollback",
        "run",
        "settle",
        "stand_on",
        "together",
        "unite",
        "unpack",
        "withdraw",
    ]


@pytest.mark.parametrize("word", [*vocabulary.__all__, *nouns.__all__])
def test_a_word_is_told_in_one_sentence(word: str) -> None:
    meant = getattr(vocabulary, word, None) or getattr(nouns, word)
    meant = meant.fn if isinstance(meant, Task) else meant
    if inspect.isroutine(meant) or (inspect.isclass(meant) and meant.__module__ != "typing"):
        first, _, _ = inspect.cleandoc(meant.__doc__ or "").partition("\n\n")
        assert re.fullmatch(r"[A-Z].*\.", " ".join(first.split())), (
            "the first paragraph of the docstring is one sentence"
        )


@pytest.mark.parametrize(
    "word", [word for word in vocabulary.__all__ if isinstance(getattr(vocabulary, word), Task)]
)
def test_a_task_is_named_by_its_object(word: str) -> None:
    name = getattr(vocabulary, word).task_run_name
    assert callable(name) or "{" in name, "the timeline shows what the verb is done to"


FLOWS = sorted(path for path in (ROOT / "flows").glob("*.py") if "@flow" in path.read_text())
LONGEST = 45  # lines of code in the body of a flow, at a width of 100


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flow_has_no_sql_and_no_branching_and_stays_short(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE)\b", text)
    body = _body(text)
    assert not [node for node in ast.walk(ast.Module(body, [])) if isinstance(node, BRANCHES)]
    lines = text.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    assert len([line for line in lines if line.strip()]) <= LONGEST


BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match, ast.comprehension)


def _body(text: str) -> list[ast.stmt]:
    """The statements of a flow under its docstring."""
    (flow,) = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    return flow.body[1:]


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
