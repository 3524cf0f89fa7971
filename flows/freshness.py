"""Freshness: whether the files of each dataset shown were asked for as often as promised.

The catalog is asked, no publisher is. The table of all sources is kept as an artefact; the run
fails when one is overdue, and an automation tells about it.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import check_freshness, run


@flow(name="freshness", description=__doc__)
def freshness(
    grace_days: Annotated[int, described("Days beyond a source's promise that are let pass.")] = 0,
) -> None:
    """Fail when data are stale beyond what is promised."""
    check_freshness(grace_days)


if __name__ == "__main__":
    run(freshness)
