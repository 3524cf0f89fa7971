"""A small country with everything that faults are tried on: its office, its archive in two places,
its database, and the program that does what it is told there, or is killed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import processes
import runland
from prefect.settings import PREFECT_API_URL

from tasks.core.archive.fixity import Audit
from tasks.core.archive.hashed_files import sha256_in
from tasks.core.archive.locations import open_location
from tasks.core.postgres.database import Database
from tasks.running.site import site

TESTS = Path(__file__).parent
MINUTES = float(os.environ.get("GEODATA_FAULT_MINUTES", 0))
"""How long the long part may take; 0 for the quick part alone."""
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
    bucket: str = ""
    slug: str = "runland"  # of the dataset that is made there
    day: int = 0
    asked: int = 0  # of a bucket, before the first day
    killed_at: str = ""
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def mirror(self) -> str:
        return str(self.folder / "mirror")

    def next_day(self) -> None:
        """Let the office publish another file."""
        self.day += 1
        runland.write(self.folder / "mirror", codes=self.codes())

    def publish_day(self) -> None:
        """Let the office publish another file, and publish it."""
        self.next_day()
        self.do("run", mirror=self.mirror)

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

    def do(self, job: str, kill: int = 0, refused: bool = False, **arguments: Any) -> bool:
        """Do a job in a program of its own; tell whether it was killed, else it ended well.

        refused: it may fail.
        """
        log = self.folder / "effects"
        environment = {
            "GEODATA_DATABASE_URL": self.database.url.render_as_string(hide_password=False),
            "GEODATA_DATA": str(self.folder / "data"),
            "GEODATA_ARCHIVE": self.place("archive"),
            "GEODATA_ARCHIVE_REPLICAS": self.place("replica"),
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            "PYTHONPATH": os.pathsep.join(map(str, (self.folder, TESTS, TESTS.parent))),
        }
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
        elif not refused:
            assert status == 0, f"{self.program.said()[-3000:]}\nkilled at {self.killed_at}"
            self.seen[job] = len(effects)
        return status == signal.SIGKILL

    def refused(self, job: str, **arguments: Any) -> str:
        """Do a job that is to be refused; return the sentence."""
        self.do(job, refused=True, **arguments)
        kind, sentence = json.loads((self.folder / "effects.ended").read_text())
        assert kind in ("ConfigurationError", "Refused"), (
            f"{kind}: {sentence}\n{self.program.said()[-3000:]}"
        )
        return str(sentence)

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
            f"SELECT 'publications/{self.slug}/' || vintage || '/' ||"
            " to_char(at AT TIME ZONE 'UTC', 'YYYYMMDD\"T\"HH24MISS.US\"Z\"') || '-' || action"
            " || '.json'"
            " FROM catalog.publication WHERE action <> 'publish'"
        )
        runs = self.database.rows(
            f"SELECT 'runs/{self.slug}/' || to_char(started_at AT TIME ZONE 'UTC',"
            " 'YYYY/YYYYMMDD\"T\"HH24MISS.US\"Z\"') || '-' || id || '.json'"
            " FROM catalog.run WHERE outcome <> 'running'"
        )
        editions = self.database.rows(
            "SELECT manifest FROM catalog.edition WHERE manifest IS NOT NULL"
        )
        return {name for (name,) in (*publications, *runs, *editions)}

    def place(self, location: str) -> str:
        """Where the archive, or its replica, is."""
        return f"{self.bucket}/{location}" if self.bucket else str(self.folder / location)

    def _kept(self, location: str) -> set[str]:
        if self.bucket:
            return set(open_location(self.place(location)).names(""))
        place = self.folder / location
        files = (path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix() for path in files}

    def _unexplained(self) -> Iterator[str]:
        """Files of the archive that no document tells of, and those that are in one place only."""
        primary, replica = self._kept("archive"), self._kept("replica")
        yield from sorted(primary ^ replica)
        archive = open_location(self.place("archive"))
        told = "".join(archive.read(name).decode() for name in primary if ".json" in name)
        for name in sorted(primary):
            if not name.endswith(".json") and (sha256_in(name) or name) not in told:
                yield name

    def _in_scratch(self) -> Iterator[str]:
        scratch = self.folder / "data" / "scratch"
        for path in scratch.rglob("*"):
            name = path.relative_to(scratch).as_posix()
            known = re.fullmatch(
                r"\.work\.lock|downloads/\w+\.lock|unpacked/[0-9a-f]{64}/\w+/places.csv|originals/[0-9a-f]{64}",
                name,
            )
            if not known and not path.is_dir():
                yield name

    def audit(self) -> list[str]:
        """What an audit of everything could not find or make whole."""
        return audited()


def audited() -> list[str]:
    """What an audit of all that is in the archive could not find or make whole."""
    audit = Audit(site().archive, [])
    audit.clear()
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


@contextmanager
def program() -> Iterator[processes.Program]:
    """Start the program that does what lands tell it, with the libraries already there."""
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    command = (sys.executable, str(TESTS / "effects.py"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with processes.started(*command, env=environment, cwd=TESTS.parent, **pipes) as started:
        yield started


def prepare(folder: Path) -> None:
    """Let every Python program that is started from a folder know the flow of Runland."""
    (folder / "sitecustomize.py").write_text(FINDER.format(file=runland.__file__))
