"""Backfill: every vintage of a dataset that its publisher or the archive still has, oldest first.

Each vintage since the first one declared is asked for by the dataset's own flow, up to the newest
that the publisher has. What is not there any more is said; what was made already is not made again,
so a backfill that was interrupted is simply run again.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import Mirror, described
from tasks.vocabulary import PROCESSES, backfill_datasets, run


@flow(
    name="backfill",
    description=__doc__,
    flow_run_name="backfill {datasets}",
    task_runner=PROCESSES,
)
def backfill(
    datasets: Annotated[tuple[str, ...], described("Datasets to fill, such as belgium.")],
    since: Annotated[
        int | None, described("First vintage; without it, the first one declared.")
    ] = None,
    mirror: Mirror = None,
) -> None:
    """Publish all vintages of datasets that are still there."""
    backfill_datasets(datasets, since, mirror)


if __name__ == "__main__":
    run(backfill)
