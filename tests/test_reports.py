"""The report of a run: one page in a real Prefect server, whatever came of the run."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import runland as country
import yearland
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from runland import RUNLAND, runland

from tasks.core.catalog.provenance import record_step
from tasks.core.catalog.reports import facts
from tasks.core.catalog.reports.editions import section
from tasks.core.catalog.reports.markdown import bar, moment, plain, share, table
from tasks.core.model.errors import ConfigurationError, GeodataError, WorkLost
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.running import reports
from tasks.running.locks import alone
from tasks.verbs.reviews import accept_edition
from tasks.vocabulary import backup, recorded

SITE = "https://geodata.example/site"


@pytest.fixture
def mirror(
    tmp_path: Path,
    prefect_server: None,
    other_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The office's files; the database and the archive are new, and the pages have an address."""
    monkeypatch.setenv("GEODATA_SITE_URL", f"{SITE}/")
    folder = tmp_path / "mirror"
    country.write(folder)
    return folder


def ended(mirror: Path, **given: Any) -> State[Any]:
    return runland(mirror=str(mirror), return_state=True, **given)


def left(state: State[Any]) -> list[Any]:
    """What a run has left in the Prefect UI, as its API gives it."""
    ours = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    )
    with get_client(sync_client=True) as client:
        return client.read_artifacts(artifact_filter=ours)


def page_of(state: State[Any], key: str = "runland-report") -> str:
    """The one page that a run has left."""
    (artefact,) = [each for each in left(state) if each.type == "markdown"]
    assert artefact.key == key
    return str(artefact.data)


def test_each_run_says_what_came_of_it_on_one_page(mirror: Path) -> None:
    published(page_of(ended(mirror)), mirror)
    unchanged(page_of(ended(mirror)))
    country.write(mirror, people=10, codes="A B C D")
    compared(page_of(ended(mirror)))
    country.write(mirror, people=7, codes="A B C D")
    state = ended(mirror)
    refused(page_of(state), str(state.result(raise_on_failure=False)))
    (mirror / "places.csv").write_text("code;people\nA;1\nA;2\nB;3\n")
    page = page_of(ended(mirror))
    assert "\nWhere: load\\_table loaded, failed: " in page
    assert "Readers still see edition 2 of 2026" in page


def published(page: str, mirror: Path) -> None:
    """What is new, with the way to its page and no folder of this machine."""
    assert page.startswith("# Runland: places: published\n")
    assert "## Edition 1 of 2026: published" in page
    assert "**Not official data: made from the mirror synthetic-runland.**" in page
    assert f"[Its page]({SITE}/runland/2026/)" in page
    assert f"![Map of runland 2026]({SITE}/runland/2026/map.png)" in page
    assert "| places | 3 |  |  |" in page
    assert "### Checks: all " in page
    assert "UTC: 1 new.\n" in page
    assert "| zr-places | 2026 | new | " in page
    assert "▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ |" in page
    assert str(mirror) not in page


def unchanged(page: str) -> None:
    """One line, and when the publisher was asked."""
    heading, line = page.strip().split("\n\n")
    assert heading == "# Runland: places: nothing new"
    assert line.startswith("Nothing new for runland 2026: edition 1 was made from these files by")
    assert line.endswith("UTC: 1 unchanged.")
    assert f"were asked on {datetime.now(UTC).day}" in line


def compared(page: str) -> None:
    """What changed since the edition before."""
    assert "| layer | rows | edition 1 | change |" in page
    assert "| places | 4 | 3 | +1 |" in page
    assert "### What changed since edition 1 of 2026" in page
    assert "UTC: 1 changed.\n" in page


def refused(page: str, error: str) -> None:
    """What was expected and found, and what readers still see."""
    assert page.startswith("# Runland: places: failed\n\nThe publishers were asked on")
    assert f"\n\n**{plain(error)[:60]}" in page
    assert "Readers still see edition 2 of 2026, since " in page
    assert "## Edition 3 of 2026: failed" in page
    assert "### Checks: 1 of " in page
    assert "\n- **FAILED**: total people of loaded, expected 7 " in page
    assert "Its page" not in page


def test_no_secret_is_shown(mirror: Path) -> None:
    page = page_of(ended(mirror, ending="refused"))
    assert "is not there" in page
    assert "hidden" not in page
    assert "# Runland: places: failed\n" in page
    assert "## Edition 1 of 2026: published" in page


def test_a_run_that_is_refused_before_it_begins_leaves_a_report_too(
    mirror: Path, other_database: Database
) -> None:
    with alone(other_database, RUNLAND):
        state = ended(mirror)
    assert isinstance(state.result(raise_on_failure=False), ConfigurationError)
    page = page_of(state)
    assert page.startswith("# runland: failed\n\n**")
    assert "Readers see nothing of it: no edition is shown." in page


def test_a_run_that_begins_again_leaves_one_report(mirror: Path) -> None:
    tries: list[int] = []

    @flow(name="runland-lost")
    @recorded(RUNLAND)
    def lost_once() -> None:
        tries.append(1)
        backup(loaded=country.PLACES, mirror=str(mirror))
        if len(tries) == 1:
            raise WorkLost("The staging was expected to be whole, found empty.")

    state = lost_once(return_state=True)
    assert (state.is_completed(), len(tries)) == (True, 2)
    assert page_of(state).startswith("# Runland: places: published\n")


def test_what_is_kept_for_review_says_what_differs_and_what_to_do(
    tmp_path: Path, prefect_server: None, other_database: Database
) -> None:
    folder = tmp_path / "published"
    yearland.write_declared(folder)
    yearland.yearland(mirror=str(folder), return_state=True)
    yearland.write_borders(folder, 2026)
    yearland.write_residents(folder, 2026, factor=3.0)
    state = yearland.yearland(mirror=str(folder), return_state=True)
    page = page_of(state, "yearland-report")
    assert ": kept for review\n" in page
    assert "python flows/accept\\.py" in page.replace("accept.py", "accept\\.py")
    assert "Readers still see edition 1 of 2025" in page
    assert "Outside what was expected (" in page
    assert "| **outside** |" in page

    @flow(name="accepting")
    def accepting() -> None:
        accept_edition("yearland", 2, "A. Person")

    page = page_of(accepting(return_state=True), "yearland-report")
    assert ": accepted\n" in page
    assert "## Edition 2 of 2026: published" in page


def test_no_run_fails_because_its_report_cannot_be_left(
    mirror: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @flow(name="told-to-nobody")
    def told_to_nobody() -> None:
        nowhere = {
            PREFECT_API_URL: "http://127.0.0.1:9/api",
            PREFECT_CLIENT_MAX_RETRIES: 0,
        }
        with (
            pytest.raises(KeyboardInterrupt),
            temporary_settings(nowhere),
            reports.reporting(RUNLAND),
        ):
            raise KeyboardInterrupt

    with caplog.at_level(logging.WARNING):
        assert told_to_nobody(return_state=True).is_completed()
    assert "The Prefect server was not told the report of this run" in caplog.text


def test_a_run_that_fails_without_its_database_says_why_it_failed(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @flow(name="without-database")
    def without_database() -> None:
        monkeypatch.setenv("GEODATA_DATABASE_URL", "postgresql://me:hidden@127.0.0.1:9/none")
        with reports.reporting(RUNLAND):
            raise GeodataError("The disk was expected to have room, found none: make some.")

    page = page_of(without_database(return_state=True))
    assert page.startswith("# runland: failed\n\n**The disk was expected to have room")
    assert "The catalog could not be asked" in page
    assert "hidden" not in page


def test_a_run_that_is_asked_to_end_leaves_a_report_at_once(mirror: Path) -> None:
    @flow(name="asked-to-end")
    def asked_to_end() -> None:
        with pytest.raises(KeyboardInterrupt), reports.reporting(RUNLAND):
            raise KeyboardInterrupt

    page = page_of(asked_to_end(return_state=True))
    assert "**The run was asked to end (SIGINT) before it was done, and did" in page


def test_of_many_steps_all_of_a_verb_are_told_together(
    database: Database, staging: Staging
) -> None:
    for number in range(31):
        verb = "load_table" if number % 2 else "join"
        record_step(database, staging, verb, f"part {number}", "Did it", 1, 2.0, 1.0, {})
    _, made = facts.of_edition(database, staging.dataset.slug, staging.edition)
    page = section(made)
    assert "### Durations: 62.0 seconds in 31 steps" in page
    assert "| join × 16 | 32.0 | ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ |" in page
    assert "| load\\_table × 15 | 30.0 | ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ |" in page
    assert "### Checks: none was made" in page


def test_texts_stay_in_their_cells_and_tables_have_an_end() -> None:
    hostile = "a | b\n# c <img src=x> [x](http://y) `z`"
    assert plain(hostile) == r"a \| b \# c \<img src=x\> \[x\](http://y) \`z\`"
    assert len(plain("x" * 10_000)) == 300
    told = table(("n",), [(n,) for n in range(60)], "catalog.step").splitlines()
    assert told[:3] == ["| n |", "| --- |", "| 0 |"]
    assert told[-2:] == ["", "And 10 more in catalog.step."]
    assert len(told) == 2 + 50 + 2
    assert [share(part, 1_000_000) for part in (0, 1, 500_000, 999_999, 1_000_000)] == [
        *("0 %", "0.01 %", "50 %", "99.99 %", "100 %"),
    ]
    assert share(0, 0) == ""
    assert [len(bar(part, 4)) for part in (0, 1, 4)] == [0, 5, 20]
    assert bar(0, 0) == ""
    assert moment(datetime(2026, 11, 7, 9, 5, tzinfo=UTC)) == "7 November 2026, 09:05 UTC"
