"""Originals that prove unusable while they are read: recorded, so that the next run heals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.core.model.errors import ConfigurationError, Damaged
from tasks.core.model.handles import Original
from tasks.running.making import making
from tasks.running.new_edition import NewEdition
from tasks.running.site import site
from tasks.running.steps import warn


@contextmanager
def proving(original: Original) -> Iterator[None]:
    """Record in the archive that an original proves unusable, so that the next run asks afresh.

    Nothing is recorded where an edition is made again: a rebuild asks no publisher. Raises Damaged
    again, and says so where the publisher has sent the same bytes a second time.
    """
    try:
        yield
    except Damaged as error:
        if not isinstance(making(), NewEdition):
            raise
        raise Damaged(_kept(original, str(error))) from None


def _kept(original: Original, reason: str) -> str:
    proofs, source = site().archive.proofs, original.source
    try:
        before = proofs.before(original)
        failures = list(map(str, proofs.keep(original, reason)))
    except ConfigurationError as error:
        before, failures = None, [str(error)]
    for failure in failures:
        warn(
            f"The archive location {failure} does not know that the original of {source.slug}"
            f" {source.vintage} proved unusable."
        )
    if before is None:
        return reason
    return (
        f"{reason.rstrip('.')}; asked afresh, the publisher still sends the same damaged file as"
        f" on {before.proved_at:%Y-%m-%d}: lay a whole one into the folder that GEODATA_INBOX names"
        " and name the source in GEODATA_INBOX_FIRST."
    )
