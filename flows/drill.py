"""Drill: the rebuild after a fire, rehearsed in a throw-away database and timed.

All is made again from the archive alone, as `rebuild` does it, and compared with the manifests;
then the database is dropped. The time, the verdict and what each edition took are kept in
catalog.rebuild and catalog.rebuilt_edition; what is published is not touched.
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


@flow(name="drill", description=__doc__, flow_run_name="drill {scope}", task_runner=PROCESSES)
def drill(scope: Scope = "current", datasets: Datasets = ()) -> None:
    """Rehearse the recovery."""
    with rebuilding(scope, drill=True) as record:
        plan = restore_catalog(record, scope, datasets)
        rebuild_editions(plan)
        check_rebuild(plan)


if __name__ == "__main__":
    run(drill)
