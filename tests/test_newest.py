"""The newest vintage is a question: found, judged by the one before, shown or kept for review."""

from __future__ import annotations

import json
import logging
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yearland as land
from file_server import FolderHandler, serve, serve_with
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database
from tasks.core.upstream.listings import offers
from tasks.running.comparing import KeptForReview
from tasks.verbs.reviews import accept_edition

pytestmark = pytest.mark.prefect

SHOWN = "SELECT vintage, number FROM catalog.current_edition ORDER BY vintage"
AWAITED = "SELECT vintage, source, state FROM catalog.prospect WHERE state <> 'out' ORDER BY 1, 2"


@pytest.fixture
def office(tmp_path: Path, prefect_server: None, other_database: Database) -> Path:
    """The office's folder with the declared years; its archive and database are new."""
    folder = tmp_path / "published"
    land.write_declared(folder)
    offers.forget()
    return folder


def asked(folder: Path | str, **given: Any) -> State[Any]:
    """Run the flow as a schedule does; returns how it ended."""
    return land.yearland(mirror=str(folder), return_state=True, **given)


def refused(state: State[Any]) -> BaseException:
    found: BaseException = state.result(raise_on_failure=False)
    assert state.is_failed(), state
    return found


def test_a_year_that_nobody_declared_is_found_and_published_by_the_edition_before(
    office: Path, other_database: Database
) -> None:
    assert asked(office).is_completed()
    assert other_database.rows(SHOWN) == [(2025, 1)]
    land.write_year(office, 2026)
    assert "Published yearland 2026" in str(asked(office).message)
    assert other_database.rows(SHOWN) == [(2025, 1), (2026, 2)]
    derived = "SELECT derived, compared_with FROM catalog.edition WHERE number = 2"
    assert other_database.rows(derived) == [(True, 1)]
    assert other_database.value("SELECT bool_and(within) FROM catalog.change WHERE number = 2")
    assert "Nothing new for yearland 2026" in str(asked(office).message)


def test_a_year_half_out_is_awaited_and_said_and_is_no_failure(
    office: Path, other_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    asked(office)
    land.write_borders(office, 2026)
    with caplog.at_level(logging.INFO):
        state = asked(office)
    assert "Awaited is yearland 2026 (out: shapes; not out: residents)." in caplog.text
    assert "Nothing new for yearland 2025" in str(state.message)
    assert (2026, "zy-residents", "awaited") in other_database.rows(AWAITED)
    out = "SELECT seen_at IS NOT NULL FROM catalog.prospect WHERE (vintage, source) = (%s, %s)"
    assert other_database.value(out, 2026, "zy-areas") is True


def test_a_series_is_read_for_the_newest_year_that_it_has(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    asked(office)
    income = "SELECT sum(income) FROM yearland.areas"
    of_2023 = other_database.value(income)
    land.write_incomes(office, 2022, 2023, 2024)
    asked(office)
    assert other_database.value(income) > of_2023
    titles = other_database.rows(
        "SELECT title FROM catalog.edition_input WHERE source = 'zy-incomes' ORDER BY number"
    )
    assert titles == [("Incomes of 2023",), ("Incomes of 2023",), ("Incomes of 2024",)]


def test_a_survey_that_is_not_out_yet_is_waited_for_with_the_one_before(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    jobs = "SELECT sum(jobs) FROM yearland.areas"
    assert "Published yearland 2026" in str(asked(office).message)
    of_2023 = other_database.value(jobs)
    assert "Nothing new for yearland 2026" in str(asked(office).message)
    land.write_survey(office, 2024)
    assert "Published yearland 2026" in str(asked(office).message)
    assert other_database.value(jobs) > of_2023
    assert "Nothing new for yearland 2026" in str(asked(office).message)
    (office / "office/surveys/survey_2024.csv").unlink()  # the archive has it
    assert "Nothing new for yearland 2026" in str(asked(office).message)


def test_what_the_edition_before_does_not_explain_is_kept_for_review_and_accepted_by_a_person(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    land.write_residents(office, 2026, factor=0.5)
    review = refused(asked(office))
    assert isinstance(review, KeptForReview)
    for said in ("Edition 2 of yearland 2026", "residents", "flows/accept.py"):
        assert said in str(review)
    assert other_database.rows(SHOWN) == [(2025, 1)]
    again = refused(asked(office))  # nothing is made a second time
    assert (str(again), other_database.value("SELECT max(number) FROM catalog.edition")) == (
        str(review),
        2,
    )
    outcomes = "SELECT outcome FROM catalog.run ORDER BY started_at"
    assert other_database.rows(outcomes) == [("published",), ("review",), ("review",)]
    with pytest.raises(ConfigurationError, match="kept are: edition 2 of yearland 2026"):
        accept_edition.fn("yearland", 1, "Ada")
    accept_edition.fn("yearland", 2, "Ada", "a census")
    assert other_database.rows(SHOWN) == [(2025, 1), (2026, 2)]
    said = "SELECT person, reason FROM catalog.acceptance"
    assert other_database.rows(said) == [("Ada", "a census")]
    assert other_database.value("SELECT manifest FROM catalog.edition WHERE number = 2")
    assert "Nothing new" in str(asked(office).message)
    accept_edition.fn("yearland", 2, "Ada")  # twice does nothing
    assert other_database.rows(said) == [("Ada", "a census")]


def test_a_corrected_file_is_judged_anew_and_published(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    land.write_residents(office, 2026, factor=0.5)
    assert isinstance(refused(asked(office)), KeptForReview)
    land.write_residents(office, 2026)
    assert "Published yearland 2026, edition 3" in str(asked(office).message)


def test_a_merger_that_no_ledger_has_is_drafted_and_nothing_bridges_it(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    squares = land.grid()
    one, other = squares["A01"], squares.pop("A02")
    squares["A01"] = (one[0], one[1], other[2], other[3])
    land.write_borders(office, 2026, squares)
    state = asked(office)
    drafts = other_database.rows("SELECT event, kind FROM catalog.ledger_draft")
    assert drafts == [("2026-01-01: A01 A02 > A01", "merged")]
    assert isinstance(refused(state), KeptForReview)  # the residents are of 20 areas
    assert "check" in str(
        other_database.rows("SELECT measure FROM catalog.change WHERE NOT within")
    )


def test_other_headings_are_refused_with_what_to_declare(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    land.write_residents(office, 2026, heading="INHABITANTS")
    said = str(refused(asked(office)))
    assert "RESIDENTS" in said
    assert "INHABITANTS" in said
    assert other_database.rows(SHOWN) == [(2025, 1)]


def test_with_nothing_shown_the_newest_declared_year_is_made_first(
    office: Path, other_database: Database
) -> None:
    land.write_year(office, 2026)
    assert asked(office).is_completed()
    assert other_database.rows(SHOWN) == [(2025, 1), (2026, 2)]


def test_alone_a_year_that_nobody_declared_waits_for_a_person(
    office: Path, other_database: Database
) -> None:
    land.write_year(office, 2026)
    review = refused(asked(office, vintage=2026))
    assert isinstance(review, KeptForReview)
    assert "No edition is shown" in str(review)


def test_the_same_over_http_with_small_questions(office: Path, other_database: Database) -> None:
    with serve(office) as url:
        asked(url)
        land.write_year(office, 2026)
        assert "Published yearland 2026" in str(asked(url).message)
    released = "SELECT bool_and(released_at IS NOT NULL) FROM catalog.prospect WHERE state = 'out'"
    assert other_database.value(released)


def test_a_page_of_a_bot_wall_says_nothing_of_a_year(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    (office / "office/residents/residents_2026.csv").write_text(
        "<html><title>Robot?</title></html>"
    )
    assert "Nothing new for yearland 2025" in str(asked(office).message)
    assert (2026, "zy-residents", "unknown") in other_database.rows(AWAITED)


class AnyYear(FolderHandler):
    """Sends the newest files that there are for whatever later year is asked for."""

    def find(self) -> Path | None:
        """The file at the address, or of the newest year there is."""
        found = super().find()
        asked_for = re.sub(r"20(2[6-9]|[3-9]\d)", "2025", self.path)
        path = self.folder / asked_for.lstrip("/")
        return found or (path if path.is_file() else None)


def test_a_publisher_that_sends_a_file_for_any_year_says_nothing_of_the_next(
    office: Path, other_database: Database
) -> None:
    with serve_with(partial(AnyYear, folder=office)) as url:
        assert asked(url).is_completed()
        assert "Nothing new for yearland 2025" in str(asked(url).message)
    unknown = other_database.rows("SELECT vintage, detail FROM catalog.prospect WHERE detail <> ''")
    assert {vintage for vintage, _ in unknown} == {2026, 2027}
    assert all("of 2075, is answered with a file too" in detail for _, detail in unknown)


def test_a_year_passed_over_for_a_newer_one_is_known_to_be_out(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    land.write_year(office, 2027)
    assert "Published yearland 2027" in str(asked(office).message)
    assert {(2026, "out")} == {
        *other_database.rows("SELECT vintage, state FROM catalog.prospect WHERE vintage = 2026")
    }


@pytest.mark.parametrize("said", ["Not found", '"Not found"'])
def test_an_answer_that_cannot_be_the_file_is_no_file(
    office: Path, other_database: Database, said: str
) -> None:
    asked(office)
    land.write_year(office, 2026)
    (office / "office/borders/areas_2026.geojson").write_text(said)
    assert "Nothing new for yearland 2025" in str(asked(office).message)
    assert (2026, "zy-areas", "unknown") in other_database.rows(AWAITED)


def test_any_year_since_the_first_declared_can_be_asked_for() -> None:
    for year in (2024, 2031):
        assert land.yearland.validate_parameters({"vintage": year, "mirror": None})
    with pytest.raises(Exception, match="a year since 2024 was expected"):
        land.yearland.validate_parameters({"vintage": 2023, "mirror": None})


def test_the_run_is_called_by_the_year_that_was_found(office: Path) -> None:
    land.write_year(office, 2026)
    state = asked(office)
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)  # type: ignore[arg-type]
    assert run.name == "yearland 2026"


def test_a_mirror_that_states_the_numbers_of_its_files_is_held_to_them_alone(
    office: Path, other_database: Database
) -> None:
    land.write_year(office, 2026)
    paths = {
        "zy-areas": ("borders/areas_2026.geojson", {"rows": 20}),
        "zy-residents": ("residents/residents_2026.csv", {}),
        "zy-incomes": ("incomes.csv", {}),
        "zy-survey": ("surveys/survey_2024.csv", {}),
    }
    sources = {
        f"{slug}-2026": {"path": f"office/{path}", **stated}
        for slug, (path, stated) in paths.items()
    }
    land.write_survey(office, 2024)
    told = {"label": "synthetic-yearland", "about": "Synthetic.", "sources": sources}
    (office / "mirror.json").write_text(json.dumps(told))
    assert "Published yearland 2026, edition 1" in str(asked(office).message)


def test_the_very_file_of_an_earlier_year_waits_for_a_person(
    office: Path, other_database: Database
) -> None:
    asked(office, vintage=2024)
    asked(office)
    land.write_year(office, 2026)
    folder = office / "office" / "residents"
    old, new = (folder / f"residents_{year}.csv" for year in (2024, 2026))
    new.write_bytes(old.read_bytes())
    review = refused(asked(office))
    assert isinstance(review, KeptForReview)
    assert "byte for byte, that of 2024" in str(review)


def test_the_year_that_stays_shown_is_asked_for_while_a_newer_one_waits(
    office: Path, other_database: Database
) -> None:
    asked(office)
    land.write_year(office, 2026)
    land.write_residents(office, 2026, factor=0.5)
    refused(asked(office))
    land.write_residents(office, 2025, factor=1.001)  # corrected
    assert isinstance(refused(asked(office)), KeptForReview)
    assert other_database.rows(SHOWN) == [(2025, 3)]
