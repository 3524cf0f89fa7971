"""The promise of fifteen days, held against the publishers' own dates, and their usual rhythm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from tasks.core.catalog.promptness.promises import read_rhythms, read_unshown
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.database import Database
from tasks.verbs.freshness import check_freshness

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = NOW.year
PAGE = "https://testland.example"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@dataclass
class Catalog:
    """A catalog to which facts are added row by row, of the dataset testland and its files."""

    database: Database

    def __post_init__(self) -> None:
        self.insert("publisher", slug="zz", name="Office", url=PAGE)
        self.insert("licence", slug="zz", title="", url="", attribution="")
        self.insert(
            "dataset",
            slug="testland",
            title="Testland",
            country="ZZ",
            published_schema="testland",
            keep=3,
        )

    def insert(self, table: str, **row: Any) -> None:
        names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        with self.database.session() as cursor:
            cursor.execute(
                f"INSERT INTO catalog.{table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",
                row,
            )

    def declare(self, source: str, vintage: int, current: bool = False) -> None:
        self.insert(
            "source",
            slug=source,
            vintage=vintage,
            title="",
            publisher="zz",
            licence="zz",
            landing_page=f"{PAGE}/{source}",
            urls=[],
            reference_date=date(2000, 1, 1),
            released="",
            asked_every_days=10_000,
            retention="permanent",
            confidence="high",
            declaration=json.dumps({"current": current}),
        )

    def receive(
        self,
        source: str,
        vintage: int,
        asked_at: datetime,
        said: datetime | str | None = None,
        *,
        url: str = "",
        mirror: str = "",
        current: bool = False,
        month: str = "",
    ) -> str:
        """Give the SHA-256 of a file that was received, with its Last-Modified."""
        sha256 = f"{abs(hash((source, vintage, month))):064x}"
        self.declare(source, vintage, current)
        self.insert("artifact", sha256=sha256, size_bytes=1)
        self.insert(
            "retrieval",
            source=source,
            source_vintage=vintage,
            mirror=mirror,
            asked_at=asked_at,
            state="new",
            url=url or f"{PAGE}/{source}/{vintage}",
            sha256=sha256,
            last_modified=format_datetime(said, usegmt=True)
            if isinstance(said, datetime)
            else said,
        )
        return sha256

    def prospect(
        self,
        source: str,
        vintage: int,
        state: str = "out",
        seen_at: datetime | None = None,
        released_at: datetime | None = None,
        mirror: str = "",
    ) -> None:
        self.insert(
            "prospect",
            dataset="testland",
            vintage=vintage,
            source=source,
            mirror=mirror,
            state=state,
            released_at=released_at,
            seen_at=seen_at,
            asked_at=NOW,
        )

    def edition(
        self,
        number: int,
        vintage: int,
        files: dict[str, str],
        shown_at: datetime | None,
        *,
        mirror: str = "",
        as_of: date | None = None,
    ) -> None:
        """An edition made from files, by their SHA-256: shown, or kept for review."""
        facts = {"dataset": "testland", "number": number}
        state = "published" if shown_at else "review"
        told = {"code_revision": "", "fingerprint": "", "schema_name": "", "as_of": as_of}
        self.insert("edition", **facts, vintage=vintage, mirror=mirror, state=state, **told)
        for source, sha256 in files.items():
            given = {"source": source, "source_vintage": vintage, "sha256": sha256, "url": ""}
            self.insert("edition_input", **facts, **given, retrieved_at=NOW)
        if shown_at:
            self.insert("publication", **facts, vintage=vintage, action="publish", at=shown_at)

    def release(self, number: int, vintage: int, released_at: datetime) -> None:
        """A vintage of one file that was seen and shown some days after its release."""
        seen_at = released_at + timedelta(days=2)
        sha256 = self.receive("areas", vintage, seen_at, released_at)
        self.edition(number, vintage, {"areas": sha256}, seen_at + timedelta(days=1))

    def row(self, columns: str, view: str = "promptness", **facts: Any) -> tuple[Any, ...]:
        told = " AND ".join(["true", *(f"{name} = %s" for name in facts)])
        query = f"SELECT {columns} FROM catalog.{view} WHERE {told}"
        (found,) = self.database.rows(query, *facts.values())
        return tuple(found)


@pytest.fixture
def catalog(other_database: Database) -> Catalog:
    return Catalog(other_database)


def test_a_vintage_is_out_when_the_last_of_its_files_is(catalog: Catalog) -> None:
    listed = {"source_vintage": YEAR, "first_seen_at": NOW, "last_seen_at": NOW, "listing": ""}
    areas = catalog.receive("areas", YEAR, ago(30), ago(39))
    figures = catalog.receive("figures", YEAR, ago(28), ago(29))
    catalog.receive("figures", YEAR, ago(3), ago(4))  # corrected since
    catalog.insert("listed_file", source="areas", url="", issued=ago(40), **listed)
    catalog.prospect("figures", YEAR, seen_at=ago(29), released_at=ago(31))
    catalog.edition(1, YEAR, {"areas": areas, "figures": figures}, ago(20))
    found = catalog.row("state, number, files, released_at, released_by, seen_at, shown_at")
    assert found == ("shown", 1, 2, ago(31), "publisher", ago(29), ago(20))
    assert catalog.row("days_to_see, days_to_show, within_promise") == (2, 11, True)
    assert catalog.row("released_at, seen_at, shown_at", "release", source="areas") == (
        *(ago(40), ago(30)),
        ago(20),
    )


def test_what_is_shown_late_is_beyond_the_promise_whenever_it_was_seen(catalog: Catalog) -> None:
    sha256 = catalog.receive("areas", YEAR, ago(2), ago(18.5))
    catalog.edition(1, YEAR, {"areas": sha256}, ago(1))
    found = catalog.row("days_to_see, days_to_show, within_promise")
    assert found == (Decimal("16.5"), Decimal("17.5"), False)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "yesterday",
        "Thu, 31 Feb 2022 10:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        ago(-400),
        ago(1),
    ],
)
def test_a_date_that_cannot_be_one_is_not_known(
    catalog: Catalog, said: datetime | str | None
) -> None:
    sha256 = catalog.receive("areas", YEAR, ago(3), said)
    catalog.edition(1, YEAR, {"areas": sha256}, ago(1))
    found = catalog.row("released_at, released_by, days_to_see, days_to_show, within_promise")
    assert found == (None, "first seen", None, 2, True)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 6 Nov 1994 08:49:37 +0000", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Xyz 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("now", None),
        ("", None),
    ],
)
def test_a_header_is_read_as_a_moment_or_is_null(
    database: Database, header: str, expected: datetime | None
) -> None:
    assert database.value("SELECT catalog.http_date(%s)", header) == expected


def test_the_time_of_a_file_in_the_inbox_is_not_its_publishers(catalog: Catalog) -> None:
    sha256 = catalog.receive("areas", YEAR, ago(3), ago(9), url=f"/inbox/areas-{YEAR}.zip")
    catalog.edition(1, YEAR, {"areas": sha256}, ago(1))
    assert catalog.row("released_at, released_by") == (None, "first seen")


def test_files_of_one_address_and_of_other_vintages_say_nothing_of_a_vintage(
    catalog: Catalog,
) -> None:
    areas = catalog.receive("areas", YEAR, ago(9), ago(12))
    codes = catalog.receive("codes", YEAR, ago(4), ago(5), current=True)
    series = catalog.receive("series", YEAR, ago(4), ago(6), url=f"{PAGE}/series")
    catalog.receive("series", YEAR - 1, ago(4), ago(6), url=f"{PAGE}/series")
    older = catalog.receive("older", YEAR - 1, ago(4), ago(6))
    catalog.edition(1, YEAR, {"areas": areas, "codes": codes, "series": series}, ago(2))
    other = {"source": "older", "source_vintage": YEAR - 1, "sha256": older, "url": ""}
    catalog.insert("edition_input", dataset="testland", number=1, retrieved_at=NOW, **other)
    assert catalog.row("files, released_at, seen_at") == (3, ago(12), ago(9))
    query = "SELECT source FROM catalog.release WHERE one_address AND vintage = %s ORDER BY 1"
    assert catalog.database.rows(query, YEAR) == [("codes",), ("series",)]


def test_a_file_without_a_date_counts_from_when_it_was_watched_for_and_seen(
    catalog: Catalog,
) -> None:
    catalog.receive("areas", YEAR, ago(90), ago(100))
    catalog.receive("figures", YEAR, ago(5))
    catalog.prospect("areas", YEAR, seen_at=ago(90))
    catalog.prospect("figures", YEAR, seen_at=ago(6))
    found = catalog.row("state, released_at, released_by, counts_from, within_promise")
    assert found == ("seen", ago(100), "first seen", ago(6), True)


def test_a_vintage_is_awaited_then_seen_then_kept_for_review(catalog: Catalog) -> None:
    catalog.prospect("areas", YEAR, seen_at=ago(20), released_at=ago(21))
    catalog.prospect("figures", YEAR, state="awaited")
    asked = "state, released_at, seen_at, released_by, within_promise"
    assert catalog.row(asked) == ("awaited", None, None, None, None)
    with catalog.database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.prospect SET state = 'out', seen_at = %s, released_at = %s"
            " WHERE source = 'figures'",
            (ago(16), ago(17)),
        )
    assert catalog.row(asked) == ("seen", ago(17), ago(16), "publisher", False)
    areas = catalog.receive("areas", YEAR, ago(15))
    catalog.edition(7, YEAR, {"areas": areas}, None)
    assert catalog.row(f"{asked}, number") == (
        *("review", ago(17), ago(16), "publisher", False),
        7,
    )


def test_mirrors_are_apart_and_a_withdrawn_vintage_was_shown(catalog: Catalog) -> None:
    official = catalog.receive("areas", YEAR, ago(9), ago(10))
    mirrored = catalog.receive("areas", YEAR, ago(3), ago(30), mirror="synthetic")
    catalog.edition(1, YEAR, {"areas": official}, ago(8))
    catalog.edition(2, YEAR, {"areas": mirrored}, ago(2), mirror="synthetic")
    withdrawal = {"number": 1, "vintage": YEAR, "action": "withdraw", "at": ago(1)}
    catalog.insert("publication", dataset="testland", **withdrawal)
    assert catalog.row("state, days_to_show, shown_at", mirror="") == ("shown", 2, ago(8))
    assert catalog.row("days_to_show, within_promise", mirror="synthetic") == (28, False)


def test_each_month_of_one_address_has_its_own_release(catalog: Catalog) -> None:
    april, may = date(YEAR - 1, 4, 1), date(YEAR - 1, 5, 1)
    day = datetime(YEAR - 1, 4, 3, tzinfo=UTC)
    later = datetime(YEAR - 1, 5, 2, tzinfo=UTC)
    places = catalog.receive("places", YEAR - 1, day, day - timedelta(days=1), current=True)
    for number, month, moment in ((1, april, day), (2, may, later)):
        seen = moment + timedelta(days=4)
        stock = catalog.receive(
            "stock", YEAR - 1, seen, moment, current=True, month=month.isoformat()
        )
        shown = seen + timedelta(days=1) if month == april else None
        files = {"stock": stock, "places": places}
        catalog.edition(number, YEAR - 1, files, shown, as_of=month)
    asked = "state, released_at, released_by, days_to_see, days_to_show, within_promise"
    view = "promptness_of_months"
    assert catalog.row(asked, view, as_of=april) == ("shown", day, "publisher", 4, 5, True)
    assert catalog.row(asked, view, as_of=may) == ("review", later, "publisher", 4, None, False)
    with pytest.raises(CheckFailed, match=rf"testland {YEAR - 1} of May {YEAR - 1} \(released on"):
        check_freshness.fn()


def test_the_next_vintage_is_expected_when_the_last_three_were_out(catalog: Catalog) -> None:
    days = [datetime(year, 1, 20, tzinfo=UTC) for year in range(YEAR - 5, YEAR - 1)]
    days[1] += timedelta(days=10)
    days[0] += timedelta(days=40)  # longer ago than the last three
    for number, day in enumerate(days, 1):
        catalog.release(number, day.year, day)
    (rhythm,) = read_rhythms(catalog.database)
    assert (rhythm.vintage, rhythm.releases, rhythm.overdue) == (YEAR - 1, 3, True)
    assert rhythm.usually_by == date(YEAR - 1, 1, 30)
    assert rhythm.expected_by == rhythm.usually_by + timedelta(days=45)
    with pytest.raises(
        CheckFailed,
        match=(
            rf"^testland {YEAR - 1}, usually out by 30 January {YEAR - 1}, was not seen by .*: has"
            r" the address changed\? Look at https://testland.example/areas, and correct the"
            r" addresses in flows/offices, or lay the files into the inbox\.$"
        ),
    ):
        check_freshness.fn()
    check_freshness.fn(grace_days=1000)


def test_what_is_awaited_of_an_overdue_vintage_is_named(catalog: Catalog) -> None:
    catalog.declare("figures", YEAR - 2)
    catalog.release(1, YEAR - 2, datetime(YEAR - 2, 1, 20, tzinfo=UTC))
    catalog.prospect("areas", YEAR - 1, seen_at=ago(3))
    catalog.prospect("figures", YEAR - 1, state="awaited")
    with pytest.raises(
        CheckFailed,
        match=(
            r"\(1 of 2 files are out, awaited: figures\): .* Look at"
            r" https://testland.example/figures, and"
        ),
    ):
        check_freshness.fn()


def test_a_dataset_of_one_vintage_for_good_is_never_overdue(catalog: Catalog) -> None:
    catalog.release(1, YEAR - 4, datetime(YEAR - 4, 5, 1, tzinfo=UTC))
    assert read_rhythms(catalog.database) == []
    check_freshness.fn()


def test_a_vintage_that_is_still_to_come_is_not_overdue(catalog: Catalog) -> None:
    catalog.release(1, YEAR - 1, datetime(YEAR - 2, 12, 1, tzinfo=UTC))
    catalog.release(2, YEAR, datetime(YEAR - 1, 12, 1, tzinfo=UTC))
    (rhythm,) = read_rhythms(catalog.database)
    assert (rhythm.vintage, rhythm.overdue, rhythm.sentence) == (YEAR + 1, False, None)
    check_freshness.fn()


def test_old_files_that_moved_to_a_new_server_make_no_rhythm(catalog: Catalog) -> None:
    moved = datetime(YEAR - 2, 3, 1, tzinfo=UTC)
    for number, vintage in enumerate(range(YEAR - 5, YEAR - 2), 1):
        catalog.release(number, vintage, moved)
    catalog.release(9, YEAR - 2, moved + timedelta(days=30))
    assert read_rhythms(catalog.database) == []  # one release of its own, and nobody asks for more
    catalog.prospect("areas", YEAR - 1, state="awaited")
    (rhythm,) = read_rhythms(catalog.database)
    assert rhythm.releases == 1
    assert rhythm.usually_by.month in (3, 4)  # 31 March, the same day of the year as released
    assert rhythm.usually_by.year == YEAR - 1


def test_what_is_seen_and_not_shown_within_fifteen_days_is_said(catalog: Catalog) -> None:
    catalog.release(1, YEAR - 1, ago(30))
    catalog.prospect("areas", YEAR, seen_at=ago(14), released_at=ago(14.5))
    catalog.prospect("areas", YEAR - 2, seen_at=ago(400))  # left to a backfill
    (unshown,) = read_unshown(catalog.database)
    assert (unshown.vintage, unshown.overdue) == (YEAR, False)
    check_freshness.fn()
    with catalog.database.session() as cursor:
        cursor.execute("UPDATE catalog.prospect SET released_at = %s", (ago(16),))
    with pytest.raises(
        CheckFailed,
        match=rf"not shown: .* found testland {YEAR} \(released on .*, no edition is made\) in",
    ):
        check_freshness.fn()
    check_freshness.fn(grace_days=2)
    catalog.edition(2, YEAR, {}, None)
    with pytest.raises(CheckFailed, match=r"edition 2 is kept for review\).* accept it, or"):
        check_freshness.fn()
