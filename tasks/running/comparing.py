"""Comparing: what changed since the edition before, and whether that explains a new vintage."""

from __future__ import annotations

from tasks.core.catalog import reviews
from tasks.core.catalog.changes import compared_layers
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.running.site import site
from tasks.running.steps import recording, say


class KeptForReview(CheckFailed):
    """An edition is made, and a person has to look at it before it is shown."""


def compare(staging: Staging) -> bool:
    """Keep how a sealed staging differs from the edition before; tell whether it needs a review.

    Only of a vintage that nobody declared; what was declared has been held to it already. With
    nothing to compare it with, what a mirror states of its files has to do.
    """
    from tasks.core.catalog.changes import comparison

    database, derived = site().database, staging.is_derived
    before = compared_layers.precedent(database, staging)
    if before is None and not derived:
        say(f"Nothing is shown of {staging.dataset.slug} that it could be compared with.")
        return False
    with recording(staging, "compare", staging.dataset.schema) as step:
        found, drafts = comparison.compare(database, staging, before, judged=derived)
        with database.session() as cursor:
            comparison.record(cursor, staging, before, found, drafts)
        outside = comparison.judge(found)
        unheld = before is None and not (staging.mirror and staging.stated)
        since = f"edition {before.number} of {before.vintage}" if before else "nothing"
        step.done(
            f"Compared with {since}: {len(found):,} measures, {len(outside):,} out of bounds",
            drafts=len(drafts),
        )
    return derived and (unheld or bool(outside))


def kept_for_review(staging: Staging) -> KeptForReview:
    """Return what is said of an edition that waits for a person."""
    outside = reviews.differences(site().database, staging.dataset.slug, staging.edition)
    return KeptForReview(reviews.sentence(staging, outside))
