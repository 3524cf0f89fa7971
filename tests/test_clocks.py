"""Clocks that go back, differ, or stand in a summer time: what comes later stays the later one.

A clock that goes back is one that was ahead: what it dated before is moved by as much.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import pytest
import test_freshness
import yaml
from archives import FIRST, SECOND, STOCK, TwoFolders
from faulty_server import FaultyServer, running, status, whole
from made_up_land import made_up, people, published

from tasks.core.archive import shares, todays_files
from tasks.core.archive.archive import Archive
from tasks.core.archive.archived_editions import shown
from tasks.core.catalog import edition_documents, editions, publications, removals
from tasks.core.catalog.precedents import made_already
from tasks.core.catalog.publication_documents import publication_documents
from tasks.core.model.declarations import Dataset, Source
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Original
from tasks.core.model.moments import following
from tasks.core.postgres.database import Database
from tasks.core.upstream import http
from tasks.running import clocks, steps
from tasks.running.site import site
from tasks.verbs import originals, purges
from tasks.verbs.freshness import check_freshness

BY = {
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1),
    "a year": timedelta(days=366),
}
AHEAD = """
UPDATE catalog.publication SET at = at + %(by)s;
UPDATE catalog.edition SET started_at = started_at + %(by)s, published_at = published_at + %(by)s;
UPDATE catalog.run SET started_at = started_at + %(by)s, ended_at = ended_at + %(by)s;
"""
pytestmark = pytest.mark.faults
by = pytest.mark.parametrize("by", BY.values(), ids=BY.keys())


def set_back(database: Database, by: timedelta) -> None:
    """Let the clock of the server have been ahead until now."""
    with database.session() as cursor:
        cursor.execute(AHEAD, {"by": by})


def current(database: Database) -> list[int]:
    """The editions that the catalog calls shown."""
    return [number for (number,) in database.rows("SELECT number FROM catalog.current_edition")]


@pytest.fixture
def dataset(other_database: Database) -> Dataset:
    return dataclasses.replace(made_up(other_database, "clocks"), keep=1)


@by
def test_an_edition_published_after_the_servers_clock_went_back_is_the_one_shown(
    other_database: Database, dataset: Dataset, by: timedelta
) -> None:
    published(other_database, dataset, 10)
    set_back(other_database, by)
    published(other_database, dataset, 20)
    assert current(other_database) == [2]
    assert people(other_database, dataset) == 120
    assert removals.remove_old(other_database, dataset, 2024) == ([1], [])
    assert people(other_database, dataset) == 120
    mark = other_database.value("SELECT fingerprint FROM catalog.edition WHERE number = 2")
    with other_database.session() as cursor:
        assert made_already(cursor, dataset, 2024, mark) == (2, "is shown")


@by
def test_rollbacks_and_withdrawals_after_the_clock_went_back_count(
    other_database: Database, dataset: Dataset, by: timedelta
) -> None:
    published(other_database, dataset, 10)
    published(other_database, dataset, 20)
    set_back(other_database, by)
    assert publications.roll_back(other_database, dataset.slug, 1) == (2024, 2, 1)
    assert current(other_database) == [1]
    assert publications.withdraw(other_database, dataset.slug, 2024) == 1
    assert current(other_database) == []
    assert publications.withdraw(other_database, dataset.slug, 2024) is None
    names = sorted(publication_documents(other_database, dataset.slug))
    assert [name.rpartition("-")[2] for name in names] == ["rollback.json", "withdraw.json"]


@by
def test_the_archive_alone_tells_the_same_after_clocks_went_back(
    other_database: Database, dataset: Dataset, by: timedelta, tmp_path: Path
) -> None:
    store = Archive([str(tmp_path / "archive")])

    def keep(number: int) -> None:
        document = edition_documents.edition_document(other_database, dataset.slug, number)
        store.documents.put(edition_documents.manifest_name(document), document)

    published(other_database, dataset, 10)
    set_back(other_database, by)
    keep(1)
    published(other_database, dataset, 20)
    keep(2)
    publications.roll_back(other_database, dataset.slug, 1)
    published(other_database, dataset, 30)
    keep(3)
    switches = publication_documents(other_database, dataset.slug)
    store.documents.put_missing("publications", switches)
    everything = store.editions.all()
    assert [edition.number for edition in everything] == [1, 2, 3]
    assert [each.number for each in shown(everything, store.editions.publications())] == [3]


def test_a_database_whose_clock_is_behind_the_archive_goes_on_after_it(
    other_database: Database, dataset: Dataset, tmp_path: Path
) -> None:
    store, to_come = Archive([str(tmp_path / "archive")]), datetime.now(UTC) + BY["a day"]
    store.documents.put(f"editions/{dataset.slug}/2024/0007-{to_come:%Y%m%dT%H%M%S}.json", {})
    floor = store.editions.floor(dataset.slug)
    assert floor.number == 7
    assert floor.moment is not None
    assert to_come < floor.moment <= to_come + timedelta(seconds=1)
    staging = editions.begin(other_database, dataset, 2024, (), None, rebuild=False, floor=floor)
    assert staging.edition == 8
    with other_database.session() as cursor:
        assert publications.next_moment(cursor) > floor.moment


def test_names_and_order_do_not_depend_on_the_time_zone_of_a_session() -> None:
    def name(published_at: str) -> str:
        edition = {"published_at": published_at, "vintage": 2025, "number": 3}
        return edition_documents.manifest_name({"edition": edition, "dataset": {"slug": "land"}})

    # 02:30 comes twice on the last Sunday of October
    assert name("2026-10-25T02:30:00.5+02:00") == "editions/land/2025/0003-20261025T003000.json"
    assert name("2026-10-25T02:30:00.5+01:00") == "editions/land/2025/0003-20261025T013000.json"
    assert name("2026-10-25T00:30:00.5+00:00") == name("2026-10-25T02:30:00.5+02:00")


@pytest.fixture
def archive(
    tmp_path: Path, other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> TwoFolders:
    """An empty archive in two places."""
    found = TwoFolders(tmp_path)
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GEODATA_ARCHIVE", str(found.primary))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(found.replica))
    monkeypatch.setattr(steps, "log", found.log)
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    return found


@pytest.fixture
def office() -> Iterator[FaultyServer]:
    """A publisher's server."""
    with running() as server:
        yield server


def fetched(source: Source) -> Original:
    return originals.archive.fn(originals.download.fn(source))


def in_days(by: timedelta) -> float:
    return -by.total_seconds() / 86400


@by
def test_what_is_received_after_a_clock_that_was_ahead_is_the_newest_original(
    archive: TwoFolders, office: FaultyServer, by: timedelta
) -> None:
    url = office.script("/stock", whole(SECOND, etag='"2"', kind="text/csv"), status(404))
    stock = dataclasses.replace(STOCK, urls=(url,))
    before = archive.add(FIRST, in_days(by), stock)  # by another machine, or by this one
    after = fetched(stock)
    assert (after.state, after.retrieved_at > before.retrieved_at) == ("changed", True)
    latest = site().archive.originals.latest(stock)
    assert latest is not None
    assert latest.sha256 == after.sha256
    assert fetched(stock).sha256 == after.sha256  # which stands in, now that the file is gone
    assert site().database.value("SELECT max(asked_at) < now() FROM catalog.retrieval")


@by
def test_buried_bytes_stay_buried_and_may_come_back_whatever_clocks_say(
    archive: TwoFolders, office: FaultyServer, by: timedelta
) -> None:
    url = office.script("/stock", whole(FIRST, kind="text/csv"))
    stock, store = dataclasses.replace(STOCK, urls=(url,)), site().archive
    original = archive.add(FIRST, in_days(by), stock)
    store.tombstones.bury(original, "a court's order")
    assert store.tombstones.standing(original.sha256) is not None
    assert store.originals.latest(stock) is None
    again = fetched(stock)
    assert archive.holders(again) == ["archive", "replica"]
    assert store.originals.latest(stock) == again


@by
def test_a_proof_stands_against_what_was_read_and_not_against_what_comes_after(
    archive: TwoFolders, office: FaultyServer, by: timedelta
) -> None:
    url = office.script("/stock", whole(FIRST, kind="text/csv"))
    stock, store = dataclasses.replace(STOCK, urls=(url,)), site().archive
    original = archive.add(FIRST, in_days(by), stock)
    store.proofs.keep(original, "it is cut")
    assert store.originals.latest(stock) is None
    again = fetched(stock)
    assert store.originals.latest(stock) == again


def test_what_follows_the_same_moment_hardly_meets() -> None:
    now = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)
    assert following(now) == following(now, None, now - BY["an hour"]) == now
    ahead = now + BY["an hour"]
    assert ahead < following(now, ahead) < ahead + timedelta(seconds=1, microseconds=1)
    assert following(now, ahead) != following(now.replace(microsecond=5), ahead)


@pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "behind"])
def test_nothing_is_buried_where_the_clocks_differ_by_days(
    archive: TwoFolders, ahead: bool
) -> None:
    old = archive.add(FIRST, 20, STOCK)
    with shifted(BY["a year"] if ahead else -BY["a year"]):
        for verb in (purges.bury_expired, purges.collect_superseded):
            with pytest.raises(ConfigurationError, match="are 527,040 minutes apart: set"):
                verb.fn()
    assert archive.holders(old) == ["archive", "replica"]
    with shifted(BY["an hour"] if ahead else -BY["an hour"]):
        purges.bury_expired.fn()
    assert [each for each in archive.loud if "60 minutes apart" in each]


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Let this machine's clock, where it is compared, be ahead by so much."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + by

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clocks, "datetime", Clock)
        yield


def test_a_moment_to_come_does_not_make_data_fresh(other_database: Database) -> None:
    test_freshness.publish(other_database, 1, test_freshness.AREAS, days_ago=-366)
    with pytest.raises(CheckFailed, match="zz-areas 2025 of testland"):
        check_freshness.fn()
    test_freshness.publish(other_database, 2, test_freshness.AREAS, days_ago=1)
    check_freshness.fn()


def test_what_was_audited_on_a_day_to_come_is_audited_first() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    copies = [
        shares.Copy(name=name, location="", size=0, audited_at=at + timedelta(days=days))
        for name, days in {"old": -3, "to come": 366, "an hour ahead": 0.04}.items()
    ]
    assert [each.name for each in shares.share(copies, 30, at)] == ["to come"]


@pytest.mark.parametrize("leap", [date(2024, 2, 29), date(2028, 2, 29)], ids=["2024", "2028"])
def test_a_leap_day_is_a_day_like_any_other(leap: date) -> None:
    asked = datetime(leap.year, 2, 29, 23, 30, tzinfo=UTC)
    header = f"Thu, 29 Feb {leap.year} 08:00:00 GMT"
    source = dataclasses.replace(
        STOCK, vintage=leap.year, reference_date=leap, current=True, mirror=""
    )
    assert todays_files.day(header, asked + BY["a year"]) == leap
    assert todays_files.day(None, asked) == leap
    assert todays_files.refusal(source, source.urls[0], header, asked) is None
    late = f"Mon, 01 Mar {leap.year + 1} 08:00:00 GMT"
    assert "the file of March" in str(todays_files.refusal(source, source.urls[0], late, asked))
    assert todays_files.day("Sat, 29 Feb 2025 08:00:00 GMT", asked) == leap  # there is none


SCHEDULES = [
    (deployment["name"], each["cron"], each["timezone"])
    for deployment in yaml.safe_load(
        (Path(__file__).parents[1] / "prefect.yaml").read_text(encoding="utf-8")
    )["deployments"]
    for each in deployment.get("schedules", ())
]


@pytest.mark.parametrize(("name", "cron", "zone"), SCHEDULES, ids=[s[0] for s in SCHEDULES])
def test_no_schedule_falls_into_an_hour_that_is_left_out_or_comes_twice(
    name: str, cron: str, zone: str
) -> None:
    there = ZoneInfo(zone)
    if cron.split()[1] == "*":  # every hour, where none is left out
        assert zone == "Etc/UTC"
        return
    minute, hour = map(int, cron.split()[:2])
    for days in range(10 * 366):
        local = datetime(2026, 1, 1, hour, minute, tzinfo=there) + timedelta(days=days)
        assert local.astimezone(UTC).astimezone(there).hour == hour, f"{name} on {local:%Y-%m-%d}"
        assert local.replace(fold=1).utcoffset() == local.utcoffset(), f"{name} on {local}"


def test_a_session_in_summer_time_publishes_in_order(
    other_database: Database, dataset: Dataset
) -> None:
    with other_database.session() as cursor:
        name = other_database.url.database
        cursor.execute(f"ALTER DATABASE \"{name}\" SET timezone = 'Europe/Brussels'")
    for number in (10, 20):
        published(other_database, dataset, number)
    document = edition_documents.edition_document(other_database, dataset.slug, 2)
    moment = other_database.value("SELECT published_at FROM catalog.edition WHERE number = 2")
    stamp = f"{moment.astimezone(UTC):%Y%m%dT%H%M%S}"
    assert edition_documents.manifest_name(document).endswith(f"/0002-{stamp}.json")
