"""Verdicts: the record of a check, and what follows where it fails."""

from __future__ import annotations

from tasks.core.catalog.provenance import record_check
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.running.site import site
from tasks.running.steps import warn


def hold(
    staging: Staging,
    title: str,
    expected: str,
    found: str,
    *,
    passed: bool,
    refusal: str,
    required: bool = True,
) -> None:
    """Keep the verdict of a check; raise CheckFailed with the refusal where a required one failed.

    Of a vintage that nobody declared, a failed check is told, and its edition kept for review. One
    that is not required is only told.
    """
    record_check(site().database, staging, title, expected, found, passed, required)
    if passed:
        return
    if required and not staging.is_derived:
        raise CheckFailed(refusal)
    made = " The edition is made nevertheless, and kept for review." if required else ""
    warn(f"{refusal}{made}")
