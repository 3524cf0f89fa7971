"""flows/README.md, done once: a made-up country of a flow, an SQL file and a generator of files,
laid into a copy of the code and run there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from tasks.core.model.settings import ROOT
from tasks.core.postgres.database import Database

pytestmark = pytest.mark.prefect

TESTS = Path(__file__).resolve().parent


def python(code: Path, *arguments: str | Path) -> None:
    """A script of the copied code, run as a person runs it."""
    paths = {"PYTHONPATH": f"{code}:{TESTS}", "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, env=os.environ | paths, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_a_country_is_a_flow_an_sql_file_and_a_generator(
    tmp_path: Path, prefect_server: None, other_database: Database
) -> None:
    code, files = tmp_path / "code", tmp_path / "files"
    for folder in ("flows", "tasks", "sql"):
        shutil.copytree(ROOT / folder, code / folder)
    shutil.copytree(TESTS / "small_country", code, dirs_exist_ok=True)
    python(code, code / "tests" / "synthetic" / "ruritania.py", files)
    python(code, code / "flows" / "ruritania.py", "--mirror", files)

    mirror = json.loads((files / "mirror.json").read_text())["sources"]
    counted = mirror["zr-residents-2026"]["totals"]["residents"]
    assert other_database.rows("SELECT count(*), sum(residents) FROM ruritania.cantons") == [
        (16, counted - 7)
    ]
    assert other_database.rows(
        "SELECT duchy_code, residents, ST_Area(geom) FROM ruritania.duchies ORDER BY 1"
    ) == other_database.rows(
        "SELECT duchy_code, sum(residents), 4e6 FROM ruritania.cantons GROUP BY 1 ORDER BY 1"
    )
    assert other_database.value("SELECT min(canton_code || duchy_code) FROM ruritania.cantons") == (
        "00-01D1"
    )
    assert other_database.value(
        "SELECT attribution FROM catalog.licence_to_print WHERE layer = 'ruritania.duchies' LIMIT 1"
    ).startswith("Source: Royal Office")
