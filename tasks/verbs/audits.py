"""Audits: copies in the archive verified, share by share, and repaired from a whole one."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

from prefect import runtime
from prefect.artifacts import create_table_artifact

from tasks.core.archive.fixity import Audit
from tasks.core.archive.inspections import Finding
from tasks.core.archive.inventories import AuditRecord
from tasks.core.catalog.statements import UPSERT_ARCHIVE_AUDIT
from tasks.core.model import scratch
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.postgres.database import Database
from tasks.running.announcements import telling
from tasks.running.arrears import settle_switches
from tasks.running.policies import ARCHIVE, verb
from tasks.running.site import site
from tasks.running.steps import say, warn

SELECT_AUDITED = "SELECT name, location, sha256, audited_at, verdict FROM catalog.archive_audit"
UNREPAIRED = ("lost", "differing")
NAMED = 20  # losses named in the error itself; all are in the log


@dataclass
class Outcome:
    """What one audit did: objects checked, verdicts, rows for a table, and what is lost."""

    objects: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, str]] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def add(self, what: str, findings: list[Finding]) -> None:
        """Note how an object was found."""
        self.objects += bool(findings)
        self.verdicts.update(finding.verdict for finding in findings)
        remarkable = [finding for finding in findings if finding.detail]
        self.rows += [
            {"object": what, **{name: str(value) for name, value in asdict(finding).items()}}
            for finding in remarkable
        ]
        for finding in remarkable:
            if finding.verdict in ("repaired", "buried"):
                warn(
                    f"Not as it was written: {what} in {finding.location}: {finding.verdict},"
                    f" {finding.detail}."
                )
        if any(finding.verdict in UNREPAIRED for finding in findings):
            details = [f"{finding.location}: {finding.detail}" for finding in remarkable]
            self.losses.append(f"{what} ({'; '.join(details)})")


@verb("audit the archive within {period_days} days", ARCHIVE)
def audit(period_days: int = 30) -> None:
    """Hash originals, compare documents in all locations of the archive, repair what is not whole.

    First the switches that a killed run owes the archive are written, and what killed runs left
    unfinished in archive and scratch is removed, and said.

    Row digests are hashed too. A run takes the copies that were audited longest ago: at least one
    part in period_days of the bytes in each location, what would be overdue before tomorrow, and
    all that is known to be missing or not whole. Corrupt bytes of an original go to quarantine;
    buried originals are expected to be absent. A location that fails is named loudly and audited by
    the next run. Raises CheckFailed, after all the rest, when something is whole in no location
    that answers.
    """
    if period_days < 1:
        raise ConfigurationError(
            f"period_days was expected to be 1 or more, found {period_days}: within 1 day,"
            " everything is audited by every run."
        )
    database, outcome = site().database, Outcome()
    for (dataset,) in database.rows("SELECT slug FROM catalog.dataset ORDER BY slug"):
        settle_switches(site(), dataset)
    known = [AuditRecord(**each._asdict()) for each in database.records(SELECT_AUDITED)]
    archive = Audit(site().archive, known)
    _clear(archive)
    now = database.value("SELECT clock_timestamp()")  # the clock that dates audits
    for name, locations in archive.due(period_days, now).items():
        findings = archive.check(name, locations)
        outcome.add(archive.inventory.describe(name), findings)
        _keep(database, findings)
    _report(archive, outcome)
    if outcome.losses:
        raise CheckFailed(_losses(archive, outcome))


def _clear(archive: Audit) -> None:
    """Remove what killed runs left, and name what they left that no document tells of."""
    for location, name in archive.clear():
        warn(f"Removed from {location} what a killed run had not finished to write: {name}.")
    if gone := scratch.clear():
        say(f"Removed {len(gone):,} left-overs and files that nobody uses from scratch.")
    for name in archive.inventory.untold():
        warn(
            f"No document that can be read tells of {archive.inventory.describe(name)}: a run that"
            " was killed may have left it, and the next that gets the same bytes writes one."
        )


def _keep(database: Database, findings: list[Finding]) -> None:
    """Keep one row for each copy, so that a run that is killed has not worked for nothing."""
    with database.session() as cursor:
        for found in findings:
            cursor.execute(UPSERT_ARCHIVE_AUDIT, asdict(found))


def _report(archive: Audit, outcome: Outcome) -> None:
    """Say what was found, and keep the table of what was not whole in the Prefect UI."""
    if outcome.rows and runtime.flow_run.id:
        with telling("what the audit did not find whole"):
            create_table_artifact(
                outcome.rows,
                key="audit-archive",
                description="Copies in the archive that the last audit did not find whole",
            )
    for failure in archive.failed.values():
        warn(
            f"The archive location {failure} failed: what it could not give or take is audited by"
            " the next run."
        )
    for loss in outcome.losses:
        warn(f"Not whole in any location that answers: {loss}.")
    verdicts = outcome.verdicts
    unrepaired = sum(verdicts[verdict] for verdict in UNREPAIRED)
    say(
        f"Audited {outcome.objects:,} of {len(archive.inventory.names()):,} objects of the archive:"
        f" {verdicts['whole']:,} copies whole, {verdicts['repaired']:,} repaired, {unrepaired:,}"
        f" not repaired, {verdicts['failed']:,} not read or written."
    )


def _losses(archive: Audit, outcome: Outcome) -> str:
    more = len(outcome.losses) - NAMED
    rest = f"; and {more:,} more, each in the log and in catalog.archive_audit" if more > 0 else ""
    down = (
        f" {', '.join(archive.failed)} failed and may have a whole copy." if archive.failed else ""
    )
    named = "; ".join(outcome.losses[:NAMED])
    return (
        f"{len(outcome.losses):,} objects of the archive were expected to be whole in a location,"
        f" found {named}{rest}.{down} All the rest was audited. Restore each from a backup. Where"
        " there is none, remove the manifests of an original, so that its publisher is asked for"
        " it again, and delete from catalog.archive_audit the rows of what was removed or changed"
        " on purpose."
    )
