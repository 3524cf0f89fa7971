"""Programs killed with SIGKILL before every effect on disk and database that they have: what was
published stays whole, the next run completes, and nothing is left over.

The effects are counted by the program itself (tests/effects.py), not chosen by hand. The quick part
kills at a few of them, spread over all; `make test-faults` at as many as its minutes allow.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import processes
import pytest
import runland
from conftest import database_of_its_own
from prefect.settings import PREFECT_API_URL

from tasks.core.archive.fixity import Audit
from tasks.core.archive.hashed_files import sha256_in
from tasks.core.postgres.database import Database
from tasks.running.site import site

TESTS = Path(__file__).parent
MINUTES = float(os.environ.get("GEODATA_FAULT_MINUTES", 0))
LEFT_IN_DATABASE = """
SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '_staging_'
 UNION ALL SELECT 'edition ' || number || ' is building' FROM catalog.edition
            WHERE state = 'building'
 UNION ALL SELECT 'edition ' || number || ' has no manifest' FROM catalog.edition
            WHERE state = 'published' AND manifest IS NULL
 UNION ALL SELECT 'run ' || id || ' is running' FROM catalog.run WHERE outcome = 'running'
 UNION ALL SELECT 'rebuild ' || id || ' is running' FROM catalog.rebuild WHERE verdict = 'running'
 UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname LIKE 'geodata_drill_%%'
"""
FINDER = """
import importlib.util, sys
class Runland:
    def find_spec(name, path=None, target=None):
        if name == "flows.runland":
            return importlib.util.spec_from_file_location(name, {file!r})
sys.meta_path.append(Runland)
"""


@dataclass
class Land:
    """Runland with its office, its archive in two places and its database, and the program that
    does what it is told there.
    """

    folder: Path
    database: Database
    program: processes.Program
    day: int = 0
    killed_at: str = ""
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def mirror(self) -> str:
        return str(self.folder / "mirror")

    def next_day(self) -> None:
        """Let the office publish another file."""
        self.day += 1
        runland.write(self.folder / "mirror", codes=self.codes())

    def codes(self) -> str:
        """The places of the office's file of today."""
        return " ".join(f"{letter}{self.day}" for letter in "ABC")

    def shown(self) -> str | None:
        """What readers see: all places of one file, or nothing at all."""
        if self.database.value("SELECT to_regclass('runland.places')") is None:
            return None
        found = self.database.rows(
            "SELECT string_agg(code, ' ' ORDER BY code), sum(people) FROM runland.places"
            " UNION SELECT string_agg(code, ' ' ORDER BY code), sum(people)"
            " FROM runland.places_2026"
        )
        assert len(found) == 1, found
        assert found[0][1] == 6
        return str(found[0][0])

    def do(self, job: str, kill: int = 0, **arguments: Any) -> bool:
        """Do a job in a program of its own; tell whether it was killed, else it ended well."""
        log = self.folder / "effects"
        url = self.database.url.render_as_string(hide_password=False)
        environment = {"GEODATA_DATABASE_URL": url}
        told = {"kill": kill, "log": str(log), "roots": [str(self.folder)]}
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        line = json.dumps({"job": job, "arguments": arguments, "environment": environment, **told})
        print(line, file=self.program.stdin, flush=True)
        self.program.stdout.readline()
        status = int(self.program.stdout.readline())
        effects = log.read_text().splitlines()
        if status == signal.SIGKILL:
            self.killed_at = effects[-1]
        else:
            assert status == 0, f"{self.program.said()[-3000:]}\nkilled at {self.killed_at}"
            self.seen[job] = len(effects)
        return status == signal.SIGKILL

    def left(self) -> list[str]:
        """What is in database, archive and scratch that should not be there after a run."""
        missing = sorted(self._expected() - self._kept("archive"))
        return [
            *(str(name) for (name,) in self.database.rows(LEFT_IN_DATABASE)),
            *(f"not in the archive: {name}" for name in missing),
            *(f"in the archive: {name}" for name in self._unexplained()),
            *(f"in scratch: {name}" for name in self._in_scratch()),
        ]

    def _expected(self) -> set[str]:
        """The documents that the catalog says there must be."""
        publications = self.database.rows(
            "SELECT 'publications/runland/2026/' || to_char(at AT TIME ZONE 'UTC',"
            " 'YYYYMMDD\"T\"HH24MISS.US\"Z\"') || '-' || action || '.json'"
            " FROM catalog.publication WHERE action <> 'publish'"
        )
        runs = self.database.rows(
            "SELECT 'runs/runland/' || to_char(started_at AT TIME ZONE 'UTC',"
            " 'YYYY/YYYYMMDD\"T\"HH24MISS.US\"Z\"') || '-' || id || '.json'"
            " FROM catalog.run WHERE outcome <> 'running'"
        )
        editions = self.database.rows(
            "SELECT manifest FROM catalog.edition WHERE manifest IS NOT NULL"
        )
        return {name for (name,) in (*publications, *runs, *editions)}

    def _kept(self, location: str) -> set[str]:
        place = self.folder / location
        files = (path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix() for path in files}

    def _unexplained(self) -> Iterator[str]:
        """Files of the archive that no document tells of, and those that are in one place only."""
        primary, replica = self._kept("archive"), self._kept("replica")
        yield from sorted(primary ^ replica)
        told = "".join(
            (self.folder / "archive" / name).read_text() for name in primary if ".json" in name
        )
        for name in sorted(primary):
            if not name.endswith(".json") and (sha256_in(name) or name) not in told:
                yield name

    def _in_scratch(self) -> Iterator[str]:
        scratch = self.folder / "data" / "scratch"
        for path in scratch.rglob("*"):
            name = path.relative_to(scratch).as_posix()
            known = re.fullmatch(
                r"\.work\.lock|downloads/\w+\.lock|unpacked/[0-9a-f]{64}/\w+/places.csv", name
            )
            if not known and not path.is_dir():
                yield name

    def audit(self) -> list[str]:
        """What an audit of everything could not find or make whole."""
        audit = Audit(site().archive, [])
        found = [
            finding
            for name, due in audit.due(1, datetime.now(UTC)).items()
            for finding in audit.check(name, due)
        ]
        assert found
        return [
            str(each)
            for each in found
            if each.verdict not in ("whole", "repaired", "buried")
            or (each.verdict == "buried" and each.detail)
        ]


@pytest.fixture
def land(
    tmp_path: Path,
    prefect_server: None,
    other_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Land]:
    """An empty Runland."""
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(tmp_path / "replica"))
    (tmp_path / "sitecustomize.py").write_text(FINDER.format(file=runland.__file__))
    paths = os.pathsep.join(map(str, (tmp_path, TESTS, TESTS.parent)))
    own = {"PYTHONPATH": paths, "GEODATA_DATA": str(tmp_path / "data")}
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())} | own
    command = (sys.executable, str(TESTS / "effects.py"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with processes.started(*command, env=environment, cwd=TESTS.parent, **pipes) as program:
        yield Land(tmp_path, other_database, program)


def moments(count: int, quick: int, share: float) -> Iterator[int]:
    """Numbers of effects, spread over all of them, each once: few, or for a share of the minutes.

    The later ones fall between the earlier ones.
    """
    bits = count.bit_length()
    spread = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1, 1 << bits))
    until = time.monotonic() + MINUTES * 60 * share
    for done, number in enumerate(each for each in spread if 1 <= each <= count):
        if done >= quick and time.monotonic() > until:
            return
        yield number


def settled(land: Land) -> None:
    """Hold the land to what must be so after a run: all whole, and nothing left over."""
    assert land.audit() == [], land.killed_at
    assert land.left() == [], land.killed_at


def test_a_run_killed_before_any_effect(land: Land) -> None:
    for _ in range(4):  # until old editions and originals go with every run
        land.next_day()
        land.do("run", mirror=land.mirror)
    for moment in moments(land.seen["run"], quick=6, share=0.5):
        before = land.codes()
        land.next_day()
        land.do("run", kill=moment, mirror=land.mirror)
        assert land.shown() in (before, land.codes()), land.killed_at
        land.do("run", mirror=land.mirror)
        assert land.shown() == land.codes(), land.killed_at
        settled(land)


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
        land.next_day()
        land.do("run", mirror=land.mirror)


def test_a_rollback_killed_before_any_effect(land: Land) -> None:
    published(land, 2)
    land.do("rollback", dataset="runland", edition=1)
    for moment in moments(land.seen["rollback"], quick=2, share=0.1):
        before = land.shown()
        other = next(each for each in kept(land) if codes_of(land, each) != before)
        land.do("rollback", kill=moment, dataset="runland", edition=other)
        assert land.shown() in (before, codes_of(land, other)), land.killed_at
        land.do("run", mirror=land.mirror)
        settled(land)


def test_a_withdrawal_killed_before_any_effect(land: Land) -> None:
    published(land, 1)
    land.do("withdraw", dataset="runland", vintage=2026)
    for moment in moments(land.seen["withdraw"], quick=2, share=0.1):
        land.do("rollback", dataset="runland", edition=1)
        land.do("withdraw", kill=moment, dataset="runland", vintage=2026)
        assert land.shown() in (None, land.codes()), land.killed_at
        land.do("audit", period_days=1)
        settled(land)


def test_a_purge_killed_before_any_effect(land: Land) -> None:
    published(land, 4)
    land.do("purge")
    for moment in moments(land.seen["purge"], quick=2, share=0.1):
        published(land, 1)
        land.do("purge", kill=moment)
        land.do("purge")
        originals = [name for name in land._kept("archive") if name.startswith("originals/")]
        assert len(originals) == len(kept(land)) == 3, land.killed_at
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
    for moment in moments(land.seen["audit"], quick=2, share=0.1):
        land.day += 1
        damage(land)
        land.do("audit", kill=moment, period_days=1)
        land.do("audit", period_days=1)
        settled(land)


def test_a_rebuild_killed_before_any_effect(land: Land, cluster_database: Database) -> None:
    published(land, 2)
    with emptied(land, cluster_database):
        land.do("rebuild")
    for moment in moments(land.seen["rebuild"], quick=1, share=0.1):
        with emptied(land, cluster_database):
            land.do("rebuild", kill=moment)
            assert land.shown() in (None, land.codes()), land.killed_at
            land.do("rebuild")
            assert land.shown() == land.codes(), land.killed_at
            settled(land)


@contextmanager
def emptied(land: Land, cluster_database: Database) -> Iterator[None]:
    """Give the land another database with an empty catalog, as after a fire."""
    before = land.database
    with database_of_its_own(cluster_database, land.folder / "archive") as land.database:
        yield
    land.database = before
