"""The settings of a machine: each is a variable of the environment, read when it is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.settings import (
    ROOT,
    Settings,
    archive_locations,
    data_folder,
    scratch_folder,
    settings,
)


def test_what_is_not_set_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"GEODATA_{name.upper()}", "")  # empty is not set
    found = settings()
    assert found.data == ROOT / "data"
    assert found.database_url is found.drill_database_url is None
    assert (found.archive, found.archive_replicas, found.accept_shrink) == ("", (), ())
    assert (found.inbox, found.upstream, found.revision, found.database_block) == ("",) * 4


def test_what_is_set_is_read_when_it_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    assert data_folder() == tmp_path / "data"
    assert scratch_folder().is_dir()
    assert archive_locations() == (str(tmp_path / "data" / "archive"),)
    monkeypatch.setenv("GEODATA_ARCHIVE", "s3://bucket/path")
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", " /one  s3://two/path ")
    assert archive_locations() == ("s3://bucket/path", "/one", "s3://two/path")
    monkeypatch.setenv("GEODATA_INBOX", "https://office.example/files/")
    assert settings().inbox == "https://office.example/files"


def test_a_password_is_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODATA_DATABASE_URL", "postgresql://me:hush@host/name")
    monkeypatch.setenv("GEODATA_DRILL_DATABASE_URL", "postgresql://me:hush@host/name")
    assert "hush" not in f"{settings()!r} {settings()} {settings().model_dump_json()}"


def test_a_value_that_means_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODATA_UPSTREAM", "archiv")
    with pytest.raises(
        ConfigurationError, match=r"found that GEODATA_UPSTREAM is 'archiv' \(.*'archive'\): corr"
    ):
        settings()


def test_nothing_else_of_the_program_reads_these_variables() -> None:
    reading = re.compile(r"""(environ|getenv)\W+(\w+\W+)?["']GEODATA_""")
    modules = (ROOT / "tasks").rglob("*.py")
    assert [path for path in modules if reading.search(path.read_text("utf-8"))] == []
