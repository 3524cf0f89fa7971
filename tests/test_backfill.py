"""A backfill: every vintage that is still there, the oldest first, said and not made twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import processes
import pytest
from prefect.settings import PREFECT_API_URL
from synthetic import belgium as synthetic

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database
from tasks.verbs.backfills import _require_any, backfill_datasets, fill

pytestmark = pytest.mark.prefect

PROGRAM = Path(__file__).resolve().parents[1] / "flows" / "backfill.py"
SHOWN = "SELECT vintage, number FROM catalog.current_edition ORDER BY number"


def filled(mirror: Path) -> str:
    """What the program says of Belgium since 2022, one vintage a line."""
    command = (sys.executable, str(PROGRAM), "--datasets", "belgium", "--since", "2022")
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    ended = processes.run(*command, "--mirror", str(mirror), env=environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_what_is_there_is_published_in_order_and_what_is_not_is_said(
    tmp_path: Path, prefect_server: None, other_database: Database
) -> None:
    synthetic.write(tmp_path / "mirror", municipalities=6, sectors=40, vintages=(2023, 2025))
    said = filled(tmp_path / "mirror")
    for year, outcome in ((2022, "not there"), (2023, "published"), (2024, "not there")):
        assert f"belgium {year} is {outcome}" in said
    assert other_database.rows(SHOWN) == [(2023, 1), (2025, 2)]
    compared = "SELECT compared_with FROM catalog.edition ORDER BY number"
    assert other_database.rows(compared) == [(None,), (1,)]
    assert "belgium 2025 is unchanged" in filled(tmp_path / "mirror")
    assert other_database.rows(SHOWN) == [(2023, 1), (2025, 2)]


def test_a_backfill_of_nothing_is_refused(tmp_path: Path, other_database: Database) -> None:
    with pytest.raises(ConfigurationError, match="found no dataset: name a dataset"):
        backfill_datasets([], None, None)
    synthetic.write(tmp_path / "mirror", municipalities=6, sectors=40, vintages=(2023,))
    (later,) = {fill.fn("belgium", 2099, str(tmp_path / "mirror"))}
    with pytest.raises(ConfigurationError, match=r"no vintage since 2099 of belgium: .* earlier"):
        _require_any(["belgium"], 2099, later)
