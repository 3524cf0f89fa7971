"""Rebuild edition: one edition of a rebuild, made again from the archive alone in a job of its own.

A rebuild or a drill that runs in a work pool starts a run of this flow for each edition, those it
depends on first. Started by a person it does nothing, unless that rebuild is under way.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State

from tasks.nouns import described
from tasks.vocabulary import rebuild_as_part, run


@flow(
    name="rebuild-edition",
    description=__doc__,
    flow_run_name="rebuild {dataset}, edition {number}",
)
def rebuild_edition(
    rebuild: Annotated[int, described("Rebuild under way, its row in catalog.rebuild.")],
    dataset: Annotated[str, described("Dataset, such as belgium.")],
    number: Annotated[int, described("Edition to make again.")],
    throwaway: Annotated[str, described("Throw-away database of a drill; empty for none.")] = "",
) -> State | None:
    """Make one edition of a rebuild again."""
    return rebuild_as_part(rebuild, dataset, number, throwaway)


if __name__ == "__main__":
    run(rebuild_edition)
