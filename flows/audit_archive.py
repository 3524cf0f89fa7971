"""Audit of the archive: every copy verified, and repaired from one that is whole.

Originals are hashed anew and documents compared in every location. Each daily run takes the share
that was audited longest ago, so that all is audited within the period. What no location has whole
is named and the run fails, after all the rest; a location that was down is audited by the next run.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import audit, run


@flow(name="audit-archive", description=__doc__)
def audit_archive(
    period_days: Annotated[
        int, described("Days within which everything is audited, by daily runs; 1: all at once.")
    ] = 30,
) -> None:
    """Prove that the archive still has what it was given."""
    audit(period_days)


if __name__ == "__main__":
    run(audit_archive)
