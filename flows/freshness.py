"""Freshness: whether data are asked for, shown and released as promised.

The catalog is asked, no publisher is. The run fails, and an automation tells about it, when the
publisher of a file behind the newest data was not asked as often as promised, when a vintage that
is out is not shown within fifteen days, or when one is not out although it usually is by now. A
table of each is kept as an artefact.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import check_freshness, run


@flow(name="freshness", description=__doc__, flow_run_name="freshness")
def freshness(
    grace_days: Annotated[int, described("Days beyond each promise that are let pass.")] = 0,
) -> None:
    """Fail when data are stale, or a vintage is late, beyond what is promised."""
    check_freshness(grace_days)


if __name__ == "__main__":
    run(freshness)
