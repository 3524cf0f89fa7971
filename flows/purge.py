"""Purge: originals that may not stay, or need not, removed from the archive and its replicas.

First those that reached the legal maximum age of their source, whatever needs them; then those
beyond the newest that their source keeps, unless an edition needs them. A tombstone stays in their
place, with hash and origin, and so do all published editions. What was removed is kept as
artefacts; a location that was down is finished by the next run.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import bury_expired, collect_superseded, run


@flow(name="purge", description=__doc__)
def purge(
    grace_days: Annotated[
        int, described("Days beyond a source's legal maximum age that are let pass.")
    ] = 0,
    grace_originals: Annotated[
        int,
        described(
            "Originals of each vintage, beyond the newest that its source keeps, that are let stay."
        ),
    ] = 0,
) -> None:
    """Remove originals that the law lets stay no longer, and those that nothing needs."""
    bury_expired(grace_days)
    collect_superseded(grace_originals)


if __name__ == "__main__":
    run(purge)
