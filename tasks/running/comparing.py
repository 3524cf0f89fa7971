"""Comparing: what changed since the edition before, and whether that explains a new vintage."""

from __future__ import annotations

from tasks.core.catalog import changes, reviews
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.running.site import site
from tasks.running.steps import recording, say


class KeptForReview(CheckFailed):
    """An edition is made, and a person has to look at it before it is shown."""


def compare(staging: Staging) -> bool:
    """Keep how a sealed staging differs from the edition before; tell whether it needs a review.

    Only of a vintage that nobody declared; what was declared has been held to it already.
    """
    database, derived = site().database, staging.is_derived
    before = changes.precedent(database, staging)
    if before is None:
        say(f"Nothing is shown of {staging.dataset.slug} that it could be compared with.")
        return derived
    with recording(staging, "compare", staging.dataset.schema) as step:
        found, drafts = changes.compare(database, staging, before, judged=derived)
        with database.session() as cursor:
            changes.record(cursor, staging, before, found, drafts)
        outside = changes.judge(found)
        step.done(
            f"Compared with edition {before.number} of {before.vintage}: {len(found):,} measures,"
            f" {len(outside):,} out of bounds",
            drafts=len(drafts),
        )
    return derived and bool(outside)


def kept_for_review(staging: Staging) -> KeptForReview:
    """Return what is said of an edition that waits for a person."""
    outside = reviews.differences(site().database, staging.dataset.slug, staging.edition)
    return KeptForReview(reviews.sentence(staging, outside))
