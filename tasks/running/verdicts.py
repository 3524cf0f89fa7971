"""Verdicts: the record of a check, and what follows where it fails."""

from __future__ import annotations

from tasks.core.catalog.provenance import record_check
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.running.site import site
from tasks.running.steps import warn


def hold(
    staging: Staging, title: str, expected: str, found: str, *, passed: bool, refusal: str
) -> None:
    """Keep the verdict of a required check; raise CheckFailed with the refusal where it failed.

    Of a vintage that nobody declared, a failed check is told, and its edition kept for review.
    """
    record_check(site().database, staging, title, expected, found, passed, required=True)
    if passed:
        return
    if not staging.is_derived:
        raise CheckFailed(refusal)
    warn(f"{refusal} The edition is made nevertheless, and kept for review.")
