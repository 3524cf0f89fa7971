"""Programs killed with SIGKILL before every effect on disk and database that they have: what was
published stays whole, the next run completes, and nothing is left over.

The effects are counted by the program itself (tests/effects.py), not chosen by hand. The quick part
kills at a few of them, spread over all; `make test-faults` at as many as its minutes allow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import processes
import pytest
from conftest import SESSION, database_of_its_own
from deployed import wait
from fault_land import MINUTES, Land

from tasks.core.postgres.database import Database

pytestmark = pytest.mark.faults


def moments(
    count: int, quick: int, share: float, tried: str = "Killed before {} of {} effects."
) -> Iterator[int]:
    """Numbers of effects, spread over all of them, each once: few, or for a share of the minutes.

    The later ones fall between the earlier ones. tried: what is printed of how many, in the end.
    """
    bits = count.bit_length()
    spread = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1, 1 << bits))
    until = time.monotonic() + MINUTES * 60 * share
    done = 0
    for number in (each for each in spread if 1 <= each <= count):
        if done >= quick and time.monotonic() > until:
            break
        yield number
        done += 1
    print(tried.format(done, count))  # shown by -rP


def settled(land: Land) -> None:
    """Hold the land to what must be so after a run: all whole, and nothing left over."""
    assert land.audit() == [], land.killed_at
    assert land.left() == [], land.killed_at


def test_a_run_killed_before_any_effect(land: Land) -> None:
    kill_runs(land, quick=2, share=0.5)


def kill_runs(land: Land, quick: int, share: float) -> None:
    """Publish day after day; kill runs, each before another effect, and let the next complete."""
    for _ in range(3 if MINUTES else 2):  # in the end, old editions go with every run
        land.publish_day()
    for moment in moments(land.seen["run"], quick, share):
        before = land.codes()
        land.next_day()
        land.do("run", kill=moment, mirror=land.mirror)
        assert land.shown() in (before, land.codes()), land.killed_at
        land.do("run", mirror=land.mirror)
        assert land.shown() == land.codes(), land.killed_at
        settled(land)


@pytest.mark.skipif(not MINUTES, reason="a long part, of `make test-faults`")
def test_a_run_killed_that_keeps_its_archive_in_a_bucket(
    land: Land, s3_api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_api.create_bucket(Bucket="killed")
    land.bucket = "s3://killed"
    monkeypatch.setenv("GEODATA_ARCHIVE", land.place("archive"))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", land.place("replica"))
    kill_runs(land, quick=1, share=0.1)


def kept(land: Land) -> list[int]:
    """The numbers of the editions that can be shown, the newest first."""
    found = land.database.rows(
        "SELECT number FROM catalog.edition WHERE state = 'published' ORDER BY number DESC"
    )
    return [number for (number,) in found]


def codes_of(land: Land, edition: int) -> str:
    """What an edition shows."""
    return str(
        land.database.value(
            f"SELECT string_agg(code, ' ' ORDER BY code) FROM runland_edition_{edition}.places"
        )
    )


def published(land: Land, days: int) -> None:
    """Publish the files of some days."""
    for _ in range(days):
        land.publish_day()


def test_a_rollback_killed_before_any_effect(land: Land) -> None:
    published(land, 2)
    land.do("rollback", dataset="runland", edition=1)
    for moment in moments(land.seen["rollback"], quick=1, share=0.1):
        before = land.shown()
        other = next(each for each in kept(land) if codes_of(land, each) != before)
        land.do("rollback", kill=moment, dataset="runland", edition=other)
        assert land.shown() in (before, codes_of(land, other)), land.killed_at
        land.do("run", mirror=land.mirror)
        settled(land)


def test_a_withdrawal_killed_before_any_effect(land: Land) -> None:
    published(land, 1)
    land.do("withdraw", dataset="runland", vintage=2026)
    for moment in moments(land.seen["withdraw"], quick=1, share=0.1):
        land.do("rollback", dataset="runland", edition=1)
        land.do("withdraw", kill=moment, dataset="runland", vintage=2026)
        assert land.shown() in (None, land.codes()), land.killed_at
        land.do("audit", period_days=1)
        settled(land)


def test_a_purge_killed_before_any_effect(land: Land) -> None:
    published(land, 3)
    land.do("purge")
    for moment in moments(land.seen["purge"], quick=1, share=0.1):
        published(land, 1)
        land.do("purge", kill=moment)
        land.do("purge")
        originals = [name for name in land._kept("archive") if name.startswith("originals/")]
        assert len(originals) == len(kept(land)) == 2, land.killed_at
        assert land.shown() == land.codes()
        settled(land)


def damage(land: Land) -> None:
    """Corrupt an original and a document in one place, and remove others from the other one."""
    names = sorted(land._kept("archive"))
    for folder in ("originals", "manifests"):
        first, *_, last = [name for name in names if name.startswith(folder)]
        broken = land.folder / "replica" / first
        broken.chmod(0o644)
        broken.write_text(f"damaged on day {land.day}")
        (land.folder / "archive" / last).unlink()


def test_an_audit_killed_before_any_effect(land: Land) -> None:
    published(land, 2)
    damage(land)
    land.do("audit", period_days=1)
    settled(land)
    for moment in moments(land.seen["audit"], quick=1, share=0.1):
        land.day += 1
        damage(land)
        land.do("audit", kill=moment, period_days=1)
        land.do("audit", period_days=1)
        settled(land)


@pytest.mark.skipif(not MINUTES, reason="a long part, of `make test-faults`")
def test_a_rebuild_killed_before_any_effect(land: Land, cluster_database: Database) -> None:
    published(land, 2)
    with emptied(land, cluster_database):
        land.do("rebuild")
    for moment in moments(land.seen["rebuild"], quick=1, share=0.1):
        with emptied(land, cluster_database):
            land.do("rebuild", kill=moment)
            wait(lambda: at_work(land) == [], "the end of what the killed rebuild had started")
            assert land.shown() in (None, land.codes()), land.killed_at
            land.do("rebuild")
            assert land.shown() == land.codes(), land.killed_at
            settled(land)


@pytest.mark.skipif(not MINUTES, reason="a long part, of `make test-faults`")
def test_a_drill_killed_before_any_effect(land: Land) -> None:
    published(land, 1)
    land.do("drill")
    for moment in moments(land.seen["drill"], quick=1, share=0.1):
        land.do("drill", kill=moment)
        wait(lambda: at_work(land) == [], "the end of what the killed drill had started")
        land.do("drill")
        assert land.shown() == land.codes(), land.killed_at
        settled(land)


def at_work(land: Land) -> list[int]:
    """The processes that work at the database of the land."""
    name = str(land.database.url.database)
    return [
        process.pid
        for process in processes.left(SESSION)
        if name in processes._environment(process).get("GEODATA_DATABASE_URL", "")
    ]


@contextmanager
def emptied(land: Land, cluster_database: Database) -> Iterator[None]:
    """Give the land another database with an empty catalog, as after a fire."""
    before = land.database
    with database_of_its_own(cluster_database, land.folder / "archive") as land.database:
        yield
    land.database = before
