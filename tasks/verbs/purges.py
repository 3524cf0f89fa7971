"""Retention: originals leave the archive at their legal maximum age or when superseded.

None that an edition needs is superseded. Tombstones, manifests and published editions stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prefect import runtime
from prefect.artifacts import create_table_artifact

from tasks.core.archive import collection, expiry, proofs, tombstones
from tasks.core.archive.archive import Archive
from tasks.core.archive.collection import CollectionReview
from tasks.core.archive.expiry import ExpiryReview, newest_declarations, series_of
from tasks.core.archive.replication import Failure, Failures, listed
from tasks.core.archive.tombstones import Tombstone
from tasks.core.catalog import provenance, references
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Original
from tasks.core.postgres.database import Database
from tasks.running.announcements import telling
from tasks.running.clocks import compare_clocks
from tasks.running.policies import ARCHIVE, verb
from tasks.running.site import site
from tasks.running.steps import say, warn


@verb("bury originals {grace_days} days beyond their legal maximum age", ARCHIVE)
def bury_expired(grace_days: int = 0) -> None:
    """Replace every original older than the law allows, in all locations, by a tombstone.

    Only the archive decides: the newest manifest of each source says how many days its originals
    may stay. The last original of a vintage goes too, and is named loudly; published editions keep
    their tables. Bytes that are also an original that may stay are kept; refused bytes in
    quarantine age like originals. A location that is down is named loudly and finished by the next
    purge. Raises ConfigurationError, after all other sources, when a source under a legal maximum
    age declares no keep_days.
    """
    if grace_days < 0:
        raise ConfigurationError(
            f"grace_days was expected to be 0 or more, found {grace_days}: originals are not buried"
            " before their age."
        )
    compare_clocks(site().database)
    store, purge = site().archive, Purge()
    review = _buried(store, purge, grace_days)
    _report(store, review, purge)
    _record(site().database, store.tombstones.all())
    _name_editions(store, review.expired)
    for source in review.undeclared:
        expiry.keep_days(source)  # raises its error


def _buried(store: Archive, purge: Purge, grace_days: int) -> ExpiryReview:
    """Finish earlier burials, and bury what is beyond its age; return what was found."""
    originals, refused = store.manifests.all(), store.quarantine.all()
    earlier = tombstones.standing(store.tombstones.all(), originals)
    declared = newest_declarations(refused.values()) | newest_declarations(originals)
    purge.finish(*store.tombstones.finish(earlier.values()))
    left = [original for original in originals if original.sha256 not in earlier]
    review = expiry.review(left, refused, declared, purge.started, grace_days)
    for original in review.expired:
        reason = expiry.reason(declared[series_of(original.source)])
        purge.add(original, reason, store.tombstones.bury(original, reason))
    for name in review.refused:
        reason = expiry.reason(declared[series_of(refused[name].source)])
        failed = store.quarantine.remove(name)
        purge.add(refused[name], reason, failed, kind="refused bytes in quarantine, ")
    return review


@verb("collect originals {grace_originals} beyond the newest that stay", ARCHIVE)
def collect_superseded(grace_originals: int = 0) -> None:
    """Replace originals beyond the newest a source keeps, in all locations, by tombstones.

    Never those that an edition needs: one that is shown, that a rollback could show, that is being
    built, or that one of these depends on, by the archive's documents or by the catalog; never the
    newest of a vintage; and none while a location is down that may know of other editions. Raises
    ConfigurationError, after all other sources, when what a source declares contradicts itself.
    """
    if grace_originals < 0:
        raise ConfigurationError(
            f"grace_originals was expected to be 0 or more, found {grace_originals}: the newest"
            " that a source keeps all stay."
        )
    store, database, purge = site().archive, site().database, Purge()
    compare_clocks(database)
    _, down = store.locations.listings("editions")
    if down:
        warn(
            "Nothing was collected, because editions that need originals may be known there alone:"
            f" {listed(down)}."
        )
        return
    originals = store.manifests.all()
    earlier = tombstones.standing(store.tombstones.all(), originals)
    kept = [original for original in originals if original.sha256 not in earlier]
    unusable = store.proofs.all()  # such an original must not push out a sound one
    left = [original for original in kept if not proofs.against(original, unusable)]
    declared, needed = newest_declarations(originals), _needed(store, database)
    found = collection.review(left, declared, needed, purge.started, grace_originals)
    for each in found.superseded:
        failed = store.tombstones.bury(each.original, each.reason, each.judged)
        purge.add(each.original, each.reason, failed)
    removed = "Originals removed from the archive because newer ones superseded them"
    purge.keep_table("collection", removed)
    say(_collected(found))
    _record(database, store.tombstones.all())
    for source in found.undeclared:
        collection.newest_kept(source)  # raises its error


@dataclass
class Purge:
    """What one purge did: rows for a table, and the locations that failed."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished: list[Tombstone] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)

    def finish(self, stones: list[Tombstone], failed: Failures) -> None:
        """Note earlier burials under which bytes were found."""
        self.finished = stones
        outcome = "removed where an earlier purge had not reached it"
        self.rows += [_row(stone, outcome) for stone in stones]
        self.failures.update({failure.location: failure for failure in failed})

    def add(self, original: Original, reason: str, failed: Failures, kind: str = "") -> None:
        """Note bytes that were removed, from all locations but those that failed."""
        places = ", ".join(failure.location for failure in failed)
        outcome = f"not yet removed from {places}" if failed else "removed everywhere"
        self.rows.append(_row(tombstones.set_for(original, reason, self.started), kind + outcome))
        self.failures.update({failure.location: failure for failure in failed})

    def keep_table(self, key: str, description: str) -> None:
        """Name the locations that failed, and keep the rows in the Prefect UI."""
        if self.rows and runtime.flow_run.id:
            with telling("what was removed"):
                create_table_artifact(self.rows, key=key, description=description)
        for failure in self.failures.values():
            warn(
                f"The archive location {failure} may still have bytes that must go: the next purge"
                " that can reach it removes them."
            )


def _row(stone: Tombstone, outcome: str) -> dict[str, str]:
    facts = ("source", "vintage", "mirror", "retrieved_at", "size", "sha256", "reason", "buried_at")
    return {**{name: str(getattr(stone, name)) for name in facts}, "outcome": outcome}


def _report(store: Archive, review: ExpiryReview, purge: Purge) -> None:
    """Say what was done and what is left to do, and keep the table in the Prefect UI."""
    purge.keep_table("purge", "Originals removed from the archive by their legal maximum age")
    for original, other in review.shared:
        say(
            f"The original of {_name(original)} is beyond its legal maximum age, but its bytes"
            f" stay: they are those of {_name(other)} too."
        )
    for original in review.expired:
        if store.originals.latest(original.source) is None:
            left = f"No original of {_name(original, dated=False)} is left in the archive"
            warn(f"{left}: until its publisher is asked anew, no edition of it can be rebuilt.")
    say(_sentence(review, len(purge.finished)))


def _sentence(review: ExpiryReview, finished: int) -> str:
    done = "; ".join(_name(original) for original in review.expired)
    refused = len(review.refused)
    rest = f"; removed {refused:,} refused files from quarantine" if refused else ""
    rest += f"; finished {finished:,} earlier burials" if finished else ""
    if review.expired:
        return (
            f"Buried {len(review.expired):,} of {review.limited:,} originals under a legal maximum"
            f" age ({done}){rest}."
        )
    return (
        f"Looked at {review.limited:,} originals under a legal maximum age: none is beyond"
        f" it{rest}."
    )


def _needed(store: Archive, database: Database) -> set[str]:
    """Return the hashes of originals that editions need, by the archive or by the catalog."""
    return references.needed(database) | {
        each.sha256 for edition in store.editions.needed() for each in edition.inputs
    }


def _collected(found: CollectionReview) -> str:
    done = "; ".join(_name(superseded.original) for superseded in found.superseded)
    needed = len(found.needed)
    rest = f"; {needed:,} older ones stay, because editions need them" if needed else ""
    if done:
        return (
            f"Collected {len(found.superseded):,} of {found.counted:,} originals of which only the"
            f" newest stay ({done}){rest}."
        )
    return (
        f"Looked at {found.counted:,} originals of which only the newest stay: none may go{rest}."
    )


def _name_editions(store: Archive, expired: list[Original]) -> None:
    """Say of which editions the law took an original."""
    gone = {original.sha256: original for original in expired}
    for edition in store.editions.needed() if gone else ():
        if lost := [_name(gone[each.sha256]) for each in edition.inputs if each.sha256 in gone]:
            made = (
                f"Edition {edition.number} of {edition.dataset} {edition.vintage} was made from the"
                f" original of {', '.join(lost)}"
            )
            warn(
                f"{made}, which had to go: its tables stay, and it cannot be made again from the"
                " archive."
            )


def _record(database: Database, stones: Iterable[Tombstone]) -> None:
    """Bring the catalog up to the archive: every tombstone a row."""
    with database.session() as cursor:
        provenance.record_tombstones(cursor, stones)


def _name(original: Original, *, dated: bool = True) -> str:
    mirror = f" of the mirror {original.source.mirror}" if original.source.mirror else ""
    day = f" of {original.retrieved_at:%Y-%m-%d}" if dated else ""
    return f"{original.source.slug} {original.source.vintage}{mirror}{day}"
