"""Rebuild: all made again from the archive alone in an empty database, and proved identical.

The history comes back first; then every edition shown is made again by its own flow from its own
originals, and no publisher is asked. The content hash of each table is compared with the manifest.
A run that was interrupted is run again and makes only what is not there.
"""

from prefect import flow

from tasks.nouns import Datasets, Scope
from tasks.vocabulary import (
    PROCESSES,
    check_rebuild,
    rebuild_editions,
    rebuilding,
    restore_catalog,
    run,
)


@flow(name="rebuild", description=__doc__, flow_run_name="rebuild {scope}", task_runner=PROCESSES)
def rebuild(scope: Scope = "current", datasets: Datasets = ()) -> None:
    """Make all data again after a fire."""
    with rebuilding(scope) as record:
        plan = restore_catalog(record, scope, datasets)
        rebuild_editions(plan)
        check_rebuild(plan)


if __name__ == "__main__":
    run(rebuild)
