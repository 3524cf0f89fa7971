"""Editions kept for review, under what happens to them: asked for once, needed, counted apart,
accepted by one person before anything newer is shown, and made again after a fire.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yearland as land
from conftest import database_of_its_own
from test_newest import SHOWN, asked, office, refused  # noqa: F401  (office is a fixture)

from tasks.core.catalog import publications, references
from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import histories
from tasks.running.comparing import KeptForReview
from tasks.running.site import site
from tasks.verbs.reviews import accept_edition

pytestmark = pytest.mark.prefect

STATES = "SELECT number, state FROM catalog.edition WHERE vintage = 2026 ORDER BY number"


@pytest.fixture
def reviewed(office: Path) -> Path:  # noqa: F811
    """The office's folder; edition 1 of 2025 is shown, and edition 2 of 2026 kept for review."""
    asked(office)
    _halve(office)
    return office


def _halve(folder: Path, factor: float = 0.5) -> None:
    """Let a year come out with about half its residents, and keep it for review."""
    land.write_year(folder, 2026)
    land.write_residents(folder, 2026, factor=factor)
    assert isinstance(refused(asked(folder)), KeptForReview)


def test_its_publishers_are_asked_once_its_originals_are_needed_and_after_a_fire_it_is_made_again(
    reviewed: Path, other_database: Database, cluster_database: Database, tmp_path: Path
) -> None:
    twice = (
        "SELECT source, source_vintage FROM catalog.retrieval"
        " GROUP BY run, source, source_vintage HAVING count(*) > 1"
    )
    assert other_database.rows(twice) == []
    of_review = other_database.rows("SELECT sha256 FROM catalog.edition_input WHERE number = 2")
    assert {sha256 for (sha256,) in of_review} <= references.needed(other_database)
    with database_of_its_own(cluster_database, tmp_path / "archive") as empty:
        assert histories.restore(empty, histories.read(site().archive)) == []
        assert empty.rows(STATES) == [(2, "removed")]
        assert isinstance(refused(asked(reviewed, vintage=2026)), KeptForReview)
        accept_edition.fn("yearland", 3, "Ada")
        assert empty.rows(STATES) == [(2, "removed"), (3, "published")]


def test_it_is_not_accepted_over_a_newer_one_but_after_a_withdrawal(
    reviewed: Path, other_database: Database
) -> None:
    land.write_residents(reviewed, 2026)
    asked(reviewed)
    with pytest.raises(ConfigurationError, match=r"edition 3, which was made after it, is shown"):
        accept_edition.fn("yearland", 2, "Ada")
    publications.withdraw(other_database, "yearland", 2026)
    accept_edition.fn("yearland", 2, "Ada")
    assert other_database.rows(SHOWN) == [(2025, 1), (2026, 2)]
    assert "Nothing new for yearland 2026" in str(asked(reviewed).message)


def test_accepted_again_it_undoes_nothing_and_those_that_wait_displace_none_that_was_shown(
    reviewed: Path, other_database: Database
) -> None:
    accept_edition.fn("yearland", 2, "Ada")
    accept_edition.fn("yearland", 2, "Bob")
    assert other_database.rows("SELECT person FROM catalog.acceptance") == [("Ada",)]
    publications.withdraw(other_database, "yearland", 2026)
    with pytest.raises(ConfigurationError, match=r"accepted by Ada; shown now is none"):
        accept_edition.fn("yearland", 2, "Bob")
    for factor in (0.8, 0.9, 1.1, 1.2):
        _halve(reviewed, factor)
    waiting = [(number, "review") for number in (4, 5, 6)]
    assert other_database.rows(STATES) == [(2, "published"), (3, "removed"), *waiting]
    assert other_database.value("SELECT to_regnamespace('yearland_edition_3')") is None


def test_one_of_a_mirror_is_not_accepted_over_official_data(
    reviewed: Path, other_database: Database
) -> None:
    publications.withdraw(other_database, "yearland", 2025)
    with other_database.session() as cursor:  # as if edition 1 had been of 2026, and official
        cursor.execute("UPDATE catalog.publication SET vintage = 2026")
        cursor.execute("UPDATE catalog.edition SET vintage = 2026, mirror = '' WHERE number = 1")
    with pytest.raises(ConfigurationError, match=r"must not take its place"):
        accept_edition.fn("yearland", 2, "Ada")
    assert other_database.rows(STATES) == [(1, "published"), (2, "review")]
