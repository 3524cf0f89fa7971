"""Purge: originals that reached the legal maximum age of their source removed from the archive and its replicas.

A tombstone stays in their place, with hash and origin, and so do all published editions. What was buried is kept as an artefact; a
location that was down is finished by the next run.
"""

from typing import Annotated

from prefect import flow

from tasks.command_line import run
from tasks.parameters import described
from tasks.vocabulary import bury_expired


@flow(name="purge", description=__doc__)
def purge(grace_days: Annotated[int, described("Days beyond a source's legal maximum age that are let pass.")] = 0) -> None:
    """Remove originals that the law does not let stay any longer."""
    bury_expired(grace_days)


if __name__ == "__main__":
    run(purge)
