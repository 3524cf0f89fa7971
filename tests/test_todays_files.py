"""A file whose address gives today's whatever is asked: its month is told, and held to the year."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from file_server import serve

from flows.offices import insee_lists
from tasks.core.model.columns import text
from tasks.core.model.declarations import Source, Table
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Input, Original, Staging
from tasks.running.site import site
from tasks.verbs.originals import archive, download
from tasks.verbs.todays_files import check_day

NAME = "list.csv"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: object) -> Path:
    """A publisher's folder; the archive is a new one."""
    monkeypatch.setenv("GEODATA_ARCHIVE", str(tmp_path / "archive"))
    (tmp_path / "published").mkdir()
    return tmp_path / "published"


def publish(folder: Path, content: str, day: date) -> None:
    """Lay today's file, changed on a day, in place of that of before."""
    (folder / NAME).write_text(f"code\n{content}\n")
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    os.utime(folder / NAME, (moment, moment))


def wanted(url: str, year: int) -> Source:
    return replace(
        insee_lists.postal_codes(2025),
        slug="xx-today",
        vintage=year,
        reference_date=date(year, 1, 1),
        urls=(f"{url}{NAME}",),
        rows=None,
        reads=Table(columns={"code": text("code")}),
    )


def received(source: Source) -> Original:
    return archive.fn(download.fn(source))


def held(original: Original) -> Input:
    return Input(name="list", original=original)


def test_another_year_than_that_of_the_file_is_refused_naming_both(folder: Path) -> None:
    publish(folder, "1", date(2026, 11, 3))
    with serve(folder) as url:
        for year in (2024, 2027):
            expected = rf"xx-today {year}.*the file of November 2026, where that of {year} is meant"
            with pytest.raises(SourceError, match=expected) as refused:
                received(wanted(url, year))
            assert f"xx-today-{year}.text into the folder that GEODATA_INBOX" in str(refused.value)
        assert received(wanted(url, 2026)).state == "new"


def test_the_archived_file_of_a_year_gone_by_is_taken_and_never_replaced(folder: Path) -> None:
    with serve(folder) as url:
        publish(folder, "of 2026", date(2026, 11, 3))
        first = received(wanted(url, 2026))
        publish(folder, "of 2027, in January", date(2027, 1, 4))
        again = received(wanted(url, 2026))
        assert (again.sha256, again.last_modified) == (first.sha256, first.last_modified)
        newer = received(wanted(url, 2027))
        assert newer.sha256 != first.sha256


def test_what_was_filed_under_another_year_before_does_not_stand_in(folder: Path) -> None:
    publish(folder, "of 2026", date(2026, 11, 3))
    with serve(folder) as url:
        believed = replace(wanted(url, 2024), current=False)
        assert received(believed).state == "new"
        with pytest.raises(SourceError, match="the file of November 2026"):
            received(wanted(url, 2024))


def test_a_file_laid_by_hand_is_of_the_year_in_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder, "of 2026", date(2026, 11, 3))
    (tmp_path / "inbox").mkdir()
    monkeypatch.setenv("GEODATA_INBOX", str(tmp_path / "inbox"))
    (tmp_path / "inbox" / "xx-today-2024.text").write_text("code\nof 2024\n")
    with serve(folder) as url:
        original = received(wanted(url, 2024))
        assert original.url.endswith("xx-today-2024.text")
        assert received(wanted(url, 2024)).sha256 == original.sha256


@pytest.mark.parametrize(
    ("newest", "passes"),
    [
        ("2026-10-31", True),
        ("2025-12-30", True),  # the file of 1 January
        ("2025-12-01", False),
        ("2027-01-03", False),
        (None, False),  # a check on nothing is not a pass
    ],
)
def test_the_newest_day_in_a_column_tells_the_year_too(
    newest: str | None, passes: bool, folder: Path, staging: Staging
) -> None:
    publish(folder, "1", date(2026, 11, 3))
    with serve(folder) as url:
        original = received(replace(wanted(url, 2026), dated_by="treated"))
    with site().database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE list AS SELECT day::date AS treated FROM unnest(%s::text[]) AS day",
            (["2020-01-01", newest] if newest else [None],),
        )
    if passes:
        check_day.fn(staging, held(original))
    else:
        with pytest.raises(SourceError, match=r"to be of 2026, and is of November 2026, treated"):
            check_day.fn(staging, held(original))
    kept = "SELECT expected, passed FROM catalog.check_result WHERE dataset = %s AND number = %s"
    found = site().database.rows(kept, staging.dataset.slug, staging.edition)
    assert found == [("2026", passes)]
